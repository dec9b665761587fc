package inspector

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Event is what subscribers of a template are told of.
type Event string

// The events of the model. EnabledEvent cannot be subscribed to: it is what a
// topic gets when it is subscribed.
const (
	RunStarted      Event = "ASSESSMENT_RUN_STARTED"
	RunCompleted    Event = "ASSESSMENT_RUN_COMPLETED"
	RunStateChanged Event = "ASSESSMENT_RUN_STATE_CHANGED"
	FindingReported Event = "FINDING_REPORTED"
	OtherEvent      Event = "OTHER" // here: a run that ends without having been completed

	EnabledEvent Event = "ENABLE_ASSESSMENT_NOTIFICATIONS"
)

// MaxTopics is how many topics can be subscribed to the events of one template:
// what a SubscriptionList holds (service-2.json).
const MaxTopics = 50

// Valid tells whether an event can be subscribed to.
func (e Event) Valid() bool {
	return slices.Contains([]Event{RunStarted, RunCompleted, RunStateChanged, FindingReported, OtherEvent}, e)
}

// Subscription is what a topic is told of a template.
type Subscription struct {
	Target, Template string
	Topic            string // an ARN
	Events           []SubscribedEvent
}

// SubscribedEvent is an event of a Subscription.
type SubscribedEvent struct {
	Event Event
	At    time.Time
}

// topicPattern is SNS's: a name has up to 256 letters, digits, hyphens and
// underscores, and ends with ".fifo" where the topic keeps an order.
var topicPattern = regexp.MustCompile(`^arn:aws(?:-[a-z]+)*:sns:([a-z0-9-]+):([0-9]{12}):[A-Za-z0-9_-]{1,256}(?:\.fifo)?$`)

// TopicRegion is the region of an SNS topic's ARN; ok tells whether it is one.
func TopicRegion(arn string) (region string, ok bool) {
	m := topicPattern.FindStringSubmatch(arn)
	if m == nil || !ValidRegion(m[1]) {
		return "", false
	}
	return m[1], true
}

// CheckTopic refuses what is not the ARN of an SNS topic.
func CheckTopic(arn string) error {
	if _, ok := TopicRegion(arn); !ok {
		return Errorf(InvalidInput, "INVALID_SNS_TOPIC_ARN", "%.300q is not the ARN of an SNS topic", arn)
	}
	return nil
}

// EventMessage is the text that a subscriber gets, in the form and with the keys
// that consumers of Inspector's messages parse. Members that an event does not
// have are left out.
type EventMessage struct {
	Event         Event    `json:"event"`
	NewState      RunState `json:"newstate,omitempty"`
	Finding       string   `json:"finding,omitempty"`
	FindingsCount string   `json:"findingsCount,omitempty"` // see FindingsCount
	Target        string   `json:"target"`
	Template      string   `json:"template"`
	Run           string   `json:"run,omitempty"`
	Time          string   `json:"time"` // see EventTime
}

// String is the message's JSON. ARNs have nothing in them that encoding could
// fail on.
func (m EventMessage) String() string {
	text, err := json.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("inspector: the message of an event cannot be encoded: %v", err))
	}
	return string(text)
}

// EventTime is a time as messages have it: UTC, in milliseconds.
func EventTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// PackageCount is how many findings a rules package has made in a run.
type PackageCount struct {
	PackageARN string
	Findings   int64
}

// FindingsCount is the text of findingsCount: no JSON object but what Java prints
// of a map, "{<rules package arn>=3, <rules package arn>=1}".
func FindingsCount(counts []PackageCount) string {
	parts := make([]string, len(counts))
	for i, c := range counts {
		parts[i] = fmt.Sprintf("%s=%d", c.PackageARN, c.Findings)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
