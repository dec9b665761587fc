package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"assay/internal/inspector"
	"assay/internal/store"
)

func testCollection(t *testing.T, s *store.Store) {
	ctx := t.Context()
	run := addRun(t, s, addTemplate(t, s), 1, "i-2", "i-1", "i-3")
	a, ok, err := s.RunAgent(ctx, run.ID, "i-2")
	equal(t, err, a, inspector.RunAgent{Run: run.ID, Agent: "i-2", State: inspector.CollectionPending, Health: inspector.HealthUnknown, HealthCode: inspector.CodeUnknown})
	if !ok {
		t.Error("the agent is not in its run")
	}
	if _, ok, err := s.RunAgent(ctx, run.ID, "i-4"); ok || err != nil {
		t.Error("another agent is", err)
	}
	a.State, a.Health, a.HealthCode, a.Reason, a.Details, a.Expected = inspector.CollectionFailed, inspector.Unhealthy, inspector.CodeShutdown, "gone\x00", "d", 7
	update(t, s, func(tx *store.Tx) error { return tx.SaveRunAgent(ctx, a) })
	got, _, err := s.RunAgent(ctx, run.ID, "i-2")
	equal(t, err, got, a)
	for name, c := range map[string]struct {
		filter inspector.RunAgentFilter
		want   []string
	}{
		"all":    {inspector.RunAgentFilter{}, []string{"i-1", "i-2", "i-3"}},
		"health": {inspector.RunAgentFilter{Healths: []inspector.Health{inspector.Unhealthy}}, []string{"i-2"}},
		"code":   {inspector.RunAgentFilter{Codes: []inspector.HealthCode{inspector.CodeUnknown, inspector.CodeIdle}}, []string{"i-1", "i-3"}},
		"both":   {inspector.RunAgentFilter{Healths: []inspector.Health{inspector.Healthy}, Codes: []inspector.HealthCode{inspector.CodeUnknown}}, nil},
	} {
		var ids []string
		page := inspector.Page{Limit: 2}
		for {
			agents, next, err := s.RunAgents(ctx, run.ID, c.filter, page)
			if err != nil {
				t.Fatal(name, err)
			}
			for _, a := range agents {
				ids = append(ids, a.Agent)
			}
			if page.After = next; next == "" {
				break
			}
		}
		equal(t, nil, ids, c.want)
	}
	for _, want := range []int{3, 2} {
		n, err := s.PendingEvaluations(ctx, run.ID)
		equal(t, err, n, want)
		update(t, s, func(tx *store.Tx) error { return tx.MarkEvaluated(ctx, run.ID, "i-1") })
	}
	err = s.Update(ctx, func(tx *store.Tx) error { return tx.MarkEvaluated(ctx, run.ID, "i-4") })
	if !errors.Is(err, store.ErrNotInRun) {
		t.Errorf("evaluated an agent that is not in the run: %v", err)
	}
}

// segment is the n-th segment of an agent.
func segment(run inspector.Run, agent string, n int64) store.Segment {
	return store.Segment{Run: run.ID, Agent: agent, Sensor: "packages", Blob: fmt.Sprintf("%s/%s/%d", run.ID, agent, n), Sequence: n,
		Digest: []byte{byte(n), 1, 2}, Size: 10 * n, Decoded: 100 * n, ReceivedAt: at(int(n))}
}

