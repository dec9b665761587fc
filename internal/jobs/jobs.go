// Package jobs is the queue of work that has to be done some time after a
// transaction commits, and survives that the program is killed. A job is put into
// the queue in the transaction that makes it necessary.
//
// There are two queues with the same behaviour, which jobstest holds: a table in
// SQLite, and River on PostgreSQL. A job may run twice; handlers are idempotent.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Job is a piece of work. Kind says which, Key on what: "evaluate" and
// "<run>/<agent>". A kind and key are in the queue at most once:
//
//   - enqueued while it waits, nothing changes, except that the earlier RunAt counts;
//   - enqueued while it runs, it runs once more afterwards, so that what has
//     changed since it began is never missed.
type Job struct {
	Kind, Key string
	Payload   []byte
	RunAt     time.Time // not before; zero: at once
	Attempt   int       // from 1, set for handlers
}

// Queue takes jobs.
type Queue interface {
	// Enqueue puts a job into the queue when tx commits. Attempt is ignored.
	Enqueue(ctx context.Context, tx *sql.Tx, job Job) error
}

// Worker runs jobs.
type Worker interface {
	// Run calls the handlers of jobs that are due, so many at once, until ctx ends
	// and the handlers have returned. Jobs of other kinds wait. The handlers'
	// context ends with ctx; a job that is interrupted by it runs again. It returns
	// an error only if it cannot begin.
	Run(ctx context.Context, handlers map[string]Handler, concurrency int) error
}

// Handler does a job. After an error the job is tried again, with growing pauses,
// until it is given up (see Options). A panic is an error.
type Handler func(ctx context.Context, job Job) error

// ErrLater is what a handler returns to run again after a while. It is no failure
// and counts no attempt.
func ErrLater(after time.Duration) error { return &later{after} }

type later struct{ after time.Duration }

func (l *later) Error() string { return fmt.Sprintf("to be run again in %v", l.after) }

// Options of a queue. Zero fields mean the defaults.
type Options struct {
	Log *slog.Logger // slog.Default()
	// MaxAttempts is how often a job is tried that fails: 20.
	MaxAttempts int
	// Backoff is the pause after an attempt that failed: about a second, doubled
	// with each, at most ten minutes.
	Backoff func(attempt int) time.Duration
	// OnDiscard is called before a job is given up, with its last error. If it
	// fails the job stays.
	OnDiscard func(ctx context.Context, job Job, err error) error
	// Lease is how long after the last sign of life of a replica its jobs are taken
	// from it, on PostgreSQL: 30 s.
	Lease time.Duration
}

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.MaxAttempts == 0 {
		o.MaxAttempts = 20
	}
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	if o.OnDiscard == nil {
		o.OnDiscard = func(context.Context, Job, error) error { return nil }
	}
	if o.Lease == 0 {
		o.Lease = 30 * time.Second
	}
	return o
}

func backoff(attempt int) time.Duration {
	pause := min(time.Second<<min(attempt-1, 20), 10*time.Minute)
	// Jobs that failed together do not come back together.
	return pause*3/4 + rand.N(pause/2)
}

// errTooOften is the error of a job that was begun too often without an end: it
// seems to take the program down with it.
var errTooOften = errors.New("the job was begun too often and never ended")

// outcome is what becomes of a job that was run.
type outcome struct {
	again   bool          // it is to run again
	after   time.Duration // so much later
	attempt int           // how many attempts then count
}

// do runs a job and decides what becomes of it.
func (o Options) do(ctx context.Context, handler Handler, job Job) outcome {
	err := errTooOften
	if job.Attempt <= o.MaxAttempts {
		err = call(ctx, handler, job)
	}
	var wait *later
	switch {
	case err == nil:
		return outcome{}
	case errors.As(err, &wait):
		return outcome{again: true, after: wait.after, attempt: job.Attempt - 1}
	case ctx.Err() != nil: // the program is ending
		return outcome{again: true, attempt: job.Attempt - 1}
	case job.Attempt < o.MaxAttempts:
		pause := o.Backoff(job.Attempt)
		o.Log.Warn("a job failed and will be tried again", "kind", job.Kind, "key", job.Key, "attempt", job.Attempt, "after", pause, "error", err)
		return outcome{again: true, after: pause, attempt: job.Attempt}
	}
	o.Log.Error("a job is given up", "kind", job.Kind, "key", job.Key, "attempt", job.Attempt, "error", err)
	if err := o.OnDiscard(ctx, job, err); err != nil {
		o.Log.Error("a job could not be given up", "kind", job.Kind, "key", job.Key, "error", err)
		return outcome{again: true, after: o.Backoff(job.Attempt), attempt: job.Attempt - 1}
	}
	return outcome{}
}

func call(ctx context.Context, handler Handler, job Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the job's handler panicked: %v", p)
		}
	}()
	return handler(ctx, job)
}
