package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

const scheduleColumns = `SELECT s.id, s.template, t.target, s.expression, s.zone, s.start_at, s.created_at, s.paused, s.due_at, s.try_at, s.last, s.rematch
	FROM schedules s JOIN templates t ON t.id = s.template WHERE `

func scanSchedule(row scanner) (s inspector.Schedule, err error) {
	err = row.Scan(&s.ID, &s.Template, &s.Target, &s.Expression, &s.Zone, (*instant)(&s.StartAt), (*instant)(&s.CreatedAt), &s.Paused,
		(*instant)(&s.DueAt), (*instant)(&s.TryAt), fromJSON{&s.Last}, &s.Rematch)
	return s, err
}

func scheduleID(s inspector.Schedule) string { return s.ID }

// Schedules returns those of the schedules that exist, by id.
func (r *Reader) Schedules(ctx context.Context, ids []string) (map[string]inspector.Schedule, error) {
	schedules, err := byKey(ctx, r, r.query(scheduleColumns+"s.id").list(toAny(ids)), scanSchedule, scheduleID)
	if err != nil {
		return nil, fmt.Errorf("read schedules: %w", err)
	}
	return schedules, nil
}

// ListSchedules returns a page of schedules by id.
func (r *Reader) ListSchedules(ctx context.Context, p inspector.Page) ([]inspector.Schedule, string, error) {
	q := r.query(scheduleColumns+"s.id > ? ORDER BY s.id LIMIT ?", p.After, limit(p))
	schedules, err := rows(ctx, r, q, scanSchedule)
	if err != nil {
		return nil, "", fmt.Errorf("list schedules: %w", err)
	}
	schedules, next := cut(schedules, p, scheduleID)
	return schedules, next, nil
}

// SchedulesDue returns the ids of schedules that are to be tried at a time, those
// that have waited longest first.
func (r *Reader) SchedulesDue(ctx context.Context, now time.Time, n int) ([]string, error) {
	q := r.query("SELECT id FROM schedules WHERE try_at > 0 AND try_at <= ? ORDER BY try_at, id LIMIT ?", stamp(now), n)
	ids, err := rows(ctx, r, q, scanText)
	if err != nil {
		return nil, fmt.Errorf("look for schedules that are due: %w", err)
	}
	return ids, nil
}

// NextSchedule returns when the next schedule is to be tried; zero: never.
func (r *Reader) NextSchedule(ctx context.Context) (at time.Time, err error) {
	if _, err = one(ctx, r, r.query("SELECT coalesce(min(try_at), 0) FROM schedules WHERE try_at > 0"), (*instant)(&at)); err != nil {
		return at, fmt.Errorf("look for the next schedule: %w", err)
	}
	return at, nil
}

// ScheduleCounts counts schedules by how they are.
type ScheduleCounts struct {
	Active, Paused, Ended int
	Refused               int // of the active ones: the last run could not be started
}

// CountSchedules counts the schedules.
func (r *Reader) CountSchedules(ctx context.Context) (c ScheduleCounts, err error) {
	q := r.query(`SELECT count(*) FILTER (WHERE NOT paused AND try_at > 0), count(*) FILTER (WHERE paused),
		count(*) FILTER (WHERE NOT paused AND try_at = 0), count(*) FILTER (WHERE NOT paused AND try_at > 0 AND refused) FROM schedules`)
	if _, err = one(ctx, r, q, &c.Active, &c.Paused, &c.Ended, &c.Refused); err != nil {
		return c, fmt.Errorf("count schedules: %w", err)
	}
	return c, nil
}

// CreateSchedule adds a schedule to a template. A template has none twice.
func (tx *Tx) CreateSchedule(ctx context.Context, s inspector.Schedule, limits inspector.Limits) error {
	if err := tx.mustExist(ctx, "templates", s.Template); err != nil {
		return err
	}
	var n, same int
	q := tx.query("SELECT count(*), count(*) FILTER (WHERE template = ? AND expression = ? AND zone = ?) FROM schedules", s.Template, s.Expression, s.Zone)
	if _, err := one(ctx, &tx.Reader, q, &n, &same); err != nil {
		return fmt.Errorf("count schedules: %w", err)
	}
	if n >= limits.WithDefaults().Schedules {
		return inspector.Errorf(inspector.LimitExceeded, "SCHEDULE_LIMIT_EXCEEDED", "there are %d schedules already, as many as there may be", n)
	}
	if same > 0 {
		return inspector.Errorf(inspector.InvalidInput, "SCHEDULE_ALREADY_EXISTS", "the assessment template has the schedule %q already", s.Expression)
	}
	row := []any{s.ID, s.Template, s.Expression, s.Zone, stamp(s.StartAt), stamp(s.CreatedAt), s.Paused, stamp(s.DueAt), stamp(s.TryAt), s.Last.Refused(), toJSON(s.Last), s.Rematch}
	err := tx.insert(ctx, "schedules (id, template, expression, zone, start_at, created_at, paused, due_at, try_at, refused, last, rematch)", [][]any{row}, "")
	if err != nil {
		return fmt.Errorf("write schedule %s: %w", s.ID, err)
	}
	return nil
}

// SaveSchedule writes what changes of a schedule: its pause, its times and what
// came of the last.
func (tx *Tx) SaveSchedule(ctx context.Context, s inspector.Schedule) error {
	n, err := tx.exec(ctx, "UPDATE schedules SET paused = $1, due_at = $2, try_at = $3, refused = $4, last = $5 WHERE id = $6",
		s.Paused, stamp(s.DueAt), stamp(s.TryAt), s.Last.Refused(), toJSON(s.Last), s.ID)
	if err != nil {
		return fmt.Errorf("write schedule %s: %w", s.ID, err)
	}
	if n == 0 {
		return noSuch("schedules", s.ID)
	}
	return nil
}

// DeleteSchedule deletes a schedule. Its runs stay.
func (tx *Tx) DeleteSchedule(ctx context.Context, id string) error {
	if err := tx.mustExist(ctx, "schedules", id); err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "DELETE FROM schedules WHERE id = $1", id); err != nil {
		return fmt.Errorf("delete schedule %s: %w", id, err)
	}
	return nil
}
