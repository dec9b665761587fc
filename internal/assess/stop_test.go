package assess

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/wire"
)

func TestStop(t *testing.T) {
	begin := func(t *testing.T) (*world, string, inspector.Run) {
		w := newWorld(t)
		agent := w.enrol()
		run := w.start(w.template(time.Hour))
		w.beat(agent)
		w.put(agent, run.ID, 1, configSegment(t, agent, run.ID, 1, "PermitRootLogin yes\n"))
		return w, agent, run
	}
	stop := func(w *world, run inspector.Run, action inspector.StopAction) {
		if err := w.StopRun(w.t.Context(), run.ID, action); err != nil {
			w.t.Fatal(err)
		}
	}
	t.Run("and evaluate", func(t *testing.T) {
		w, agent, run := begin(t)
		stop(w, run, "")
		if got := w.beat(agent).Instructions; len(got) != 1 || got[0].Action != wire.ActionOff {
			t.Fatalf("the agent of a stopped run is told %v", got)
		}
		if run = w.run(run.ID); run.State != inspector.StopDataCollectionPending {
			t.Fatalf("the stopped run is %s", run.State)
		}
		w.put(agent, run.ID, 2, kernelSegment(t, agent, run.ID, 2))
		w.clock.add(w.Grace)
		w.mustWork()
		run = w.run(run.ID)
		if diff := cmp.Diff(append(slices.Clone(wholeHistory), inspector.CompletedWithErrors), states(run)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{agent + " Disable root login over SSH"}, w.findings(run.ID)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("and evaluate the part that came", func(t *testing.T) {
		w, agent, run := begin(t)
		stop(w, run, inspector.StartEvaluation)
		w.clock.add(w.Grace)
		w.mustWork()
		if diff := cmp.Diff([]string{agent + " Disable root login over SSH"}, w.findings(run.ID)); diff != "" {
			t.Error(diff)
		}
		if got := w.exclusions(run.ID); len(got) != 2 || !slices.Contains(got, inspector.AgentTooLate.Title()) || !slices.Contains(got, inspector.RulesNotEvaluated.Title()) {
			t.Errorf("what did not come is excluded as %q", got)
		}
	})
	t.Run("before a host has asked", func(t *testing.T) {
		w := newWorld(t)
		w.enrol()
		run := w.start(w.template(time.Hour))
		w.mustWork()
		stop(w, run, inspector.StartEvaluation)
		w.mustWork()
		if run = w.run(run.ID); run.State != inspector.CompletedWithErrors {
			t.Errorf("the run waits: it is %s", run.State)
		}
		if got := w.exclusions(run.ID); len(got) != 1 || got[0] != inspector.AgentTooLate.Title() {
			t.Errorf("the host is excluded as %q", got)
		}
	})
	t.Run("and skip", func(t *testing.T) {
		w, agent, run := begin(t)
		stop(w, run, inspector.SkipEvaluation)
		if run = w.run(run.ID); run.State != inspector.Canceled || run.CompletedAt.IsZero() {
			t.Fatalf("the canceled run is %s", run.State)
		}
		if got := w.beat(agent).Instructions; len(got) != 1 || got[0].Action != wire.ActionOff {
			t.Errorf("the agent of a canceled run is told %v", got)
		}
		w.clock.add(canceledFor + time.Minute)
		if got := w.beat(agent).Instructions; len(got) != 0 {
			t.Errorf("long after the run was canceled the agent is told %v", got)
		}
		w.mustWork()
		stop(w, run, inspector.StartEvaluation)
		if len(w.findings(run.ID)) != 0 || w.run(run.ID).State != inspector.Canceled {
			t.Error("a canceled run went on")
		}
	})
	t.Run("before it collects", func(t *testing.T) {
		w := newWorld(t)
		w.enrol()
		run, err := w.StartRun(t.Context(), w.template(time.Hour).ID, "mine")
		if err != nil {
			t.Fatal(err)
		}
		stop(w, run, inspector.SkipEvaluation)
		if got := w.run(run.ID).State; got != inspector.Canceled {
			t.Errorf("the run is %s", got)
		}
		w.mustWork()
	})
	t.Run("a run that does not exist", func(t *testing.T) {
		var e *inspector.Err
		if err := newWorld(t).StopRun(t.Context(), "0-AAAAAAAA", ""); !errors.As(err, &e) || e.Kind != inspector.NoSuchEntity {
			t.Errorf("error %v", err)
		}
	})
}
