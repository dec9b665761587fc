package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"assay/internal/inspector"
)

// AddNotifications puts events into the outbox. An event and topic of a run that
// are there already are left as they are.
func (tx *Tx) AddNotifications(ctx context.Context, all []inspector.Notification) error {
	numbers := map[string]any{"": nil}
	var added [][]any
	for _, n := range all {
		no, known := numbers[n.Run]
		if !known {
			run, ok, err := tx.number(ctx, n.Run)
			if err != nil {
				return err
			}
			if !ok {
				return noSuch("runs", n.Run)
			}
			no, numbers[n.Run] = run, run
		}
		added = append(added, []any{n.ID, n.Template, no, n.Topic, string(n.Event), n.Subject, n.Message, stamp(n.CreatedAt),
			false, string(inspector.DeliveryPending), "", "", int64(0)})
	}
	return tx.insert(ctx, "notifications (id, template, run, topic, event, subject, message, created_at, routed, state, status, detail, settled_at)",
		added, " ON CONFLICT (run, topic, event, subject) DO NOTHING")
}

const notificationColumns = `SELECT n.id, n.template, r.id, n.topic, n.event, n.subject, n.message, n.created_at, n.state, n.status, n.detail
	FROM notifications n LEFT JOIN runs r ON r.no = n.run WHERE `

func scanNotification(row scanner) (n inspector.Notification, err error) {
	err = row.Scan(&n.ID, &n.Template, (*maybe)(&n.Run), &n.Topic, &n.Event, &n.Subject, &n.Message, (*instant)(&n.CreatedAt), &n.State, &n.Status, &n.Detail)
	return n, err
}

// UnroutedNotifications returns the oldest notifications of which it is not
// decided where they go, with their topics.
func (r *Reader) UnroutedNotifications(ctx context.Context, n int) ([]inspector.Notification, error) {
	all, err := rows(ctx, r, r.query(notificationColumns+"NOT n.routed ORDER BY n.id LIMIT ?", n), scanNotification)
	if err != nil {
		return nil, fmt.Errorf("look for events to be sent: %w", err)
	}
	return all, nil
}

// RouteNotification notes where a notification goes. With no destinations it is
// unrouted, for a reason. What has gone to a destination already does not go there
// again.
func (tx *Tx) RouteNotification(ctx context.Context, id string, destinations []string, why string, at time.Time) error {
	state, status, settled := inspector.DeliveryPending, inspector.PublishStatus(""), time.Time{}
	if len(destinations) == 0 {
		state, status, settled = inspector.Unrouted, inspector.PublishNoTopic, at
	}
	_, err := tx.exec(ctx, "UPDATE notifications SET routed = $1, state = $2, status = $3, detail = $4, settled_at = $5 WHERE id = $6 AND NOT routed",
		true, string(state), string(status), why, stamp(settled), id)
	if err != nil {
		return fmt.Errorf("route the event %s: %w", id, err)
	}
	var added [][]any
	for _, destination := range destinations {
		added = append(added, []any{id, destination, string(inspector.DeliveryPending), int64(0), stamp(at), int64(0), "", ""})
	}
	err = tx.insert(ctx, "deliveries (notification, destination, state, attempts, due_at, lease_until, error, status)", added, " ON CONFLICT DO NOTHING")
	if err != nil || len(destinations) == 0 {
		return err
	}
	return tx.settle(ctx, id, at) // all of it may have been delivered before
}

// NotificationsOfRun returns the newest notifications of a run but for those of
// findings, which FindingEvents counts.
func (r *Reader) NotificationsOfRun(ctx context.Context, run string, n int) ([]inspector.Notification, error) {
	no, _, err := r.number(ctx, run)
	if err != nil {
		return nil, err
	}
	q := r.query(notificationColumns+"n.run = ? AND n.event <> ? ORDER BY n.id DESC LIMIT ?", no, string(inspector.FindingReported), n)
	all, err := rows(ctx, r, q, scanNotification)
	if err != nil {
		return nil, fmt.Errorf("list the events of run %s: %w", run, err)
	}
	return all, nil
}

// NotificationFilter selects notifications.
type NotificationFilter struct {
	Undelivered bool   // only those that were given up, or never routed
	Topic       string // empty: any
}

