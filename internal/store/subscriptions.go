package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

// Subscribe subscribes a topic to an event of a template. Done again it changes
// nothing; fresh tells whether it did.
func (tx *Tx) Subscribe(ctx context.Context, template, topic string, event inspector.Event, at time.Time) (fresh bool, err error) {
	if err := tx.mustExist(ctx, "templates", template); err != nil {
		return false, err
	}
	var topics int
	q := tx.query("SELECT count(DISTINCT topic) FROM event_subscriptions WHERE template = ? AND topic <> ?", template, topic)
	if _, err := one(ctx, &tx.Reader, q, &topics); err != nil {
		return false, fmt.Errorf("count the subscriptions of template %s: %w", template, err)
	}
	if topics >= inspector.MaxTopics {
		return false, inspector.Errorf(inspector.LimitExceeded, "EVENT_SUBSCRIPTION_LIMIT_EXCEEDED",
			"%d topics are subscribed to the assessment template already, as many as there may be", topics)
	}
	n, err := tx.exec(ctx, "INSERT INTO event_subscriptions (template, topic, event, subscribed_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
		template, topic, string(event), stamp(at))
	if err != nil {
		return false, fmt.Errorf("subscribe %s to template %s: %w", topic, template, err)
	}
	return n > 0, nil
}

// Unsubscribe ends a subscription; it is no error if there is none. Findings that
// were reported and of which no notification was made yet are left out.
func (tx *Tx) Unsubscribe(ctx context.Context, template, topic string, event inspector.Event) error {
	if err := tx.mustExist(ctx, "templates", template); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "DELETE FROM event_subscriptions WHERE template = $1 AND topic = $2 AND event = $3", template, topic, string(event))
	if err == nil && event == inspector.FindingReported {
		_, err = tx.exec(ctx, "UPDATE finding_events SET state = $1 WHERE topic = $2 AND state = $3 AND run IN (SELECT no FROM runs WHERE template = $4)",
			string(inspector.FindingEventsStopped), topic, string(inspector.FindingEventsOpen), template)
	}
	if err != nil {
		return fmt.Errorf("unsubscribe %s from template %s: %w", topic, template, err)
	}
	return nil
}

// Subscribed returns the topics that are subscribed to an event of a template.
func (r *Reader) Subscribed(ctx context.Context, template string, event inspector.Event) ([]string, error) {
	topics, err := rows(ctx, r, r.query("SELECT topic FROM event_subscriptions WHERE template = ? AND event = ? ORDER BY topic", template, string(event)), scanText)
	if err != nil {
		return nil, fmt.Errorf("look for the subscribers of template %s: %w", template, err)
	}
	return topics, nil
}

// ListSubscriptions returns a page of subscriptions by template and topic; of all
// templates if template is empty.
func (r *Reader) ListSubscriptions(ctx context.Context, template string, p inspector.Page) ([]inspector.Subscription, string, error) {
	q := r.query("SELECT DISTINCT t.target, s.template, s.topic FROM event_subscriptions s JOIN templates t ON t.id = s.template WHERE TRUE")
	if template != "" {
		q.add(" AND s.template = ?", template)
	}
	if p.After != "" {
		after, topic, err := pair(p)
		if err != nil {
			return nil, "", err
		}
		q.add(" AND (s.template, s.topic) > (?, ?)", after, topic)
	}
	q.add(" ORDER BY s.template, s.topic LIMIT ?", limit(p))
	found, err := rows(ctx, r, q, func(row scanner) (s inspector.Subscription, err error) {
		err = row.Scan(&s.Target, &s.Template, &s.Topic)
		return s, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list event subscriptions: %w", err)
	}
	found, next := cut(found, p, func(s inspector.Subscription) string { return s.Template + "/" + s.Topic })
	for i := range found {
		if found[i].Events, err = r.subscribedEvents(ctx, found[i].Template, found[i].Topic); err != nil {
			return nil, "", err
		}
	}
	return found, next, nil
}

func (r *Reader) subscribedEvents(ctx context.Context, template, topic string) ([]inspector.SubscribedEvent, error) {
	q := r.query("SELECT event, subscribed_at FROM event_subscriptions WHERE template = ? AND topic = ? ORDER BY event", template, topic)
	events, err := rows(ctx, r, q, func(row scanner) (e inspector.SubscribedEvent, err error) {
		err = row.Scan(&e.Event, (*instant)(&e.At))
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("read the events of a subscription: %w", err)
	}
	return events, nil
}
