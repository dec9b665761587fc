package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

// ImportRun adds a run that is over and was made elsewhere, with the id, times and
// finding counts that it had there. Its telemetry is gone, at a time; its findings
// are shown. Its template is not told: what it counts was imported with it. A name
// that the template has already is refused.
func (tx *Tx) ImportRun(ctx context.Context, run inspector.Run, goneAt time.Time) error {
	if !run.State.Final() {
		return inspector.Errorf(inspector.InvalidInput, "", "the assessment run is %s, not over", run.State)
	}
	var n int
	taken, err := one(ctx, &tx.Reader, tx.query("SELECT 1 FROM runs WHERE template = ? AND name = ?", run.Template, run.Name), &n)
	if err != nil {
		return fmt.Errorf("look for run %q: %w", run.Name, err)
	}
	if taken {
		return inspector.Errorf(inspector.InvalidInput, "", "the assessment template has a run named %q already", run.Name)
	}
	counts, findings := noCounts(), int64(0)
	for severity, n := range run.FindingCounts {
		counts[severity] = n
		findings += n
	}
	var no int64
	if _, err := one(ctx, &tx.Reader, tx.query("SELECT coalesce(max(run), 0) + 1 FROM run_keys"), &no); err != nil {
		return fmt.Errorf("number run %s: %w", run.ID, err)
	}
	row := []any{no, run.ID, run.Target, run.Template, run.Name, string(run.State), true, true, run.Duration.Microseconds(),
		toJSON(run.Packages), toJSON(run.Attributes), stamp(run.CreatedAt), stamp(run.StartedAt), stamp(run.CompletedAt),
		stamp(run.StateChangedAt), run.DataCollected, toJSON(rounded(run.Changes)), toJSON(counts), "", stamp(goneAt), findings, 0}
	err = tx.insert(ctx, `runs (no, id, target, template, name, state, final, shown, duration, packages, attributes, created_at, started_at,
		completed_at, state_changed_at, data_collected, changes, finding_counts, stop, telemetry_gone_at, findings, exclusions)`, [][]any{row}, "")
	if err != nil {
		return fmt.Errorf("write run %s: %w", run.ID, err)
	}
	// The number is taken for good; there never was a key.
	if err := tx.insert(ctx, "run_keys (run, wrapped)", [][]any{{no, []byte{}}}, ""); err != nil {
		return fmt.Errorf("number run %s: %w", run.ID, err)
	}
	return nil
}

// ImportFindings adds findings to runs that were imported. None of them may be
// there. The indexes of these runs are made anew, which takes as long as the runs
// have findings.
func (tx *Tx) ImportFindings(ctx context.Context, findings []inspector.Finding) error {
	type part struct {
		run, agent string
		pkg        inspector.PackageID
	}
	parts := map[part][]inspector.Finding{}
	var order []part
	for _, f := range findings {
		p := part{f.Run, f.Agent, f.Package}
		if parts[p] == nil {
			order = append(order, p)
		}
		parts[p] = append(parts[p], f)
	}
	numbers := map[int64]string{}
	for _, p := range order {
		no, ok, err := tx.number(ctx, p.run)
		if err != nil {
			return err
		}
		if !ok {
			return noSuch("runs", p.run)
		}
		if err := tx.insertRows(ctx, no, p.agent, p.pkg, parts[p]); err != nil {
			return fmt.Errorf("write findings of run %s: %w", p.run, err)
		}
		numbers[no] = p.run
	}
	for no, run := range numbers {
		if err := tx.indexAnew(ctx, no, run); err != nil {
			return fmt.Errorf("index the findings of run %s: %w", run, err)
		}
	}
	return nil
}

// Imported tells whether a run was imported: it never had a data key. Runs of this
// service's own take no findings from elsewhere.
func (r *Reader) Imported(ctx context.Context, run string) (bool, error) {
	var wrapped []byte
	ok, err := one(ctx, r, r.query("SELECT wrapped FROM run_keys JOIN runs ON runs.no = run_keys.run WHERE runs.id = ?", run), &wrapped)
	if err != nil {
		return false, fmt.Errorf("look for run %s: %w", run, err)
	}
	return ok && len(wrapped) == 0, nil
}
