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
	return expected(a.tiers, lookAtHost("/"))
}

// begin notes that a way is at work, with what is known already that it does not see,
// and has its guard keep the counts up to date.
//
// Observations follow one another, but one that did not end in time may still go on: only
// the last that began is told of.
func (s *atWork) begin(w *way, refused []error, d doubts) (end func()) {
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
		group.Go(func() error { return s.count(ctx, w, t) })
		return group.Wait()
	}
	return func() { s.end(t) }
}

func (s *atWork) end(t *sensor.Tier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tier == t {
		s.tier = nil
	}
}

func (s *atWork) set(t *sensor.Tier) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tier = t
}

// count keeps the counts of an observation until ctx ends.
func (s *atWork) count(ctx context.Context, from source, t *sensor.Tier) error {
	tick := time.NewTicker(countEvery)
	defer tick.Stop()
	for {
		totals, err := from.Totals()
		if err != nil {
			return err
		}
		s.mu.Lock()
		t.Executions, t.Connections, t.Accepted = totals.Executions, totals.Flows, totals.Accepts
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
