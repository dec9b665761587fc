package assess

import (
	"context"
	"fmt"
	"strings"
	"time"

	"assay/internal/blob"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

const (
	// retainEvery is how often the standing job looks for what is due.
	retainEvery = time.Hour

	// orphanAge is from when on an object without a row is held to be one for
	// good: no upload takes as long between its two.
	orphanAge = time.Hour

	standing = "standing" // the key of the job that repeats itself
)

// standingJobs queues what has to be queued at all times. They are no more than
// looked at if they are queued already.
func (s *Service) standingJobs(ctx context.Context) error {
	err := s.update(ctx, func(tx *store.Tx) error {
		if err := s.enqueueSchedules(ctx, tx, s.Now()); err != nil {
			return err
		}
		return s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobRetain, Key: standing, RunAt: s.Now()})
	})
	if err != nil {
		return fmt.Errorf("queue the standing jobs: %w", err)
	}
	if err := s.requeueEvents(ctx); err != nil {
		return err
	}
	return s.requeueRuns(ctx)
}

// retain is the job that deletes: telemetry that has rested for as long as it may
// together with its key, and objects that nothing refers to. Keys are destroyed
// first; from then on nobody can read what is still to be deleted.
func (s *Service) retain(ctx context.Context, job jobs.Job) error {
	if err := s.dropDue(ctx); err != nil {
		return err
	}
	if err := s.dropReports(ctx); err != nil {
		return err
	}
	if err := s.deleteDoomed(ctx); err != nil {
		return err
	}
	if job.Key != standing {
		return nil
	}
	if err := s.deleteOrphans(ctx); err != nil {
		return err
	}
	if err := s.dropPreviews(ctx); err != nil {
		return err
	}
	if err := s.requeueRuns(ctx); err != nil {
		return err
	}
	if err := s.dropEvents(ctx); err != nil {
		return err
	}
	if err := s.requeueEvents(ctx); err != nil {
		return err
	}
	return jobs.ErrLater(retainEvery)
}

func (s *Service) dropDue(ctx context.Context) error {
	for {
		due, err := s.Store.TelemetryDue(ctx, s.retainedFrom())
		if err != nil || len(due) == 0 {
			return err
		}
		for _, run := range due {
			err := s.update(ctx, func(tx *store.Tx) error {
				_, err := tx.DropTelemetry(ctx, run, s.Now())
				return err
			})
			if err != nil {
				return fmt.Errorf("drop the telemetry of the run %s: %w", run, err)
			}
			s.Log.Info("the telemetry of a run was dropped and its key destroyed", "run", run)
		}
		s.keys.forgetAll()
	}
}

// deleteDoomed deletes the objects of deleted runs and dropped telemetry.
func (s *Service) deleteDoomed(ctx context.Context) error {
	for {
		doomed, err := s.Store.Doomed(ctx, pageSize)
		if err != nil || len(doomed) == 0 {
			return err
		}
		for _, name := range doomed {
			if err := s.Blobs.Delete(ctx, name); err != nil {
				return err
			}
		}
		if err := s.update(ctx, func(tx *store.Tx) error { return tx.Forget(ctx, doomed) }); err != nil {
			return err
		}
	}
}

// deleteOrphans deletes objects that were written for a segment whose row never
// was.
func (s *Service) deleteOrphans(ctx context.Context) error {
	old := s.Now().Add(-orphanAge)
	candidates := map[partID][]string{}
	held := 0
	flush := func() error {
		defer func() { clear(candidates); held = 0 }()
		for part, names := range candidates {
			if err := s.deleteUnused(ctx, part, names); err != nil {
				return err
			}
		}
		return nil
	}
	err := s.Blobs.List(ctx, objects, func(e blob.Entry) error {
		part, ok := partOfObject(e.Name)
		if !ok || !e.Modified.Before(old) {
			return nil
		}
		candidates[part] = append(candidates[part], e.Name)
		if held++; held < 10_000 {
			return nil
		}
		return flush()
	})
	if err != nil {
		return fmt.Errorf("look for objects without a row: %w", err)
	}
	return flush()
}

// partOfObject tells whose segment an object is, by its name.
func partOfObject(name string) (partID, bool) {
	rest, ok := strings.CutPrefix(name, objects)
	elements := strings.Split(rest, "/")
	if !ok || len(elements) != 3 {
		return partID{}, false
	}
	return partID{elements[0], elements[1]}, true
}

// deleteUnused deletes those of a part's objects that no row refers to.
func (s *Service) deleteUnused(ctx context.Context, part partID, names []string) error {
	segments, err := s.Store.Segments(ctx, part.run, part.agent)
	if err != nil {
		return err
	}
	used := map[string]bool{}
	for _, seg := range segments {
		used[seg.Blob] = true
	}
	for _, name := range names {
		if used[name] {
			continue
		}
		if err := s.Blobs.Delete(ctx, name); err != nil {
			return err
		}
		s.Log.Info("an object without a row was deleted", "object", name)
	}
	return nil
}

// requeueRuns makes sure that every run that is not over has its job, even if the
// queue has given one up.
func (s *Service) requeueRuns(ctx context.Context) error {
	page := inspector.Page{Limit: pageSize}
	for {
		runs, next, err := s.Store.ListRuns(ctx, inspector.RunFilter{States: openStates()}, page)
		if err != nil {
			return err
		}
		if len(runs) > 0 {
			err := s.update(ctx, func(tx *store.Tx) error {
				for _, run := range runs {
					if err := s.enqueueAdvance(ctx, tx, run.ID); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("queue the runs in progress: %w", err)
			}
		}
		if next == "" {
			return nil
		}
		page.After = next
	}
}

// openStates are the states of runs that are not over.
func openStates() []inspector.RunState {
	return []inspector.RunState{
		inspector.Created, inspector.StartDataCollectionPending, inspector.StartDataCollectionInProgress, inspector.CollectingData,
		inspector.StopDataCollectionPending, inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules,
	}
}
