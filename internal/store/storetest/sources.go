package storetest

import (
	"errors"
	"testing"

	"assay/internal/inspector"
	"assay/internal/store"
)

// collected makes a run in which agents have sent a segment of each of the sensors,
// n seconds after the start, and were done with it.
func collected(t *testing.T, s *store.Store, template inspector.Template, n int, sensors []string, agents ...string) inspector.Run {
	t.Helper()
	ctx := t.Context()
	run := addRun(t, s, template, n, agents...)
	for _, agent := range agents {
		for i, sensor := range sensors {
			seg := segment(run, agent, int64(i+1))
			seg.Sensor, seg.ReceivedAt = sensor, at(n)
			update(t, s, func(tx *store.Tx) error { return tx.AddSegment(ctx, seg, nil) })
		}
		update(t, s, func(tx *store.Tx) error {
			part, _, err := tx.RunAgent(ctx, run.ID, agent)
			part.State, part.Expected = inspector.CollectionComplete, part.Segments
			return errors.Join(err, tx.SaveRunAgent(ctx, part))
		})
	}
	return run
}

func testNewestTelemetry(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	needed := []string{"packages", "system"}
	end := func(run inspector.Run, n int) {
		t.Helper()
		advance(t, s, run.ID, inspector.Completed, n)
	}
	// A host each for what can become of telemetry, the worst first.
	first := collected(t, s, template, 1, needed, "i-dropped", "i-old", "i-lacking", "i-older", "i-usable")
	end(first, 2)
	second := collected(t, s, template, 10, needed, "i-old", "i-lacking", "i-older", "i-usable")
	end(second, 12)
	third := collected(t, s, template, 20, []string{"system", "config"}, "i-lacking", "i-older", "i-usable")
	end(third, 22)
	fourth := collected(t, s, template, 30, append(needed, "config"), "i-older", "i-usable")
	end(fourth, 32)
	fifth := collected(t, s, template, 40, needed, "i-usable") // goes on, which does not matter
	pending := addRun(t, s, template, 50, "i-never", "i-older")
	update(t, s, func(tx *store.Tx) error { return tx.AddSegment(ctx, segment(pending, "i-never", 1), nil) })
	update(t, s, func(tx *store.Tx) error { _, err := tx.DropTelemetry(ctx, first.ID, at(60)); return err })

	agents := []string{"i-none", "i-never", "i-usable", "i-older", "i-lacking", "i-old", "i-dropped"}
	where := func(run inspector.Run) inspector.Run {
		return inspector.Run{ID: run.ID, Target: run.Target, Template: run.Template}
	}
	got, err := s.NewestTelemetry(ctx, agents, needed, at(15))
	equal(t, err, got, map[string]store.Stored{
		"i-dropped": {Agent: "i-dropped", Run: where(first), At: at(1), Usable: store.Destroyed},
		"i-old":     {Agent: "i-old", Run: where(second), At: at(10), Usable: store.Destroyed},
		"i-lacking": {Agent: "i-lacking", Run: where(third), At: at(20), Usable: store.Lacking},
		"i-older":   {Agent: "i-older", Run: where(fourth), At: at(30), Usable: store.Usable},
		"i-usable":  {Agent: "i-usable", Run: where(fifth), At: at(40), Usable: store.Usable},
	})
	// Older telemetry with the sensors is better than newer without them.
	got, err = s.NewestTelemetry(ctx, agents, needed, at(0))
	equal(t, err, got["i-lacking"].Run.ID, second.ID)
	equal(t, err, got["i-dropped"].Usable, store.Destroyed)
	// Without needs, everything that is complete will do.
	got, err = s.NewestTelemetry(ctx, agents, nil, at(0))
	equal(t, err, got["i-lacking"], store.Stored{Agent: "i-lacking", Run: where(third), At: at(20), Usable: store.Usable})
	// What is deleted is as if it had never been.
	update(t, s, func(tx *store.Tx) error { return tx.DeleteRun(ctx, fourth.ID) })
	got, err = s.NewestTelemetry(ctx, []string{"i-older"}, []string{"config"}, at(0))
	equal(t, err, got["i-older"].Run.ID, third.ID)
	got, err = s.NewestTelemetry(ctx, nil, needed, at(0))
	equal(t, err, len(got), 0)
}

// testRematch: a re-match is in nobody's way, and nobody in its; limits count its
// run, and not its hosts.
func testRematch(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	source := collected(t, s, template, 1, []string{"packages"}, "i-1", "i-2")
	rematch := newRun(template, 2)
	rematch.Rematch = true
	start := func(run inspector.Run, limits inspector.Limits) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.CreateRun(ctx, run, []byte("key"), []string{"i-1", "i-2"}, limits)
		}
	}
	update(t, s, start(rematch, inspector.Limits{RunningHosts: 2})) // while the source goes on
	another := newRun(template, 3)
	another.Rematch = true
	refused(t, s, inspector.LimitExceeded, "ASSESSMENT_RUN_LIMIT_EXCEEDED", start(another, inspector.Limits{Runs: 2}))
	update(t, s, start(another, inspector.Limits{}))
	advance(t, s, source.ID, inspector.Completed, 5)
	update(t, s, start(newRun(template, 4), inspector.Limits{RunningHosts: 2})) // while re-matches go on

	update(t, s, func(tx *store.Tx) error { return tx.SetSource(ctx, rematch.ID, "i-1", source.ID, at(1)) })
	if err := s.Update(ctx, func(tx *store.Tx) error { return tx.SetSource(ctx, rematch.ID, "i-9", source.ID, at(1)) }); !errors.Is(err, store.ErrNotInRun) {
		t.Errorf("a source for an agent that is not in the run: %v", err)
	}
	part, _, err := s.RunAgent(ctx, rematch.ID, "i-1")
	equal(t, err, part.Source, source.ID)
	if !part.LastAt.Equal(at(1)) || part.Segments != 0 {
		t.Errorf("the part is %+v", part)
	}
	update(t, s, func(tx *store.Tx) error { return tx.DeleteRun(ctx, source.ID) })
	part, _, err = s.RunAgent(ctx, rematch.ID, "i-1")
	equal(t, err, part.Source, source.ID)
	runs, err := s.Runs(ctx, []string{rematch.ID})
	equal(t, err, runs[rematch.ID].Rematch, true)
}
