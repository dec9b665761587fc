package inspector

import "time"

// Notification is an event on its way to a topic, or what became of it. Its ID is
// the same in every attempt to deliver it.
type Notification struct {
	ID        string // a UUID
	Template  string
	Run       string // empty: of a template
	Topic     string
	Event     Event
	Subject   string // what sets it apart from others of its event and run: a state, a finding
	Message   string // EventMessage as JSON
	CreatedAt time.Time
	State     DeliveryState // the worst of its deliveries
	Status    PublishStatus // of the worst of its deliveries; empty while none is known
	Detail    string        // why it was not delivered

	Deliveries []Delivery
}

// DeliveryState is how far a delivery is.
type DeliveryState string

// The states of a delivery. Unrouted is for notifications only: there is neither
// a webhook for the topic nor a way to SNS.
const (
	DeliveryPending DeliveryState = "pending"
	Delivered       DeliveryState = "delivered"
	DeliveryDead    DeliveryState = "dead" // given up; an operator can have it sent again
	Unrouted        DeliveryState = "unrouted"
)

// PublishStatus is the snsPublishStatusCode of the model.
type PublishStatus string

// The publish statuses.
const (
	PublishSuccess PublishStatus = "SUCCESS"
	PublishNoTopic PublishStatus = "TOPIC_DOES_NOT_EXIST"
	PublishDenied  PublishStatus = "ACCESS_DENIED"
	PublishFailed  PublishStatus = "INTERNAL_ERROR"
)

// FindingEvents is how far the FINDING_REPORTED events of a run are with a topic.
// Their notifications are made while they are delivered, some at a time, and those
// that are delivered are only counted: a run may have very many findings.
type FindingEvents struct {
	Target, Template, Run string
	Topic                 string
	At                    time.Time // when the findings were reported
	After                 string    // the last finding that a notification was made of
	State                 FindingEventsState
	Total                 int64 // findings of the run
	Made                  int64 // notifications that were made
	Sent                  int64 // of these, how many were delivered
}

// FindingEventsState says whether more notifications are to be made.
type FindingEventsState string

// The states of FindingEvents.
const (
	FindingEventsOpen     FindingEventsState = "open"
	FindingEventsDone     FindingEventsState = "done"
	FindingEventsStopped  FindingEventsState = "stopped" // the topic was unsubscribed meanwhile
	FindingEventsUnrouted FindingEventsState = "unrouted"
)

// Delivery is a notification on its way to one destination.
type Delivery struct {
	Notification string
	Destination  string // a webhook's id, or SNSDestination of a topic
	State        DeliveryState
	Attempts     int       // begun so far
	DueAt        time.Time // of the next attempt
	Error        string    // of the last attempt
	Status       PublishStatus
}

// SNSDestination names a real SNS topic as a destination.
func SNSDestination(topic string) string { return "sns:" + topic }

// AnyTopic is the topic of a webhook that gets the events of every topic without
// a webhook of its own.
const AnyTopic = "*"

// WebhookFormat says what the body of a delivery to a webhook is.
type WebhookFormat string

// The formats.
const (
	FormatSNS    WebhookFormat = "sns"    // the envelope that SNS posts to HTTP endpoints
	FormatLambda WebhookFormat = "lambda" // the event that SNS gives a Lambda function: Records[].Sns
	FormatRaw    WebhookFormat = "raw"    // the message alone
)

// Webhook is an HTTP endpoint that gets the events of a topic.
type Webhook struct {
	ID        string
	Topic     string // an ARN, or AnyTopic
	URL       string
	Format    WebhookFormat
	PlainHTTP bool   // http:// to other hosts than this one is allowed
	CA        string // PEM certificates to trust in place of the system's; may be empty
	CreatedAt time.Time
}

// Outgoing is a delivery that was begun, with all that its attempt needs.
type Outgoing struct {
	Delivery
	Notification Notification
	Webhook      Webhook  // of a destination that is a webhook
	Secrets      [][]byte // of the webhook, the newest first: each signs
}

// Outcome is what became of an attempt to deliver.
type Outcome struct {
	State   DeliveryState // DeliveryPending: to be tried again at RetryAt
	RetryAt time.Time
	Status  PublishStatus
	Error   string
}

// DeadFindings counts the findings of a run of which a topic could not be told.
type DeadFindings struct {
	Count  int64
	Status PublishStatus // of one of them
}
