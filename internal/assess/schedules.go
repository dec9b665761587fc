package assess

import (
	"context"
	"time"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/schedule"
	"assay/internal/store"
)

// Schedules start runs of a template again and again. Their commands are here,
// the job that starts the runs is in schedulejob.go.

// AddSchedule adds a schedule to a template, of which the template, the expression
// (see package schedule), the zone, the start and whether it is of re-matches are
// given. No run starts before StartAt; zero means now.
func (s *Service) AddSchedule(ctx context.Context, wanted inspector.Schedule) (inspector.Schedule, error) {
	now, start := s.Now(), wanted.StartAt
	if start.IsZero() {
		start = now
	}
	rule, err := schedule.Parse(wanted.Expression, wanted.Zone, start)
	if err != nil {
		return inspector.Schedule{}, inspector.Errorf(inspector.InvalidInput, "INVALID_SCHEDULE", "%v", err)
	}
	added := inspector.Schedule{
		ID: inspector.NewID(), Template: wanted.Template, Expression: wanted.Expression, Zone: wanted.Zone, Rematch: wanted.Rematch,
		StartAt: start.Truncate(time.Second), CreatedAt: now,
	}
	// A start of now is within the second that began with it; one that is long ago
	// only says how to count.
	if added.DueAt, _ = rule.Next(now.Truncate(time.Second).Add(-1)); added.DueAt.IsZero() {
		return inspector.Schedule{}, inspector.Errorf(inspector.InvalidInput, "INVALID_SCHEDULE", "%q never comes again", wanted.Expression)
	}
	added.TryAt = added.DueAt
	err = s.update(ctx, func(tx *store.Tx) error {
		if err := tx.CreateSchedule(ctx, added, s.Limits); err != nil {
			return err
		}
		if err := s.mayRematch(ctx, tx, added); err != nil {
			return err
		}
		kept, err := tx.Schedules(ctx, []string{added.ID})
		if err != nil {
			return err
		}
		added = kept[added.ID]
		return s.enqueueSchedules(ctx, tx, added.TryAt)
	})
	return added, err
}

// mayRematch refuses a schedule of re-matches that could never start one.
func (s *Service) mayRematch(ctx context.Context, tx *store.Tx, c inspector.Schedule) error {
	if !c.Rematch {
		return nil
	}
	templates, err := tx.Templates(ctx, []string{c.Template})
	if err == nil && len(s.rematchable(templates[c.Template].Packages)) == 0 {
		err = nothingToRematch()
	}
	return err
}

// enqueueSchedules makes sure that schedules are looked at by a time.
func (s *Service) enqueueSchedules(ctx context.Context, tx *store.Tx, at time.Time) error {
	return s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobSchedule, Key: standing, RunAt: at})
}

// RemoveSchedule deletes a schedule. Its runs stay.
func (s *Service) RemoveSchedule(ctx context.Context, id string) error {
	return s.update(ctx, func(tx *store.Tx) error { return tx.DeleteSchedule(ctx, id) })
}

// PauseSchedule has a schedule start nothing until it is resumed.
func (s *Service) PauseSchedule(ctx context.Context, id string) error {
	return s.changeSchedule(ctx, id, func(c *inspector.Schedule) error {
		c.Paused, c.TryAt = true, time.Time{}
		return nil
	})
}

// ResumeSchedule ends a pause. The times that came during it are not caught up:
// they were left out on purpose.
func (s *Service) ResumeSchedule(ctx context.Context, id string) error {
	return s.changeSchedule(ctx, id, func(c *inspector.Schedule) error {
		if !c.Paused {
			return nil
		}
		rule, err := ruleOf(*c)
		if err != nil {
			return err
		}
		c.Paused = false
		c.DueAt, _ = rule.Next(s.Now())
		c.TryAt = c.DueAt
		return nil
	})
}

func (s *Service) changeSchedule(ctx context.Context, id string, change func(*inspector.Schedule) error) error {
	return s.update(ctx, func(tx *store.Tx) error {
		c, ok, err := scheduleIn(ctx, tx, id)
		if err != nil {
			return err
		}
		if !ok {
			return noSuch("SCHEDULE_DOES_NOT_EXIST", "schedule", id)
		}
		if err := change(&c); err != nil {
			return err
		}
		if err := tx.SaveSchedule(ctx, c); err != nil || c.TryAt.IsZero() {
			return err
		}
		return s.enqueueSchedules(ctx, tx, c.TryAt)
	})
}

// RunSchedule starts a run of a schedule's template now, also during a pause. Times
// that wait for their run have it with this one.
func (s *Service) RunSchedule(ctx context.Context, id string) (inspector.Run, error) {
	run, found, err := s.fire(ctx, id, true)
	if err == nil && !found {
		err = noSuch("SCHEDULE_DOES_NOT_EXIST", "schedule", id)
	}
	return run, err
}

func scheduleIn(ctx context.Context, tx *store.Tx, id string) (inspector.Schedule, bool, error) {
	found, err := tx.Schedules(ctx, []string{id})
	c, ok := found[id]
	return c, ok, err
}

func ruleOf(c inspector.Schedule) (schedule.Schedule, error) {
	rule, err := schedule.Parse(c.Expression, c.Zone, c.StartAt)
	if err != nil {
		return rule, inspector.Errorf(inspector.InvalidInput, "INVALID_SCHEDULE", "the schedule %s cannot be read any more: %v", c.ID, err)
	}
	return rule, nil
}
