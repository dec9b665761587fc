package store

import (
	"context"
	"fmt"

	"assay/internal/inspector"
)

// ErrRunOver says that a run is over: its results do not change any more.
var ErrRunOver = fmt.Errorf("the assessment run is over, its results are final")

// Results returns what was kept of the results of a rules package on an agent in
// a run.
func (r *Reader) Results(ctx context.Context, run, agent string, pkg inspector.PackageID) (results []byte, ok bool, err error) {
	q := r.query("SELECT results FROM results WHERE run = (SELECT no FROM runs WHERE id = ?) AND agent = ? AND package = ?", run, agent, string(pkg))
	if ok, err = one(ctx, r, q, &results); err != nil {
		return nil, false, fmt.Errorf("read the %s results of agent %s in run %s: %w", pkg, agent, run, err)
	}
	return results, ok, nil
}

// SaveResults writes the results of a rules package on an agent in a run, with the
// findings and exclusions derived from them, in place of those that were there. A
// run that is over is left alone: ErrRunOver.
func (tx *Tx) SaveResults(ctx context.Context, run, agent string, pkg inspector.PackageID, results []byte, findings []inspector.Finding, exclusions []inspector.Exclusion) error {
	r, err := tx.run(ctx, run)
	if err != nil {
		return err
	}
	if r.State.Final() {
		return ErrRunOver
	}
	if err := tx.saveResults(ctx, r.no, agent, pkg, results, findings, exclusions); err != nil {
		return fmt.Errorf("write the %s results of agent %s in run %s: %w", pkg, agent, run, err)
	}
	return nil
}

func (tx *Tx) saveResults(ctx context.Context, no int64, agent string, pkg inspector.PackageID, results []byte, findings []inspector.Finding, exclusions []inspector.Exclusion) error {
	// What is new is written without a look at what was there: on PostgreSQL a look
	// would make the evaluations of other hosts, which are close by, start again.
	added, err := tx.exec(ctx, "INSERT INTO results (run, agent, package, results) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		no, agent, string(pkg), append([]byte{}, results...))
	if err == nil && added == 0 {
		err = tx.replaceResults(ctx, no, agent, pkg, results)
	}
	if err != nil {
		return err
	}
	if err := tx.insertFindings(ctx, no, agent, pkg, findings); err != nil {
		return err
	}
	return tx.insertExclusions(ctx, no, agent, string(pkg), exclusions)
}

// replaceResults writes results in place of others, and deletes what was derived
// from those.
func (tx *Tx) replaceResults(ctx context.Context, no int64, agent string, pkg inspector.PackageID, results []byte) error {
	_, err := tx.exec(ctx, "UPDATE results SET results = $1 WHERE run = $2 AND agent = $3 AND package = $4", append([]byte{}, results...), no, agent, string(pkg))
	if err != nil {
		return err
	}
	if _, err := tx.exec(ctx, "DELETE FROM exclusions WHERE run = $1 AND agent = $2 AND package = $3", no, agent, string(pkg)); err != nil {
		return err
	}
	return tx.deleteFindings(ctx, no, agent, pkg)
}

// AddExclusions adds exclusions to a run that are nobody's results. One with the
// same id is replaced.
func (tx *Tx) AddExclusions(ctx context.Context, run string, exclusions []inspector.Exclusion) error {
	no, ok, err := tx.number(ctx, run)
	if err != nil {
		return err
	}
	if !ok {
		return noSuch("runs", run)
	}
	if err := tx.insertExclusions(ctx, no, "", "", exclusions); err != nil {
		return fmt.Errorf("write exclusions of run %s: %w", run, err)
	}
	return nil
}

func (tx *Tx) insertExclusions(ctx context.Context, no int64, agent, pkg string, exclusions []inspector.Exclusion) error {
	docs := map[string]string{}
	var added [][]any
	for _, e := range exclusions {
		if _, twice := docs[e.ID]; !twice {
			docs[e.ID] = toJSON(e)
			added = append(added, []any{no, e.ID, agent, pkg, docs[e.ID]})
		}
	}
	return tx.insert(ctx, "exclusions (run, id, agent, package, doc)", added,
		" ON CONFLICT (run, id) DO UPDATE SET agent = excluded.agent, package = excluded.package, doc = excluded.doc")
}

func scanExclusion(row scanner) (e inspector.Exclusion, err error) {
	err = row.Scan(fromJSON{&e})
	return e, err
}

func exclusionID(e inspector.Exclusion) string { return e.ID }

// Exclusions returns those of the exclusions that exist in a run, by id.
func (r *Reader) Exclusions(ctx context.Context, run string, ids []string) (map[string]inspector.Exclusion, error) {
	q := r.query("SELECT doc FROM exclusions WHERE run = (SELECT no FROM runs WHERE id = ?) AND id", run).list(toAny(ids))
	exclusions, err := byKey(ctx, r, q, scanExclusion, exclusionID)
	if err != nil {
		return nil, fmt.Errorf("read exclusions of run %s: %w", run, err)
	}
	return exclusions, nil
}

// ListExclusions returns a page of the exclusions of a run by id.
func (r *Reader) ListExclusions(ctx context.Context, run string, p inspector.Page) ([]inspector.Exclusion, string, error) {
	q := r.query("SELECT doc FROM exclusions WHERE run = (SELECT no FROM runs WHERE id = ?) AND id > ? ORDER BY id LIMIT ?", run, p.After, limit(p))
	exclusions, err := rows(ctx, r, q, scanExclusion)
	if err != nil {
		return nil, "", fmt.Errorf("list the exclusions of run %s: %w", run, err)
	}
	exclusions, next := cut(exclusions, p, exclusionID)
	return exclusions, next, nil
}
