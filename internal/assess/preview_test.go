package assess

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/rules"
	"assay/internal/store"
)

// previewOf has a preview made.
func (w *world) previewOf(template inspector.Template) []inspector.Exclusion {
	w.t.Helper()
	token, err := w.CreatePreview(w.t.Context(), template.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mustWork()
	return w.previewed(token)
}

func (w *world) previewed(token string) []inspector.Exclusion {
	w.t.Helper()
	if p, ok, err := w.Store.Preview(w.t.Context(), token); err != nil || !ok || p.CompletedAt.IsZero() {
		w.t.Fatalf("the preview: %+v, %v, %v", p, ok, err)
	}
	all, next, err := w.Store.PreviewExclusions(w.t.Context(), token, inspector.Page{Limit: 1000})
	if err != nil || next != "" {
		w.t.Fatal(err)
	}
	return all
}

// sameExclusions compares what is told, which is all but the ids.
func sameExclusions(want, got []inspector.Exclusion) string {
	order := func(a, b inspector.Exclusion) int {
		return strings.Compare(fmt.Sprint(a.Kind, a.Scopes), fmt.Sprint(b.Kind, b.Scopes))
	}
	slices.SortFunc(want, order)
	slices.SortFunc(got, order)
	return cmp.Diff(want, got, cmpopts.IgnoreFields(inspector.Exclusion{}, "ID", "Run"), cmpopts.EquateEmpty())
}

// A preview is what a run that is started at the same moment has at its start,
// whatever the state of the hosts.
func TestPreviewIsWhatARunHas(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	t.Logf("seed %d", seed)
	seen := map[inspector.ExclusionKind]bool{}
	for range 25 {
		w := newWorld(t, withReachability(func(*host.Host, inspector.ExclusionKind) *rules.Result { return nil }))
		w.clock.add(time.Hour)
		for range random.IntN(6) {
			w.randomHost(random)
		}
		packages := []string{practicesARN(), reachabilityARN, scope.PackageARN(inspector.PackageBehavior).String(), scope.RulesPackage("0-nonesuch").String()}
		random.Shuffle(len(packages), func(i, j int) { packages[i], packages[j] = packages[j], packages[i] })
		template := w.templateOf(packages[:1+random.IntN(len(packages))]...)
		got := w.previewOf(template)
		run, err := w.StartRun(t.Context(), template.ID, "")
		if err != nil {
			t.Fatal(err)
		}
		if diff := sameExclusions(w.allExclusions(run.ID), got); diff != "" {
			t.Errorf("-run +preview:\n%s", diff)
		}
		for _, e := range got {
			checkExclusion(t, e)
			seen[e.Kind] = true
		}
	}
	if len(seen) < 4 {
		t.Errorf("only %v were seen", seen)
	}
}

// randomHost is one that was heard of lately, long ago, or never.
func (w *world) randomHost(random *rand.Rand) {
	agent := w.enrol()
	if random.IntN(2) == 0 {
		agent = w.enrolWindows()
	}
	switch random.IntN(4) {
	case 0:
		w.exec("UPDATE agents SET enrolled_at = 1 WHERE id = $1", agent)
		w.exec("UPDATE sightings SET seen_at = 0 WHERE agent = $1", agent)
	case 1:
		w.exec("UPDATE agents SET enrolled_at = 1 WHERE id = $1", agent)
		w.exec("UPDATE sightings SET seen_at = $1 WHERE agent = $2", w.clock.Now().Add(-30*time.Minute).UnixMicro(), agent)
	}
}

// A run over hosts that are in another run cannot be started: the preview names
// them, and the run that they are in.
func TestPreviewOfBusyHosts(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	template := w.template(time.Hour)
	run := w.start(template)
	fresh := w.enrol()
	got := w.previewOf(template)
	if len(got) != 1 || got[0].Kind != inspector.AgentBusy || got[0].Scopes[0].Value != agent {
		t.Fatalf("%+v; %s is busy, %s is not", got, agent, fresh)
	}
	checkExclusion(t, got[0])
	if want := scope.Run(run.Target, run.Template, run.ID).String(); !strings.Contains(got[0].Description, want) {
		t.Errorf("%q does not name the run %s", got[0].Description, want)
	}
	w.collect(agent, run.ID, "PermitRootLogin no\n")
	w.mustWork()
	if got := w.previewOf(template); len(got) != 0 {
		t.Errorf("once that run is over: %+v", got)
	}
}

func TestPreviewLives(t *testing.T) {
	w := newWorld(t)
	template := w.template(time.Hour)
	token, err := w.CreatePreview(t.Context(), template.ID)
	if err != nil {
		t.Fatal(err)
	}
	var refused *inspector.Err
	if _, err := w.CreatePreview(t.Context(), template.ID); !errors.As(err, &refused) || refused.Kind != inspector.PreviewInProgress {
		t.Errorf("a second one at once: %v", err)
	}
	if _, err := w.CreatePreview(t.Context(), "0-nonesuch"); !errors.As(err, &refused) || refused.Kind != inspector.NoSuchEntity {
		t.Errorf("of no template: %v", err)
	}
	w.mustWork()
	if got := w.previewed(token); len(got) != 1 || got[0].Kind != inspector.NoHosts {
		t.Errorf("%+v", got)
	}
	// Made again by a job that runs again, it stays what it was.
	w.enrol()
	if err := w.Handlers()[jobPreview](t.Context(), jobs.Job{Kind: jobPreview, Key: token, Payload: []byte(token)}); err != nil {
		t.Fatal(err)
	}
	if got := w.previewed(token); len(got) != 1 {
		t.Errorf("made again: %+v", got)
	}
	// The standing job deletes it after its time.
	for _, step := range []struct {
		after time.Duration
		there bool
	}{{previewLife - time.Minute, true}, {2 * time.Minute, false}} {
		w.clock.add(step.after)
		if err := w.retain(t.Context(), jobs.Job{Kind: jobRetain, Key: standing}); err == nil {
			t.Error("the standing job does not come back")
		}
		if _, ok, err := w.Store.Preview(t.Context(), token); ok != step.there || err != nil {
			t.Errorf("it is there: %v, want %v; %v", ok, step.there, err)
		}
	}
	// A job whose template went away has nothing to do.
	if token, err = w.CreatePreview(t.Context(), template.ID); err != nil {
		t.Fatal(err)
	}
	if err := w.DeleteTarget(t.Context(), template.Target); err != nil {
		t.Fatal(err)
	}
	w.mustWork()
	if _, ok, _ := w.Store.Preview(t.Context(), token); ok {
		t.Error("it outlives its template")
	}
}

// A preview whose job does not get done stays in progress, and is made when the job
// runs again: nothing of it is there before.
func TestPreviewIsMadeAtOnce(t *testing.T) {
	w := newWorld(t)
	template := w.template(time.Hour)
	token, err := w.CreatePreview(t.Context(), template.ID)
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the process was killed")
	whole := w.update
	w.update = func(ctx context.Context, fn func(*store.Tx) error) error {
		return whole(ctx, func(tx *store.Tx) error {
			if err := fn(tx); err != nil {
				return err
			}
			return broken
		})
	}
	if errs := w.work(false); len(errs) == 0 || !errors.Is(errs[0], broken) {
		t.Fatalf("the job ended with %v", errs)
	}
	if p, ok, err := w.Store.Preview(t.Context(), token); err != nil || !ok || !p.CompletedAt.IsZero() {
		t.Errorf("%+v, %v, %v", p, ok, err)
	}
	if left, _, err := w.Store.PreviewExclusions(t.Context(), token, inspector.Page{}); len(left) > 0 || err != nil {
		t.Errorf("%d exclusions are there, %v", len(left), err)
	}
	w.update = whole
	w.clock.add(time.Hour)
	w.mustWork()
	if got := w.previewed(token); len(got) != 1 {
		t.Errorf("%+v", got)
	}
}
