package assess

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

const (
	// lookEvery is how often schedules are looked at while none is due: for clocks
	// that are set, and for whatever was not queued.
	lookEvery = time.Minute

	// The pauses between tries of a run that is refused: the first, and the longest.
	retryFirst, retryMost = time.Minute, time.Hour

	// maxMissed is how many missed times are counted.
	maxMissed = 10_000
)

// runSchedules is the job that starts the runs of schedules that are due. One that
// fails does not keep the others from theirs.
func (s *Service) runSchedules(ctx context.Context, _ jobs.Job) error {
	var failed []error
	seen := map[string]bool{}
	for {
		due, err := s.Store.SchedulesDue(ctx, s.Now(), pageSize)
		if err != nil {
			return err
		}
		fresh := 0
		for _, id := range due {
			if seen[id] {
				continue
			}
			seen[id] = true
			fresh++
			if _, _, err := s.fire(ctx, id, false); err != nil && !isTold(err) {
				failed = append(failed, fmt.Errorf("start the run of the schedule %s: %w", id, err))
			}
		}
		if fresh == 0 {
			break
		}
	}
	if err := errors.Join(failed...); err != nil {
		return err
	}
	next, err := s.Store.NextSchedule(ctx)
	if err != nil {
		return err
	}
	wait := lookEvery
	if !next.IsZero() {
		wait = min(wait, max(next.Sub(s.Now()), time.Second))
	}
	return jobs.ErrLater(wait)
}

// isTold tells a refusal, which is written down and tried again in time, from a
// failure of the service's own.
func isTold(err error) bool {
	var told *inspector.Err
	return errors.As(err, &told)
}

// fire starts the run of a schedule that is due, or of any if asked, and moves the
// schedule on in the same transaction: whatever is cut off, and however many do
// this at once, a time has one run. A refusal is written down and returned. Found
// is false where there is nothing to start.
func (s *Service) fire(ctx context.Context, id string, asked bool) (run inspector.Run, found bool, err error) {
	var c inspector.Schedule
	err = s.withNewRun(ctx, func(tx *store.Tx, runID string, wrapped []byte) (err error) {
		if c, found, err = s.toFire(ctx, tx, id, asked); err != nil || !found {
			return err
		}
		s.account(&c)
		if run, err = s.startScheduled(ctx, tx, c, runID, wrapped); err != nil {
			return err
		}
		c.Last.Run = runID
		return s.moveOn(ctx, tx, c)
	})
	if isTold(err) && found {
		if failed := s.scheduleRefused(ctx, id, asked, err); failed != nil {
			return run, found, failed
		}
		return run, found, err
	}
	if err != nil || !found {
		return inspector.Run{}, found, err
	}
	s.Log.Info("a scheduled run was started", "schedule", id, "run", c.Last.Run, "due", c.Last.Due, "missed", c.Last.Missed)
	s.Scheduled(c.Last)
	return run, true, nil
}

// toFire reads a schedule and tells whether its run is to be started now.
func (s *Service) toFire(ctx context.Context, tx *store.Tx, id string, asked bool) (inspector.Schedule, bool, error) {
	c, ok, err := scheduleIn(ctx, tx, id)
	due := ok && !c.TryAt.IsZero() && !c.TryAt.After(s.Now())
	return c, ok && (asked || due), err
}

// account starts the record of a try: which times it is for.
func (s *Service) account(c *inspector.Schedule) {
	now := s.Now()
	attempts := 0
	if c.Last.Refused() {
		attempts = c.Last.Attempts
	}
	c.Last = inspector.ScheduleOutcome{At: now, Due: now, Attempts: attempts}
	if c.DueAt.IsZero() || c.DueAt.After(now) || c.Paused {
		return // asked for: no time of the schedule's waits
	}
	c.Last.Due = c.DueAt
	if rule, err := ruleOf(*c); err == nil {
		if last, n := rule.Since(c.DueAt, now, maxMissed); n > 0 {
			c.Last.Due, c.Last.Missed = last, n
		}
	}
}

// startScheduled starts the run. A re-match names itself; another run's name says that
// it was scheduled, and for when.
func (s *Service) startScheduled(ctx context.Context, tx *store.Tx, c inspector.Schedule, id string, wrapped []byte) (inspector.Run, error) {
	if c.Rematch {
		return s.rematch(ctx, tx, id, c.Template, wrapped)
	}
	templates, err := tx.Templates(ctx, []string{c.Template})
	if err != nil {
		return inspector.Run{}, err
	}
	name, err := timedName(ctx, tx, "Scheduled run", templates[c.Template], c.Last.Due)
	if err != nil {
		return inspector.Run{}, err
	}
	return s.start(ctx, tx, id, c.Template, name, wrapped)
}

// maxRunName is the longest name of a run (service-2.json, AssessmentRunName), less
// room for a number.
const maxRunName = 140 - len(" (12345)")

// timedName is a name for a run that says what it is and for when, and that the
// template has not given yet.
func timedName(ctx context.Context, tx *store.Tx, what string, t inspector.Template, at time.Time) (string, error) {
	name := []rune(fmt.Sprintf("%s %s for %s", what, at.UTC().Format("2006-01-02T15:04Z"), t.Name))
	base := string(name[:min(len(name), maxRunName)])
	for n := 1; ; n++ {
		name := base
		if n > 1 {
			name = fmt.Sprintf("%s (%d)", base, n)
		}
		same, _, err := tx.ListRuns(ctx, inspector.RunFilter{Templates: []string{t.ID}, NamePattern: name}, inspector.Page{Limit: 1})
		if err != nil || len(same) == 0 {
			return name, err
		}
	}
}

// moveOn writes a schedule whose run was started: its next time comes.
func (s *Service) moveOn(ctx context.Context, tx *store.Tx, c inspector.Schedule) error {
	c.Last.Attempts = 0
	if !c.Paused && !c.DueAt.IsZero() && !c.DueAt.After(s.Now()) {
		rule, err := ruleOf(c)
		if err != nil {
			return err
		}
		c.DueAt, _ = rule.Next(s.Now())
		c.TryAt = c.DueAt
	}
	return tx.SaveSchedule(ctx, c)
}

// scheduleRefused writes down that a run could not be started, and when to try again: with
// growing pauses, and at the schedule's next time at the latest, whose run is then
// for both.
func (s *Service) scheduleRefused(ctx context.Context, id string, asked bool, cause error) error {
	var told *inspector.Err
	errors.As(cause, &told)
	var c inspector.Schedule
	found := false
	err := s.update(ctx, func(tx *store.Tx) (err error) {
		if c, found, err = s.toFire(ctx, tx, id, asked); err != nil || !found {
			return err
		}
		s.account(&c)
		c.Last.Attempts++
		c.Last.Kind, c.Last.Reason = told.Kind, told.Message
		if !c.TryAt.IsZero() && !c.TryAt.After(s.Now()) {
			c.TryAt = s.retryAt(c)
		}
		return tx.SaveSchedule(ctx, c)
	})
	if err != nil || !found {
		return err
	}
	s.Log.Warn("a scheduled run could not be started", "schedule", id, "template", c.Template, "due", c.Last.Due, "attempts", c.Last.Attempts,
		"again", c.TryAt, "error", cause)
	s.Scheduled(c.Last)
	return nil
}

func (s *Service) retryAt(c inspector.Schedule) time.Time {
	again := s.Now().Add(min(retryFirst<<min(c.Last.Attempts-1, 20), retryMost))
	if rule, err := ruleOf(c); err == nil {
		if next, ok := rule.Next(s.Now()); ok && next.Before(again) {
			return next
		}
	}
	return again
}
