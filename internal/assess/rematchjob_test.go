package assess

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/jobs"
)

// rematches are the runs that are re-matches.
func (w *world) rematches() []inspector.Run {
	w.t.Helper()
	return slices.DeleteFunc(w.runs(), func(r inspector.Run) bool { return !r.Rematch })
}

// settle lets the time pass after which new advisories have their re-match.
func (w *world) settle() {
	w.t.Helper()
	w.clock.add(w.Settle)
	w.mustWork()
}

func (w *world) newAdvisories(hashes ...string) {
	w.t.Helper()
	for _, hash := range hashes {
		w.must(w.RematchFor(w.t.Context(), hash))
	}
}

// A set of advisories has one re-match, on whichever replica, however often it is
// told of, and one together with those that come shortly after it.
func TestNewAdvisoriesHaveOneRematch(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, p *advisories) {
		check := func(want int, what string) {
			t.Helper()
			if got := w.rematches(); len(got) != want {
				t.Fatalf("%s: %d re-matches, want %d", what, len(got), want)
			}
		}
		w.newAdvisories("h0")
		w.settle()
		check(0, "there is no host")
		agent := w.enrol()
		w.newAdvisories("h1")
		w.settle()
		check(0, "there is nothing stored")
		w.assessed(w.both(), map[string]string{agent: "bad"})

		w.newAdvisories("h2", "h2")
		w.mustWork()
		check(0, "more may come")
		w.clock.add(w.Settle / 2)
		w.replica().newAdvisories("h3", "h2", "h4")
		p.publish("bad")
		w.settle()
		check(1, "three sets at once")
		run := w.rematches()[0]
		if diff := cmp.Diff([]string{agent + " Something bad"}, w.findings(run.ID)); diff != "" || run.State != inspector.Completed {
			t.Errorf("it is %s: %s", run.State, diff)
		}
		w.replica().newAdvisories("h4", "h3", "h2", "h1", "h0")
		w.settle()
		w.settle()
		check(1, "nothing new")
		w.newAdvisories("h5")
		w.settle()
		check(2, "a new set")
		if runs := w.rematches(); runs[0].Template != runs[1].Template {
			t.Errorf("two templates: %v", runs)
		}

		// While one goes on the next waits.
		last, err := w.StartRematch(t.Context(), "")
		w.must(err)
		w.newAdvisories("h6")
		w.clock.add(w.Settle)
		if _, ok := later(w.rematchWaiting(t.Context(), jobs.Job{})); !ok {
			t.Error("a re-match does not wait for the one before")
		}
		check(3, "one goes on")
		w.mustWork()
		w.clock.add(rematchBusy)
		w.mustWork()
		if check(4, "it is over"); !w.run(last.ID).State.Final() {
			t.Error("it is not over")
		}
		for _, hash := range []string{"", strings.Repeat("x", 129)} {
			if err := w.RematchFor(t.Context(), hash); err == nil {
				t.Errorf("the hash %q is taken", hash)
			}
		}
	})
}

// What is refused is tried again, and lost by nobody.
func TestRefusedRematchIsTriedAgain(t *testing.T) {
	w, _ := rematchWorld(t, func(c *Config) { c.Limits.Runs = 1 })
	agent := w.enrol()
	source := w.assessed(w.both(), map[string]string{agent: "fine"})
	w.newAdvisories("h1")
	w.settle()
	if n := len(w.rematches()); n != 0 || !strings.Contains(w.log.String(), "could not be started") {
		t.Fatalf("%d re-matches; the log: %s", n, w.log)
	}
	other := w.template(time.Hour)
	w.must(w.DeleteRun(t.Context(), source.ID))
	w.Service.Limits.Runs = 3
	w.assessed(other, map[string]string{agent: "fine"})
	w.clock.add(rematchAgain)
	w.mustWork()
	if n := len(w.rematches()); n != 1 {
		t.Errorf("%d re-matches", n)
	}
}

// Of the sets that had their re-match the newest are remembered.
func TestManyAdvisories(t *testing.T) {
	w, _ := rematchWorld(t)
	var all []string
	for n := range maxMatched + 50 {
		all = append(all, fmt.Sprintf("%064d", n))
	}
	w.newAdvisories(all...)
	w.settle()
	value, _, err := w.Store.Setting(t.Context(), matchedSetting)
	w.must(err)
	if got := strings.Count(string(value), `"0`); got != maxMatched || strings.Contains(string(value), "waiting") {
		t.Errorf("%d sets are remembered: %.200s", got, value)
	}
}

// Replicas that all come upon what waits start one re-match.
func TestManyReplicasStartOneRematch(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, p *advisories) {
		w.assessed(w.both(), map[string]string{w.enrol(): "fine"})
		replicas := []*world{w, w.replica(), w.replica(), w.replica()}
		var group sync.WaitGroup
		for _, r := range replicas {
			group.Go(func() {
				for n := range 3 {
					if err := r.RematchFor(t.Context(), fmt.Sprint("h", n)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		for _, r := range replicas {
			group.Go(func() {
				if err := r.rematchWaiting(t.Context(), jobs.Job{}); ignoreLater(err) != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		if n := len(w.rematches()); n != 1 {
			t.Errorf("%d re-matches", n)
		}
	})
}

// A re-match in which the service is killed at one of its durable steps, at each of
// them in turn, ends like one in which it is not.
func TestRematchKilledAtEveryStep(t *testing.T) { killedAtEveryStep(t, 8, killedRematch) }

func killedRematch(t *testing.T, k *killer) {
	bare, p := rematchWorld(t)
	bad, fine := bare.enrol(), bare.enrol()
	source := bare.assessed(bare.both(), map[string]string{bad: "bad", fine: "fine"})
	never := bare.enrol()
	p.publish("bad")
	w := newMortal(bare, k)
	w.do(func() error { return w.RematchFor(t.Context(), "h1") })
	w.clock.add(w.Settle)
	w.doJobs()
	runs := w.rematches()
	if len(runs) != 1 {
		t.Fatalf("there are %d re-matches", len(runs))
	}
	run := runs[0]
	if diff := cmp.Diff(append(slices.Clone(wholeHistory), inspector.CompletedWithErrors), states(run)); diff != "" {
		t.Error(diff)
	}
	want := []string{bad + " Something bad", fine + " " + inspector.TitleNoIssues}
	found := w.findings(run.ID)
	slices.Sort(want)
	slices.Sort(found)
	if diff := cmp.Diff(want, found); diff != "" {
		t.Error(diff)
	}
	if all := w.allExclusions(run.ID); len(all) != 1 || all[0].Scopes[0].Value != never {
		t.Errorf("the exclusions are %v", all)
	}
	if got := w.run(source.ID); got.State != inspector.Completed || len(w.objects()) != 4 {
		t.Errorf("the source is %s, with the objects %v", got.State, w.objects())
	}
}
