package collect

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// From linux/ioprio.h.
const (
	ioprioWhoProcess = 1
	ioprioIdle       = 3 << 13
)

// lowPriority gives the calling goroutine a thread of its own with idle I/O and
// the lowest CPU priority. Where the host does not allow it, it stays as it is.
func lowPriority() {
	// Never unlocked: the thread ends with the goroutine and takes its
	// priority with it.
	runtime.LockOSThread()
	unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioIdle)
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19)
}
