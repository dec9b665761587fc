package assess

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/blob"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
	"assay/internal/wire"
)

var errKilled = errors.New("killed")

// killer lets the n-th durable step of a service fail, before or after it took
// effect, as if the program were killed there.
type killer struct {
	at, steps int
	after     bool
	name      string // of the step that failed
}

func (k *killer) step(name string, do func() error) error {
	k.steps++
	if k.steps != k.at {
		return do()
	}
	k.name = name
	if k.after {
		if err := do(); err != nil {
			return err
		}
	}
	return errKilled
}

type killedBlobs struct {
	blob.Store
	*killer
}

func (k killedBlobs) Put(ctx context.Context, name string, r io.Reader) error {
	return k.step("put an object", func() error { return k.Store.Put(ctx, name, r) })
}

func (k killedBlobs) Delete(ctx context.Context, name string) error {
	return k.step("delete an object", func() error { return k.Store.Delete(ctx, name) })
}

type killedQueue struct {
	jobs.Queue
	*killer
}

func (k killedQueue) Enqueue(ctx context.Context, tx *sql.Tx, job jobs.Job) error {
	return k.step("enqueue "+job.Kind, func() error { return k.Queue.Enqueue(ctx, tx, job) })
}

// arm puts the killer into a service.
func (k *killer) arm(s *Service) {
	s.update = func(ctx context.Context, fn func(*store.Tx) error) error {
		return k.step("commit", func() error { return s.Store.Update(ctx, fn) })
	}
	s.Blobs = killedBlobs{s.Blobs, k}
	s.Queue = killedQueue{s.Queue, k}
}

// An assessment in which the service is killed at one of its durable steps, at
// each of them in turn, ends like one in which it is not: everything that was
// acknowledged is evaluated once, nothing is found twice, nothing is left over.
func TestKilledAtEveryStep(t *testing.T) { killedAtEveryStep(t, 20, killedAssessment) }

// killedAtEveryStep does something that has so many durable steps at least, with a kill
// before and after each of them.
func killedAtEveryStep(t *testing.T, least int, do func(*testing.T, *killer)) {
	never := &killer{}
	do(t, never)
	if never.steps < least {
		t.Fatalf("it has only %d durable steps", never.steps)
	}
	for _, after := range []bool{false, true} {
		for at := 1; at <= never.steps; at++ {
			k := &killer{at: at, after: after}
			t.Run(fmt.Sprintf("at step %d, after %v", at, after), func(t *testing.T) {
				t.Parallel()
				do(t, k)
				t.Log(k.name)
			})
		}
	}
}

// mortal is a world whose service may be killed, and is started anew then.
type mortal struct {
	*world
	k    *killer
	bare Config
}

func newMortal(w *world, k *killer) *mortal {
	m := &mortal{w, k, w.Config}
	k.arm(w.Service)
	return m
}

// do does something that may be cut off: then with a new service, again.
func (m *mortal) do(what func() error) {
	m.t.Helper()
	for range 3 {
		err := what()
		if err == nil {
			return
		}
		if !errors.Is(err, errKilled) {
			m.t.Fatal(err)
		}
		m.Config = m.bare
		m.world = m.replica()
		m.k.arm(m.Service)
	}
	m.t.Fatal("it never succeeds")
}

func (m *mortal) doJobs() {
	m.t.Helper()
	for range 5 {
		m.do(func() error { return errors.Join(m.work(false)...) })
		m.clock.add(2 * time.Second) // when failed jobs are tried again
	}
}

func killedAssessment(t *testing.T, k *killer) {
	bare := newWorld(t)
	agents := []string{bare.enrol(), bare.enrol()}
	template := bare.template(time.Hour)
	w := newMortal(bare, k)
	var run inspector.Run
	w.do(func() (err error) {
		if run = w.lastRun(template); run.ID != "" {
			return nil // it was started before the answer was lost
		}
		run, err = w.StartRun(t.Context(), template.ID, "")
		return err
	})
	w.doJobs()
	for i, agent := range agents {
		text := []string{"PermitRootLogin no\n", "PermitRootLogin yes\n"}[i]
		for n, data := range [][]byte{configSegment(t, agent, run.ID, 1, text), kernelSegment(t, agent, run.ID, 2)} {
			w.do(func() error {
				_, err := w.Heartbeat(t.Context(), agent, w.heartbeat())
				return errors.Join(err, w.Flush(t.Context()))
			})
			w.do(func() error {
				_, err := w.AcceptSegment(t.Context(), agent, run.ID, int64(n+1), bytes.NewReader(data))
				return err
			})
		}
		w.do(func() error {
			return w.CompleteCollection(t.Context(), agent, run.ID, wire.CompleteRequest{Segments: 2})
		})
	}
	w.doJobs()
	w.checkOutcome(run.ID, agents)

	// What is left over is found, once it is old enough; what is needed stays.
	w.clock.add(2*orphanAge + time.Since(noon)) // objects in memory have the time of day
	w.do(func() error { return ignoreLater(w.retain(t.Context(), jobs.Job{Kind: jobRetain, Key: standing})) })
	if got := w.objects(); len(got) != 4 {
		t.Errorf("of 4 segments the objects %v are left", got)
	}
	w.do(func() error {
		err := w.DeleteRun(t.Context(), run.ID)
		var e *inspector.Err
		if errors.As(err, &e) && e.Kind == inspector.NoSuchEntity {
			return nil
		}
		return err
	})
	w.doJobs()
	if got := w.objects(); len(got) != 0 {
		t.Errorf("of a deleted run the objects %v are left", got)
	}
}

func ignoreLater(err error) error {
	if _, ok := later(err); ok {
		return nil
	}
	return err
}

func (w *world) checkOutcome(id string, agents []string) {
	w.t.Helper()
	run := w.run(id)
	if diff := cmp.Diff(append(slices.Clone(wholeHistory), inspector.Completed), states(run)); diff != "" {
		w.t.Error(diff)
	}
	want := []string{agents[1] + " Disable root login over SSH", agents[0] + " " + inspector.TitleNoIssues}
	if diff := cmp.Diff(want, w.findings(id)); diff != "" {
		w.t.Error(diff)
	}
	if diff := cmp.Diff([]string{}, w.exclusions(id)); diff != "" {
		w.t.Error(diff)
	}
	for _, agent := range agents {
		part := w.partOfRun(id, agent)
		if part.Segments != 2 || !part.Evaluated || part.Telemetry[0].Count != 2 {
			w.t.Errorf("the part of %s is %+v", agent, part)
		}
	}
}
