//go:build linux

package bpf_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
)

// A program that has the inode of a deleted one is another one.
func TestInodeUsedAgain(t *testing.T) {
	each(t, func(t *testing.T, p *bpf.Programs) {
		name := filepath.Join(t.TempDir(), "program")
		first := install(t, name)
		for range 3 {
			execute(t, name)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		if second := install(t, name); second != first {
			t.Skipf("the file system of %s does not use inodes again at once: %d, %d", name, first, second)
		}
		for range 2 {
			execute(t, name)
		}
		counts := map[seen.File]uint64{}
		for e, err := range p.Executions() {
			if err != nil {
				t.Fatal(err)
			}
			if e.Inode == first && e.Path == name {
				counts[e.File] += e.N
				if !e.Host {
					t.Errorf("not executed here: %+v", e)
				}
			}
		}
		all := map[uint64]bool{}
		for _, n := range counts {
			all[n] = true
		}
		if len(counts) != 2 || !all[3] || !all[2] {
			t.Errorf("%v", counts)
		}
	})
}

// install makes a file with the content of true(1), and tells its inode.
func install(t *testing.T, name string) uint64 {
	t.Helper()
	content, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o755); err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	return st.Ino
}

func execute(t *testing.T, name string) {
	t.Helper()
	if err := exec.Command(name).Run(); err != nil {
		t.Fatal(err)
	}
}
