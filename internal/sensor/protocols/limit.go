//go:build linux

package protocols

import (
	"context"
	"fmt"
	"time"

	"assay/internal/sensor/protocols/bpf"
)

// limit is what the programs in the kernel may take, and what became of it. Packets are not counted
// one by one, which would cost more than to look at them; so a part of each window is
// measured, and the next one whole if that part was too dear.
type limit struct {
	window, sample time.Duration
	share          float64 // of one processor

	stopped time.Time // zero: they look
	spent   bpf.Spent // in the window for which they were stopped
}

// newLimit is 1 % of one processor over ten seconds, of which one is always measured.
func newLimit() *limit { return &limit{window: 10 * time.Second, sample: time.Second, share: 0.01} }

// guard detaches the programs if they take more, until ctx ends.
func (l *limit) guard(ctx context.Context, p *bpf.Programs) error {
	for measured := l.sample; ; {
		if !sleep(ctx, l.window-measured) {
			return nil
		}
		spent, err := l.measure(ctx, p, measured)
		if err != nil || ctx.Err() != nil {
			return err
		}
		dear := float64(spent.Time) > l.share*float64(measured)
		switch {
		case !dear:
			measured = l.sample
		case measured < l.window:
			measured = l.window
		default:
			l.stopped, l.spent = time.Now().UTC(), spent
			return p.Detach()
		}
	}
}

func (l *limit) measure(ctx context.Context, p *bpf.Programs, d time.Duration) (bpf.Spent, error) {
	meter, err := p.Measure()
	if err != nil {
		return bpf.Spent{}, err
	}
	sleep(ctx, d)
	return meter.Stop()
}

// sleep is false if ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// doubt tells that the programs were detached; "" if they were not.
func (l *limit) doubt() string {
	if l.stopped.IsZero() {
		return ""
	}
	return fmt.Sprintf("looking at connections took more than %.0f %% of a processor (%v in %v, for %d packets); from %s on none was looked at",
		100*l.share, l.spent.Time.Round(time.Millisecond), l.window, l.spent.Calls, l.stopped.Format(time.RFC3339))
}
