package notify

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"assay/internal/inspector"
)

// snsMessage is what SNS posts to an HTTP endpoint, but for the signature with
// AWS's certificate, which only AWS can make. The order is SNS's.
type snsMessage struct {
	Type           string `json:"Type"`
	MessageID      string `json:"MessageId"`
	TopicARN       string `json:"TopicArn"`
	Message        string `json:"Message"`
	Timestamp      string `json:"Timestamp"`
	UnsubscribeURL string `json:"UnsubscribeURL,omitempty"`
}

// lambdaEvent is what a Lambda function gets that is subscribed to a topic.
type lambdaEvent struct {
	Records []lambdaRecord `json:"Records"`
}

type lambdaRecord struct {
	EventVersion         string    `json:"EventVersion"`
	EventSubscriptionARN string    `json:"EventSubscriptionArn"`
	EventSource          string    `json:"EventSource"`
	SNS                  lambdaSNS `json:"Sns"`
}

// lambdaSNS has a Subject and MessageAttributes also where they are empty, as
// functions expect.
type lambdaSNS struct {
	snsMessage
	Subject           *string        `json:"Subject"`
	MessageAttributes map[string]any `json:"MessageAttributes"`
}

// body makes the body of a delivery, in the webhook's format.
func body(o inspector.Outgoing) ([]byte, error) {
	n := o.Notification
	envelope := snsMessage{Type: "Notification", MessageID: n.ID, TopicARN: n.Topic, Message: n.Message, Timestamp: inspector.EventTime(n.CreatedAt)}
	switch o.Webhook.Format {
	case inspector.FormatRaw:
		return []byte(n.Message), nil
	case inspector.FormatSNS:
		return json.Marshal(envelope)
	case inspector.FormatLambda:
		return json.Marshal(lambdaEvent{[]lambdaRecord{{
			EventVersion: "1.0", EventSubscriptionARN: subscriptionOf(n.Topic, o.Webhook.ID), EventSource: "aws:sns",
			SNS: lambdaSNS{snsMessage: envelope, MessageAttributes: map[string]any{}},
		}}})
	}
	return nil, fmt.Errorf("there is no format %q", o.Webhook.Format)
}

// subscriptionOf names a webhook as SNS names subscriptions: some consumers take
// the topic's ARN out of it.
func subscriptionOf(topic, webhook string) string {
	return topic + ":" + strings.ToLower(strings.TrimPrefix(webhook, "0-"))
}

// describe sets the headers that SNS sets, and the signature.
func describe(h http.Header, o inspector.Outgoing) {
	h.Set("Content-Type", "application/json")
	if o.Webhook.Format == inspector.FormatSNS {
		// SNS calls its JSON plain text.
		h.Set("Content-Type", "text/plain; charset=UTF-8")
		h.Set("X-Amz-Sns-Message-Type", "Notification")
		h.Set("X-Amz-Sns-Message-Id", o.Notification.ID)
		h.Set("X-Amz-Sns-Topic-Arn", o.Notification.Topic)
	}
}
