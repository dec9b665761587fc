package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

const reportColumns = `SELECT p.id, r.id, p.type, p.format, p.status, p.blob, p.size, p.requested_at, p.done_at, k.wrapped
	FROM reports p JOIN runs r ON r.no = p.run JOIN report_keys k ON k.no = p.key_no WHERE `

// keyed is a report with its wrapped key.
type keyed struct {
	inspector.Report
	wrapped []byte
}

func scanReport(row scanner) (k keyed, err error) {
	err = row.Scan(&k.ID, &k.Run, &k.Type, &k.Format, &k.Status, &k.Blob, &k.Size, (*instant)(&k.RequestedAt), (*instant)(&k.DoneAt), &k.wrapped)
	return k, err
}

func (r *Reader) report(ctx context.Context, q *query) (report inspector.Report, wrappedKey []byte, ok bool, err error) {
	found, err := rows(ctx, r, q, scanReport)
	if err != nil {
		return report, nil, false, fmt.Errorf("read a report: %w", err)
	}
	if len(found) == 0 {
		return report, nil, false, nil
	}
	return found[0].Report, found[0].wrapped, true, nil
}

// Report returns a report by its id, with its wrapped data key.
func (r *Reader) Report(ctx context.Context, id string) (report inspector.Report, wrappedKey []byte, ok bool, err error) {
	return r.report(ctx, r.query(reportColumns+"p.id = ?", id))
}

// ReportOf returns the report of a type and format of a run.
func (r *Reader) ReportOf(ctx context.Context, run string, kind inspector.ReportType, format inspector.ReportFormat) (report inspector.Report, ok bool, err error) {
	report, _, ok, err = r.report(ctx, r.query(reportColumns+"r.id = ? AND p.type = ? AND p.format = ?", run, string(kind), string(format)))
	return report, ok, err
}

// CreateReport adds a report that is in progress. There must be none of its run,
// type and format.
func (tx *Tx) CreateReport(ctx context.Context, p inspector.Report, wrappedKey []byte) error {
	no, ok, err := tx.number(ctx, p.Run)
	if err != nil {
		return err
	}
	if !ok {
		return noSuch("runs", p.Run)
	}
	var key int64
	if _, err := one(ctx, &tx.Reader, tx.query("SELECT coalesce(max(no), 0) + 1 FROM report_keys"), &key); err != nil {
		return fmt.Errorf("number the key of a report: %w", err)
	}
	if err := tx.insert(ctx, "report_keys (no, wrapped)", [][]any{{key, append([]byte{}, wrappedKey...)}}, ""); err != nil {
		return fmt.Errorf("write the key of a report: %w", err)
	}
	row := []any{p.ID, no, string(p.Type), string(p.Format), string(inspector.ReportInProgress), p.Blob, int64(0), stamp(p.RequestedAt), int64(0), key}
	err = tx.insert(ctx, "reports (id, run, type, format, status, blob, size, requested_at, done_at, key_no)", [][]any{row}, "")
	if err != nil {
		return fmt.Errorf("write a report of run %s: %w", p.Run, err)
	}
	return nil
}

// FinishReport writes what became of a report in progress; ok tells whether there
// still is one.
func (tx *Tx) FinishReport(ctx context.Context, id string, status inspector.ReportStatus, size int64, at time.Time) (ok bool, err error) {
	n, err := tx.exec(ctx, "UPDATE reports SET status = $1, size = $2, done_at = $3 WHERE id = $4 AND status = $5",
		string(status), size, stamp(at), id, string(inspector.ReportInProgress))
	if err != nil {
		return false, fmt.Errorf("write the end of report %s: %w", id, err)
	}
	return n > 0, nil
}

// DeleteReport deletes a report: its key is overwritten, its object left to be
// deleted (see Doomed).
func (tx *Tx) DeleteReport(ctx context.Context, id string) error {
	return tx.deleteReports(ctx, "id = $1", id)
}

// DeleteReportsBefore deletes the reports that were done before a time.
func (tx *Tx) DeleteReportsBefore(ctx context.Context, before time.Time) error {
	return tx.deleteReports(ctx, "done_at <> 0 AND done_at < $1", stamp(before))
}

func (tx *Tx) deleteReports(ctx context.Context, which string, args ...any) error {
	q := tx.query("")
	q.text.WriteString("SELECT no, wrapped FROM reports JOIN report_keys ON no = key_no WHERE " + which)
	q.args = args
	type key struct {
		no      int64
		wrapped []byte
	}
	found, err := rows(ctx, &tx.Reader, q, func(row scanner) (k key, err error) {
		err = row.Scan(&k.no, &k.wrapped)
		return k, err
	})
	if err != nil || len(found) == 0 {
		return err
	}
	tx.scrub = true
	for _, k := range found {
		if _, err := tx.exec(ctx, "UPDATE report_keys SET wrapped = $1 WHERE no = $2", make([]byte, len(k.wrapped)), k.no); err != nil {
			return fmt.Errorf("erase the key of a report: %w", err)
		}
	}
	for _, step := range []string{
		"INSERT INTO doomed (blob) SELECT blob FROM reports WHERE " + which + " ON CONFLICT DO NOTHING",
		"DELETE FROM reports WHERE " + which,
	} {
		if _, err := tx.exec(ctx, step, args...); err != nil {
			return fmt.Errorf("delete reports: %w", err)
		}
	}
	return nil
}

// ReportsDue tells whether DeleteReportsBefore would find something to delete.
func (r *Reader) ReportsDue(ctx context.Context, before time.Time) (due bool, err error) {
	var n int
	if due, err = one(ctx, r, r.query("SELECT 1 FROM reports WHERE done_at <> 0 AND done_at < ? LIMIT 1", stamp(before)), &n); err != nil {
		return false, fmt.Errorf("look for reports to delete: %w", err)
	}
	return due, nil
}

// ReportBlob tells whether an object is a report's.
func (r *Reader) ReportBlob(ctx context.Context, blob string) (ok bool, err error) {
	var n int
	if ok, err = one(ctx, r, r.query("SELECT 1 FROM reports WHERE blob = ?", blob), &n); err != nil {
		return false, fmt.Errorf("look for the report of an object: %w", err)
	}
	return ok, nil
}

// ReportsInProgress counts the reports that are being made, or wait for it.
func (r *Reader) ReportsInProgress(ctx context.Context) (n int, err error) {
	if _, err = one(ctx, r, r.query("SELECT count(*) FROM reports WHERE status = ?", string(inspector.ReportInProgress)), &n); err != nil {
		return 0, fmt.Errorf("count the reports in progress: %w", err)
	}
	return n, nil
}
