package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/store"
)

const topic = "arn:aws:sns:us-west-2:123456789012:exampletopic"

func TestSubscriptions(t *testing.T) {
	a := newAssessed(t)
	subscribe := func(topic, event string) object {
		return object{"resourceArn": a.template, "topicArn": topic, "event": event}
	}
	for _, event := range []string{"ASSESSMENT_RUN_COMPLETED", "OTHER", "ASSESSMENT_RUN_COMPLETED"} {
		a.do("SubscribeToEvent", subscribe(topic, event))
	}
	a.do("SubscribeToEvent", subscribe(topic+"2", "FINDING_REPORTED"))
	listed := a.do("ListEventSubscriptions", object{"resourceArn": a.template, "maxResults": 1})
	if at(listed, "subscriptions", 0, "topicArn") != topic || at(listed, "subscriptions", 0, "resourceArn") != a.template || listed["nextToken"] == nil {
		t.Errorf("the first page is %v", listed)
	}
	if at(listed, "subscriptions", 0, "eventSubscriptions", 0, "event") != "ASSESSMENT_RUN_COMPLETED" || at(listed, "subscriptions", 0, "eventSubscriptions", 1, "event") != "OTHER" ||
		at(listed, "subscriptions", 0, "eventSubscriptions", 2) != nil {
		t.Errorf("the events are %v", at(listed, "subscriptions", 0))
	}
	if at, ok := at(listed, "subscriptions", 0, "eventSubscriptions", 0, "subscribedAt").(float64); !ok || time.Since(time.Unix(int64(at), 0)) > time.Hour {
		t.Errorf("subscribedAt is %v", at)
	}
	second := a.do("ListEventSubscriptions", object{"resourceArn": a.template, "maxResults": 1, "nextToken": listed["nextToken"]})
	if at(second, "subscriptions", 0, "topicArn") != topic+"2" || second["nextToken"] != nil {
		t.Errorf("the second page is %v", second)
	}
	a.fails("ListEventSubscriptions", object{"maxResults": 1, "nextToken": listed["nextToken"]}, "InvalidInputException", "INVALID_PAGINATION_TOKEN")
	if all := a.do("ListEventSubscriptions", object{}); at(all, "subscriptions", 1, "topicArn") != topic+"2" || at(all, "subscriptions", 2) != nil {
		t.Errorf("all are %v", all)
	}
	for range 2 {
		a.do("UnsubscribeFromEvent", subscribe(topic, "OTHER"))
	}
	a.do("UnsubscribeFromEvent", subscribe(topic+"2", "FINDING_REPORTED"))
	left := a.do("ListEventSubscriptions", object{"resourceArn": a.template})
	if at(left, "subscriptions", 1) != nil || at(left, "subscriptions", 0, "eventSubscriptions", 1) != nil {
		t.Errorf("left are %v", left)
	}
	a.do("DeleteAssessmentTemplate", object{"assessmentTemplateArn": a.template})
	if diff := cmp.Diff(object{"subscriptions": []any{}}, a.do("ListEventSubscriptions", object{})); diff != "" {
		t.Errorf("left without the template (-want +got):\n%s", diff)
	}
	for _, operation := range []string{"SubscribeToEvent", "UnsubscribeFromEvent"} {
		a.fails(operation, subscribe(topic, "OTHER"), "NoSuchEntityException", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST")
	}
}

func TestSubscriptionErrors(t *testing.T) {
	a := newAssessed(t)
	for _, operation := range []string{"SubscribeToEvent", "UnsubscribeFromEvent"} {
		for _, test := range []struct {
			in        object
			exception string
			code      string
		}{
			{object{"resourceArn": a.template, "topicArn": topic, "event": "ENABLE_ASSESSMENT_NOTIFICATIONS"}, "InvalidInputException", "INVALID_EVENT"},
			{object{"resourceArn": a.template, "topicArn": topic, "event": ""}, "InvalidInputException", "INVALID_EVENT"},
			{object{"resourceArn": a.template, "topicArn": "arn:aws:sqs:us-west-2:123456789012:q", "event": "OTHER"}, "InvalidInputException", "INVALID_SNS_TOPIC_ARN"},
			{object{"resourceArn": a.template, "topicArn": "", "event": "OTHER"}, "InvalidInputException", "INVALID_SNS_TOPIC_ARN"},
			{object{"resourceArn": a.template, "topicArn": topic + string(make([]byte, 300)), "event": "OTHER"}, "InvalidInputException", "INVALID_SNS_TOPIC_ARN"},
			{object{"resourceArn": a.target, "topicArn": topic, "event": "OTHER"}, "InvalidInputException", "INVALID_RESOURCE_ARN"},
			{object{"resourceArn": a.run, "topicArn": topic, "event": "OTHER"}, "InvalidInputException", "INVALID_RESOURCE_ARN"},
			{object{"resourceArn": "", "topicArn": topic, "event": "OTHER"}, "InvalidInputException", "INVALID_RESOURCE_ARN"},
			{object{"resourceArn": scope.Template("0-aaaaaaaa", "0-bbbbbbbb").String(), "topicArn": topic, "event": "OTHER"}, "NoSuchEntityException", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
		} {
			a.fails(operation, test.in, test.exception, test.code)
		}
		status, _, data := a.signed(operation, `{"resourceArn":"`+a.template+`"}`, nil)
		if status != 400 {
			t.Errorf("members that are missing: %d %s", status, data)
		}
	}
	for i := range inspector.MaxTopics {
		a.do("SubscribeToEvent", object{"resourceArn": a.template, "topicArn": fmt.Sprint(topic, i), "event": "OTHER"})
	}
	a.fails("SubscribeToEvent", object{"resourceArn": a.template, "topicArn": topic, "event": "OTHER"}, "LimitExceededException", "EVENT_SUBSCRIPTION_LIMIT_EXCEEDED")
	if listed := a.do("ListEventSubscriptions", object{"maxResults": 500}); at(listed, "subscriptions", inspector.MaxTopics-1) == nil {
		t.Errorf("a page has %v", listed)
	}
}

// TestNotifications wants what became of a run's events in its description: the
// newest of them, those of findings as one.
func TestNotifications(t *testing.T) {
	a := newAssessed(t)
	run, err := inspector.ParseARN(a.run)
	check(t, err)
	update := func(fn func(*store.Tx) error) {
		t.Helper()
		check(t, a.store.Update(t.Context(), fn))
	}
	message := `{"event":"x"}` + fmt.Sprintf("%2000d", 1)
	entry := func(i int, topic string) inspector.Notification {
		return inspector.Notification{ID: fmt.Sprintf("n%03d", i), Template: run.Template, Run: run.ID, Topic: topic, Event: inspector.RunStateChanged,
			Subject: fmt.Sprint(i), Message: message, CreatedAt: time.Now().Add(time.Duration(i) * time.Second)}
	}
	update(func(tx *store.Tx) error {
		var all []inspector.Notification
		for i := range 60 {
			all = append(all, entry(i, topic))
		}
		return tx.AddNotifications(t.Context(), all)
	})
	route := func(i int, outcome inspector.Outcome) {
		t.Helper()
		update(func(tx *store.Tx) error {
			return tx.RouteNotification(t.Context(), entry(i, topic).ID, []string{"hook"}, "", time.Now())
		})
		update(func(tx *store.Tx) error {
			return tx.SettleDelivery(t.Context(), inspector.Delivery{Notification: entry(i, topic).ID, Destination: "hook"}, outcome, time.Now())
		})
	}
	route(57, inspector.Outcome{State: inspector.Delivered, Status: inspector.PublishSuccess})
	route(58, inspector.Outcome{State: inspector.DeliveryDead, Status: inspector.PublishDenied})
	update(func(tx *store.Tx) error {
		return tx.ReportFindings(t.Context(), run.ID, []string{topic}, time.Now().Add(time.Hour))
	})

	described := a.do("DescribeAssessmentRuns", object{"assessmentRunArns": []string{a.run}})
	got := at(described, "assessmentRuns", 0, "notifications").([]any)
	if len(got) != maxListed {
		t.Fatalf("%d notifications", len(got))
	}
	for i, want := range map[int]object{
		maxListed - 4: {"event": "ASSESSMENT_RUN_STATE_CHANGED", "error": false, "snsPublishStatusCode": "SUCCESS"},
		maxListed - 3: {"event": "ASSESSMENT_RUN_STATE_CHANGED", "error": true, "snsPublishStatusCode": "ACCESS_DENIED"},
		maxListed - 2: {"event": "ASSESSMENT_RUN_STATE_CHANGED", "error": false, "snsPublishStatusCode": nil},
		maxListed - 1: {"event": "FINDING_REPORTED", "error": false, "snsPublishStatusCode": nil, "message": "0 of 24 findings were reported"},
	} {
		for key, value := range want {
			if at(got[i], key) != value || at(got[i], "snsTopicArn") != topic {
				t.Errorf("notification %d: %v, want %s = %v", i, got[i], key, value)
			}
		}
	}

	// A re-match is told first, in the place of the oldest.
	if _, err := a.store.DB().Exec("UPDATE runs SET rematch = TRUE"); err != nil {
		t.Fatal(err)
	}
	described = a.do("DescribeAssessmentRuns", object{"assessmentRunArns": []string{a.run}})
	noted := at(described, "assessmentRuns", 0, "notifications").([]any)
	if len(noted) != maxListed || at(noted[0], "message") != inspector.RematchNotice || at(noted[0], "event") != "OTHER" || at(noted[0], "snsTopicArn") != nil {
		t.Errorf("%d notifications of a re-match, the first %v", len(noted), noted[0])
	}
	if diff := cmp.Diff(got[1:], noted[1:]); diff != "" {
		t.Error(diff)
	}
}
