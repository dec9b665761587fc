//go:build linux

package bpf_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
)

// The kernel tells by which path a program was executed, whatever has become of it since,
// and whether as root: a program that is set-uid is, whoever executes it.
func TestPaths(t *testing.T) { each(t, paths) }

func paths(t *testing.T, p *bpf.Programs) {
	program := probe(t)
	open(t, program)
	setuid := filepath.Join(filepath.Dir(program), "setuid")
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(setuid, content, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(setuid, 0o755|os.ModeSetuid); err != nil {
		t.Fatal(err)
	}
	long := filepath.Join(filepath.Dir(program), strings.Repeat("l", 150))
	if err := os.WriteFile(long, content, 0o755); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	for _, name := range []string{program, setuid, long} {
		c := run(name)
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		if err := c.Run(); err != nil {
			t.Skip("others cannot execute what is in the test's folder:", err)
		}
	}
	relative := run("./" + filepath.Base(program))
	relative.Dir = filepath.Dir(program)
	if err := relative.Run(); err != nil { // by root
		t.Fatal(err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(setuid, &fs); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		file, path string
		uid        uint32
		root       bool
	}{
		{program, program, nobody, false},
		{program, "", 0, true},
		{setuid, setuid, nobody, fs.Flags&unix.ST_NOSUID == 0},
		{long, "", nobody, false},
	} {
		if !p.Paths {
			want.path = ""
		}
		e := execution(t, p, want.file, want.uid)
		if e.N != 1 || e.Path != want.path || e.Root != want.root {
			t.Errorf("%+v, want %+v", e, want)
		}
	}
}

// open lets everybody execute a program of the test's.
func open(t *testing.T, program string) {
	t.Helper()
	for _, name := range []string{program, filepath.Dir(program), filepath.Dir(filepath.Dir(program))} {
		if err := os.Chmod(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func execution(t *testing.T, p *bpf.Programs, file string, uid uint32) seen.Execution {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat(file, &st); err != nil {
		t.Fatal(err)
	}
	for e, err := range p.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Device == st.Dev && e.Inode == st.Ino && e.UID == uid {
			return e
		}
	}
	return seen.Execution{}
}
