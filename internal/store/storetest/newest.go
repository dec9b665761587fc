package storetest

import (
	"testing"

	"assay/internal/inspector"
	"assay/internal/store"
)

func testNewestTelemetry(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	collect := func(n int, sensor string, state inspector.CollectionState) inspector.Run {
		run := addRun(t, s, template, n, "i-1", "i-2")
		seg := segment(run, "i-1", 1)
		seg.Sensor = sensor
		update(t, s, func(tx *store.Tx) error { return tx.AddSegment(ctx, seg, nil) })
		update(t, s, func(tx *store.Tx) error {
			a, _, err := tx.RunAgent(ctx, run.ID, "i-1")
			if err != nil {
				return err
			}
			a.State = state
			return tx.SaveRunAgent(ctx, a)
		})
		advance(t, s, run.ID, inspector.Completed, n)
		return run
	}
	newest := func(agent, want string) {
		t.Helper()
		run, ok, err := s.NewestTelemetry(ctx, agent, "packages")
		if err != nil || run != want || ok != (want != "") {
			t.Errorf("the newest telemetry of %s is of the run %q (%v, %v), want %q", agent, run, ok, err, want)
		}
	}
	newest("i-1", "")
	first := collect(1, "packages", inspector.CollectionComplete)
	newest("i-1", first.ID)
	newest("i-2", "")
	second := collect(2, "packages", inspector.CollectionComplete)
	collect(3, "packages", inspector.CollectionFailed)
	collect(4, "config", inspector.CollectionComplete)
	newest("i-1", second.ID)
	update(t, s, func(tx *store.Tx) error { _, err := tx.DropTelemetry(ctx, second.ID, at(50)); return err })
	newest("i-1", first.ID)
}
