package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

// ReportFindings notes that topics are to be told of all findings of a run.
func (tx *Tx) ReportFindings(ctx context.Context, run string, topics []string, at time.Time) error {
	no, ok, err := tx.number(ctx, run)
	if err != nil {
		return err
	}
	if !ok {
		return noSuch("runs", run)
	}
	var total int64
	if _, err := one(ctx, &tx.Reader, tx.query("SELECT count(*) FROM findings WHERE run = ?", no), &total); err != nil {
		return fmt.Errorf("count the findings of run %s: %w", run, err)
	}
	if total == 0 {
		return nil
	}
	var added [][]any
	for _, topic := range topics {
		added = append(added, []any{no, topic, stamp(at), "", string(inspector.FindingEventsOpen), total, int64(0), int64(0)})
	}
	return tx.insert(ctx, "finding_events (run, topic, at, after_id, state, total, made, sent)", added, " ON CONFLICT DO NOTHING")
}

// FindingEvents tells how far the topics are that are told of the findings of a
// run.
func (r *Reader) FindingEvents(ctx context.Context, run string) ([]inspector.FindingEvents, error) {
	q := r.query(`SELECT r.target, r.template, r.id, e.topic, e.at, e.after_id, e.state, e.total, e.made, e.sent
		FROM finding_events e JOIN runs r ON r.no = e.run WHERE r.id = ? ORDER BY e.topic`, run)
	all, err := rows(ctx, r, q, func(row scanner) (e inspector.FindingEvents, err error) {
		err = row.Scan(&e.Target, &e.Template, &e.Run, &e.Topic, (*instant)(&e.At), &e.After, &e.State, &e.Total, &e.Made, &e.Sent)
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the finding events of run %s: %w", run, err)
	}
	return all, nil
}

// SaveFindingEvents writes After, State and Made.
func (tx *Tx) SaveFindingEvents(ctx context.Context, e inspector.FindingEvents) error {
	_, err := tx.exec(ctx, "UPDATE finding_events SET after_id = $1, state = $2, made = $3 WHERE run = (SELECT no FROM runs WHERE id = $4) AND topic = $5",
		e.After, string(e.State), e.Made, e.Run, e.Topic)
	if err != nil {
		return fmt.Errorf("write the finding events of run %s: %w", e.Run, err)
	}
	return nil
}

// WaitingFindings counts the findings of a run of which a topic is being told.
func (r *Reader) WaitingFindings(ctx context.Context, run, topic string) (n int, err error) {
	q := r.query(`SELECT count(*) FROM notifications WHERE run = (SELECT no FROM runs WHERE id = ?) AND topic = ? AND event = 'FINDING_REPORTED'
		AND state = 'pending'`, run, topic)
	if _, err = one(ctx, r, q, &n); err != nil {
		return 0, fmt.Errorf("count the findings of run %s that are being sent: %w", run, err)
	}
	return n, nil
}

// FindingIDs returns the ids of findings of a run behind one of them, in order.
func (r *Reader) FindingIDs(ctx context.Context, run, after string, n int) ([]string, error) {
	q := r.query("SELECT id FROM findings WHERE run = (SELECT no FROM runs WHERE id = ?) AND id > ? ORDER BY id LIMIT ?", run, after, n)
	ids, err := rows(ctx, r, q, scanText)
	if err != nil {
		return nil, fmt.Errorf("list the findings of run %s: %w", run, err)
	}
	return ids, nil
}

// RedriveFindings has topics told of findings that had nowhere to go, and returns
// the runs.
func (tx *Tx) RedriveFindings(ctx context.Context, topic string) ([]string, error) {
	q := tx.query("SELECT DISTINCT r.id FROM finding_events e JOIN runs r ON r.no = e.run WHERE e.state = 'unrouted'")
	again := tx.query("UPDATE finding_events SET state = 'open' WHERE state = 'unrouted'")
	if topic != "" {
		q.add(" AND e.topic = ?", topic)
		again.add(" AND topic = ?", topic)
	}
	runs, err := rows(ctx, &tx.Reader, q, scanText)
	if err == nil {
		_, err = tx.exec(ctx, again.text.String(), again.args...)
	}
	if err != nil {
		return nil, fmt.Errorf("send the findings again that had nowhere to go: %w", err)
	}
	return runs, nil
}

// OpenFindingEvents returns runs with findings of which topics are still to be
// told.
func (r *Reader) OpenFindingEvents(ctx context.Context) ([]string, error) {
	runs, err := rows(ctx, r, r.query("SELECT DISTINCT r.id FROM finding_events e JOIN runs r ON r.no = e.run WHERE e.state = 'open'"), scanText)
	if err != nil {
		return nil, fmt.Errorf("look for findings to be reported: %w", err)
	}
	return runs, nil
}

// CountFindings counts the findings of a run by rules package ARN.
func (r *Reader) CountFindings(ctx context.Context, run string) (map[string]int64, error) {
	counts := map[string]int64{}
	q := r.query("SELECT package_arn, count(*) FROM findings WHERE run = (SELECT no FROM runs WHERE id = ?) GROUP BY package_arn", run)
	_, err := rows(ctx, r, q, func(row scanner) (struct{}, error) {
		var arn string
		var n int64
		err := row.Scan(&arn, &n)
		counts[arn] = n
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("count the findings of run %s: %w", run, err)
	}
	return counts, nil
}

// DeadFindings counts the findings of a run of which a topic could not be told.
func (r *Reader) DeadFindings(ctx context.Context, run, topic string) (d inspector.DeadFindings, err error) {
	q := r.query(`SELECT count(*), coalesce(max(status), '') FROM notifications WHERE run = (SELECT no FROM runs WHERE id = ?) AND topic = ?
		AND event = 'FINDING_REPORTED' AND state IN ('dead', 'unrouted')`, run, topic)
	if _, err = one(ctx, r, q, &d.Count, &d.Status); err != nil {
		return d, fmt.Errorf("count the findings of run %s that could not be reported: %w", run, err)
	}
	return d, nil
}
