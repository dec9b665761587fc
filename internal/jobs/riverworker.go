package jobs

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
)

// riverWorker runs River's jobs with the handlers.
type riverWorker struct {
	river.WorkerDefaults[args]
	queue    *River
	handlers map[string]Handler
	run      context.Context // what Run was given

	mu      sync.Mutex
	running map[int64]bool // ids of the jobs that this replica runs
}

// Timeout implements river.Worker: evaluating a large host takes long.
func (w *riverWorker) Timeout(*river.Job[args]) time.Duration { return -1 }

// NextRetry implements river.Worker, for when the database failed between a job
// and writing what becomes of it.
func (w *riverWorker) NextRetry(*river.Job[args]) time.Time { return time.Now().Add(time.Second) }

// Work implements river.Worker.
func (w *riverWorker) Work(ctx context.Context, job *river.Job[args]) error {
	w.mark(job.ID, true)
	defer w.mark(job.ID, false)
	handler, ok := w.handlers[job.Args.JobKind]
	if !ok {
		return river.JobSnooze(10 * time.Second) // another replica may have one
	}
	if err := w.queue.begin(ctx, job.Args); err != nil {
		return fmt.Errorf("begin a job: %w", err)
	}
	// The handlers' context ends with Run's, before River's own.
	work, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(w.run, cancel)()
	defer cancel()
	next := w.queue.opts.do(work, handler, Job{
		Kind: job.Args.JobKind, Key: job.Args.JobKey, Payload: job.Args.Payload, RunAt: job.ScheduledAt.UTC(), Attempt: job.Args.Failed + job.Attempt,
	})
	if err := w.queue.settle(context.WithoutCancel(ctx), job, next); err != nil {
		return fmt.Errorf("write that a job has run: %w", err)
	}
	return nil
}

func (w *riverWorker) mark(id int64, running bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if running {
		w.running[id] = true
	} else {
		delete(w.running, id)
	}
}

// cooldown is River's shortest pause between two looks for jobs, and between two
// notifications of new ones.
const cooldown = 5 * time.Millisecond

// Run implements Worker.
func (q *River) Run(ctx context.Context, handlers map[string]Handler, concurrency int) error {
	w := &riverWorker{queue: q, handlers: handlers, run: ctx, running: map[int64]bool{}}
	workers := river.NewWorkers()
	river.AddWorker(workers, w)
	driver := riverdatabasesql.New(q.db)
	if q.dsn != "" {
		pool, err := q.listener(ctx)
		if err != nil {
			return fmt.Errorf("listen for jobs: %w", err)
		}
		defer pool.Close()
		driver = riverdatabasesql.NewWithPgxListener(q.db, pool)
	}
	client, err := river.NewClient(driver, &river.Config{
		Logger: q.opts.Log, Workers: workers, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: max(concurrency, 1)}},
		FetchCooldown: cooldown, FetchPollInterval: idle, JobTimeout: -1,
		CompletedJobRetentionPeriod: 10 * time.Minute, RescueStuckJobsAfter: 24 * time.Hour,
	})
	if err != nil {
		return fmt.Errorf("set up the job queue: %w", err)
	}
	// River goes on until the handlers have returned and what becomes of their jobs
	// is written, so it does not end with ctx.
	alive := context.WithoutCancel(ctx)
	if err := client.Start(alive); err != nil {
		return fmt.Errorf("start the job queue: %w", err)
	}
	q.upkeep(ctx, w)
	// Stop waits for the handlers; their jobs are stamped until then.
	stopping, stopped := context.WithCancel(alive)
	var stamping sync.WaitGroup
	stamping.Go(func() { q.upkeep(stopping, w) })
	err = client.Stop(alive)
	stopped()
	stamping.Wait()
	if err != nil {
		q.opts.Log.Error("the job queue did not stop well", "error", err)
	}
	return nil
}

// upkeep stamps the jobs that this replica runs, gives back those of replicas that
// have stopped to, and makes jobs available that are due, until ctx ends.
func (q *River) upkeep(ctx context.Context, w *riverWorker) {
	tick := time.NewTicker(min(idle, q.opts.Lease/3))
	defer tick.Stop()
	for {
		if err := q.tend(ctx, w); err != nil && ctx.Err() == nil {
			q.opts.Log.Error("cannot look after the jobs", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// orphaned gives back the jobs of replicas that showed no sign of life for so many
// seconds. River sets attempted_at when it begins a job.
const orphaned = `UPDATE river_job SET state = 'available' WHERE kind = 'assay' AND state = 'running'
	AND attempted_at < now() - make_interval(secs => $1)`

func (q *River) tend(ctx context.Context, w *riverWorker) error {
	w.mu.Lock()
	ids := make([]int64, 0, len(w.running))
	for id := range w.running {
		ids = append(ids, id)
	}
	w.mu.Unlock()
	if len(ids) > 0 {
		if _, err := q.db.ExecContext(ctx, "UPDATE river_job SET attempted_at = now() WHERE state = 'running' AND id = ANY($1)", ids); err != nil {
			return err
		}
	}
	if _, err := q.db.ExecContext(ctx, orphaned, q.opts.Lease.Seconds()); err != nil {
		return err
	}
	due, err := q.db.ExecContext(ctx, promote)
	if err != nil {
		return err
	}
	if n, err := due.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = q.db.ExecContext(ctx, notify)
	return err
}
