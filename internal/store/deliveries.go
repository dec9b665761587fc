package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

const deliveryColumns = "SELECT d.notification, d.destination, d.state, d.attempts, d.due_at, d.error, d.status"

func scanDelivery(row scanner) (d inspector.Delivery, err error) {
	err = row.Scan(&d.Notification, &d.Destination, &d.State, &d.Attempts, (*instant)(&d.DueAt), &d.Error, &d.Status)
	return d, err
}

// DueDestination is a destination with a delivery that is due, or will be.
type DueDestination struct {
	Destination string
	DueAt       time.Time // of its first one
}

// DueDestinations returns the destinations that deliveries wait for.
func (r *Reader) DueDestinations(ctx context.Context) ([]DueDestination, error) {
	q := r.query("SELECT destination, min(due_at) FROM deliveries WHERE state = 'pending' GROUP BY destination ORDER BY min(due_at)")
	due, err := rows(ctx, r, q, func(row scanner) (d DueDestination, err error) {
		err = row.Scan(&d.Destination, (*instant)(&d.DueAt))
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("look for deliveries that are due: %w", err)
	}
	return due, nil
}

// ClaimDelivery takes the oldest delivery to a destination that is due, and counts
// an attempt. Until the lease is over, or it is settled, nobody gets another one
// for that destination.
func (tx *Tx) ClaimDelivery(ctx context.Context, destination string, now time.Time, lease time.Duration) (d inspector.Delivery, n inspector.Notification, ok bool, err error) {
	fail := func(err error) (inspector.Delivery, inspector.Notification, bool, error) {
		return d, n, false, fmt.Errorf("claim a delivery to %s: %w", destination, err)
	}
	var leased int
	q := tx.query("SELECT 1 FROM deliveries WHERE destination = ? AND state = 'pending' AND lease_until > ? LIMIT 1", destination, stamp(now))
	if taken, err := one(ctx, &tx.Reader, q, &leased); err != nil {
		return fail(err)
	} else if taken {
		return d, n, false, nil
	}
	q = tx.query(deliveryColumns+" FROM deliveries d WHERE destination = ? AND state = 'pending' AND due_at <= ? ORDER BY notification LIMIT 1", destination, stamp(now))
	found, err := rows(ctx, &tx.Reader, q, scanDelivery)
	if err != nil {
		return fail(err)
	}
	if len(found) == 0 {
		return d, n, false, nil
	}
	d = found[0]
	d.Attempts++
	_, err = tx.exec(ctx, "UPDATE deliveries SET attempts = $1, lease_until = $2 WHERE notification = $3 AND destination = $4",
		d.Attempts, stamp(now.Add(lease)), d.Notification, d.Destination)
	if err != nil {
		return fail(err)
	}
	notifications, err := rows(ctx, &tx.Reader, tx.query(notificationColumns+"n.id = ?", d.Notification), scanNotification)
	if err != nil {
		return fail(err)
	}
	return d, notifications[0], true, nil // the delivery's row refers to it
}

// SettleDelivery writes what became of an attempt. A delivery that is gone, with
// its run, or that another has settled meanwhile, is left alone.
func (tx *Tx) SettleDelivery(ctx context.Context, d inspector.Delivery, o inspector.Outcome, now time.Time) error {
	n, err := tx.exec(ctx, `UPDATE deliveries SET state = $1, due_at = $2, lease_until = 0, error = $3, status = $4
		WHERE notification = $5 AND destination = $6 AND state = 'pending'`,
		string(o.State), stamp(o.RetryAt), o.Error, string(o.Status), d.Notification, d.Destination)
	if err != nil {
		return fmt.Errorf("settle the delivery of %s to %s: %w", d.Notification, d.Destination, err)
	}
	if n == 0 {
		return nil
	}
	return tx.settle(ctx, d.Notification, now)
}

// worstFirst orders deliveries for what they say of their notification.
const worstFirst = " ORDER BY CASE state WHEN 'dead' THEN 0 WHEN 'pending' THEN 1 ELSE 2 END, destination LIMIT 1"

// settle gives a notification the state of its deliveries: while one is pending it
// is pending, with what is known; then it is that of the worst. Of a finding that
// was delivered nothing is left but that it counts.
func (tx *Tx) settle(ctx context.Context, id string, now time.Time) error {
	var pending int
	var state inspector.DeliveryState
	var status, detail string
	_, err := one(ctx, &tx.Reader, tx.query("SELECT count(*) FROM deliveries WHERE notification = ? AND state = 'pending'", id), &pending)
	if err == nil {
		_, err = one(ctx, &tx.Reader, tx.query("SELECT state, status, error FROM deliveries WHERE notification = ?"+worstFirst, id), &state, &status, &detail)
	}
	if err != nil {
		return fmt.Errorf("read the deliveries of %s: %w", id, err)
	}
	settled := now
	if pending > 0 {
		state, settled = inspector.DeliveryPending, time.Time{}
	}
	if state == inspector.Delivered {
		if gone, err := tx.countFinding(ctx, id); err != nil || gone {
			return err
		}
	}
	_, err = tx.exec(ctx, "UPDATE notifications SET state = $1, status = $2, detail = $3, settled_at = $4 WHERE id = $5", string(state), status, detail, stamp(settled), id)
	if err != nil {
		return fmt.Errorf("settle the event %s: %w", id, err)
	}
	return nil
}

// countFinding counts a finding that was reported and deletes its notification;
// gone is false for other events.
func (tx *Tx) countFinding(ctx context.Context, id string) (gone bool, err error) {
	n, err := tx.exec(ctx, `UPDATE finding_events SET sent = sent + 1 WHERE (run, topic) IN (
		SELECT run, topic FROM notifications WHERE id = $1 AND event = 'FINDING_REPORTED')`, id)
	if err == nil && n > 0 {
		_, err = tx.exec(ctx, "DELETE FROM notifications WHERE id = $1", id)
	}
	if err != nil {
		return false, fmt.Errorf("count the finding that %s has reported: %w", id, err)
	}
	return n > 0, nil
}

// ReleaseDeliveries ends all leases: for a process that knows that no other has
// any.
func (tx *Tx) ReleaseDeliveries(ctx context.Context) error {
	if _, err := tx.exec(ctx, "UPDATE deliveries SET lease_until = 0 WHERE state = 'pending' AND lease_until > 0"); err != nil {
		return fmt.Errorf("take up the deliveries of a process that has ended: %w", err)
	}
	return nil
}
