//go:build linux

package activity

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"assay/internal/sensor"
)

// atWork is how the sensor observes now, for whoever asks meanwhile.
type atWork struct {
	mu   sync.Mutex
	tier *sensor.Tier // nil: nothing is observed
}

// countEvery is how old the counts are at most.
const countEvery = 5 * time.Second

// Tier implements sensor.Tiered.
func (a activity) Tier() sensor.Tier {
	a.now.mu.Lock()
	defer a.now.mu.Unlock()
	if a.now.tier != nil {
		return *a.now.tier
	}
	return expected(a.tiers, stand("/"))
}

// begin notes that a way is at work, with what is known already that it does not see,
// and has its guard keep the counts up to date.
func (s *atWork) begin(w *way, refused []error, d doubts) {
	t := &sensor.Tier{Name: w.tier, Since: w.began.UTC()}
	if w.began.IsZero() {
		t.Since = time.Now().UTC()
	}
	for _, err := range refused {
		t.Short = append(t.Short, words([]error{err}))
	}
	for _, part := range d.coverage().Parts {
		if part.Reason != "" {
			t.Short = append(t.Short, part.Name+": "+part.Reason)
		}
	}
	s.set(t)
	guard := w.guard
	w.guard = func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return guard(ctx) })
		group.Go(func() error { return s.count(ctx, w) })
		return group.Wait()
	}
}

func (s *atWork) end() { s.set(nil) }

func (s *atWork) set(t *sensor.Tier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tier = t
}

// count keeps the counts until ctx ends.
func (s *atWork) count(ctx context.Context, from source) error {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	for {
		totals, err := from.Totals()
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.tier.Executions, s.tier.Connections, s.tier.Accepted = totals.Executions, totals.Flows, totals.Accepts
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
