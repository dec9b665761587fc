//go:build linux

// Package poll is the source of the sensor of activity where the kernel takes no
// programs: it looks at /proc again and again, and tells what is new. It sees what lives
// longer than the pause between two looks, and of connections those that left their
// entry in the kernel's table (TIME_WAIT) for it to find; what it counts is a lower
// bound. It changes nothing, and asks the kernel for nothing that could load a module.
package poll

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/kerneltime"
	"assay/internal/sensor/proc"
)

// How often there is a look: each second, and so seldom that looking takes no more than
// one part in share of a processor.
const (
	soonest = time.Second
	share   = 100
)

// Bounds of what is remembered, as in the kernel's tables, and of one namespace's
// conversations.
const (
	maxExecutions = seen.MaxExecutions
	maxFlows      = 32_768
	maxListeners  = 8_192
	maxSockets    = 50_000
)

// Poll has what was seen so far. Its methods may be used by several goroutines, but
// only one may Watch.
type Poll struct {
	proc proc.FS

	// Of the last look. They belong to the goroutine that looks.
	processes map[int]process
	spaces    map[uint64]*space

	mu         sync.Mutex
	executions map[seen.Program]*seen.Execution
	flows      map[flow]*seen.Flow
	listeners  map[port]*seen.Listener
	totals     seen.Totals
	longest    time.Duration
	denied     bool
	cut        bool
}

// flow and port are what flows and listeners are told apart by.
type flow struct {
	program seen.Program
	netNS   uint64
	remote  string
}

type port struct {
	netNS  uint64
	family int
	number uint16
}

// New looks once, at what has been there before.
func New(p proc.FS) (*Poll, error) {
	all := &Poll{
		proc: p, processes: map[int]process{}, spaces: map[uint64]*space{},
		executions: map[seen.Program]*seen.Execution{}, flows: map[flow]*seen.Flow{}, listeners: map[port]*seen.Listener{},
	}
	if _, err := all.look(true); err != nil {
		return nil, err
	}
	return all, nil
}

// Watch looks until ctx ends, which is no error, and then for the last time.
func (p *Poll) Watch(ctx context.Context, see func(seen.Sight)) error {
	runtime.LockOSThread() // whose time is measured
	defer runtime.UnlockOSThread()
	took := time.Duration(0)
	for over := false; !over; {
		pause := max(soonest, share*took)
		select {
		case <-ctx.Done():
			over = true
		case <-time.After(pause):
		}
		// On a busy host a look takes longer, but no more of a processor.
		began := spent()
		sights, err := p.look(false)
		if err != nil {
			return err
		}
		took = spent() - began
		p.mu.Lock()
		p.longest = max(p.longest, pause)
		p.mu.Unlock()
		for _, s := range sights {
			see(s)
		}
	}
	return nil
}

// spent is the processor time that the calling thread has taken so far.
func spent() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
		return 0 // the pause is the usual one
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// look notes what is new; of the first look nothing is.
func (p *Poll) look(first bool) ([]seen.Sight, error) {
	now, err := kerneltime.Now()
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &looking{Poll: p, now: now, first: first}
	if err := l.lookAtProcesses(); err != nil {
		return nil, err
	}
	l.lookAtSockets()
	return l.sights, nil
}

// looking is one look.
type looking struct {
	*Poll
	now    time.Duration
	first  bool
	sights []seen.Sight
	owners map[uint64]int // processes by the inode of a socket that they hold; nil: nobody asked
}

func (l *looking) see(kind seen.Kind, pid int) {
	l.sights = append(l.sights, seen.Sight{Kind: kind, PID: pid})
}

// touch counts something once more.
func (l *looking) touch(c *seen.Counts) {
	c.N++
	c.Last = l.now
	if c.First == 0 {
		c.First = l.now
	}
}

// Executions are those seen so far.
func (p *Poll) Executions() iter.Seq2[seen.Execution, error] { return copies(p, p.executions) }

// Flows are those seen so far.
func (p *Poll) Flows() iter.Seq2[seen.Flow, error] { return copies(p, p.flows) }

// Listeners are those seen so far.
func (p *Poll) Listeners() iter.Seq2[seen.Listener, error] { return copies(p, p.listeners) }

// Totals is what was seen in all.
func (p *Poll) Totals() (seen.Totals, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.totals, nil
}

// Close does nothing.
func (p *Poll) Close() error { return nil }

// Shortcomings are why what was seen is not all there was: always at least that it was
// looked for, and not told.
func (p *Poll) Shortcomings() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := []string{fmt.Sprintf("looks at /proc with pauses of up to %v see only what lives longer", max(p.longest, soonest).Round(time.Second))}
	if p.denied {
		all = append(all, "the kernel refused to show some processes")
	}
	if p.cut {
		all = append(all, fmt.Sprintf("a network namespace had more than %d sockets, of which new ones were not told apart", maxSockets))
	}
	return all
}

func copies[K comparable, T any](p *Poll, of map[K]*T) iter.Seq2[T, error] {
	p.mu.Lock()
	defer p.mu.Unlock()
	values := make([]T, 0, len(of))
	for v := range maps.Values(of) {
		values = append(values, *v)
	}
	return func(yield func(T, error) bool) {
		for v := range slices.Values(values) {
			if !yield(v, nil) {
				return
			}
		}
	}
}
