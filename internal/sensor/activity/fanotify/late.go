//go:build linux

package fanotify

import (
	"time"

	"assay/internal/sensor/activity/seen"
)

// late is a library that was opened to be executed. As a rule it is the loader of the
// program that was opened just before; but a loader can be executed by its own name, too
// ("ld.so program"), which can be told only when the process executes it: it does when the
// kernel has told of the file, and a little later.
type late struct {
	execution seen.Execution
	told      time.Time
}

const (
	patience = 250 * time.Millisecond
	maxLate  = 1024
)

func (f *Fanotify) postpone(x seen.Execution) {
	if len(f.late) < maxLate {
		f.late = append(f.late, late{x, time.Now()})
	}
}

// lookAtLate notes those that are executed by their own names. What is over by now is not
// known: it is taken for a loader.
func (f *Fanotify) lookAtLate(now time.Time) {
	for len(f.late) > 0 && now.Sub(f.late[0].told) >= patience {
		x := f.late[0].execution
		f.late = f.late[1:]
		if device, inode, err := f.proc.ExeFile(x.PID); err == nil && device == x.Device && inode == x.Inode {
			f.note(x)
		}
	}
}
