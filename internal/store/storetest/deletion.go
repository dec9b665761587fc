package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"assay/internal/inspector"
	"assay/internal/store"
)

// fill makes a run that is over, with everything that a run can have.
func fill(t *testing.T, s *store.Store, template inspector.Template, n int) inspector.Run {
	t.Helper()
	agent := fmt.Sprintf("i-%d", n)
	run := addRun(t, s, template, n, agent)
	update(t, s, func(tx *store.Tx) error {
		return errors.Join(
			tx.AddSegment(t.Context(), segment(run, agent, 1), []inspector.MessageCount{{MessageType: "A", Count: 1}}),
			tx.AddSegment(t.Context(), segment(run, agent, 2), nil),
			tx.AddExclusions(t.Context(), run.ID, []inspector.Exclusion{{ID: "0-excl0000", Run: run.ID}}))
	})
	save(t, s, run, agent, inspector.PackageCVE, []inspector.Finding{finding(run, agent, 1, inspector.High)})
	advance(t, s, run.ID, inspector.Completed, n)
	return run
}

// gone checks that nothing of a run can be read any more, and that its blobs are
// to be deleted.
func gone(t *testing.T, s *store.Store, run inspector.Run, agent string) {
	t.Helper()
	ctx := t.Context()
	_, key, err1 := s.RunKey(ctx, run.ID)
	_, results, err2 := s.Results(ctx, run.ID, agent, inspector.PackageCVE)
	_, member, err3 := s.RunAgent(ctx, run.ID, agent)
	if err := errors.Join(err1, err2, err3); key || results || member || err != nil {
		t.Errorf("left: key %v, results %v, agent %v (%v)", key, results, member, err)
	}
	findings, _, err1 := s.FindingsOfRun(ctx, run.ID, inspector.Page{})
	exclusions, _, err2 := s.ListExclusions(ctx, run.ID, inspector.Page{})
	refs, _, err3 := s.ListFindings(ctx, inspector.FindingFilter{Runs: []string{run.ID}}, inspector.Page{})
	if err := errors.Join(err1, err2, err3); len(findings)+len(exclusions)+len(refs) > 0 || err != nil {
		t.Errorf("left: %d findings, %d exclusions, %d refs (%v)", len(findings), len(exclusions), len(refs), err)
	}
	doomed, err := s.Doomed(ctx, 100)
	equal(t, err, doomed, []string{run.ID + "/" + agent + "/1", run.ID + "/" + agent + "/2"})
	update(t, s, func(tx *store.Tx) error { return tx.Forget(ctx, doomed) })
	doomed, err = s.Doomed(ctx, 100)
	equal(t, err, len(doomed), 0)
}

func testDeletion(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template, other := addTemplate(t, s), addTemplate(t, s)
	first, second := fill(t, s, template, 1), fill(t, s, template, 2)
	third := fill(t, s, other, 3)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteRun(ctx, second.ID) })
	gone(t, s, second, "i-2")
	templates, err := s.Templates(ctx, []string{template.ID})
	if got := templates[template.ID]; got.Runs != 1 || got.LastRun != first.ID || err != nil {
		t.Errorf("the template has %d runs, last %q (%v)", got.Runs, got.LastRun, err)
	}
	update(t, s, func(tx *store.Tx) error { return tx.DeleteTemplate(ctx, template.ID) })
	gone(t, s, first, "i-1")
	targets, err := s.Targets(ctx, []string{template.Target})
	equal(t, err, len(targets), 1)
	update(t, s, func(tx *store.Tx) error { return tx.DeleteTarget(ctx, other.Target) })
	gone(t, s, third, "i-3")
	left, err := s.Templates(ctx, []string{template.ID, other.ID})
	equal(t, err, len(left), 0)
	runs, _, err := s.ListRuns(ctx, inspector.RunFilter{}, inspector.Page{})
	equal(t, err, len(runs), 0)
	// What was deleted may come again.
	update(t, s, func(tx *store.Tx) error {
		return tx.CreateTarget(ctx, inspector.Target{ID: "0-new00000", Name: other.Target}, inspector.Limits{})
	})
}

