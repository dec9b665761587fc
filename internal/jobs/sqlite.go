package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// SQLite is a queue in a table of a SQLite database that one process uses. Times
// are microseconds since 1970. A row is a job that waits or runs; the again
// columns hold what was enqueued while it runs.
type SQLite struct {
	db   *sql.DB
	opts Options
	wake chan struct{}
}

const sqliteSchema = `
CREATE TABLE IF NOT EXISTS jobs (
    kind          TEXT NOT NULL,
    key           TEXT NOT NULL,
    payload       BLOB,
    run_at        INTEGER NOT NULL,
    attempt       INTEGER NOT NULL,
    running       INTEGER NOT NULL,
    again_at      INTEGER,
    again_payload BLOB,
    PRIMARY KEY (kind, key)
);
CREATE INDEX IF NOT EXISTS jobs_due ON jobs (run_at) WHERE running = 0;`

// NewSQLite makes a queue in a database, which has a single connection for writing
// (see store.Store.DB).
func NewSQLite(ctx context.Context, db *sql.DB, opts Options) (*SQLite, error) {
	if _, err := db.ExecContext(ctx, sqliteSchema); err != nil {
		return nil, fmt.Errorf("make the table of jobs: %w", err)
	}
	return &SQLite{db: db, opts: opts.withDefaults(), wake: make(chan struct{}, 1)}, nil
}

// Enqueue implements Queue.
func (q *SQLite) Enqueue(ctx context.Context, tx *sql.Tx, job Job) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO jobs (kind, key, payload, run_at, attempt, running) VALUES ($1, $2, $3, $4, 0, 0)
		ON CONFLICT (kind, key) DO UPDATE SET
			run_at = iif(running = 0, min(run_at, excluded.run_at), run_at),
			again_at = iif(running = 1, min(coalesce(again_at, excluded.run_at), excluded.run_at), NULL),
			again_payload = iif(running = 1, iif(again_at IS NULL, excluded.payload, again_payload), NULL)`,
		job.Kind, job.Key, job.Payload, micros(job.RunAt))
	if err != nil {
		return fmt.Errorf("enqueue %s %s: %w", job.Kind, job.Key, err)
	}
	// The worker gets the connection, and sees the job, when this transaction ends.
	q.awake()
	return nil
}

func (q *SQLite) awake() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		t = time.Now()
	}
	return t.UnixMicro()
}

// idle is the longest pause between two looks at the table, for jobs that another
// process has enqueued.
const idle = time.Second

// Run implements Worker. Jobs that ran when the process was killed run again at
// once: nobody else can be running them.
func (q *SQLite) Run(ctx context.Context, handlers map[string]Handler, concurrency int) error {
	if _, err := q.db.ExecContext(ctx, "UPDATE jobs SET running = 0, again_at = NULL, again_payload = NULL WHERE running = 1"); err != nil {
		return fmt.Errorf("take up the jobs of a process that has ended: %w", err)
	}
	var kinds []any
	for kind := range handlers {
		kinds = append(kinds, kind)
	}
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, max(concurrency, 1))
	for ctx.Err() == nil && len(kinds) > 0 {
		free <- struct{}{} // a place for one more
		job, pause, err := q.claim(ctx, kinds)
		if err == nil && job != nil {
			running.Go(func() {
				q.work(ctx, handlers[job.Kind], *job)
				<-free
			})
			continue
		}
		<-free
		if err != nil && ctx.Err() == nil {
			q.opts.Log.Error("cannot look for jobs", "error", err)
		}
		q.sleep(ctx, pause)
	}
	<-ctx.Done()
	return nil
}

func (q *SQLite) sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-q.wake:
	case <-timer.C:
	}
}

// claim takes the job that is due first, or says how long to wait.
func (q *SQLite) claim(ctx context.Context, kinds []any) (*Job, time.Duration, error) {
	marks := make([]string, len(kinds))
	for i := range kinds {
		marks[i] = "$" + strconv.Itoa(i+2)
	}
	in := "(" + strings.Join(marks, ", ") + ")"
	now := time.Now()
	args := slices.Concat([]any{now.UnixMicro()}, kinds)
	var due sql.NullInt64
	if err := q.db.QueryRowContext(ctx, "SELECT min(run_at) FROM jobs WHERE running = 0 AND $1 > 0 AND kind IN "+in, args...).Scan(&due); err != nil {
		return nil, idle, err
	}
	if !due.Valid {
		return nil, idle, nil
	}
	if wait := time.UnixMicro(due.Int64).Sub(now); wait > 0 {
		return nil, min(wait, idle), nil
	}
	job := &Job{}
	var runAt int64
	err := q.db.QueryRowContext(ctx, `UPDATE jobs SET running = 1, attempt = attempt + 1 WHERE rowid = (
		SELECT rowid FROM jobs WHERE running = 0 AND run_at <= $1 AND kind IN `+in+` ORDER BY run_at LIMIT 1)
		RETURNING kind, key, payload, run_at, attempt`, args...).Scan(&job.Kind, &job.Key, &job.Payload, &runAt, &job.Attempt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, idle, err
	}
	job.RunAt = time.UnixMicro(runAt).UTC()
	return job, 0, nil
}

// work runs a job and writes what becomes of it, until that is written.
func (q *SQLite) work(ctx context.Context, handler Handler, job Job) {
	next := q.opts.do(ctx, handler, job)
	for try := 1; ; try++ {
		err := q.settle(context.WithoutCancel(ctx), job, next)
		if err == nil {
			break
		}
		q.opts.Log.Error("cannot write that a job has run", "kind", job.Kind, "key", job.Key, "error", err)
		if ctx.Err() != nil {
			return // the next process runs it again
		}
		q.sleep(ctx, backoff(try))
	}
	q.awake()
}

func (q *SQLite) settle(ctx context.Context, job Job, next outcome) error {
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if next.again {
		// What was enqueued meanwhile may be due earlier.
		_, err = tx.ExecContext(ctx, `UPDATE jobs SET running = 0, attempt = $1, run_at = min($2, coalesce(again_at, $2)),
			payload = iif(again_at IS NULL, payload, again_payload), again_at = NULL, again_payload = NULL WHERE kind = $3 AND key = $4`,
			next.attempt, time.Now().Add(next.after).UnixMicro(), job.Kind, job.Key)
	} else {
		_, err = tx.ExecContext(ctx, "DELETE FROM jobs WHERE kind = $1 AND key = $2 AND again_at IS NULL", job.Kind, job.Key)
		if err == nil {
			_, err = tx.ExecContext(ctx, `UPDATE jobs SET running = 0, attempt = 0, run_at = again_at, payload = again_payload,
				again_at = NULL, again_payload = NULL WHERE kind = $1 AND key = $2`, job.Kind, job.Key)
		}
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}
