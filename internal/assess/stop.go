package assess

import (
	"context"

	"assay/internal/inspector"
	"assay/internal/store"
)

// StopRun ends a run's collection early: with StartEvaluation (the default) what
// has come by then is evaluated, with SkipEvaluation the run is canceled. Nobody
// waits for agents that have not asked yet what to collect. It does
// nothing to a run that is over, or whose collection is over already, unless it
// is to be canceled.
func (s *Service) StopRun(ctx context.Context, run string, action inspector.StopAction) error {
	if action == "" {
		action = inspector.StartEvaluation
	}
	if action != inspector.StartEvaluation && action != inspector.SkipEvaluation {
		return inspector.Errorf(inspector.InvalidInput, "INVALID_STOP_ACTION", "there is no stop action %q", action)
	}
	if err := s.Flush(ctx); err != nil {
		return err // who has asked just now has asked
	}
	err := s.update(ctx, func(tx *store.Tx) error {
		r, ok, err := runIn(ctx, tx, run)
		switch {
		case err != nil:
			return err
		case !ok:
			return noSuch("ASSESSMENT_RUN_DOES_NOT_EXIST", "assessment run", run)
		case r.State.Final():
			return nil
		}
		if err := tx.SetRunStop(ctx, run, action); err != nil {
			return err
		}
		if action == inspector.StartEvaluation && r.State.Collecting() {
			if err := s.giveUp(ctx, tx, r, stopped); err != nil {
				return err
			}
		}
		_, err = s.step(ctx, tx, run)
		return err
	})
	s.inForce.forget()
	return err
}
