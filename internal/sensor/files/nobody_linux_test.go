package files

import (
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody runs f on a thread that has the identity of nobody for the file
// system. The thread is locked and not released: it ends with its goroutine.
func asNobody(t *testing.T, f func()) {
	runtime.LockOSThread()
	// Only this thread: package syscall would change all of them.
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, 65534, 65534, 65534); errno != 0 {
		t.Errorf("setresgid: %v", errno)
		return
	}
	if _, _, errno := syscall.RawSyscall(unix.SYS_SETRESUID, 65534, 65534, 65534); errno != 0 {
		t.Errorf("setresuid: %v", errno)
		return
	}
	f()
}