func testRetention(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	old, young := fill(t, s, template, 1), fill(t, s, template, 2)
	addRun(t, s, template, 3, "i-3")
	due, err := s.TelemetryDue(ctx, at(2))
	equal(t, err, due, []string{old.ID})
	var blobs []string
	update(t, s, func(tx *store.Tx) (err error) { blobs, err = tx.DropTelemetry(ctx, old.ID, at(50)); return err })
	want := []string{old.ID + "/i-1/1", old.ID + "/i-1/2"}
	equal(t, nil, blobs, want)
	doomed, err := s.Doomed(ctx, 10)
	equal(t, err, doomed, want)
	if _, ok, err := s.RunKey(ctx, old.ID); ok || err != nil {
		t.Error("the key is still there", err)
	}
	if _, ok, err := s.RunKey(ctx, young.ID); !ok || err != nil {
		t.Error("the key of another run is not", err)
	}
	segments, err := s.Segments(ctx, old.ID, "i-1")
	equal(t, err, len(segments), 0)
	findings, _, err := s.FindingsOfRun(ctx, old.ID, inspector.Page{})
	equal(t, err, len(findings), 1)
	counts, err := s.Telemetry(ctx, old.ID)
	equal(t, err, len(counts), 1)
	runs, err := s.Runs(ctx, []string{old.ID})
	equal(t, err, runs[old.ID].TelemetryGoneAt, at(50))
	due, err = s.TelemetryDue(ctx, at(2))
	equal(t, err, len(due), 0)
	err = s.Update(ctx, func(tx *store.Tx) error { return tx.AddSegment(ctx, segment(old, "i-1", 1), nil) })
	if !errors.Is(err, store.ErrClosed) {
		t.Errorf("a segment whose telemetry was dropped: %v", err)
	}
}

func testRollback(t *testing.T, s *store.Store) {
	ctx := t.Context()
	failure := errors.New("no")
	err := s.Update(ctx, func(tx *store.Tx) error {
		if err := tx.CreateTarget(ctx, inspector.Target{ID: "0-new00000", Name: "new"}, inspector.Limits{}); err != nil {
			return err
		}
		inside, err := tx.Targets(ctx, []string{"0-new00000"})
		if len(inside) != 1 {
			t.Errorf("a transaction does not see what it wrote (%v)", err)
		}
		return failure
	})
	targets, listErr := s.Targets(ctx, []string{"0-new00000"})
	if !errors.Is(err, failure) || len(targets) > 0 || listErr != nil {
		t.Errorf("after a rollback: %v, %d targets, %v", err, len(targets), listErr)
	}
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Update(ctx, func(*store.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("an update whose caller is gone: %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// testConcurrency starts the same things at once: exactly one of each wins.
func testConcurrency(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var targets, runs int
	settings := map[string]bool{}
	for i := range 8 {
		wg.Go(func() {
			targetErr := s.Update(ctx, func(tx *store.Tx) error {
				return tx.CreateTarget(ctx, inspector.Target{ID: inspector.NewID(), Name: "same"}, inspector.Limits{})
			})
			runErr := s.Update(ctx, func(tx *store.Tx) error {
				return tx.CreateRun(ctx, newRun(template, i), []byte("key"), []string{"i-same"}, inspector.Limits{})
			})
			value, err := s.SettingOnce(ctx, "name", []byte{byte(i)})
			mu.Lock()
			defer mu.Unlock()
			settings[string(value)] = true
			for _, c := range []struct {
				err error
				n   *int
			}{{targetErr, &targets}, {runErr, &runs}} {
				api := &inspector.Err{}
				if c.err == nil {
					*c.n++
				} else if !errors.As(c.err, &api) {
					t.Errorf("an error that is not the API's: %v", c.err)
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if targets != 1 || runs != 1 || len(settings) != 1 {
		t.Errorf("%d targets, %d runs and %d settings won; want 1 of each", targets, runs, len(settings))
	}
}
