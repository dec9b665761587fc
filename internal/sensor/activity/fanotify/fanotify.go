//go:build linux

// Package fanotify is the source of executions of the sensor of activity where the kernel
// takes no programs: it is told of each file that is opened to be executed (fanotify(7),
// FAN_OPEN_EXEC, Linux 5.0). It is told afterwards and never asked, so that it cannot hold
// up anybody; what it is told of waits in a queue of bounded length, and with the process
// all of it is gone.
//
// An opened file is not yet an execution: of a script the kernel then opens the
// interpreter, of a program its loader. Scripts are left out, as the kernel counts the
// interpreter; of loaders see late.go. What fails after its file was opened is counted,
// and what one process executes twice before anybody looks is told once.
package fanotify

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/proc"
)

// tick is how often there is a look for new file systems, and at what has to wait.
const tick = 500 * time.Millisecond

// maxEvents bounds what is read at once: the kernel opens a file for each event.
const maxEvents = 64

// Fanotify has what was told so far. Its methods may be used by several goroutines, but
// only one may Watch.
type Fanotify struct {
	fd    int
	proc  proc.FS
	tally *seen.Tally
	marks *marks

	// They belong to the goroutine that watches.
	kinds  map[version]kind
	late   []late
	calm   time.Time // until when changes of the mounts are not looked at at once
	budget budget
	see    func(seen.Sight)

	missed missed
}

// New has the kernel tell of executions from now on. It needs CAP_SYS_ADMIN in the first
// user namespace.
func New(p proc.FS) (*Fanotify, error) {
	// Not changing when a file was last read is part of changing nothing.
	fd, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_CLOEXEC|unix.FAN_NONBLOCK, unix.O_RDONLY|unix.O_LARGEFILE|unix.O_CLOEXEC|unix.O_NOATIME)
	if err != nil {
		return nil, fmt.Errorf("the kernel does not tell of executions (fanotify_init): %w", err)
	}
	f := &Fanotify{fd: fd, proc: p, tally: seen.NewTally(seen.MaxExecutions), kinds: map[version]kind{}, budget: newBudget()}
	if f.marks, err = newMarks(fd, p); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return f, nil
}

// Watch takes what the kernel tells until ctx ends, which is no error. At the end it takes
// what the kernel has told by then.
func (f *Fanotify) Watch(ctx context.Context, see func(seen.Sight)) error {
	runtime.LockOSThread() // whose time is measured
	defer runtime.UnlockOSThread()
	f.see = see
	next := time.Now().Add(tick)
	for ctx.Err() == nil {
		if err := f.wait(); err != nil {
			return err
		}
		if err := f.take(ctx); err != nil {
			return err
		}
		if now := time.Now(); now.After(next) {
			f.lookAtLate(now)
			f.marks.renew()
			next = now.Add(max(tick, share*time.Since(now)))
		}
	}
	f.marks.end() // so that it ends
	err := f.take(context.WithoutCancel(ctx))
	f.lookAtLate(time.Now().Add(patience))
	return err
}

// share is of how much time a look for file systems may take one part.
const share = 100

// wait returns when there is something to take, when the agent's own mounts change, and
// after a tick.
func (f *Fanotify) wait() error {
	fds := []unix.PollFd{{Fd: int32(f.fd), Events: unix.POLLIN}, {Fd: f.marks.changes(), Events: unix.POLLPRI}}
	_, err := unix.Poll(fds, int(tick.Milliseconds()))
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for executions: %w", err)
	}
	if began := time.Now(); fds[1].Revents&unix.POLLPRI != 0 && began.After(f.calm) {
		f.marks.renewOwn()
		f.calm = time.Now().Add(share * time.Since(began)) // until then the look after a tick does
	}
	return nil
}

// take takes what waits, until ctx ends: who executes without a pause makes it last.
func (f *Fanotify) take(ctx context.Context) error {
	buffer := make([]byte, maxEvents*metadataLength)
	for ctx.Err() == nil {
		n, err := unix.Read(f.fd, buffer)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EBADF), errors.Is(err, unix.EINVAL), errors.Is(err, unix.EFAULT), err == nil && n == 0:
			return fmt.Errorf("read which programs are executed: %w", err)
		case err != nil: // this file could not be opened for the agent; it is not told again
			f.missed.unopened.Add(1)
			continue
		}
		if err := f.handle(buffer[:n]); err != nil {
			return err
		}
	}
	return nil
}

func (f *Fanotify) handle(data []byte) error {
	events, err := parse(data)
	defer func() {
		for _, e := range events {
			if e.fd >= 0 {
				unix.Close(e.fd)
			}
		}
	}()
	for _, e := range events {
		switch {
		case e.mask&unix.FAN_Q_OVERFLOW != 0:
			f.missed.overflows.Add(1)
		case e.fd < 0, e.mask&unix.FAN_OPEN_EXEC == 0, e.pid == os.Getpid():
		case f.budget.over(time.Now()):
			f.missed.dear.Add(1)
		default:
			began := used()
			f.look(e)
			f.budget.spend(used() - began)
		}
	}
	return err
}

// Executions are those told so far.
func (f *Fanotify) Executions() iter.Seq2[seen.Execution, error] { return f.tally.Executions() }

// Totals are those of executions.
func (f *Fanotify) Totals() seen.Totals { return f.tally.Totals() }

// Close ends the kernel's telling.
func (f *Fanotify) Close() error {
	return errors.Join(f.marks.close(), unix.Close(f.fd))
}
