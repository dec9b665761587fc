package assess

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/inspector"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestDecide(t *testing.T) {
	const hour = time.Hour
	end := noon.Add(hour)
	collecting := func(change func(*situation)) situation {
		s := situation{
			run:   inspector.Run{State: inspector.CollectingData, StartedAt: noon, StateChangedAt: noon, Duration: hour},
			now:   noon.Add(time.Minute),
			grace: 5 * time.Minute,
			poll:  time.Minute,
		}
		change(&s)
		return s
	}
	in := func(state inspector.RunState, change func(*situation)) situation {
		s := collecting(func(*situation) {})
		s.run.State = state
		change(&s)
		return s
	}
	same := func(*situation) {}
	for name, c := range map[string]struct {
		in   situation
		want action
	}{
		"a new run":             {in(inspector.Created, same), action{become: inspector.StartDataCollectionPending}},
		"a pending run":         {in(inspector.StartDataCollectionPending, same), action{become: inspector.StartDataCollectionInProgress}},
		"a run in progress":     {in(inspector.StartDataCollectionInProgress, same), action{become: inspector.CollectingData}},
		"agents are waited for": {collecting(func(s *situation) { s.waiting = 1 }), action{again: noon.Add(2 * time.Minute)}},
		"not past the deadline": {collecting(func(s *situation) { s.waiting = 1; s.now = end.Add(-time.Second) }), action{again: end}},
		"the deadline": {
			collecting(func(s *situation) { s.waiting = 1; s.now = end }),
			action{become: inspector.StopDataCollectionPending},
		},
		"all agents are done":    {collecting(func(s *situation) { s.collected = 3 }), action{become: inspector.StopDataCollectionPending}},
		"no agents at all":       {collecting(same), action{become: inspector.StopDataCollectionPending}},
		"observing goes on":      {collecting(func(s *situation) { s.collected, s.observe = 1, true }), action{again: end}},
		"nobody left to observe": {collecting(func(s *situation) { s.observe = true }), action{become: inspector.StopDataCollectionPending}},
		"stopped": {
			collecting(func(s *situation) { s.waiting, s.run.Stop = 1, inspector.StartEvaluation }),
			action{become: inspector.StopDataCollectionPending},
		},
		"canceled": {
			collecting(func(s *situation) { s.waiting, s.run.Stop = 1, inspector.SkipEvaluation }),
			action{become: inspector.Canceled},
		},
		"canceled before it began": {
			in(inspector.StartDataCollectionPending, func(s *situation) { s.run.Stop = inspector.SkipEvaluation }),
			action{become: inspector.Canceled},
		},
		"uploads are waited for": {
			in(inspector.StopDataCollectionPending, func(s *situation) { s.waiting = 1 }),
			action{again: noon.Add(2 * time.Minute)},
		},
		"uploads have come": {in(inspector.StopDataCollectionPending, same), action{become: inspector.DataCollected}},
		"uploads never come": {
			in(inspector.StopDataCollectionPending, func(s *situation) { s.waiting, s.now = 1, noon.Add(5*time.Minute) }),
			action{become: inspector.DataCollected, abandon: true},
		},
		"collected":             {in(inspector.DataCollected, same), action{become: inspector.StartEvaluatingRulesPending}},
		"evaluation pending":    {in(inspector.StartEvaluatingRulesPending, same), action{become: inspector.EvaluatingRules}},
		"evaluating":            {in(inspector.EvaluatingRules, func(s *situation) { s.pending = 2 }), action{again: noon.Add(2 * time.Minute)}},
		"evaluated":             {in(inspector.EvaluatingRules, same), action{become: inspector.Completed}},
		"evaluated with errors": {in(inspector.EvaluatingRules, func(s *situation) { s.errors = true }), action{become: inspector.CompletedWithErrors}},
		"over":                  {in(inspector.Completed, func(s *situation) { s.run.Stop = inspector.SkipEvaluation }), action{}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, decide(c.in), cmp.AllowUnexported(action{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever happens to a run, it only ever takes steps that its states allow, and
// it ends: no later than its duration, the grace period and the evaluations say.
func TestEveryRunEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := situation{
			run:     inspector.Run{State: inspector.Created, Duration: time.Hour},
			observe: rapid.Bool().Draw(t, "observe"),
			now:     noon, grace: 5 * time.Minute, poll: time.Minute,
			waiting: rapid.IntRange(0, 3).Draw(t, "agents"),
		}
		evaluations := s.waiting
		for !s.run.State.Final() {
			if rapid.IntRange(0, 30).Draw(t, "stop") == 0 {
				s.run.Stop = rapid.SampledFrom([]inspector.StopAction{inspector.StartEvaluation, inspector.SkipEvaluation}).Draw(t, "action")
			}
			if s.waiting > 0 && rapid.IntRange(0, 20).Draw(t, "done") == 0 {
				s.waiting--
				s.collected += rapid.IntRange(0, 1).Draw(t, "collected")
			}
			if s.run.State == inspector.EvaluatingRules {
				s.pending = evaluations
				evaluations = max(0, evaluations-1)
			}
			a := decide(s)
			if a.become == "" {
				if !a.again.After(s.now) {
					t.Fatalf("in %s nothing is done, and again at once", s.run.State)
				}
				s.now = a.again
				continue
			}
			if !s.run.State.CanBecome(a.become) {
				t.Fatalf("%s became %s", s.run.State, a.become)
			}
			if a.abandon {
				s.waiting = 0
			}
			if a.become == inspector.DataCollected && s.waiting > 0 {
				t.Fatalf("collected, with %d agents neither complete nor failed", s.waiting)
			}
			s.run.State, s.run.StateChangedAt = a.become, s.now
			if a.become == inspector.CollectingData {
				s.run.StartedAt = s.now
			}
		}
		if s.now.Sub(noon) > time.Hour+10*time.Minute {
			t.Fatalf("it took %s", s.now.Sub(noon))
		}
	})
}
