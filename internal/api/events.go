package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

// maxListed is how many subscriptions, and how many notifications of a run, an
// answer has at most: what SubscriptionList and AssessmentRunNotificationList of
// the model hold.
const maxListed = 50

func (s *Server) subscribe(ctx context.Context, in *model.SubscribeToEventRequest) error {
	if err := inspector.CheckTopic(in.TopicArn); err != nil {
		return err
	}
	t, err := s.template(ctx, taggedResource, in.ResourceArn)
	if err != nil {
		return err
	}
	return s.Commands.Subscribe(ctx, t, in.TopicArn, inspector.Event(in.Event))
}

func (s *Server) unsubscribe(ctx context.Context, in *model.UnsubscribeFromEventRequest) error {
	if err := inspector.CheckTopic(in.TopicArn); err != nil {
		return err
	}
	t, err := s.template(ctx, taggedResource, in.ResourceArn)
	if err != nil {
		return err
	}
	return s.Commands.Unsubscribe(ctx, t, in.TopicArn, inspector.Event(in.Event))
}

// listSubscriptions lists the subscriptions of a template, or of all.
func (s *Server) listSubscriptions(ctx context.Context, in *model.ListEventSubscriptionsRequest) (*model.ListEventSubscriptionsResponse, error) {
	page, err := s.page("ListEventSubscriptions", in.ResourceArn, in.NextToken, in.MaxResults, defaultPage)
	if err != nil {
		return nil, err
	}
	var template string
	if in.ResourceArn != "" {
		t, err := s.template(ctx, taggedResource, in.ResourceArn)
		if err != nil {
			return nil, err
		}
		template = t.ID
	}
	page.Limit = min(page.Limit, maxListed)
	found, after, err := s.Queries.ListSubscriptions(ctx, template, page.Page)
	if err != nil {
		return nil, err
	}
	out := &model.ListEventSubscriptionsResponse{Subscriptions: []model.Subscription{}, NextToken: page.token(after)}
	for _, sub := range found {
		out.Subscriptions = append(out.Subscriptions, s.wireSubscription(sub))
	}
	return out, nil
}

func (s *Server) wireSubscription(sub inspector.Subscription) model.Subscription {
	out := model.Subscription{
		ResourceArn: s.Scope.Template(sub.Target, sub.Template).String(), TopicArn: sub.Topic,
		EventSubscriptions: make([]model.EventSubscription, len(sub.Events)),
	}
	for i, e := range sub.Events {
		out.EventSubscriptions[i] = model.EventSubscription{Event: string(e.Event), SubscribedAt: model.Timestamp{Time: e.At}}
	}
	return out
}

// notifications are the newest of a run, the oldest of them first. Those of
// findings are one for each topic, which counts them.
func (s *Server) notifications(ctx context.Context, run string) ([]model.AssessmentRunNotification, error) {
	newest, err := s.Queries.NotificationsOfRun(ctx, run, maxListed)
	if err != nil {
		return nil, err
	}
	findings, err := s.Queries.FindingEvents(ctx, run)
	if err != nil {
		return nil, err
	}
	out := []model.AssessmentRunNotification{}
	for _, n := range newest {
		out = append(out, wireNotification(n))
	}
	slices.Reverse(out)
	for _, f := range findings {
		dead, err := s.Queries.DeadFindings(ctx, run, f.Topic)
		if err != nil {
			return nil, err
		}
		out = append(out, wireFindings(f, dead))
	}
	slices.SortStableFunc(out, func(a, b model.AssessmentRunNotification) int { return a.Date.Compare(b.Date.Time) })
	return out[max(0, len(out)-maxListed):], nil
}

func wireNotification(n inspector.Notification) model.AssessmentRunNotification {
	return model.AssessmentRunNotification{
		Date: model.Timestamp{Time: n.CreatedAt}, Event: string(n.Event), Message: limited(n.Message),
		Error:       n.State == inspector.DeliveryDead || n.State == inspector.Unrouted,
		SnsTopicArn: n.Topic, SnsPublishStatusCode: string(n.Status),
	}
}

// wireFindings is the one notification of all findings of a run to a topic.
func wireFindings(f inspector.FindingEvents, dead inspector.DeadFindings) model.AssessmentRunNotification {
	out := model.AssessmentRunNotification{
		Date: model.Timestamp{Time: f.At}, Event: string(inspector.FindingReported), SnsTopicArn: f.Topic,
		Message: fmt.Sprintf("%d of %d findings were reported", f.Sent, f.Total),
	}
	switch {
	case f.State == inspector.FindingEventsUnrouted:
		out.Error, out.SnsPublishStatusCode = true, string(inspector.PublishNoTopic)
	case dead.Count > 0:
		out.Error, out.SnsPublishStatusCode = true, string(cmp.Or(dead.Status, inspector.PublishFailed))
		out.Message += fmt.Sprintf(", %d could not be delivered", dead.Count)
	case f.Sent == f.Total:
		out.SnsPublishStatusCode = string(inspector.PublishSuccess)
	}
	return out
}
