// Package jobstest is what every job queue must do: one suite, run on SQLite and
// on PostgreSQL.
package jobstest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"assay/internal/jobs"
)

// Queue is both sides of a queue, and the database that it is in.
type Queue interface {
	jobs.Queue
	jobs.Worker
}

// Run runs the suite; open gives each test a queue of its own, empty.
func Run(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, func(*testing.T, jobs.Options) (Queue, *sql.DB))
	}{
		{"RunsOnce", testRunsOnce},
		{"Rollback", testRollback},
		{"Waiting", testWaiting},
		{"EarlierCounts", testEarlier},
		{"EnqueuedWhileRunning", testWhileRunning},
		{"NoLostWakeUp", testNoLostWakeUp},
		{"Retry", testRetry},
		{"Later", testLater},
		{"GivenUp", testGivenUp},
		{"Panic", testPanic},
		{"Interrupted", testInterrupted},
		{"Killed", testKilled},
		{"Concurrency", testConcurrency},
		{"OtherKinds", testOtherKinds},
		{"Backlog", testBacklog},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open)
		})
	}
}

// deadline is how long a test waits for what must happen; it is no measure.
const deadline = 30 * time.Second

// quick are options for tests: failures come back soon.
var quick = jobs.Options{Backoff: func(int) time.Duration { return time.Millisecond }, Lease: 500 * time.Millisecond}

func enqueue(t *testing.T, q Queue, db *sql.DB, job jobs.Job) {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := q.Enqueue(t.Context(), tx, job); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// work runs the queue until the test ends, or until what it returns is called.
func work(t *testing.T, q Queue, concurrency int, handlers map[string]jobs.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- q.Run(ctx, handlers, concurrency) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(deadline):
			t.Error("Run did not return")
		}
	})
	t.Cleanup(stop)
	return stop
}

func receive[T any](t *testing.T, from <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-from:
	case <-time.After(deadline):
		t.Fatal("it did not happen")
	}
	return v
}

// drained runs a job that is enqueued last, to know that nothing else is left.
func drained(t *testing.T, q Queue, db *sql.DB, done <-chan jobs.Job) {
	t.Helper()
	enqueue(t, q, db, jobs.Job{Kind: "done", Key: "done"})
	receive(t, done)
}

// pass returns a handler that passes jobs on, and where they come.
func pass() (jobs.Handler, chan jobs.Job) {
	ran := make(chan jobs.Job, 1000)
	return func(_ context.Context, job jobs.Job) error { ran <- job; return nil }, ran
}

var errTest = errors.New("it failed")

func testRunsOnce(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	handler, ran := pass()
	last, done := pass()
	work(t, q, 4, map[string]jobs.Handler{"a": handler, "done": last})
	for i := range 20 {
		enqueue(t, q, db, jobs.Job{Kind: "a", Key: fmt.Sprint(i), Payload: []byte{0, byte(i)}})
	}
	seen := map[string]bool{}
	for range 20 {
		job := receive(t, ran)
		if job.Kind != "a" || job.Attempt != 1 || len(job.Payload) != 2 || fmt.Sprint(job.Payload[1]) != job.Key || seen[job.Key] {
			t.Errorf("got %+v", job)
		}
		seen[job.Key] = true
	}
	drained(t, q, db, done)
	if len(ran) > 0 {
		t.Errorf("a job ran again: %+v", <-ran)
	}
	// The same key may come again once the job has run.
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "0", Payload: []byte("second")})
	if job := receive(t, ran); string(job.Payload) != "second" {
		t.Errorf("got %+v", job)
	}
}

func testRollback(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	handler, ran := pass()
	last, done := pass()
	work(t, q, 1, map[string]jobs.Handler{"a": handler, "done": last})
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Enqueue(t.Context(), tx, jobs.Job{Kind: "a", Key: "k"}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	drained(t, q, db, done)
	if len(ran) > 0 {
		t.Error("a job ran whose transaction was rolled back")
	}
}

func testWaiting(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	for _, payload := range []string{"first", "second", "third"} {
		enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k", Payload: []byte(payload)})
	}
	handler, ran := pass()
	last, done := pass()
	work(t, q, 1, map[string]jobs.Handler{"a": handler, "done": last})
	if job := receive(t, ran); string(job.Payload) != "first" {
		t.Errorf("got %q, want the job that waited", job.Payload)
	}
	drained(t, q, db, done)
	if len(ran) > 0 {
		t.Error("a job that was enqueued while it waited ran twice")
	}
}

func testEarlier(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	handler, ran := pass()
	work(t, q, 2, map[string]jobs.Handler{"a": handler})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k", RunAt: time.Now().Add(time.Hour)})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k", RunAt: time.Now().Add(2 * time.Hour)})
	soon := time.Now().Add(300 * time.Millisecond)
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k", RunAt: soon})
	receive(t, ran)
	if time.Now().Before(soon) {
		t.Error("the job ran before its time")
	}
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "now", RunAt: time.Now().Add(time.Hour)})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "now"})
	receive(t, ran)
}

func testWhileRunning(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	begun, goOn := make(chan jobs.Job, 10), make(chan error, 10)
	last, done := pass()
	work(t, q, 2, map[string]jobs.Handler{"done": last, "a": func(_ context.Context, job jobs.Job) error {
		begun <- job
		return <-goOn
	}})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k", Payload: []byte("1")})
	receive(t, begun)
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k", Payload: []byte("2")})
	enqueue(t, q, db, jobs.Job{Kind: "a", Key: "k", Payload: []byte("3")})
	drained(t, q, db, done)
	if len(begun) > 0 {
		t.Fatal("a job began while the one with its key was running")
	}
	goOn <- nil
	if job := receive(t, begun); string(job.Payload) != "2" || job.Attempt != 1 {
		t.Errorf("got %+v", job)
	}
	goOn <- nil
	drained(t, q, db, done)
	if len(begun) > 0 {
		t.Error("the job ran a third time")
	}
}

// testNoLostWakeUp counts in a table and looks that the job, enqueued with each
// change, sees the last one.
func testNoLostWakeUp(t *testing.T, open func(*testing.T, jobs.Options) (Queue, *sql.DB)) {
	q, db := open(t, quick)
	for _, statement := range []string{"CREATE TABLE counter (n BIGINT)", "INSERT INTO counter VALUES (0)"} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(chan int, 1000)
	work(t, q, 2, map[string]jobs.Handler{"a": func(ctx context.Context, _ jobs.Job) error {
		var n int
		if err := db.QueryRowContext(ctx, "SELECT n FROM counter").Scan(&n); err != nil {
			return err
		}
		seen <- n
		return nil
	}})
	const changes = 60
	for range changes {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Enqueue(t.Context(), tx, jobs.Job{Kind: "a", Key: "k"}); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("UPDATE counter SET n = n + 1"); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
	}
	for receive(t, seen) < changes {
	}
}
