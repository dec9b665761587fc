package assess

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

// Courier takes events to those that are told of them: package notify's.
type Courier interface {
	// SNS tells whether topics can be published to at the real SNS: to all of
	// them (beside), or to those that have no webhook of their own.
	SNS(ctx context.Context) (use, beside bool)

	// Wake says that there is something new in the outbox. It does not wait.
	Wake()

	// Try makes one attempt to deliver something, now.
	Try(ctx context.Context, o inspector.Outgoing) inspector.Outcome
}

// noCourier leaves everything in the outbox.
type noCourier struct{}

func (noCourier) SNS(context.Context) (bool, bool) { return false, false }
func (noCourier) Wake()                            {}
func (noCourier) Try(context.Context, inspector.Outgoing) inspector.Outcome {
	return inspector.Outcome{State: inspector.DeliveryDead, Status: inspector.PublishFailed, Error: "this replica delivers no events"}
}

// Subscribe subscribes a topic to an event of a template, and tells the topic so.
// Done again it changes nothing.
func (s *Service) Subscribe(ctx context.Context, t inspector.Template, topic string, event inspector.Event) error {
	if err := checkSubscription(topic, event); err != nil {
		return err
	}
	return s.update(ctx, func(tx *store.Tx) error {
		now := s.Now()
		fresh, err := tx.Subscribe(ctx, t.ID, topic, event, now)
		if err != nil || !fresh {
			return err
		}
		m := s.messageOf(t.Target, t.ID, "", inspector.EnabledEvent, now)
		n := notification(t.ID, "", topic, string(event), m, now)
		if err := tx.AddNotifications(ctx, []inspector.Notification{n}); err != nil {
			return err
		}
		return s.enqueueEvents(ctx, tx, "")
	})
}

// Unsubscribe ends a subscription. That there is none is no error, so that what
// was interrupted can be done again.
func (s *Service) Unsubscribe(ctx context.Context, t inspector.Template, topic string, event inspector.Event) error {
	if err := checkSubscription(topic, event); err != nil {
		return err
	}
	return s.update(ctx, func(tx *store.Tx) error { return tx.Unsubscribe(ctx, t.ID, topic, event) })
}

func checkSubscription(topic string, event inspector.Event) error {
	if err := inspector.CheckTopic(topic); err != nil {
		return err
	}
	if !event.Valid() {
		return inspector.Errorf(inspector.InvalidInput, "INVALID_EVENT", "there is no event %.100q", string(event))
	}
	return nil
}

// changeState puts a run into another state and writes down, in the same
// transaction, who is to be told of it.
func (s *Service) changeState(ctx context.Context, tx *store.Tx, run inspector.Run, to inspector.RunState) error {
	now := s.Now()
	if err := tx.ChangeRunState(ctx, run.ID, to, now); err != nil {
		return err
	}
	told := false
	for _, event := range eventsOf(run.State, to) {
		topics, err := tx.Subscribed(ctx, run.Template, event)
		if err != nil {
			return err
		}
		if len(topics) == 0 {
			continue
		}
		told = true
		if err := s.tell(ctx, tx, run, to, event, topics, now); err != nil {
			return fmt.Errorf("write down the event %s of the run %s: %w", event, run.ID, err)
		}
	}
	if !told {
		return nil
	}
	return s.enqueueEvents(ctx, tx, run.ID)
}

// eventsOf are the events that a change of a run's state is, in the order in which
// they are sent. Findings are reported when they can be described.
func eventsOf(from, to inspector.RunState) []inspector.Event {
	var events []inspector.Event
	if from == inspector.Created && to == inspector.StartDataCollectionPending {
		events = append(events, inspector.RunStarted)
	}
	events = append(events, inspector.RunStateChanged)
	switch to {
	case inspector.Completed, inspector.CompletedWithErrors:
		events = append(events, inspector.FindingReported, inspector.RunCompleted)
	case inspector.Canceled, inspector.FailedState, inspector.ErrorState:
		events = append(events, inspector.OtherEvent)
	}
	return events
}

// tell puts an event of a run into the outbox, once for each topic.
func (s *Service) tell(ctx context.Context, tx *store.Tx, run inspector.Run, to inspector.RunState, event inspector.Event, topics []string, now time.Time) error {
	if event == inspector.FindingReported {
		return tx.ReportFindings(ctx, run.ID, topics, now)
	}
	m, subject := s.messageOf(run.Target, run.Template, run.ID, event, now), ""
	switch event {
	case inspector.RunStateChanged, inspector.OtherEvent:
		m.NewState, subject = to, string(to)
	case inspector.RunCompleted:
		counts, err := tx.CountFindings(ctx, run.ID)
		if err != nil {
			return err
		}
		m.FindingsCount = findingsCount(run.Packages, counts)
	}
	all := make([]inspector.Notification, len(topics))
	for i, topic := range topics {
		all[i] = notification(run.Template, run.ID, topic, subject, m, now)
	}
	return tx.AddNotifications(ctx, all)
}

// findingsCount has every rules package of the run, also those without findings.
func findingsCount(packages []string, counts map[string]int64) string {
	all := make([]inspector.PackageCount, len(packages))
	for i, arn := range packages {
		all[i] = inspector.PackageCount{PackageARN: arn, Findings: counts[arn]}
	}
	return inspector.FindingsCount(all)
}

// messageOf makes a message with what all events have.
func (s *Service) messageOf(target, template, run string, event inspector.Event, at time.Time) inspector.EventMessage {
	scope := s.Store.Scope
	m := inspector.EventMessage{
		Event: event, Target: scope.Target(target).String(), Template: scope.Template(target, template).String(), Time: inspector.EventTime(at),
	}
	if run != "" {
		m.Run = scope.Run(target, template, run).String()
	}
	return m
}

// notification makes an entry of the outbox. Ids are UUIDs of version 7: in the
// order in which they are made, so that a topic is told in that order.
func notification(template, run, topic, subject string, m inspector.EventMessage, at time.Time) inspector.Notification {
	return inspector.Notification{
		ID: uuid.Must(uuid.NewV7()).String(), Template: template, Run: run, Topic: topic, Event: m.Event, Subject: subject, Message: m.String(), CreatedAt: at,
	}
}

// enqueueEvents queues the job that brings what is in the outbox on its way, and
// the findings of a run with it.
func (s *Service) enqueueEvents(ctx context.Context, tx *store.Tx, run string) error {
	return s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobEvents, Key: "events/" + run, Payload: []byte(run), RunAt: s.Now()})
}
