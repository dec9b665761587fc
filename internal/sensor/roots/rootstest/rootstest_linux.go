// Package rootstest runs a program in a root file system of its own, as a manager
// of containers would, for the tests of the sensors that look at such programs. A
// test's TestMain begins with Main, because the program is started by the test's
// own executable.
package rootstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/mountinfo"
	"assay/internal/testenv"
)

// How a program comes to its root.
type How string

const (
	Pivot    How = "pivot"    // pivot_root(2) in a mount namespace of its own: a container
	Chroot   How = "chroot"   // chroot(2) in the host's mount namespace
	Rootless How = "rootless" // Pivot in a user namespace of its own, too
	Sandbox  How = "sandbox"  // chroot(2) in a mount namespace of its own
	Private  How = "private"  // a mount namespace of its own with the host's root: a service
)

const (
	how, where, mounts = "ASSAY_ROOTSTEST_HOW", "ASSAY_ROOTSTEST_ROOT", "ASSAY_ROOTSTEST_MOUNTS"

	// Program is what runs; it maps the C library.
	Program = "/bin/cat"
)

// Main becomes the program if this process was started for that, and returns at
// once if not.
func Main() {
	if os.Getenv(how) == "" {
		return
	}
	if err := become(How(os.Getenv(how)), os.Getenv(where)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func become(h How, root string) error {
	if h != Chroot {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			return fmt.Errorf("make mounts private: %w", err)
		}
	}
	if h == Pivot || h == Rootless {
		if err := unix.Mount(root, root, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount the root: %w", err)
		}
	}
	for pair := range strings.FieldsSeq(os.Getenv(mounts)) {
		from, to, _ := strings.Cut(pair, "=")
		if err := mount(from, filepath.Join(root, to)); err != nil {
			return fmt.Errorf("mount %s: %w", pair, err)
		}
	}
	if h != Private {
		if err := unix.Chdir(root); err != nil {
			return err
		}
	}
	switch h {
	case Pivot, Rootless:
		if err := unix.PivotRoot(".", "."); err != nil {
			return fmt.Errorf("pivot_root: %w", err)
		}
		if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount the old root: %w", err)
		}
	case Chroot, Sandbox:
		if err := unix.Chroot("."); err != nil {
			return err
		}
	}
	return unix.Exec(Program, []string{Program, "-"}, []string{"TOKEN=canary-5f0e"})
}

// Silent, in place of a folder of the host, is a file system that never answers:
// whoever asks for one of its files waits until the program ends.
const Silent = "silent"

func mount(from, to string) error {
	if from != Silent {
		return unix.Mount(from, to, "", unix.MS_BIND, "")
	}
	// The program keeps the device, on which nobody reads.
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR, 0)
	if err != nil {
		return err
	}
	return unix.Mount("silent", to, "fuse", 0, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd))
}

// Start runs Program below root until the test ends, and returns its PID. Each of
// binds, "FROM=TO", mounts a folder of the host at a folder of the root.
func Start(t testing.TB, h How, root string, binds ...string) int {
	t.Helper()
	return StartWith(t, h, root, nil, binds...)
}

// StartWith is Start of a program that has these files open.
func StartWith(t testing.TB, h How, root string, files []*os.File, binds ...string) int {
	t.Helper()
	testenv.NeedRoot(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = []string{how + "=" + string(h), where + "=" + root, mounts + "=" + strings.Join(binds, " ")}
	cmd.Stderr, cmd.ExtraFiles = os.Stderr, files
	if h != Chroot {
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	}
	if h == Rootless {
		one := []syscall.SysProcIDMap{{Size: 1}}
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = one, one
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); errors.Is(err, unix.EPERM) {
		testenv.Missing(t, "the right to make namespaces")
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); cmd.Process.Kill(); cmd.Wait() })
	wait(t, cmd.Process.Pid)
	return cmd.Process.Pid
}

// wait waits until the process is Program and has its library.
func wait(t testing.TB, pid int) {
	t.Helper()
	proc := "/proc/" + strconv.Itoa(pid)
	for range 3000 {
		exe, _ := os.Readlink(proc + "/exe")
		maps, _ := os.ReadFile(proc + "/maps")
		if filepath.Base(exe) == filepath.Base(Program) && strings.Contains(string(maps), "libc.so") {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("process %d never became %s", pid, Program)
}

// Tree makes a root with Program, its libraries and these files. A name that ends
// in a slash is a folder; a content that begins with "-> " makes a link.
func Tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, path := range append(Libraries(t), Program) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		put(t, filepath.Join(root, path), string(data), 0o755)
	}
	for name, content := range files {
		path := root + "/" + name
		if target, ok := strings.CutPrefix(content, "-> "); ok {
			put(t, path, "", 0o644)
			os.Remove(path)
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		put(t, path, content, 0o644)
	}
	return root
}

func put(t testing.TB, path, content string, mode os.FileMode) {
	t.Helper()
	folder, isFolder := filepath.Dir(path), strings.HasSuffix(path, "/")
	if isFolder {
		folder = path
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if isFolder {
		return
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

// Libraries are the files that Program needs, by ldd(1).
func Libraries(t testing.TB) (paths []string) {
	t.Helper()
	out, err := exec.Command(testenv.Need(t, "ldd", "libc-bin"), Program).Output()
	if err != nil {
		t.Fatal(err)
	}
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "/") {
			paths = append(paths, word)
		}
	}
	return paths
}

// Group puts a process into a new control group, named as managers of containers
// do: "docker-<id>.scope".
func Group(t testing.TB, pid int, name string) {
	t.Helper()
	entries, err := mountinfo.Read("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.FileSystem != "cgroup2" {
			continue
		}
		group := filepath.Join(e.Point, name)
		if err := os.MkdirAll(group, 0o755); err != nil {
			testenv.Missing(t, "a control group of its own")
		}
		t.Cleanup(func() { leave(pid, e.Point, group) })
		if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	testenv.Missing(t, "control groups of version 2")
}

// leave removes the group, which must be empty then.
func leave(pid int, parent, group string) {
	os.WriteFile(filepath.Join(parent, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
	os.Remove(group)
}
