package e2e

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// aside has the world's agent run in namespaces of its own, where it finds no other
// processes than its own, and the home folder of whoever runs the tests empty: the caches of
// compilers there have a million files, which an agent would look at in each run. It is for
// tests that are not about what an agent finds. Without root the agent runs as ever.
func (w *world) aside() {
	w.t.Helper()
	if os.Geteuid() != 0 || bulk() == "" {
		return
	}
	calls, ready := make(chan func()), make(chan error)
	go func() {
		// For good, and without an end: a thread that ends takes with it what was started
		// from it (PR_SET_PDEATHSIG), which can be another test's.
		runtime.LockOSThread()
		ready <- enter(w.t)
		for call := range calls {
			call()
		}
	}()
	if err := <-ready; err != nil {
		w.t.Fatalf("put the agent aside: %v", err)
	}
	w.there = func(start func()) {
		done := make(chan bool)
		calls <- func() { defer close(done); start() }
		<-done
	}
}

// enter gives this thread, and what it starts, namespaces of its own.
func enter(t *testing.T) error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", bulk(), "tmpfs", 0, "mode=0700,size=1m"); err != nil {
		return err
	}
	return processes(t, "/")
}

// bulk is the home folder, if nothing that the tests need is in it; else it is empty.
func bulk() string {
	home, err := os.UserHomeDir()
	if err != nil || filepath.Clean(home) == "/" {
		return ""
	}
	for _, needed := range []string{os.TempDir(), agentProgram} {
		if strings.HasPrefix(filepath.Clean(needed)+"/", filepath.Clean(home)+"/") {
			return ""
		}
	}
	return home
}

// processes gives what this thread starts from now on a PID namespace of its own, whose
// process 1 has the root that is given, and mounts /proc there: it shows the processes of
// whoever mounts it. When process 1 ends, with the test at the latest, so do all others.
func processes(t *testing.T, root string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := unix.Unshare(unix.CLONE_NEWPID); err != nil {
		return err
	}
	first := exec.Command(self)
	first.Env = []string{envStage + "=" + root}
	first.Stderr = os.Stderr
	ready, err := first.StdoutPipe()
	if err != nil {
		return err
	}
	if err := first.Start(); err != nil {
		return err
	}
	t.Cleanup(func() { first.Process.Kill(); first.Wait() })
	if said, err := io.ReadAll(ready); string(said) != "ready" {
		return fmt.Errorf("process 1 says %q, %v", said, err)
	}
	return nil
}

// first is process 1 of a stage: it mounts /proc, and is then a program of the stage that
// does nothing.
func first(root string) error {
	// Not by SysProcAttr: Go would compare the parent's number, which it does not have here.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Mount("proc", filepath.Join(root, "proc"), "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc: %w", err)
	}
	if err := unix.Chroot(root); err != nil {
		return err
	}
	if err := unix.Chdir("/"); err != nil {
		return err
	}
	fmt.Print("ready")
	// Not standard output: whoever started this waits for its end.
	if err := unix.Dup3(2, 1, 0); err != nil {
		return err
	}
	return unix.Exec("/bin/sleep", []string{"sleep", "infinity"}, nil)
}