// ListNotifications returns a page of notifications, the newest first, with their
// deliveries.
func (r *Reader) ListNotifications(ctx context.Context, f NotificationFilter, p inspector.Page) ([]inspector.Notification, string, error) {
	q := r.query(notificationColumns + "TRUE")
	if p.After != "" {
		q.add(" AND n.id < ?", p.After)
	}
	if f.Undelivered {
		q.add(" AND n.state IN ('dead', 'unrouted')")
	}
	if f.Topic != "" {
		q.add(" AND n.topic = ?", f.Topic)
	}
	q.add(" ORDER BY n.id DESC LIMIT ?", limit(p))
	all, err := rows(ctx, r, q, scanNotification)
	if err != nil {
		return nil, "", fmt.Errorf("list events: %w", err)
	}
	all, next := cut(all, p, func(n inspector.Notification) string { return n.ID })
	return all, next, r.addDeliveries(ctx, all)
}

func (r *Reader) addDeliveries(ctx context.Context, all []inspector.Notification) error {
	index := map[string]int{}
	ids := make([]string, len(all))
	for i, n := range all {
		index[n.ID], ids[i] = i, n.ID
	}
	q := r.query(deliveryColumns + " FROM deliveries d WHERE d.notification").list(toAny(ids))
	deliveries, err := rows(ctx, r, q.add(" ORDER BY d.notification, d.destination"), scanDelivery)
	if err != nil {
		return fmt.Errorf("list the deliveries of events: %w", err)
	}
	for _, d := range deliveries {
		n := &all[index[d.Notification]]
		n.Deliveries = append(n.Deliveries, d)
	}
	return nil
}

// DropNotifications deletes notifications that were settled before a time, at most
// n, and returns how many.
func (tx *Tx) DropNotifications(ctx context.Context, before time.Time, n int) (int64, error) {
	dropped, err := tx.exec(ctx, `DELETE FROM notifications WHERE id IN (
		SELECT id FROM notifications WHERE settled_at > 0 AND settled_at < $1 ORDER BY settled_at LIMIT $2)`, stamp(before), n)
	if err != nil {
		return 0, fmt.Errorf("delete old events: %w", err)
	}
	return dropped, nil
}

// Redrive has undelivered notifications routed anew, at most n behind an id, and
// returns their ids in order: those with these ids, or all where there are none,
// of a topic if it is not empty. Destinations that have a notification already do
// not get it again.
func (tx *Tx) Redrive(ctx context.Context, ids []string, topic, after string, n int) ([]string, error) {
	q := tx.query("SELECT id FROM notifications WHERE state IN ('dead', 'unrouted') AND id > ?", after)
	in(q, "id", ids)
	if topic != "" {
		q.add(" AND topic = ?", topic)
	}
	found, err := rows(ctx, &tx.Reader, q.add(" ORDER BY id LIMIT ?", n), scanText)
	if err != nil {
		return nil, fmt.Errorf("look for undelivered events: %w", err)
	}
	for some := range slices.Chunk(found, maxPage) {
		clear := tx.query("DELETE FROM deliveries WHERE state = 'dead' AND notification").list(toAny(some))
		if _, err := tx.exec(ctx, clear.text.String(), clear.args...); err != nil {
			return nil, fmt.Errorf("clear the deliveries of undelivered events: %w", err)
		}
		again := tx.query("UPDATE notifications SET routed = ?, state = 'pending', status = '', detail = '', settled_at = 0 WHERE id", false).list(toAny(some))
		if _, err := tx.exec(ctx, again.text.String(), again.args...); err != nil {
			return nil, fmt.Errorf("route undelivered events again: %w", err)
		}
	}
	return found, nil
}

// Backlog is what waits in the outbox.
type Backlog struct {
	Pending     int64
	Oldest      time.Time // of what is pending; zero if nothing is
	Undelivered int64     // given up, or never routed
}

// Backlog counts what waits in the outbox.
func (r *Reader) Backlog(ctx context.Context) (b Backlog, err error) {
	q := r.query(`SELECT (SELECT count(*) FROM notifications WHERE state = 'pending'), (SELECT coalesce(min(created_at), 0) FROM notifications WHERE state = 'pending'),
		(SELECT count(*) FROM notifications WHERE state IN ('dead', 'unrouted')) + (SELECT count(*) FROM finding_events WHERE state = 'unrouted')`)
	if _, err = one(ctx, r, q, &b.Pending, (*instant)(&b.Oldest), &b.Undelivered); err != nil {
		return b, fmt.Errorf("count the events that wait: %w", err)
	}
	return b, nil
}
