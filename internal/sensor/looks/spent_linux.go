package looks

import (
	"time"

	"golang.org/x/sys/unix"
)

// spent is the processor time that the calling thread has taken so far.
func spent() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0 // the pause is the usual one
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
