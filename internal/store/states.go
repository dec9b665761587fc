package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

// StateError says that a run cannot change its state like this. Somebody else has
// changed it: look at it again.
type StateError struct {
	Run      string
	From, To inspector.RunState
}

func (e *StateError) Error() string {
	return fmt.Sprintf("assessment run %s is %s and cannot become %s", e.Run, e.From, e.To)
}

// ChangeRunState puts a run into another state and appends that to its history.
// CollectingData sets StartedAt, a final state CompletedAt. With Completed or
// CompletedWithErrors its findings are counted and shown. A state that cannot
// follow is answered with a *StateError.
func (tx *Tx) ChangeRunState(ctx context.Context, id string, to inspector.RunState, at time.Time) error {
	run, err := tx.run(ctx, id)
	if err != nil {
		return err
	}
	if !run.State.CanBecome(to) {
		return &StateError{Run: id, From: run.State, To: to}
	}
	run.Changes = append(run.Changes, inspector.StateChange{State: to, At: at})
	if to == inspector.CollectingData {
		run.StartedAt = at
	}
	if to.Final() {
		run.CompletedAt = at
	}
	shown := to == inspector.Completed || to == inspector.CompletedWithErrors
	var findings, exclusions int64
	if shown {
		if run.FindingCounts, err = tx.indexRun(ctx, run.no); err != nil {
			return fmt.Errorf("index the findings of run %s: %w", id, err)
		}
		for _, n := range run.FindingCounts {
			findings += n
		}
		if _, err := one(ctx, &tx.Reader, tx.query("SELECT count(*) FROM exclusions WHERE run = ?", run.no), &exclusions); err != nil {
			return fmt.Errorf("count the exclusions of run %s: %w", id, err)
		}
	}
	_, err = tx.exec(ctx, `UPDATE runs SET state = $1, final = $2, shown = $3, started_at = $4, completed_at = $5, state_changed_at = $6,
		changes = $7, finding_counts = $8, findings = $9, exclusions = $10 WHERE no = $11`,
		string(to), to.Final(), shown, stamp(run.StartedAt), stamp(run.CompletedAt), stamp(at), toJSON(rounded(run.Changes)), toJSON(run.FindingCounts),
		findings, exclusions, run.no)
	if err != nil {
		return fmt.Errorf("change the state of run %s: %w", id, err)
	}
	return nil
}

// rounded gives a history the precision of the other times.
func rounded(changes []inspector.StateChange) []inspector.StateChange {
	out := make([]inspector.StateChange, len(changes))
	for i, c := range changes {
		out[i] = inspector.StateChange{State: c.State, At: c.At.UTC().Truncate(time.Microsecond)}
	}
	return out
}

// SetRunStop notes that a run was asked to stop.
func (tx *Tx) SetRunStop(ctx context.Context, id string, action inspector.StopAction) error {
	return tx.setRun(ctx, "UPDATE runs SET stop = $1 WHERE id = $2", string(action), id)
}

// SetDataCollected notes that a run has its data.
func (tx *Tx) SetDataCollected(ctx context.Context, id string) error {
	return tx.setRun(ctx, "UPDATE runs SET data_collected = $1 WHERE id = $2", true, id)
}

func (tx *Tx) setRun(ctx context.Context, statement string, value any, id string) error {
	n, err := tx.exec(ctx, statement, value, id)
	if err != nil {
		return fmt.Errorf("write run %s: %w", id, err)
	}
	if n == 0 {
		return noSuch("runs", id)
	}
	return nil
}

// DeleteRun deletes a run with what belongs to it. It is refused while the run
// goes on.
func (tx *Tx) DeleteRun(ctx context.Context, id string) error {
	run, err := tx.run(ctx, id)
	if err != nil {
		return err
	}
	if err := tx.deleteTree(ctx, "runs", "id", id); err != nil {
		return err
	}
	// The newest run of the template is the one before now, if it was this one.
	_, err = tx.exec(ctx, `UPDATE templates SET last_run = coalesce((SELECT id FROM runs WHERE template = $1 ORDER BY no DESC LIMIT 1), ''), runs = runs - 1
		WHERE id = $2`, run.Template, run.Template)
	if err != nil {
		return fmt.Errorf("count the runs of template %s: %w", run.Template, err)
	}
	return nil
}
