package jobstest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/jobs"
)

func testRetry(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	attempts := make(chan int, 10)
	work(t, q, 1, map[string]jobs.Handler{"a": func(_ context.Context, job jobs.Job) error {
		attempts <- job.Attempt
		if job.Attempt < 4 {
			return errTest
		}
		return nil
	}})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k"})
	for want := range 4 {
		if got := receive(t, attempts); got != want+1 {
			t.Errorf("attempt %d, want %d", got, want+1)
		}
	}
}

func testLater(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	attempts := make(chan int, 10)
	var n atomic.Int64
	work(t, q, 1, map[string]jobs.Handler{"a": func(_ context.Context, job jobs.Job) error {
		attempts <- job.Attempt
		if n.Add(1) < 3 {
			return fmt.Errorf("not yet: %w", jobs.ErrLater(time.Millisecond))
		}
		return nil
	}})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k"})
	for range 3 {
		if got := receive(t, attempts); got != 1 {
			t.Errorf("attempt %d: one that was put off was counted", got)
		}
	}
	// What is enqueued while a job runs is not put off with it.
	begun, goOn := make(chan jobs.Job), make(chan error)
	q, db = open(t, quick)
	work(t, q, 1, map[string]jobs.Handler{"a": func(_ context.Context, job jobs.Job) error {
		begun <- job
		return <-goOn
	}})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k"})
	receive(t, begun)
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k"})
	goOn <- jobs.ErrLater(time.Hour)
	receive(t, begun)
	goOn <- nil
}

func testGivenUp(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	opts := quick
	opts.MaxAttempts = 3
	given := make(chan error, 10)
	refuse := true
	opts.OnDiscard = func(_ context.Context, job jobs.Job, err error) error {
		if refuse {
			refuse = false
			return errors.New("not now")
		}
		given <- fmt.Errorf("%s after %d: %w", job.Key, job.Attempt, err)
		return nil
	}
	q, db := open(t, opts)
	var runs atomic.Int64
	work(t, q, 1, map[string]jobs.Handler{"a": func(context.Context, jobs.Job) error {
		runs.Add(1)
		return errTest
	}})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k"})
	if err := receive(t, given); !errors.Is(err, errTest) || err.Error() != "k after 3: it failed" {
		t.Errorf("given up with %v", err)
	}
	if n := runs.Load(); n != 4 { // once more, as the first OnDiscard failed
		t.Errorf("the job ran %d times", n)
	}
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k"}) // and can be enqueued again
	receive(t, given)
}

func testPanic(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	handler, ran := pass()
	work(t, q, 1, map[string]jobs.Handler{"a": func(ctx context.Context, job jobs.Job) error {
		if job.Attempt == 1 {
			panic("oh no")
		}
		return handler(ctx, job)
	}})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k"})
	receive(t, ran)
}

// testInterrupted stops the worker while a job runs: it runs again, and the
// interruption is no failure.
func testInterrupted(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	begun := make(chan struct{})
	stop := work(t, q, 1, map[string]jobs.Handler{"a": func(ctx context.Context, _ jobs.Job) error {
		close(begun)
		<-ctx.Done()
		return ctx.Err()
	}})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k"})
	receive(t, begun)
	stop()
	handler, ran := pass()
	work(t, q, 1, map[string]jobs.Handler{"a": handler})
	if job := receive(t, ran); job.Attempt != 1 {
		t.Errorf("attempt %d after an interruption", job.Attempt)
	}
}

// testKilled leaves the database as a killed process does: with a job that runs.
func testKilled(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	Abandon(t, q, db, jobs.Job{Kind: "a", Key: "k", Payload: []byte("p")})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k", Payload: []byte("enqueued while it seemed to run")})
	handler, ran := pass()
	last, done := pass()
	work(t, q, 1, map[string]jobs.Handler{"a": handler, "done": last})
	if job := receive(t, ran); job.Attempt != 2 || string(job.Payload) != "p" {
		t.Errorf("got %+v", job)
	}
	drained(t, q, db, done)
}

// Abandon enqueues a job and marks it as begun by a process that is dead.
func Abandon(t *testing.T, q Queue, db *sql.DB, job jobs.Job) {
	t.Helper()
	enqueue(t, q, db, job)
	statement := "UPDATE jobs SET running = 1, attempt = 1"
	if _, ok := q.(*jobs.River); ok {
		statement = "UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now(), attempted_by = ARRAY['dead']"
	}
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func testConcurrency(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	var now, most atomic.Int64
	ran := make(chan struct{}, 100)
	full := make(chan struct{})
	work(t, q, 3, map[string]jobs.Handler{"a": func(context.Context, jobs.Job) error {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		if now.Load() == 3 && most.Load() == 3 {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		<-full // only if three run at once does the first go on
		now.Add(-1)
		ran <- struct{}{}
		return nil
	}})
	for i := range 12 {
		enqueue(t, q, db, jobs.Job{Kind: "a", Key: fmt.Sprint(i)})
	}
	for range 12 {
		receive(t, ran)
	}
	if most.Load() > 3 {
		t.Errorf("%d jobs ran at once, want 3 at most", most.Load())
	}
}

func testOtherKinds(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	handler, ran := pass()
	stop := work(t, q, 1, map[string]jobs.Handler{"a": handler})
	enqueue(t, q, db, jobs.Job{Kind: "unknown", Key: "k"})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k"})
	receive(t, ran)
	stop()
	if len(ran) > 0 {
		t.Error("a job of a kind without a handler was handled")
	}
}
