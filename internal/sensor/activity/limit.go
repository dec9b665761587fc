//go:build linux

package activity

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
)

// limit is what the programs in the kernel may take, and what became of it. Whoever asks
// what was detached may do so at any time.
type limit struct {
	window time.Duration
	most   time.Duration // on a processor, in a window
	// few events in a window cannot take that much, so that nothing is measured, which
	// would cost every eBPF program of the host a little.
	few uint64

	mu      sync.Mutex
	stopped [bpf.Hooks]time.Time // by bpf.Hook; zero: it counts
}

// sample is of how many windows one is measured however few events there are: a program
// can be called more often than it counts.
const sample = 6

// assumed is what an event takes where the kernel does not let the agent measure it.
const assumed = 2 * time.Microsecond

// newLimit is 1 % of one processor over ten seconds. An event takes less than a
// microsecond; few allows ten.
func newLimit() *limit {
	return &limit{window: 10 * time.Second, most: 100 * time.Millisecond, few: 10_000}
}

// guard detaches what takes more until ctx ends: what is optional first, then the dearer
// one.
func (l *limit) guard(ctx context.Context, p *bpf.Programs) error {
	tick := time.NewTicker(l.window)
	defer tick.Stop()
	last, err := p.Totals()
	for busy, window := false, 0; err == nil; {
		var meter *bpf.Meter
		if busy {
			// Without it, an event is taken to be dear.
			meter, _ = p.Measure()
		}
		select {
		case <-ctx.Done():
			return meter.Close()
		case <-tick.C:
		}
		var now seen.Totals
		if now, err = p.Totals(); err != nil {
			return errors.Join(err, meter.Close())
		}
		counted := events(last, now)
		if busy {
			spent := counted
			for at := range spent {
				spent[at] *= assumed
			}
			if meter != nil {
				spent, err = meter.Spent()
			}
			err = errors.Join(err, meter.Close(), l.judge(p, spent))
		}
		window++
		busy, last = sum(counted) >= time.Duration(l.few) || p.Attached(bpf.Map) && window%sample == 0, now
	}
	return err
}

// events are how many there were between two totals, by bpf.Hook, as if each took a
// nanosecond.
func events(last, now seen.Totals) (n [bpf.Hooks]time.Duration) {
	n[bpf.Exec] = time.Duration(now.Executions - last.Executions)
	n[bpf.Socket] = time.Duration(now.Flows - last.Flows + now.Listens - last.Listens + now.Accepts - last.Accepts)
	n[bpf.Map] = time.Duration(now.Loads - last.Loads)
	return n
}

func sum(of [bpf.Hooks]time.Duration) (all time.Duration) {
	for _, one := range of {
		all += one
	}
	return all
}

func (l *limit) judge(p *bpf.Programs, spent [bpf.Hooks]time.Duration) error {
	if sum(spent) <= l.most {
		return nil
	}
	detach := bpf.Exec
	if spent[bpf.Socket] > spent[bpf.Exec] {
		detach = bpf.Socket
	}
	if p.Attached(bpf.Map) {
		detach = bpf.Map
	}
	l.stop(detach)
	return p.Detach(detach)
}

func (l *limit) stop(hook bpf.Hook) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped[hook].IsZero() {
		l.stopped[hook] = time.Now().UTC()
	}
}

// doubt tells of what was detached so far.
func (l *limit) doubt(d *doubts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at, of := range counted {
		if when := l.stopped[at]; !when.IsZero() {
			d.add(fmt.Sprintf("counting them in the kernel took more than %v of a processor in %v; from %s on they were not counted",
				l.most, l.window, when.Format(time.RFC3339)), of...)
		}
	}
}
