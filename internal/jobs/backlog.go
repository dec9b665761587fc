package jobs

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Backlog is what there is to do of a kind.
type Backlog struct {
	Kind    string
	Due     int64     // jobs that could run and wait for a worker
	Later   int64     // jobs whose time has not come
	Running int64     // jobs that a worker has begun
	Oldest  time.Time // since when the job has been due that has waited longest; zero if none is
}

// Backlog tells what is in the queue, by kind; kinds of which nothing is are left
// out.
func (q *SQLite) Backlog(ctx context.Context) ([]Backlog, error) {
	return backlog(ctx, q.db, `SELECT kind, count(*) FILTER (WHERE running = 0 AND run_at <= $1), count(*) FILTER (WHERE running = 0 AND run_at > $1),
		count(*) FILTER (WHERE running = 1), coalesce(min(run_at) FILTER (WHERE running = 0 AND run_at <= $1), 0)
		FROM jobs GROUP BY kind ORDER BY kind`, time.Now().UnixMicro())
}

// Backlog tells what is in the queue of all replicas, by kind; kinds of which
// nothing is are left out. Jobs that River keeps after they are done do not count.
func (q *River) Backlog(ctx context.Context) ([]Backlog, error) {
	const waits = "state IN ('available', 'pending', 'scheduled', 'retryable')"
	return backlog(ctx, q.db, `SELECT args ->> 'job_kind', count(*) FILTER (WHERE `+waits+` AND scheduled_at <= $1),
		count(*) FILTER (WHERE `+waits+` AND scheduled_at > $1), count(*) FILTER (WHERE state = 'running'),
		coalesce(extract(epoch FROM min(scheduled_at) FILTER (WHERE `+waits+` AND scheduled_at <= $1)) * 1000000, 0)::bigint
		FROM river_job WHERE kind = 'assay' AND (`+waits+` OR state = 'running') GROUP BY 1 ORDER BY 1`, time.Now().UTC())
}

func backlog(ctx context.Context, db *sql.DB, query string, now any) ([]Backlog, error) {
	rows, err := db.QueryContext(ctx, query, now)
	if err != nil {
		return nil, fmt.Errorf("count the jobs: %w", err)
	}
	defer rows.Close()
	var all []Backlog
	for rows.Next() {
		var b Backlog
		var oldest int64
		if err := rows.Scan(&b.Kind, &b.Due, &b.Later, &b.Running, &oldest); err != nil {
			return nil, fmt.Errorf("count the jobs: %w", err)
		}
		if oldest != 0 {
			b.Oldest = time.UnixMicro(oldest).UTC()
		}
		all = append(all, b)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("count the jobs: %w", err)
	}
	return all, nil
}
