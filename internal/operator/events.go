package operator

import (
	"context"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// The operations about events: where they go, and what became of them.
const (
	CreateWebhook        = "CreateWebhook"
	ListWebhooks         = "ListWebhooks"
	DeleteWebhook        = "DeleteWebhook"
	RotateWebhookSecret  = "RotateWebhookSecret"
	TestWebhook          = "TestWebhook"
	ListNotifications    = "ListNotifications"
	RedriveNotifications = "RedriveNotifications"
)

// WebhookRequest asks for a webhook.
type WebhookRequest struct {
	Topic     string                  `json:"topicArn"` // or "*": every topic without a webhook of its own
	URL       string                  `json:"url"`
	Format    inspector.WebhookFormat `json:"format,omitempty"`         // default "sns"
	PlainHTTP bool                    `json:"allowPlainHttp,omitempty"` // to other hosts than the service's
	CA        string                  `json:"ca,omitempty"`             // PEM, in place of the system's
}

// Webhook is a webhook without its secret.
type Webhook struct {
	ID        string                  `json:"id"`
	Topic     string                  `json:"topicArn"`
	URL       string                  `json:"url"` // "?..." stands for its query, in which there may be a key
	Format    inspector.WebhookFormat `json:"format"`
	PlainHTTP bool                    `json:"allowPlainHttp"`
	OwnCA     bool                    `json:"ownCa"` // it trusts certificates of its own
	CreatedAt time.Time               `json:"createdAt"`
}

// WebhookSecret is the only time that a secret is seen.
type WebhookSecret struct {
	ID     string `json:"id"`
	Secret string `json:"secret"` // "whsec_..."
}

// WebhookID names a webhook.
type WebhookID struct {
	ID string `json:"id"`
}

// WebhooksResponse has all webhooks, of which there are at most 200.
type WebhooksResponse struct {
	Webhooks []Webhook `json:"webhooks"`
}

// EmptyResponse is empty.
type EmptyResponse struct{}

// TestResponse tells what came of a test message.
type TestResponse struct {
	Delivered bool   `json:"delivered"`
	Error     string `json:"error,omitempty"`
}

// NotificationsRequest asks for a page of notifications, the newest first.
type NotificationsRequest struct {
	Undelivered bool   `json:"undelivered,omitempty"` // only those that were given up, or had nowhere to go
	Topic       string `json:"topicArn,omitempty"`    // empty: any
	PageRequest
}

// NotificationsResponse is a page of notifications. Those of findings are there
// while they wait, or if they were not delivered.
type NotificationsResponse struct {
	Notifications []Notification `json:"notifications"`
	NextToken     string         `json:"nextToken,omitempty"`
}

// Notification is an event and what became of it.
type Notification struct {
	ID         string                  `json:"id"`
	Topic      string                  `json:"topicArn"`
	Event      inspector.Event         `json:"event"`
	Message    string                  `json:"message"`
	CreatedAt  time.Time               `json:"createdAt"`
	State      inspector.DeliveryState `json:"state"`
	Status     inspector.PublishStatus `json:"snsPublishStatusCode,omitempty"`
	Detail     string                  `json:"detail,omitempty"`
	Deliveries []Delivery              `json:"deliveries"`
}

// Delivery is a notification on its way to one destination.
type Delivery struct {
	Destination string                  `json:"destination"` // a webhook's id, or "sns:" and the topic
	State       inspector.DeliveryState `json:"state"`
	Attempts    int                     `json:"attempts"`
	NextAt      time.Time               `json:"nextAttemptAt,omitzero"`
	Error       string                  `json:"error,omitempty"`
}

// RedriveRequest has undelivered notifications sent again: those named, or all.
type RedriveRequest struct {
	IDs   []string `json:"ids,omitempty"` // at most 500
	All   bool     `json:"all,omitempty"`
	Topic string   `json:"topicArn,omitempty"` // of all: only those of a topic
}

// RedriveResponse tells how many are sent again. The findings of a run that had
// nowhere to go count as one.
type RedriveResponse struct {
	Count int `json:"count"`
}

// eventHandlers are the operations about events.
func (o operations) eventHandlers() map[string]Handler {
	return map[string]Handler{
		CreateWebhook:        handle(o.createWebhook),
		ListWebhooks:         handle(o.listWebhooks),
		DeleteWebhook:        handle(o.deleteWebhook),
		RotateWebhookSecret:  handle(o.rotateWebhook),
		TestWebhook:          handle(o.testWebhook),
		ListNotifications:    handle(o.listNotifications),
		RedriveNotifications: handle(o.redrive),
	}
}

func (o operations) createWebhook(ctx context.Context, in WebhookRequest) (WebhookSecret, error) {
	w, secret, err := o.Service.CreateWebhook(ctx, inspector.Webhook{Topic: in.Topic, URL: in.URL, Format: in.Format, PlainHTTP: in.PlainHTTP, CA: in.CA})
	return WebhookSecret{w.ID, secret}, err
}

func (o operations) listWebhooks(ctx context.Context, _ struct{}) (WebhooksResponse, error) {
	all, err := o.Store.Webhooks(ctx)
	answer := WebhooksResponse{Webhooks: []Webhook{}}
	for _, w := range all {
		answer.Webhooks = append(answer.Webhooks, Webhook{w.ID, w.Topic, withoutQuery(w.URL), w.Format, w.PlainHTTP, w.CA != "", w.CreatedAt})
	}
	return answer, err
}

// withoutQuery is a URL as everybody may see it who may list webhooks.
func withoutQuery(url string) string {
	if before, query, _ := strings.Cut(url, "?"); query != "" {
		return before + "?..."
	}
	return url
}

// id checks the id of a webhook.
func (in WebhookID) check() error {
	if in.ID == "" || !plain(in.ID) {
		return invalid("INVALID_WEBHOOK", "%.200q is not the id of a webhook", in.ID)
	}
	return nil
}

func (o operations) deleteWebhook(ctx context.Context, in WebhookID) (EmptyResponse, error) {
	if err := in.check(); err != nil {
		return EmptyResponse{}, err
	}
	return EmptyResponse{}, o.Service.DeleteWebhook(ctx, in.ID)
}

func (o operations) rotateWebhook(ctx context.Context, in WebhookID) (WebhookSecret, error) {
	if err := in.check(); err != nil {
		return WebhookSecret{}, err
	}
	secret, err := o.Service.RotateWebhook(ctx, in.ID)
	return WebhookSecret{in.ID, secret}, err
}

func (o operations) testWebhook(ctx context.Context, in WebhookID) (TestResponse, error) {
	if err := in.check(); err != nil {
		return TestResponse{}, err
	}
	outcome, err := o.Service.TryWebhook(ctx, in.ID)
	return TestResponse{Delivered: err == nil && outcome.State == inspector.Delivered, Error: outcome.Error}, err
}

func (o operations) listNotifications(ctx context.Context, in NotificationsRequest) (NotificationsResponse, error) {
	page, err := in.page()
	if err != nil {
		return NotificationsResponse{}, err
	}
	if err := checkTopic(in.Topic); err != nil {
		return NotificationsResponse{}, err
	}
	all, next, err := o.Store.ListNotifications(ctx, store.NotificationFilter{Undelivered: in.Undelivered, Topic: in.Topic}, page)
	answer := NotificationsResponse{Notifications: []Notification{}, NextToken: next}
	for _, n := range all {
		entry := Notification{
			ID: n.ID, Topic: n.Topic, Event: n.Event, Message: n.Message, CreatedAt: n.CreatedAt, State: n.State, Status: n.Status, Detail: n.Detail,
			Deliveries: []Delivery{},
		}
		for _, d := range n.Deliveries {
			entry.Deliveries = append(entry.Deliveries, Delivery{d.Destination, d.State, d.Attempts, d.DueAt, d.Error})
		}
		answer.Notifications = append(answer.Notifications, entry)
	}
	return answer, err
}

func checkTopic(topic string) error {
	if topic == "" {
		return nil
	}
	return inspector.CheckTopic(topic)
}

const maxRedriven = 500

func (o operations) redrive(ctx context.Context, in RedriveRequest) (RedriveResponse, error) {
	if err := checkTopic(in.Topic); err != nil {
		return RedriveResponse{}, err
	}
	if in.All == (len(in.IDs) > 0) || len(in.IDs) > maxRedriven {
		return RedriveResponse{}, invalid("INVALID_REQUEST", "name 1 to %d notifications, or all", maxRedriven)
	}
	for _, id := range in.IDs {
		if !plain(id) {
			return RedriveResponse{}, invalid("INVALID_REQUEST", "%.200q is not the id of a notification", id)
		}
	}
	n, err := o.Service.Redrive(ctx, in.IDs, in.Topic)
	return RedriveResponse{n}, err
}
