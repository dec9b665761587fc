//go:build linux

package activity

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/testenv"
)

// A path that a process had for a program is believed if the file is still there.
func TestCalled(t *testing.T) {
	n, _ := namerOfHost(t)
	dir := t.TempDir()
	name, link := filepath.Join(dir, "program"), filepath.Join(dir, "link")
	if err := os.WriteFile(name, []byte("x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("program", link); err != nil {
		t.Fatal(err)
	}
	id := seen.Program{}
	var st syscall.Stat_t
	if err := syscall.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	id.Device, id.Inode = st.Dev, st.Ino
	if p := n.called(id, link, n.mountNS); p.path != name || p.unverified || !p.host {
		t.Errorf("by a link: %+v", p)
	}
	if f := n.looker.get(id.File); f == nil || f.Path != name || f.Mode != 0o700 || f.ELF != nil {
		t.Errorf("%+v", f)
	}
	other := id
	other.Inode++
	if p := n.called(other, name, n.mountNS); p.path != name || !p.unverified || p.host {
		t.Errorf("another file is there: %+v", p)
	}
	if p := n.name(other, 0); p.path != name || !p.unverified {
		t.Errorf("forgotten: %+v", p)
	}
	if p := n.called(seen.Program{File: file{Device: 1, Inode: 2}}, filepath.Join(dir, "gone"), n.mountNS); !p.unverified {
		t.Errorf("nothing is there: %+v", p)
	}
}

// A file of the host's is one, wherever it was executed; another file at the path of a
// namespace, or a container's, is none.
func TestHome(t *testing.T) {
	n, _ := namerOfHost(t)
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("x"), 0o700); err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	same, other, gone := file{Device: st.Dev, Inode: st.Ino}, file{Device: st.Dev, Inode: st.Ino + 1}, file{Device: st.Dev, Inode: st.Ino + 2}
	n.keep(same, program{path: name})
	n.keep(other, program{path: name})
	n.keep(gone, program{path: name + "-gone"})
	n.home()
	if !n.programs[same].host || n.programs[other].host || n.programs[gone].host {
		t.Errorf("%+v", n.programs)
	}
	n.keep(same, program{path: name, container: "0123456789abcdef"})
	n.home()
	if n.programs[same].host {
		t.Error("a container's file is the host's")
	}
}

// Within another mount namespace a path means another file.
func TestCalledElsewhere(t *testing.T) {
	n, _ := namerOfHost(t)
	sleeper := exec.Command("sleep", "600")
	sleeper.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	if err := sleeper.Start(); err != nil {
		t.Skip("no mount namespace can be made:", err)
	}
	t.Cleanup(func() { sleeper.Process.Kill(); sleeper.Wait() })
	theirs, err := n.proc.Namespace(sleeper.Process.Pid, "mnt")
	if err != nil || theirs == n.mountNS {
		t.Fatal(theirs, err)
	}
	target, err := filepath.EvalSymlinks("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(target, &st); err != nil {
		t.Fatal(err)
	}
	id := seen.Program{File: file{Device: st.Dev, Inode: st.Ino}}
	if p := n.called(id, "/bin/true", theirs); p.path != target || p.unverified || p.host {
		t.Errorf("%+v", p)
	}
	if p := n.called(seen.Program{File: file{Device: 3, Inode: 3}}, "/bin/true", theirs+1); !p.unverified || p.path != "/bin/true" {
		t.Errorf("a namespace that nobody is in: %+v", p)
	}
}

func namerOfHost(t *testing.T) (*namer, *hostfs.FS) {
	t.Helper()
	testenv.NeedRoot(t)
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { fs.Close() })
	return newNamer(proc.New("/proc"), fs), fs
}

// A file that is held is looked at when its process is over, and it is gone from disk.
func TestHeld(t *testing.T) {
	n, _ := namerOfHost(t)
	name := filepath.Join(t.TempDir(), "program")
	content, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o750); err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	id := file{Device: st.Dev, Inode: st.Ino}
	n.looker.hold(name, os.Getpid(), id)
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	n.looker.drain()
	f := n.looker.get(id)
	if f == nil || f.Path != name || !f.Deleted || f.Mode != 0o750 || f.ELF == nil || !f.ELF.Go {
		t.Fatalf("%+v", f)
	}
	n.looker.hold("/proc/self/exe", os.Getpid(), file{Device: 1, Inode: 1}) // another file than was seen
	n.looker.drain()
	if n.looker.has(file{Device: 1, Inode: 1}) {
		t.Error("a file was taken for another")
	}
}
