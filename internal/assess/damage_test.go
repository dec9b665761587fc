package assess

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/rules"
)

// collected is a world with a run that two agents have completed, before its
// evaluation.
func collected(t testing.TB) (w *world, agent, other string, run inspector.Run) {
	w, agent, other, run = collecting(t)
	w.collect(agent, run.ID, "PermitRootLogin yes\n")
	w.collect(other, run.ID, "PermitRootLogin yes\n")
	return w, agent, other, run
}

func (w *world) blobsOf(run, agent string) []string {
	w.t.Helper()
	segments, err := w.Store.Segments(w.t.Context(), run, agent)
	if err != nil {
		w.t.Fatal(err)
	}
	var names []string
	for _, s := range segments {
		names = append(names, s.Blob)
	}
	return names
}

func (w *world) object(name string) []byte {
	w.t.Helper()
	r, err := w.blobs.Get(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return data
}

func (w *world) setObject(name string, data []byte) {
	w.t.Helper()
	if err := w.blobs.Put(w.t.Context(), name, bytes.NewReader(data)); err != nil {
		w.t.Fatal(err)
	}
}

func TestTelemetryRestsSealed(t *testing.T) {
	w, _, _, _ := collected(t)
	for _, name := range w.objects() {
		if data := w.object(name); bytes.Contains(data, []byte("PermitRoot")) || bytes.Contains(data, []byte{0x28, 0xB5, 0x2F, 0xFD}) {
			t.Errorf("the object %s can be read", name)
		}
	}
}

// Telemetry that was tampered with, exchanged or lost is an error of the host:
// never a crash, never "no issues", and no finding either. The other host is not
// concerned.
func TestDamagedTelemetry(t *testing.T) {
	for name, harm := range map[string]func(w *world, agent, other string, run inspector.Run){
		"a bit is flipped": func(w *world, agent, _ string, run inspector.Run) {
			name := w.blobsOf(run.ID, agent)[0]
			data := w.object(name)
			data[len(data)/2] ^= 1
			w.setObject(name, data)
		},
		"truncated": func(w *world, agent, _ string, run inspector.Run) {
			name := w.blobsOf(run.ID, agent)[1]
			w.setObject(name, w.object(name)[:40])
		},
		"empty": func(w *world, agent, _ string, run inspector.Run) { w.setObject(w.blobsOf(run.ID, agent)[1], nil) },
		"lost": func(w *world, agent, _ string, run inspector.Run) {
			if err := w.blobs.Delete(w.t.Context(), w.blobsOf(run.ID, agent)[0]); err != nil {
				w.t.Fatal(err)
			}
		},
		"exchanged for another sequence number's": func(w *world, agent, _ string, run inspector.Run) {
			names := w.blobsOf(run.ID, agent)
			w.setObject(names[1], w.object(names[0]))
		},
		"exchanged for another agent's": func(w *world, agent, other string, run inspector.Run) {
			w.setObject(w.blobsOf(run.ID, agent)[0], w.object(w.blobsOf(run.ID, other)[0]))
		},
		"a row is missing": func(w *world, agent, _ string, run inspector.Run) {
			w.exec("DELETE FROM segments WHERE agent = $1 AND sequence = 2", agent)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, agent, other, run := collected(t)
			harm(w, agent, other, run)
			w.mustWork()
			if got := w.run(run.ID).State; got != inspector.CompletedWithErrors {
				t.Errorf("the run is %s", got)
			}
			if diff := cmp.Diff([]string{other + " Disable root login over SSH"}, w.findings(run.ID)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{inspector.HostEvaluationError.Title()}, w.exclusions(run.ID)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLostKeyIsAnEvaluationError(t *testing.T) {
	w, _, _, run := collected(t)
	w.exec("DELETE FROM run_keys")
	w.Service.keys.forgetAll()
	w.mustWork()
	if got := w.exclusions(run.ID); len(got) != 2 || got[0] != inspector.HostEvaluationError.Title() {
		t.Errorf("exclusions %q", got)
	}
}

// An object store that is away for a while is waited for; one that stays away is
// an error of the run, not its end.
func TestObjectStoreIsAway(t *testing.T) {
	w, _, _, run := collected(t)
	w.blobs.get = errors.New("connection refused")
	if failed := w.work(false); len(failed) != 2 {
		t.Fatalf("the errors are %v", failed)
	}
	w.blobs.get = nil
	w.clock.add(time.Minute)
	w.mustWork()
	if got := w.run(run.ID).State; got != inspector.Completed {
		t.Errorf("the run is %s", got)
	}

	w, _, _, run = collected(t)
	w.blobs.get = errors.New("connection refused")
	for range evaluateAttempts {
		w.work(false)
		w.clock.add(time.Minute)
	}
	if got := w.run(run.ID).State; got != inspector.CompletedWithErrors {
		t.Errorf("the run is %s", got)
	}
	if got := w.exclusions(run.ID); len(got) != 2 {
		t.Errorf("exclusions %q", got)
	}
}

func TestCrashInARule(t *testing.T) {
	w, agent, _, run := collected(t)
	w.rules.crash = true
	w.mustWork()
	if got := w.run(run.ID).State; got != inspector.CompletedWithErrors {
		t.Errorf("the run is %s", got)
	}
	if got := w.findings(run.ID); len(got) != 0 {
		t.Errorf("findings %v", got)
	}
	data, _, err := w.Store.Results(t.Context(), run.ID, agent, inspector.PackagePractices)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := DecodeResults(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range kept.Results {
		if r.Verdict != rules.Error || r.Reason == "" {
			t.Errorf("the result is %+v", r)
		}
	}
	if len(kept.Results) != 2 || strings.Contains(w.log.String(), "with a secret") || !strings.Contains(w.log.String(), "a rules package crashed") {
		t.Errorf("%d results, and the log:\n%s", len(kept.Results), w.log)
	}
}

// An evaluation that takes the program down again and again is given up by the
// queue: an error of the run, not its end.
func TestDiscardedEvaluation(t *testing.T) {
	w, agent, other, run := collected(t)
	job := jobs.Job{Kind: jobEvaluate, Key: run.ID + "/" + agent, Payload: []byte(run.ID + "/" + agent)}
	for range 2 {
		if err := w.Discarded(t.Context(), job, errors.New("it was begun too often")); err != nil {
			t.Fatal(err)
		}
	}
	w.mustWork()
	if got := w.run(run.ID).State; got != inspector.CompletedWithErrors {
		t.Errorf("the run is %s", got)
	}
	if diff := cmp.Diff([]string{other + " Disable root login over SSH"}, w.findings(run.ID)); diff != "" {
		t.Error(diff)
	}
	if err := w.Discarded(t.Context(), jobs.Job{Kind: jobRetain, Key: standing}, errors.New("x")); err == nil {
		t.Error("the standing job was given up")
	}
}

func TestRetention(t *testing.T) {
	w, agent, _, run := collected(t)
	w.mustWork()
	wrapped, ok, err := w.Store.RunKey(t.Context(), run.ID)
	if err != nil || !ok || len(wrapped) == 0 {
		t.Fatalf("no key: %v", err)
	}
	if err := w.standingJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mustWork()
	w.clock.add(30*24*time.Hour - time.Hour)
	w.mustWork()
	if got := len(w.objects()); got != 4 {
		t.Fatalf("before 30 days are over, %d objects are left", got)
	}
	// The objects cannot be deleted at first: the key is gone all the same.
	w.blobs.delete = errors.New("connection refused")
	w.clock.add(2 * time.Hour)
	if failed := w.work(false); len(failed) != 1 {
		t.Fatalf("the errors are %v", failed)
	}
	if _, ok, err := w.Store.RunKey(t.Context(), run.ID); ok || err != nil {
		t.Errorf("the key is still there: %v", err)
	}
	if _, err := w.Service.keys.of(t.Context(), run.ID); err == nil {
		t.Error("the key is still in memory")
	}
	w.blobs.delete = nil
	w.clock.add(time.Minute)
	w.mustWork()
	if got := w.objects(); len(got) != 0 {
		t.Errorf("the objects %v are left", got)
	}
	if w.run(run.ID).TelemetryGoneAt.IsZero() || len(w.findings(run.ID)) != 2 {
		t.Error("the run does not say that its telemetry is gone, or has lost its findings")
	}
	if _, ok, _ := w.Store.Results(t.Context(), run.ID, agent, inspector.PackagePractices); !ok {
		t.Error("the results are gone")
	}
	if !slices.Contains(w.queue.waiting(), "retain standing") {
		t.Error("the standing job does not stand any more")
	}
}

func TestDeletingATargetDeletesItsTelemetry(t *testing.T) {
	w, _, _, run := collected(t)
	w.mustWork()
	if err := w.DeleteTarget(t.Context(), run.Target); err != nil {
		t.Fatal(err)
	}
	w.mustWork()
	if got := w.objects(); len(got) != 0 {
		t.Errorf("the objects %v are left", got)
	}
	if got := w.run(run.ID); got.ID != "" {
		t.Errorf("the run is still there: %+v", got)
	}
}
