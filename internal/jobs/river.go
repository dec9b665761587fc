package jobs

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// River is a queue on PostgreSQL, for any number of replicas.
//
// River itself cannot do two things. A job that it keeps unique cannot be enqueued
// while it runs, as then a change that came after it began would be missed: so a
// row for each kind and key (job_keys) takes what is enqueued, and who begins or
// ends a job locks that row. And it gives the jobs of a killed process back after
// an hour: so running jobs are stamped often, and those whose stamp is old are
// given back (see upkeep).
type River struct {
	db     *sql.DB
	dsn    string
	opts   Options
	insert *river.Client[*sql.Tx]
}

// args are what River keeps of a job.
type args struct {
	JobKind string `json:"job_kind" river:"unique"`
	JobKey  string `json:"job_key" river:"unique"`
	Payload []byte `json:"payload,omitempty"`
	Failed  int    `json:"failed,omitempty"` // attempts before this row of River's
}

// Kind implements river.JobArgs.
func (args) Kind() string { return "assay" }

// unfinished are the states in which a job keeps others with its kind and key out.
var unfinished = []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
	rivertype.JobStateRetryable, rivertype.JobStateScheduled}

const keysTable = `CREATE TABLE IF NOT EXISTS job_keys (
	kind TEXT NOT NULL, key TEXT NOT NULL, again_at BIGINT, again_payload BYTEA, PRIMARY KEY (kind, key))`

// riverLock is the key of the advisory lock under which replicas make the tables.
const riverLock = 0x6a6f6273

// NewRiver makes a queue in the PostgreSQL database that db is connected to, and
// River's tables in it. dsn is the address of the same database: a connection that
// listens for new jobs is made to it while Run goes on. Without one, new jobs are
// looked for every second.
func NewRiver(ctx context.Context, db *sql.DB, dsn string, opts Options) (*River, error) {
	q := &River{db: db, dsn: dsn, opts: opts.withDefaults()}
	if err := q.migrate(ctx); err != nil {
		return nil, fmt.Errorf("make the tables of the job queue: %w", err)
	}
	client, err := river.NewClient(riverdatabasesql.New(db), &river.Config{Logger: q.opts.Log, FetchCooldown: cooldown})
	if err != nil {
		return nil, fmt.Errorf("set up the job queue: %w", err)
	}
	q.insert = client
	return q, nil
}

func (q *River) migrate(ctx context.Context) error {
	conn, err := q.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", int64(riverLock)); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(riverLock))
	// Its log tells of steps only: what goes wrong is returned.
	migrator, err := rivermigrate.New(riverdatabasesql.New(q.db), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, keysTable)
	return err
}

// Enqueue implements Queue.
func (q *River) Enqueue(ctx context.Context, tx *sql.Tx, job Job) error {
	if job.RunAt.IsZero() {
		job.RunAt = time.Now()
	}
	// The row is locked until tx ends: a worker that begins the job waits for it, and
	// so sees what tx wrote.
	_, err := tx.ExecContext(ctx, `INSERT INTO job_keys AS k (kind, key, again_at, again_payload) VALUES ($1, $2, $3, $4)
		ON CONFLICT (kind, key) DO UPDATE SET again_at = least(k.again_at, excluded.again_at),
			again_payload = CASE WHEN k.again_at IS NULL THEN excluded.again_payload ELSE k.again_payload END`,
		job.Kind, job.Key, micros(job.RunAt), job.Payload)
	if err == nil {
		err = q.put(ctx, tx, args{JobKind: job.Kind, JobKey: job.Key, Payload: job.Payload}, job.RunAt)
	}
	if err != nil {
		return fmt.Errorf("enqueue %s %s: %w", job.Kind, job.Key, err)
	}
	return nil
}

// put gives a job to River, or moves the one that waits to an earlier time.
func (q *River) put(ctx context.Context, tx *sql.Tx, a args, runAt time.Time) error {
	opts := &river.InsertOpts{
		// Attempts are counted by do, not by River.
		MaxAttempts: 1 << 14, ScheduledAt: runAt, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: unfinished},
	}
	put, err := q.insert.InsertTx(ctx, tx, a, opts)
	if err != nil || !put.UniqueSkippedAsDuplicate {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE river_job SET scheduled_at = $1 WHERE id = $2 AND state IN ('scheduled', 'retryable') AND scheduled_at > $1`,
		runAt.UTC(), put.Job.ID)
	if err == nil && !runAt.After(time.Now()) {
		_, err = tx.ExecContext(ctx, promote+" AND id = $1", put.Job.ID)
	}
	if err == nil {
		_, err = tx.ExecContext(ctx, notify)
	}
	return err
}

// promote makes jobs available whose time has come; River itself looks every 5 s.
const promote = `UPDATE river_job SET state = 'available' WHERE kind = 'assay' AND state IN ('scheduled', 'retryable') AND scheduled_at <= now()`

// notify tells the workers that there are jobs, as River does when one is inserted.
const notify = `SELECT pg_notify(concat(current_schema(), '.river_insert'), '{"queue":"default"}')`

// begin takes what was enqueued until now as said: this run will see it. It waits
// for transactions that are enqueuing the same.
func (q *River) begin(ctx context.Context, a args) error {
	_, err := q.db.ExecContext(ctx, `INSERT INTO job_keys (kind, key) VALUES ($1, $2)
		ON CONFLICT (kind, key) DO UPDATE SET again_at = NULL, again_payload = NULL`, a.JobKind, a.JobKey)
	return err
}

// settle ends River's row of a job, and puts in a new one if it is to run again or
// was enqueued since it began.
func (q *River) settle(ctx context.Context, job *river.Job[args], next outcome) error {
	tx, err := q.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var againAt sql.NullInt64
	a, runAt := job.Args, time.Now().Add(next.after)
	var payload []byte
	err = tx.QueryRowContext(ctx, "SELECT again_at, again_payload FROM job_keys WHERE kind = $1 AND key = $2 FOR UPDATE", a.JobKind, a.JobKey).Scan(&againAt, &payload)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := river.JobCompleteTx[*riverdatabasesql.Driver](ctx, tx, job); err != nil {
		if errors.Is(err, rivertype.ErrNotFound) {
			return nil // it was taken from this replica, which was thought to be dead
		}
		return err
	}
	a.Failed = next.attempt
	if againAt.Valid {
		a.Payload = payload
		if at := time.UnixMicro(againAt.Int64); !next.again || at.Before(runAt) {
			runAt = at
		}
	}
	if next.again || againAt.Valid {
		err = q.put(ctx, tx, a, runAt)
	} else {
		_, err = tx.ExecContext(ctx, "DELETE FROM job_keys WHERE kind = $1 AND key = $2", a.JobKind, a.JobKey)
	}
	if err != nil {
		return err
	}
	return tx.Commit()
}

// listener is a pool for the connection on which River listens.
func (q *River) listener(ctx context.Context) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(q.dsn)
	if err != nil {
		return nil, err
	}
	config.MinConns, config.MaxConns = 0, 1
	return pgxpool.NewWithConfig(ctx, config)
}
