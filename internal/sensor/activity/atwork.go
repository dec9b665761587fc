//go:build linux

package activity

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"assay/internal/sensor"
	"assay/internal/sensor/activity/seen"
)

// atWork is how the sensor observes now, for whoever asks meanwhile.
type atWork struct {
	mu   sync.Mutex
	tier *sensor.Tier // nil: nothing is observed
}

// refresh is how old what is told is at most.
const refresh = 5 * time.Second

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
// and has its guard keep that and the counts up to date.
//
// Observations follow one another, but one that did not end in time may still go on: only
// the last that began is told of.
func (s *atWork) begin(w *way, refused []error, d *doubts) (end func()) {
	known := d.clone()
	t := &sensor.Tier{Name: w.tier, Since: w.began.UTC(), Short: short(refused, known)}
	if w.began.IsZero() {
		t.Since = time.Now().UTC()
	}
	s.set(t)
	now := func() []string {
		d := known.clone()
		w.doubt(d)
		return short(refused, d)
	}
	guard := w.guard
	w.guard = func(ctx context.Context) error {
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return guard(ctx) })
		group.Go(func() error { return s.follow(ctx, w, t, now) })
		return group.Wait()
	}
	return func() { s.end(t) }
}

// short is why there is no better tier, and what this one does not see: a text for
// all parts of which it is true.
func short(refused []error, d *doubts) (texts []string) {
	for _, err := range refused {
		texts = append(texts, words([]error{err}))
	}
	of := map[string][]string{}
	var reasons []string
	for _, part := range d.coverage().Parts {
		if part.Reason == "" {
			continue
		}
		if of[part.Reason] == nil {
			reasons = append(reasons, part.Reason)
		}
		of[part.Reason] = append(of[part.Reason], part.Name)
	}
	for _, reason := range reasons {
		texts = append(texts, strings.Join(of[reason], ", ")+": "+reason)
	}
	return texts
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

// follow keeps the counts, and what is not seen, until ctx ends.
func (s *atWork) follow(ctx context.Context, from source, t *sensor.Tier, short func() []string) error {
	tick := time.NewTicker(refresh)
	defer tick.Stop()
	for {
		totals, err := from.Totals()
		if err != nil {
			return err
		}
		s.count(t, totals, short())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *atWork) count(t *sensor.Tier, n seen.Totals, short []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Executions, t.Connections, t.Accepted, t.Short = n.Executions, n.Flows, n.Accepts, short
}
