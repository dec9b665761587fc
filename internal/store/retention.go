package store

import (
	"context"
	"fmt"
	"time"
)

// TelemetryDue returns runs that were over before a time and still have their
// telemetry, the oldest first.
func (r *Reader) TelemetryDue(ctx context.Context, before time.Time) ([]string, error) {
	q := r.query("SELECT id FROM runs WHERE telemetry_gone_at = 0 AND final AND completed_at < ? ORDER BY completed_at LIMIT ?", stamp(before), maxPage)
	runs, err := rows(ctx, r, q, scanText)
	if err != nil {
		return nil, fmt.Errorf("look for telemetry to delete: %w", err)
	}
	return runs, nil
}

func scanText(row scanner) (s string, err error) {
	err = row.Scan(&s)
	return s, err
}

// DropTelemetry destroys the data key of a run that is over, and its segments. It
// returns their blobs, which are left to be deleted (see Doomed) as well: nobody
// can read them once the transaction is over.
func (tx *Tx) DropTelemetry(ctx context.Context, id string, at time.Time) (blobs []string, err error) {
	run, err := tx.run(ctx, id)
	if err != nil {
		return nil, err
	}
	if !run.State.Final() {
		return nil, tx.refuseInProgress(ctx, "id", id)
	}
	if blobs, err = rows(ctx, &tx.Reader, tx.query("SELECT blob FROM segments WHERE run = ? ORDER BY blob", run.no), scanText); err != nil {
		return nil, fmt.Errorf("list the blobs of run %s: %w", id, err)
	}
	for _, statement := range []string{
		"INSERT INTO doomed (blob) SELECT blob FROM segments WHERE run = $1 ON CONFLICT DO NOTHING",
		"DELETE FROM segments WHERE run = $1",
	} {
		if _, err := tx.exec(ctx, statement, run.no); err != nil {
			return nil, fmt.Errorf("delete the segments of run %s: %w", id, err)
		}
	}
	if err := tx.eraseKeys(ctx, "$1", run.no); err != nil {
		return nil, err
	}
	if _, err := tx.exec(ctx, "UPDATE runs SET telemetry_gone_at = $1 WHERE no = $2 AND telemetry_gone_at = 0", stamp(at), run.no); err != nil {
		return nil, fmt.Errorf("write run %s: %w", id, err)
	}
	return blobs, nil
}

// Doomed returns blobs that no run has any more, to be deleted.
func (r *Reader) Doomed(ctx context.Context, n int) (blobs []string, err error) {
	if blobs, err = rows(ctx, r, r.query("SELECT blob FROM doomed ORDER BY blob LIMIT ?", n), scanText); err != nil {
		return nil, fmt.Errorf("look for blobs to delete: %w", err)
	}
	return blobs, nil
}

// Forget notes that blobs are deleted.
func (tx *Tx) Forget(ctx context.Context, blobs []string) error {
	for len(blobs) > 0 {
		n := min(len(blobs), maxPage)
		q := tx.query("DELETE FROM doomed WHERE blob").list(toAny(blobs[:n]))
		if _, err := tx.exec(ctx, q.text.String(), q.args...); err != nil {
			return fmt.Errorf("forget blobs: %w", err)
		}
		blobs = blobs[n:]
	}
	return nil
}
