package store

import (
	"context"
	"fmt"
	"strconv"

	"assay/internal/inspector"
)

const runColumns = `SELECT no, id, target, template, name, state, duration, packages, attributes, created_at, started_at, completed_at,
	state_changed_at, data_collected, changes, finding_counts, stop, telemetry_gone_at, rematch FROM runs WHERE `

// numbered is a run with its number.
type numbered struct {
	no int64
	inspector.Run
}

func scanRun(row scanner) (r numbered, err error) {
	err = row.Scan(&r.no, &r.ID, &r.Target, &r.Template, &r.Name, &r.State, (*span)(&r.Duration), fromJSON{&r.Packages}, fromJSON{&r.Attributes},
		(*instant)(&r.CreatedAt), (*instant)(&r.StartedAt), (*instant)(&r.CompletedAt), (*instant)(&r.StateChangedAt),
		&r.DataCollected, fromJSON{&r.Changes}, fromJSON{&r.FindingCounts}, &r.Stop, (*instant)(&r.TelemetryGoneAt), &r.Rematch)
	for i := range r.Changes {
		r.Changes[i].At = r.Changes[i].At.UTC()
	}
	return r, err
}

func bare(found []numbered) []inspector.Run {
	runs := make([]inspector.Run, len(found))
	for i, r := range found {
		runs[i] = r.Run
	}
	return runs
}

// Runs returns those of the runs that exist, by id. FindingCounts has every
// severity; it counts once the evaluation is over.
func (r *Reader) Runs(ctx context.Context, ids []string) (map[string]inspector.Run, error) {
	found, err := rows(ctx, r, r.query(runColumns+"id").list(toAny(ids)), scanRun)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	runs := make(map[string]inspector.Run, len(found))
	for _, run := range found {
		runs[run.ID] = run.Run
	}
	return runs, nil
}

// ListRuns returns a page of runs in the order in which they were created.
func (r *Reader) ListRuns(ctx context.Context, f inspector.RunFilter, p inspector.Page) ([]inspector.Run, string, error) {
	after, _, err := cursor(p)
	if err != nil {
		return nil, "", err
	}
	q := r.query(runColumns+"no > ?", after)
	in(q, "template", f.Templates)
	in(q, "state", f.States)
	q.glob("name", f.NamePattern)
	q.between("duration", f.Durations.Min.Microseconds(), f.Durations.Max.Microseconds())
	q.anyOf("packages", f.PackageARNs)
	q.within("started_at", f.Started)
	q.within("completed_at", f.Completed)
	q.within("state_changed_at", f.StateChanged)
	q.add(" ORDER BY no LIMIT ?", limit(p))
	found, err := rows(ctx, r, q, scanRun)
	if err != nil {
		return nil, "", fmt.Errorf("list runs: %w", err)
	}
	found, next := cut(found, p, func(r numbered) string { return strconv.FormatInt(r.no, 10) })
	return bare(found), next, nil
}

// RunKey returns the wrapped data key of a run, while its telemetry is there.
func (r *Reader) RunKey(ctx context.Context, run string) (wrapped []byte, ok bool, err error) {
	q := r.query("SELECT wrapped FROM run_keys JOIN runs ON runs.no = run_keys.run WHERE runs.id = ? AND telemetry_gone_at = 0", run)
	if ok, err = one(ctx, r, q, &wrapped); err != nil {
		return nil, false, fmt.Errorf("read the key of run %s: %w", run, err)
	}
	return wrapped, ok, nil
}

// run reads a run, or answers with the API's error.
func (r *Reader) run(ctx context.Context, id string) (numbered, error) {
	found, err := rows(ctx, r, r.query(runColumns+"id = ?", id), scanRun)
	if err != nil {
		return numbered{}, fmt.Errorf("read run %s: %w", id, err)
	}
	if len(found) == 0 {
		return numbered{}, noSuch("runs", id)
	}
	return found[0], nil
}

// number is a run's number; ok tells whether there is such a run.
func (r *Reader) number(ctx context.Context, run string) (no int64, ok bool, err error) {
	if ok, err = one(ctx, r, r.query("SELECT no FROM runs WHERE id = ?", run), &no); err != nil {
		return 0, false, fmt.Errorf("look for run %s: %w", run, err)
	}
	return no, ok, nil
}

// noCounts are the finding counts of a run that has none.
func noCounts() map[inspector.Severity]int64 {
	counts := map[inspector.Severity]int64{}
	for _, s := range inspector.Severities() {
		counts[s] = 0
	}
	return counts
}
