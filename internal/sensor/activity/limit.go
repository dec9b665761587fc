//go:build linux

package activity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
)

// limit is what the programs in the kernel may take, and what became of it.
type limit struct {
	window time.Duration
	most   time.Duration // on a processor, in a window
	// few events in a window cannot take that much, so that nothing is measured, which
	// would cost every eBPF program of the host a little.
	few uint64

	stopped [2]time.Time // by bpf.Hook; zero: it counts
}

// assumed is what an event takes where the kernel does not let the agent measure it.
const assumed = 2 * time.Microsecond

// newLimit is 1 % of one processor over ten seconds. An event takes less than a
// microsecond; few allows ten.
func newLimit() *limit {
	return &limit{window: 10 * time.Second, most: 100 * time.Millisecond, few: 10_000}
}

// guard detaches what takes more, the dearer one first, until ctx ends.
func (l *limit) guard(ctx context.Context, p *bpf.Programs) error {
	tick := time.NewTicker(l.window)
	defer tick.Stop()
	last, err := p.Totals()
	for busy := false; err == nil; {
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
		executions, others := now.Executions-last.Executions, events(now)-events(last)-(now.Executions-last.Executions)
		if busy {
			spent := [2]time.Duration{bpf.Exec: assumed * time.Duration(executions), bpf.Socket: assumed * time.Duration(others)}
			if meter != nil {
				spent, err = meter.Spent()
			}
			err = errors.Join(err, meter.Close(), l.judge(p, spent))
		}
		busy, last = executions+others >= l.few, now
	}
	return err
}

func events(t seen.Totals) uint64 { return t.Executions + t.Flows + t.Listens + t.Accepts }

func (l *limit) judge(p *bpf.Programs, spent [2]time.Duration) error {
	if spent[bpf.Exec]+spent[bpf.Socket] <= l.most {
		return nil
	}
	dearer := bpf.Exec
	if spent[bpf.Socket] > spent[bpf.Exec] {
		dearer = bpf.Socket
	}
	if l.stopped[dearer].IsZero() {
		l.stopped[dearer] = time.Now().UTC()
	}
	return p.Detach(dearer)
}

// doubt tells of what was detached.
func (l *limit) doubt(d doubts) {
	for at, of := range [][]string{bpf.Exec: {executions}, bpf.Socket: {connections, listeners}} {
		if when := l.stopped[at]; !when.IsZero() {
			d.add(fmt.Sprintf("counting them in the kernel took more than %v of a processor in %v; from %s on they were not counted",
				l.most, l.window, when.Format(time.RFC3339)), of...)
		}
	}
}
