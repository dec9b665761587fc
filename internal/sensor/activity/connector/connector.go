//go:build linux

// Package connector is the source of executions of the sensor of activity where the kernel
// takes no programs and does not tell by fanotify: the process connector, a netlink
// socket on which it tells the number of each process that has executed a program
// (linux/cn_proc.h). Which program that was is to be seen in /proc for as long as the
// process lives: all executions are counted, and those named that were looked at in time.
//
// It is used only if the kernel has it already: asking for it would load a module. The
// kernel counts how many listen, and not that one has been killed: then it goes on making
// messages for nobody, at each fork, execution and exit, until it is booted again. That was
// seen with Linux 5.10 and 7.3 (drivers/connector/cn_proc.c; a correction in 6.8-rc1 was
// taken back). An agent that ends by itself, by SIGTERM too, says so to the kernel.
package connector

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/proc"
)

// tick is how soon the end of an observation is noticed.
const tick = 250 * time.Millisecond

// maxBatch bounds the events that are taken before their processes are looked at.
const maxBatch = 4096

// Connector has what was told so far. Its methods may be used by several goroutines, but
// only one may Watch.
type Connector struct {
	socket *socket
	proc   proc.FS
	tally  *seen.Tally

	unnamed, dropped atomic.Uint64
}

// New has the kernel tell of executions from now on, and proves that it does. It needs
// CAP_NET_ADMIN, and to be in the first user, PID and network namespaces.
func New(p proc.FS) (*Connector, error) {
	s, err := open(buffer)
	if err != nil {
		return nil, err
	}
	return &Connector{socket: s, proc: p, tally: seen.NewTally(seen.MaxExecutions)}, nil
}

// Watch takes what the kernel tells until ctx ends, which is no error. At the end it takes
// what the kernel has told by then.
func (c *Connector) Watch(ctx context.Context, see func(seen.Sight)) error {
	for over := false; !over; {
		over = ctx.Err() != nil
		if over {
			if err := c.socket.ignore(); err != nil {
				return err
			}
		} else if err := c.socket.wait(tick); err != nil {
			return err
		}
		for more := true; more; {
			var batch []event
			var err error
			if batch, more, err = c.take(); err != nil {
				return err
			}
			c.look(batch, see)
		}
	}
	return nil
}

// take takes what waits; more says that there may be more.
func (c *Connector) take() (batch []event, more bool, err error) {
	for len(batch) < maxBatch {
		data, err := c.socket.read()
		switch {
		case errors.Is(err, unix.EAGAIN):
			return batch, false, nil
		case errors.Is(err, unix.ENOBUFS):
			c.dropped.Add(1)
			continue
		case err != nil:
			return batch, false, fmt.Errorf("read which processes execute programs: %w", err)
		}
		events, err := parse(data)
		if err != nil {
			return batch, false, err
		}
		batch = append(batch, events...)
	}
	return batch, true, nil
}

// look notes executions by their processes as they are now: the last one of each.
func (c *Connector) look(batch []event, see func(seen.Sight)) {
	last := map[int]int{}
	for i, e := range batch {
		last[e.pid] = i
	}
	for i, e := range batch {
		if e.what != exec || e.pid == os.Getpid() {
			continue
		}
		x, err := c.execution(e.pid)
		if last[e.pid] != i || err != nil {
			c.unnamed.Add(1)
			continue
		}
		if c.tally.Add(x, e.at) {
			see(seen.Sight{Kind: seen.SawExecution, PID: e.pid})
		}
	}
}

func (c *Connector) execution(pid int) (x seen.Execution, err error) {
	s, err := c.proc.Stat(pid)
	if err != nil {
		return x, err
	}
	if x.Device, x.Inode, err = c.proc.ExeFile(pid); err != nil {
		return x, err
	}
	if x.Path, _, err = c.proc.Exe(pid); err != nil {
		return x, err
	}
	ns, err := c.proc.Namespace(pid, "mnt")
	x.UID, x.Root, x.Name, x.PID, x.MountNS = s.RealUID, s.UID == 0, s.Name, pid, uint32(ns)
	return x, err
}

// Executions are those that were looked at in time.
func (c *Connector) Executions() iter.Seq2[seen.Execution, error] { return c.tally.Executions() }

// Totals are those of executions, whether looked at or not.
func (c *Connector) Totals() seen.Totals {
	t := c.tally.Totals()
	t.Executions += c.unnamed.Load()
	return t
}

// Shortcomings are why what was told is not all that was executed: last what nobody is
// told of.
func (c *Connector) Shortcomings() (all []string) {
	if n := c.dropped.Load(); n > 0 {
		all = append(all, fmt.Sprintf("the queue of executions was full %d times, and some are missing", n))
	}
	if n := c.unnamed.Load(); n > 0 {
		all = append(all, fmt.Sprintf("%d of %d executions were over before their program could be told", n, c.Totals().Executions))
	}
	return append(all, "the process connector does not tell which program a process executes, so that those of short processes are not known")
}

// Close ends the kernel's telling.
func (c *Connector) Close() error { return c.socket.close() }