func testSegments(t *testing.T, s *store.Store) {
	ctx := t.Context()
	run := addRun(t, s, addTemplate(t, s), 1, "i-1", "i-2")
	add := func(seg store.Segment) error {
		return s.Update(ctx, func(tx *store.Tx) error {
			return tx.AddSegment(ctx, seg, []inspector.MessageCount{{MessageType: "A", Count: 2, DataSize: 20}, {MessageType: "B", Count: 1, DataSize: 5}, {MessageType: "A", Count: 1}})
		})
	}
	order := &store.OutOfOrderError{}
	for _, n := range []int64{2, 0, -1} {
		if err := add(segment(run, "i-1", n)); !errors.As(err, &order) || order.Expected != 1 {
			t.Errorf("segment %d first: %v", n, err)
		}
	}
	for _, n := range []int64{1, 1, 2, 1, 2} { // again: no change
		if err := add(segment(run, "i-1", n)); err != nil {
			t.Fatalf("segment %d: %v", n, err)
		}
	}
	if err := add(segment(run, "i-1", 4)); !errors.As(err, &order) || order.Expected != 3 {
		t.Errorf("segment 4 after 2: %v", err)
	}
	other := segment(run, "i-1", 2)
	other.Digest = []byte("other")
	if err := add(other); !errors.Is(err, store.ErrConflict) {
		t.Errorf("another segment 2: %v", err)
	}
	if err := add(segment(run, "i-9", 1)); !errors.Is(err, store.ErrNotInRun) {
		t.Errorf("an agent that is not in the run: %v", err)
	}
	if err := add(segment(inspector.Run{ID: "0-none0000"}, "i-1", 1)); !errors.Is(err, store.ErrNotInRun) {
		t.Errorf("a run that does not exist: %v", err)
	}
	if err := add(segment(run, "i-2", 1)); err != nil {
		t.Fatal(err)
	}
	a, _, err := s.RunAgent(ctx, run.ID, "i-1")
	equal(t, err, a.Telemetry, []inspector.MessageCount{{MessageType: "A", Count: 6, DataSize: 40}, {MessageType: "B", Count: 2, DataSize: 10}})
	if a.Segments != 2 || a.State != inspector.CollectionStarted || !a.LastAt.Equal(at(2)) {
		t.Errorf("got %+v", a)
	}
	total, err := s.Telemetry(ctx, run.ID)
	equal(t, err, total, []inspector.MessageCount{{MessageType: "A", Count: 9, DataSize: 60}, {MessageType: "B", Count: 3, DataSize: 15}})
	list, err := s.Segments(ctx, run.ID, "i-1")
	equal(t, err, list, []store.Segment{segment(run, "i-1", 1), segment(run, "i-1", 2)})
	testSegmentsAfter(t, s, run)

	a.State, a.Expected = inspector.CollectionComplete, 2
	update(t, s, func(tx *store.Tx) error { return tx.SaveRunAgent(ctx, a) })
	if err := add(segment(run, "i-1", 3)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a segment after the last: %v", err)
	}
	if err := add(segment(run, "i-1", 2)); err != nil {
		t.Errorf("the last segment again: %v", err)
	}
	advance(t, s, run.ID, inspector.StopDataCollectionPending, 5)
	if err := add(segment(run, "i-2", 2)); err != nil {
		t.Errorf("a segment while the collection stops: %v", err)
	}
	advance(t, s, run.ID, inspector.DataCollected, 6)
	if err := add(segment(run, "i-2", 3)); !errors.Is(err, store.ErrClosed) {
		t.Errorf("a segment after the collection: %v", err)
	}
}

// testSegmentsAfter follows segments by their numbers.
func testSegmentsAfter(t *testing.T, s *store.Store, run inspector.Run) {
	for _, c := range []struct {
		after int64
		n     int
		want  []store.Segment
	}{
		{0, 10, []store.Segment{segment(run, "i-1", 1), segment(run, "i-1", 2)}},
		{0, 1, []store.Segment{segment(run, "i-1", 1)}},
		{1, 10, []store.Segment{segment(run, "i-1", 2)}},
		{2, 10, nil},
		{-5, 1, []store.Segment{segment(run, "i-1", 1)}},
	} {
		got, err := s.SegmentsAfter(t.Context(), run.ID, "i-1", c.after, c.n)
		equal(t, err, got, c.want)
	}
	for _, c := range []struct {
		run, agent string
		want       map[string]int64
	}{
		{run.ID, "", map[string]int64{"i-1": 2, "i-2": 1}},
		{run.ID, "i-2", map[string]int64{"i-2": 1}},
		{run.ID, "i-9", map[string]int64{}},
		{"0-none0000", "", map[string]int64{}},
	} {
		parts, err := s.Parts(t.Context(), c.run, c.agent)
		got := map[string]int64{}
		for i, p := range parts {
			if got[p.Agent] = p.Segments; p.Run != run.ID || i > 0 && parts[i-1].Agent >= p.Agent {
				t.Errorf("part %d is %+v", i, p)
			}
		}
		equal(t, err, got, c.want)
	}
}

// testUploads adds segments of many agents at once, each twice: none may be lost,
// counted twice, or fail because others write.
func testUploads(t *testing.T, s *store.Store) {
	ctx := t.Context()
	agents := []string{"i-1", "i-2", "i-3", "i-4", "i-5", "i-6"}
	run := addRun(t, s, addTemplate(t, s), 1, agents...)
	const segments = 8
	var wg sync.WaitGroup
	for _, agent := range agents {
		wg.Go(func() {
			for n := range int64(2 * segments) {
				err := s.Update(ctx, func(tx *store.Tx) error {
					return tx.AddSegment(ctx, segment(run, agent, n/2+1), []inspector.MessageCount{{MessageType: "A", Count: 1, DataSize: 10}})
				})
				if err != nil {
					t.Errorf("segment %d of %s: %v", n/2+1, agent, err)
				}
			}
		})
	}
	wg.Wait()
	total, err := s.Telemetry(ctx, run.ID)
	n := int64(segments * len(agents))
	equal(t, err, total, []inspector.MessageCount{{MessageType: "A", Count: n, DataSize: 10 * n}})
}
