package assess

import (
	"context"
	"fmt"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

const (
	// maxWaiting bounds the notifications of findings of a run that wait for one
	// topic. The others are made when these have gone.
	maxWaiting = 1000

	// portion is how many notifications a transaction makes or routes.
	portion = 200

	// findingsEvery is the pause before more notifications of findings are made.
	findingsEvery = time.Second

	// eventRetention is how long notifications are kept that were delivered, or
	// given up.
	eventRetention = 30 * 24 * time.Hour

	// deliveryLease is how long an attempt may take before another replica makes
	// the next one: longer than any attempt.
	deliveryLease = 30 * time.Second
)

const noRoute = "there is no webhook for this topic, and SNS is not used: see assay events -help"

// sendEvents is the job that decides where the notifications in the outbox go. A
// run's findings become notifications here, as many as are wanted.
func (s *Service) sendEvents(ctx context.Context, job jobs.Job) error {
	use, beside := s.Courier.SNS(ctx) // it may ask the network: not in a transaction
	more, err := s.makeFindings(ctx, string(job.Payload), use, beside)
	if err != nil {
		return err
	}
	if err := s.routeAll(ctx, use, beside); err != nil {
		return err
	}
	s.Courier.Wake()
	if more {
		return jobs.ErrLater(findingsEvery)
	}
	return nil
}

// routeAll routes everything in the outbox that is not.
func (s *Service) routeAll(ctx context.Context, use, beside bool) error {
	for {
		n := 0
		err := s.update(ctx, func(tx *store.Tx) error {
			some, err := tx.UnroutedNotifications(ctx, portion)
			if n = len(some); err != nil || n == 0 {
				return err
			}
			webhooks, err := tx.Webhooks(ctx)
			if err != nil {
				return err
			}
			for _, entry := range some {
				if err := tx.RouteNotification(ctx, entry.ID, routes(entry.Topic, webhooks, use, beside), noRouteTo(entry.Topic, webhooks, use, beside), s.Now()); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("route events: %w", err)
		}
		if n < portion {
			return nil
		}
	}
}

// routes decides where the events of a topic go: to its webhooks, or to those for
// any topic if it has none; and to SNS if it has none either, or SNS is used
// beside them.
func routes(topic string, webhooks []store.SealedWebhook, use, beside bool) []string {
	var own, any []string
	for _, w := range webhooks {
		switch w.Topic {
		case topic:
			own = append(own, w.ID)
		case inspector.AnyTopic:
			any = append(any, w.ID)
		}
	}
	to := own
	if len(own) == 0 {
		to = any
	}
	if use && (beside || len(own) == 0) {
		to = append(to, inspector.SNSDestination(topic))
	}
	return to
}

func noRouteTo(topic string, webhooks []store.SealedWebhook, use, beside bool) string {
	if len(routes(topic, webhooks, use, beside)) > 0 {
		return ""
	}
	return noRoute
}

// makeFindings makes notifications of findings of a run, and tells whether there
// will be more.
func (s *Service) makeFindings(ctx context.Context, run string, use, beside bool) (more bool, err error) {
	if run == "" {
		return false, nil
	}
	all, err := s.Store.FindingEvents(ctx, run)
	if err != nil {
		return false, err
	}
	for _, e := range all {
		for open := e.State == inspector.FindingEventsOpen; open; {
			made := 0
			err := s.update(ctx, func(tx *store.Tx) (err error) {
				open, made, err = s.makeSome(ctx, tx, run, e.Topic, use, beside)
				return err
			})
			if err != nil {
				return false, fmt.Errorf("report the findings of the run %s: %w", run, err)
			}
			more = more || open
			if made == 0 {
				break
			}
		}
	}
	return more, nil
}

// makeSome makes the next notifications of findings for a topic; open tells
// whether there are more to be made.
func (s *Service) makeSome(ctx context.Context, tx *store.Tx, run, topic string, use, beside bool) (open bool, made int, err error) {
	e, ok, err := findingEvents(ctx, tx, run, topic)
	if err != nil || !ok || e.State != inspector.FindingEventsOpen {
		return false, 0, err
	}
	webhooks, err := tx.Webhooks(ctx)
	if err != nil {
		return false, 0, err
	}
	if len(routes(topic, webhooks, use, beside)) == 0 {
		e.State = inspector.FindingEventsUnrouted
		return false, 0, tx.SaveFindingEvents(ctx, e)
	}
	waiting, err := tx.WaitingFindings(ctx, run, topic)
	if err != nil || waiting >= maxWaiting {
		return true, 0, err
	}
	ids, err := tx.FindingIDs(ctx, run, e.After, min(portion, maxWaiting-waiting))
	if err != nil {
		return false, 0, err
	}
	all := make([]inspector.Notification, len(ids))
	for i, id := range ids {
		m := s.messageOf(e.Target, e.Template, e.Run, inspector.FindingReported, e.At)
		m.Finding = s.Store.Scope.Run(e.Target, e.Template, e.Run).Finding(id).String()
		all[i] = notification(e.Template, e.Run, topic, id, m, e.At)
		e.After = id
	}
	e.Made += int64(len(ids))
	if len(ids) == 0 || e.Made >= e.Total {
		e.State = inspector.FindingEventsDone
	}
	if err := tx.AddNotifications(ctx, all); err != nil {
		return false, 0, err
	}
	return e.State == inspector.FindingEventsOpen, len(ids), tx.SaveFindingEvents(ctx, e)
}

func findingEvents(ctx context.Context, tx *store.Tx, run, topic string) (inspector.FindingEvents, bool, error) {
	all, err := tx.FindingEvents(ctx, run)
	for _, e := range all {
		if e.Topic == topic {
			return e, true, nil
		}
	}
	return inspector.FindingEvents{}, false, err
}

// DueDestinations returns the destinations that deliveries wait for, the longest
// first.
func (s *Service) DueDestinations(ctx context.Context) ([]store.DueDestination, error) {
	return s.Store.DueDestinations(ctx)
}

// ClaimDelivery takes the next delivery to a destination that is due; ok is false
// if there is none, or another replica is at that destination.
func (s *Service) ClaimDelivery(ctx context.Context, destination string) (out inspector.Outgoing, ok bool, err error) {
	for {
		err = s.update(ctx, func(tx *store.Tx) (err error) {
			out.Delivery, out.Notification, ok, err = tx.ClaimDelivery(ctx, destination, s.Now(), deliveryLease)
			return err
		})
		if err != nil || !ok || strings.HasPrefix(destination, "sns:") {
			return out, ok, err
		}
		sealed, there, err := s.Store.Webhook(ctx, destination)
		if err != nil {
			return out, false, err
		}
		if there {
			out.Webhook = sealed.Webhook
			out.Secrets, err = s.openWebhook(ctx, sealed)
			return out, err == nil, err
		}
		gone := inspector.Outcome{State: inspector.DeliveryDead, Status: inspector.PublishNoTopic, Error: "the webhook was removed"}
		if err := s.SettleDelivery(ctx, out, gone); err != nil {
			return out, false, err
		}
	}
}

// SettleDelivery writes down what became of an attempt.
func (s *Service) SettleDelivery(ctx context.Context, o inspector.Outgoing, outcome inspector.Outcome) error {
	return s.update(ctx, func(tx *store.Tx) error { return tx.SettleDelivery(ctx, o.Delivery, outcome, s.Now()) })
}

// Redrive has undelivered notifications sent again, by where they go now: those
// with these ids, or all, of a topic if one is given. It returns how many.
func (s *Service) Redrive(ctx context.Context, ids []string, topic string) (int, error) {
	total := 0
	if len(ids) == 0 {
		runs, err := s.redriveFindings(ctx, topic)
		if err != nil {
			return 0, err
		}
		total = runs
	}
	for after := ""; ; {
		var some []string
		err := s.update(ctx, func(tx *store.Tx) (err error) {
			if some, err = tx.Redrive(ctx, ids, topic, after, portion); err != nil || len(some) == 0 {
				return err
			}
			return s.enqueueEvents(ctx, tx, "")
		})
		if err != nil || len(some) == 0 {
			return total, err
		}
		total, after = total+len(some), some[len(some)-1]
	}
}

// redriveFindings has the findings sent that had nowhere to go, and returns of how
// many runs.
func (s *Service) redriveFindings(ctx context.Context, topic string) (int, error) {
	var runs []string
	err := s.update(ctx, func(tx *store.Tx) (err error) {
		runs, err = tx.RedriveFindings(ctx, topic)
		for _, run := range runs {
			if err == nil {
				err = s.enqueueEvents(ctx, tx, run)
			}
		}
		return err
	})
	return len(runs), err
}

// requeueEvents makes sure that what is in the outbox has its jobs.
func (s *Service) requeueEvents(ctx context.Context) error {
	runs, err := s.Store.OpenFindingEvents(ctx)
	if err != nil {
		return err
	}
	unrouted, err := s.Store.UnroutedNotifications(ctx, 1)
	if err != nil {
		return err
	}
	if len(unrouted) > 0 {
		runs = append(runs, "")
	}
	if len(runs) == 0 {
		return nil
	}
	return s.update(ctx, func(tx *store.Tx) error {
		for _, run := range runs {
			if err := s.enqueueEvents(ctx, tx, run); err != nil {
				return err
			}
		}
		return nil
	})
}

// dropEvents deletes notifications that have been settled for long.
func (s *Service) dropEvents(ctx context.Context) error {
	for {
		var n int64
		err := s.update(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.DropNotifications(ctx, s.Now().Add(-eventRetention), portion)
			return err
		})
		if err != nil || n < portion {
			return err
		}
	}
}
