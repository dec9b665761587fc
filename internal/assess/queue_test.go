package assess

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/jobs"
	"assay/internal/store"
)

// queue keeps jobs in a table, in the transactions they are queued in.
type queue struct {
	t     testing.TB
	store *store.Store
	clock *clock
	fail  error // of Enqueue
}

func newQueue(t testing.TB, st *store.Store, c *clock) *queue {
	t.Helper()
	if _, err := st.DB().Exec("CREATE TABLE test_jobs (kind TEXT, key TEXT, payload BLOB, run_at INT, attempt INT, PRIMARY KEY (kind, key))"); err != nil {
		t.Fatal(err)
	}
	return &queue{t: t, store: st, clock: c}
}

func (q *queue) Enqueue(ctx context.Context, tx *sql.Tx, job jobs.Job) error {
	if q.fail != nil {
		return q.fail
	}
	_, err := tx.ExecContext(ctx, "INSERT INTO test_jobs VALUES ($1, $2, $3, $4, 0) ON CONFLICT DO NOTHING", job.Kind, job.Key, job.Payload, job.RunAt.UnixNano())
	return err
}

// waiting lists the jobs as "kind key".
func (q *queue) waiting() []string {
	q.t.Helper()
	var all []string
	for _, j := range q.read("") {
		all = append(all, j.Kind+" "+j.Key)
	}
	return all
}

func (q *queue) read(where string) []jobs.Job {
	q.t.Helper()
	rows, err := q.store.DB().Query("SELECT kind, key, payload, run_at, attempt FROM test_jobs " + where + " ORDER BY run_at, kind, key")
	if err != nil {
		q.t.Fatal(err)
	}
	defer rows.Close()
	var all []jobs.Job
	for rows.Next() {
		var j jobs.Job
		var at int64
		if err := rows.Scan(&j.Kind, &j.Key, &j.Payload, &at, &j.Attempt); err != nil {
			q.t.Fatal(err)
		}
		j.RunAt = time.Unix(0, at)
		all = append(all, j)
	}
	return all
}

// work runs what is due until nothing is, and returns the errors of handlers.
// With twice, every job that has done its work is run once more.
func (w *world) work(twice bool) []error {
	w.t.Helper()
	var failed []error
	for range 1000 {
		due := w.queue.read(fmt.Sprintf("WHERE run_at <= %d", w.clock.Now().UnixNano()))
		if len(due) == 0 {
			return failed
		}
		for _, job := range due {
			job.Attempt++
			err := w.Handlers()[job.Kind](w.t.Context(), job)
			if again, ok := later(err); ok {
				w.exec("UPDATE test_jobs SET run_at = $1 WHERE kind = $2 AND key = $3", w.clock.Now().Add(again).UnixNano(), job.Kind, job.Key)
				continue
			}
			if err != nil {
				failed = append(failed, err)
				w.exec("UPDATE test_jobs SET run_at = $1, attempt = $2 WHERE kind = $3 AND key = $4",
					w.clock.Now().Add(time.Second).UnixNano(), job.Attempt, job.Kind, job.Key)
				continue
			}
			if twice {
				if err := w.Handlers()[job.Kind](w.t.Context(), job); err != nil {
					w.t.Errorf("the job %s %s fails when it runs again: %v", job.Kind, job.Key, err)
				}
			}
			w.exec("DELETE FROM test_jobs WHERE kind = $1 AND key = $2", job.Kind, job.Key)
		}
	}
	w.t.Fatal("there is always another job")
	return nil
}

// later tells what jobs.ErrLater was called with.
func later(err error) (time.Duration, bool) {
	if err == nil {
		return 0, false
	}
	text, ok := strings.CutPrefix(err.Error(), "to be run again in ")
	d, perr := time.ParseDuration(text)
	return d, ok && perr == nil
}

func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	if _, err := w.Store.DB().Exec(statement, args...); err != nil {
		w.t.Fatal(err)
	}
}
