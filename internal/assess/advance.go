package assess

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

// pollEvery is how often a run is looked at while something is awaited. What
// happens to a run moves it on at once; this is for what does not happen.
const pollEvery = time.Minute

// advance is the job that moves a run on when time has passed. There is one for
// each run, until the run is over.
func (s *Service) advance(ctx context.Context, job jobs.Job) error {
	if err := s.Flush(ctx); err != nil {
		return err
	}
	run := string(job.Payload)
	var again time.Time
	err := s.update(ctx, func(tx *store.Tx) (err error) {
		if err = s.giveUpLost(ctx, tx, run); err != nil {
			return err
		}
		if again, err = s.step(ctx, tx, run); err != nil {
			return err
		}
		return s.requeueEvaluations(ctx, tx, run)
	})
	if err != nil {
		return fmt.Errorf("advance the run %s: %w", run, err)
	}
	s.inForce.forget()
	if again.IsZero() {
		return nil
	}
	return jobs.ErrLater(max(again.Sub(s.Now()), time.Second))
}

// step takes all steps that a run can take now, and returns when to look again:
// zero when the run is over, or gone. The caller forgets the instructions in
// force once the transaction is committed.
func (s *Service) step(ctx context.Context, tx *store.Tx, id string) (again time.Time, err error) {
	for {
		run, ok, err := runIn(ctx, tx, id)
		if err != nil || !ok {
			return time.Time{}, err
		}
		now, err := s.situation(ctx, tx, run)
		if err != nil {
			return time.Time{}, err
		}
		do := decide(now)
		if do.become == "" {
			return do.again, nil
		}
		if err := s.take(ctx, tx, run, do); err != nil {
			return time.Time{}, err
		}
	}
}

func runIn(ctx context.Context, tx *store.Tx, id string) (inspector.Run, bool, error) {
	runs, err := tx.Runs(ctx, []string{id})
	run, ok := runs[id]
	return run, ok, err
}

// take takes one step.
func (s *Service) take(ctx context.Context, tx *store.Tx, run inspector.Run, do action) error {
	if do.abandon {
		if err := s.giveUp(ctx, tx, run, tooLate); err != nil {
			return err
		}
	}
	switch do.become {
	case inspector.DataCollected:
		if err := tx.SetDataCollected(ctx, run.ID); err != nil {
			return err
		}
	case inspector.EvaluatingRules:
		if err := s.enqueueEvaluations(ctx, tx, run); err != nil {
			return err
		}
	}
	s.Log.Info("run changes state", "run", run.ID, "from", run.State, "to", do.become)
	return s.changeState(ctx, tx, run, do.become)
}

// situation reads what the next step of a run depends on, and no more of it than
// decide looks at in the run's state.
func (s *Service) situation(ctx context.Context, tx *store.Tx, run inspector.Run) (situation, error) {
	now := situation{
		run: run, now: s.Now(), grace: s.Grace, poll: pollEvery,
		observe: s.planOf(run.Packages).observe(),
	}
	var err error
	switch run.State {
	case inspector.CollectingData, inspector.StopDataCollectionPending:
		now.waiting, now.collected, err = tally(ctx, tx, run.ID)
	case inspector.EvaluatingRules:
		if now.pending, err = tx.PendingEvaluations(ctx, run.ID); err == nil && now.pending == 0 {
			now.errors, err = hadErrors(ctx, tx, run.ID)
		}
	}
	return now, err
}

// tally counts a run's agents, up to the first that is still waited for: more
// does not matter, and this is asked whenever one of many agents is done.
func tally(ctx context.Context, tx *store.Tx, run string) (waiting, collected int, err error) {
	err = eachPart(ctx, tx, run, func(part inspector.RunAgent) (more bool, err error) {
		switch part.State {
		case inspector.CollectionPending, inspector.CollectionStarted:
			waiting++
			return false, nil
		case inspector.CollectionComplete:
			collected++
		}
		return true, nil
	})
	return waiting, collected, err
}

// hadErrors tells whether there was something in a run that could not be checked
// and should have been.
func hadErrors(ctx context.Context, tx *store.Tx, run string) (bool, error) {
	failed := false
	err := eachPart(ctx, tx, run, func(part inspector.RunAgent) (more bool, err error) {
		failed = part.State == inspector.CollectionFailed
		return !failed, nil
	})
	page := inspector.Page{Limit: pageSize}
	for err == nil && !failed {
		var some []inspector.Exclusion
		some, page.After, err = tx.ListExclusions(ctx, run, page)
		for _, e := range some {
			failed = failed || e.Error
		}
		if page.After == "" {
			break
		}
	}
	return failed, err
}

// eachPart calls fn with each agent's part in a run until it wants no more.
func eachPart(ctx context.Context, tx *store.Tx, run string, fn func(inspector.RunAgent) (more bool, err error)) error {
	page := inspector.Page{Limit: 100}
	for {
		parts, next, err := tx.RunAgents(ctx, run, inspector.RunAgentFilter{}, page)
		if err != nil {
			return err
		}
		for _, part := range parts {
			if more, err := fn(part); err != nil || !more {
				return err
			}
		}
		if next == "" {
			return nil
		}
		page.After = next
	}
}

// requeueEvaluations makes sure that the evaluations that a run waits for are
// queued.
func (s *Service) requeueEvaluations(ctx context.Context, tx *store.Tx, id string) error {
	run, ok, err := runIn(ctx, tx, id)
	if err != nil || !ok || run.State != inspector.EvaluatingRules {
		return err
	}
	return s.enqueueEvaluations(ctx, tx, run)
}

// enqueueEvaluations queues the evaluation of every host that has not been
// evaluated. A host without any telemetry has nothing to evaluate: its exclusion
// says why.
func (s *Service) enqueueEvaluations(ctx context.Context, tx *store.Tx, run inspector.Run) error {
	return eachPart(ctx, tx, run.ID, func(part inspector.RunAgent) (bool, error) {
		switch {
		case part.Evaluated:
			return true, nil
		case part.Segments == 0 && part.Source == "":
			return true, tx.MarkEvaluated(ctx, run.ID, part.Agent)
		}
		key := run.ID + "/" + part.Agent
		return true, s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobEvaluate, Key: key, Payload: []byte(key), RunAt: s.Now()})
	})
}
