//go:build linux

package bpf_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
	"assay/internal/testenv"
)

// A file of overlayfs, as in containers, is told as the file that it is to the process, by
// each way, however the kernel maps it.
func TestLoadsOfOverlay(t *testing.T) {
	testenv.NeedRoot(t)
	dir := t.TempDir()
	// The file system below has to be one that overlayfs takes, with room for a program.
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, ""); err != nil {
		t.Skip("nothing can be mounted:", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	for _, name := range []string{"low", "up", "work", "top"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "low", "program"), content, 0o700); err != nil {
		t.Fatal(err)
	}
	top := filepath.Join(dir, "top")
	options := "lowerdir=" + dir + "/low,upperdir=" + dir + "/up,workdir=" + dir + "/work"
	if err := unix.Mount("overlay", top, "overlay", 0, options); err != nil {
		t.Skip("the kernel has no overlayfs here:", err)
	}
	t.Cleanup(func() { unix.Unmount(top, unix.MNT_DETACH) })
	for _, object := range []string{"loads_core", "loads_direct", "exits_direct"} {
		t.Run(object, func(t *testing.T) {
			p := load(t, "direct", 0)
			if err := p.CountLoadsBy(object); err != nil {
				t.Skip("the kernel does not let it:", err)
			}
			overlaid(t, p, filepath.Join(top, "program"))
		})
	}
}

func overlaid(t *testing.T, p *bpf.Programs, program string) {
	if out, err := run(program).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(program, &st); err != nil {
		t.Fatal(err)
	}
	var others []seen.Load
	for l, err := range p.Mapped() {
		if err != nil {
			t.Fatal(err)
		}
		if l.By.Inode != st.Ino || l.By.Device != st.Dev {
			continue
		}
		if l.Own() {
			return
		}
		others = append(others, l) // its libraries
	}
	t.Errorf("its own code is another file's, or was not counted: %+v", others)
}
