package assess

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

// fakeCourier writes down what it is asked.
type fakeCourier struct {
	sns, beside bool
	woken       int
	tried       []inspector.Outgoing
}

func (c *fakeCourier) SNS(context.Context) (bool, bool) { return c.sns, c.beside }
func (c *fakeCourier) Wake()                            { c.woken++ }
func (c *fakeCourier) Try(_ context.Context, o inspector.Outgoing) inspector.Outcome {
	c.tried = append(c.tried, o)
	return inspector.Outcome{State: inspector.Delivered}
}

const (
	topic      = "arn:aws:sns:us-west-2:123456789012:exampletopic"
	otherTopic = "arn:aws:sns:eu-central-1:123456789012:other"
)

func eventWorld(t *testing.T) (*world, *fakeCourier) {
	courier := &fakeCourier{}
	return newWorld(t, func(c *Config) { c.Courier = courier }), courier
}

func (w *world) subscribe(t inspector.Template, topic string, events ...inspector.Event) {
	w.t.Helper()
	for _, e := range events {
		if err := w.Subscribe(w.t.Context(), t, topic, e); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) webhook(topic string) string {
	w.t.Helper()
	hook, secret, err := w.CreateWebhook(w.t.Context(), inspector.Webhook{Topic: topic, URL: "https://example.com/hook"})
	if err != nil || !strings.HasPrefix(secret, "whsec_") || hook.Format != inspector.FormatSNS {
		w.t.Fatalf("the webhook is %+v, %q, %v", hook, secret, err)
	}
	return hook.ID
}

// drain delivers everything to a destination, and returns the messages.
func (w *world) drain(destination string) []inspector.Outgoing {
	w.t.Helper()
	var all []inspector.Outgoing
	for range 10_000 {
		o, ok, err := w.ClaimDelivery(w.t.Context(), destination)
		if err != nil {
			w.t.Fatal(err)
		}
		if !ok {
			return all
		}
		all = append(all, o)
		if err := w.SettleDelivery(w.t.Context(), o, inspector.Outcome{State: inspector.Delivered, Status: inspector.PublishSuccess}); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("there is always another delivery")
	return nil
}

// outbox lists the notifications, the oldest first, as "event subject state".
func (w *world) outbox() []string {
	w.t.Helper()
	all, _, err := w.Store.ListNotifications(w.t.Context(), store.NotificationFilter{}, inspector.Page{})
	if err != nil {
		w.t.Fatal(err)
	}
	lines := []string{}
	for i := len(all) - 1; i >= 0; i-- {
		lines = append(lines, fmt.Sprintf("%s %s %s", all[i].Event, all[i].Subject, all[i].State))
	}
	return lines
}

var allEvents = []inspector.Event{inspector.RunStarted, inspector.RunCompleted, inspector.RunStateChanged, inspector.FindingReported, inspector.OtherEvent}

// TestEventsOfARun takes a run to its end, every job running twice, and wants each
// event once for each topic, as the messages of Inspector were.
func TestEventsOfARun(t *testing.T) {
	w, courier := eventWorld(t)
	agent := w.enrol()
	template := w.template(time.Hour)
	hook := w.webhook(topic)
	w.subscribe(template, topic, allEvents...)
	w.subscribe(template, topic, allEvents...) // changes nothing
	w.mustWork()
	if enabled := w.drain(hook); len(enabled) != 5 || enabled[0].Notification.Event != inspector.EnabledEvent {
		t.Fatalf("on subscription are sent %+v", enabled)
	}
	run := w.start(template)
	w.collect(agent, run.ID, "PermitRootLogin yes\n")
	w.mustWork()
	if state := w.run(run.ID).State; state != inspector.Completed {
		t.Fatalf("the run is %s", state)
	}
	if courier.woken == 0 {
		t.Error("the courier was not woken")
	}
	ids := map[string]bool{}
	var got []string
	for _, o := range w.drain(hook) {
		ids[o.Notification.ID] = true
		got = append(got, o.Notification.Message)
	}
	runARN := scope.Run(run.Target, run.Template, run.ID)
	at := inspector.EventTime(noon)
	tail := fmt.Sprintf(`"target":%q,"template":%q,"run":%q,"time":%q}`, scope.Target(run.Target), scope.Template(run.Target, run.Template), runARN, at)
	want := []string{`{"event":"ASSESSMENT_RUN_STARTED",` + tail}
	for _, change := range w.run(run.ID).Changes[1:] {
		want = append(want, fmt.Sprintf(`{"event":"ASSESSMENT_RUN_STATE_CHANGED","newstate":%q,`, change.State)+tail)
	}
	findings, _, err := w.Store.FindingsOfRun(t.Context(), run.ID, inspector.Page{})
	if err != nil || len(findings) == 0 {
		t.Fatalf("the run has the findings %v, %v", findings, err)
	}
	want = append(want, fmt.Sprintf(`{"event":"ASSESSMENT_RUN_COMPLETED","findingsCount":"{%s=%d}",`, practicesARN(), len(findings))+tail)
	for _, f := range findings {
		want = append(want, fmt.Sprintf(`{"event":"FINDING_REPORTED","finding":%q,`, runARN.Finding(f.ID))+tail)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
	if len(ids) != len(got) {
		t.Errorf("%d messages have %d ids", len(got), len(ids))
	}
}

// The keys of messages are those of AWS's, in the order of the constructed ones.
func TestMessageKeys(t *testing.T) {
	m := inspector.EventMessage{Event: "e", NewState: "s", Finding: "f", FindingsCount: "{}", Target: "t", Template: "te", Run: "r", Time: "x"}
	if got, want := m.String(), `{"event":"e","newstate":"s","finding":"f","findingsCount":"{}","target":"t","template":"te","run":"r","time":"x"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	counts := []inspector.PackageCount{{PackageARN: "a", Findings: 14}, {PackageARN: "b", Findings: 2}}
	if got := inspector.FindingsCount(counts); got != "{a=14, b=2}" {
		t.Error(got)
	}
	if got := inspector.FindingsCount(nil); got != "{}" {
		t.Error(got)
	}
	if got := inspector.EventTime(time.Date(2026, 11, 23, 13, 0, 0, 123_900_000, time.FixedZone("", 3600))); got != "2026-11-23T12:00:00.123Z" {
		t.Error(got)
	}
}

func TestCanceledRunIsOther(t *testing.T) {
	w, _ := eventWorld(t)
	w.enrol()
	template := w.template(time.Hour)
	w.subscribe(template, topic, inspector.RunCompleted, inspector.OtherEvent, inspector.FindingReported)
	run := w.start(template)
	if err := w.StopRun(t.Context(), run.ID, inspector.SkipEvaluation); err != nil {
		t.Fatal(err)
	}
	w.mustWork()
	want := []string{"ENABLE_ASSESSMENT_NOTIFICATIONS ASSESSMENT_RUN_COMPLETED unrouted", "ENABLE_ASSESSMENT_NOTIFICATIONS OTHER unrouted",
		"ENABLE_ASSESSMENT_NOTIFICATIONS FINDING_REPORTED unrouted", "OTHER CANCELED unrouted"}
	if diff := cmp.Diff(want, w.outbox()); diff != "" {
		t.Errorf("want -, got +:\n%s", diff)
	}
}

// What happens to a run is told or does not happen: a transaction that fails
// leaves neither.
func TestEventsAndStateAreOne(t *testing.T) {
	w, _ := eventWorld(t)
	w.enrol()
	template := w.template(time.Hour)
	w.subscribe(template, topic, inspector.RunStarted, inspector.RunStateChanged)
	w.mustWork()
	before := w.outbox()
	w.queue.fail = errors.New("the disk is full")
	if _, err := w.StartRun(t.Context(), template.ID, ""); err == nil {
		t.Fatal("the run was started")
	}
	w.queue.fail = nil
	if diff := cmp.Diff(before, w.outbox()); diff != "" {
		t.Errorf("an event of a run that is not there:\n%s", diff)
	}
}

func TestRoutes(t *testing.T) {
	hooks := []store.SealedWebhook{
		{Webhook: inspector.Webhook{ID: "any", Topic: inspector.AnyTopic}}, {Webhook: inspector.Webhook{ID: "one", Topic: topic}}, {Webhook: inspector.Webhook{ID: "two", Topic: topic}},
	}
	for _, test := range []struct {
		topic       string
		hooks       []store.SealedWebhook
		use, beside bool
		want        []string
	}{
		{topic, nil, false, false, nil},
		{topic, nil, true, false, []string{"sns:" + topic}},
		{topic, hooks, false, false, []string{"one", "two"}},
		{topic, hooks, true, false, []string{"one", "two"}},
		{topic, hooks, true, true, []string{"one", "two", "sns:" + topic}},
		{otherTopic, hooks, false, false, []string{"any"}},
		{otherTopic, hooks, true, false, []string{"any", "sns:" + otherTopic}},
	} {
		if diff := cmp.Diff(test.want, routes(test.topic, test.hooks, test.use, test.beside)); diff != "" {
			t.Errorf("%+v: want -, got +:\n%s", test, diff)
		}
	}
}

// TestManyFindings wants a run's findings to become notifications some at a time,
// each of them once, and to be told nowhere else.
func TestManyFindings(t *testing.T) {
	w, _ := eventWorld(t)
	template := w.template(time.Hour)
	hook := w.webhook(topic)
	w.subscribe(template, topic, inspector.FindingReported)
	w.subscribe(template, otherTopic, inspector.FindingReported) // has nowhere to go
	w.mustWork()
	w.drain(hook)
	n := 2*maxWaiting + 300
	if raced {
		n = maxWaiting + 30
	}
	run := w.evaluated(template, n)
	told := map[string]int{}
	for range 10 {
		w.mustWork()
		if waiting, err := w.Store.WaitingFindings(t.Context(), run.ID, topic); err != nil || waiting > maxWaiting {
			t.Fatalf("%d findings wait, %v", waiting, err)
		}
		for _, o := range w.drain(hook) {
			told[o.Notification.Subject]++
		}
		w.clock.add(findingsEvery)
	}
	if len(told) != n {
		t.Errorf("%d of %d findings were told", len(told), n)
	}
	for id, times := range told {
		if times != 1 {
			t.Errorf("the finding %s was told %d times", id, times)
		}
	}
	all, err := w.Store.FindingEvents(t.Context(), run.ID)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, e := range all {
		want := inspector.FindingEventsDone
		if e.Topic == otherTopic {
			want = inspector.FindingEventsUnrouted
		}
		if e.State != want || e.Total != int64(n) || e.State == inspector.FindingEventsDone && (e.Sent != int64(n) || e.Made != int64(n)) {
			t.Errorf("the findings are at %+v", e)
		}
	}
	for _, line := range w.outbox() {
		if strings.HasPrefix(line, "FINDING_REPORTED") {
			t.Fatalf("left in the outbox: %s", line)
		}
	}

	// A webhook is added, and the findings are sent there after all.
	late := w.webhook(otherTopic)
	if count, err := w.Redrive(t.Context(), nil, ""); err != nil || count < 2 {
		t.Errorf("sent again: %d, %v", count, err)
	}
	w.mustWork()
	if got := w.drain(late); len(got) != maxWaiting+1 {
		t.Errorf("the other topic is told %d", len(got))
	}
	// Unsubscribed meanwhile, it is told no more.
	if err := w.Unsubscribe(t.Context(), template, otherTopic, inspector.FindingReported); err != nil {
		t.Fatal(err)
	}
	w.clock.add(findingsEvery)
	w.mustWork()
	if got := w.drain(late); len(got) != 0 {
		t.Errorf("the other topic is told %d more", len(got))
	}
}

// evaluated takes a run of no hosts to its end with findings that it never had to
// evaluate.
func (w *world) evaluated(template inspector.Template, n int) inspector.Run {
	w.t.Helper()
	ctx := w.t.Context()
	agent := w.enrol()
	run := w.start(template)
	w.collect(agent, run.ID, "PermitRootLogin yes\n")
	var findings []inspector.Finding
	for i := range n {
		findings = append(findings, inspector.Finding{ID: fmt.Sprintf("0-f%07d", i), Agent: agent, PackageARN: practicesARN(), Severity: inspector.Low})
	}
	r, _, err := w.part(ctx, &w.Store.Reader, run.ID, agent)
	if err != nil {
		w.t.Fatal(err)
	}
	for range 10 {
		if r = w.run(run.ID); r.State == inspector.EvaluatingRules {
			break
		}
		if err := w.advance(ctx, jobs.Job{Kind: jobAdvance, Payload: []byte(run.ID)}); err != nil {
			w.t.Logf("advance: %v", err)
		}
	}
	out := outcome{packages: []packageOutcome{{id: inspector.PackagePractices, results: []byte("{}"), findings: findings}}}
	if err := w.save(ctx, r, agent, out); err != nil {
		w.t.Fatal(err)
	}
	if state := w.run(run.ID).State; state != inspector.Completed {
		w.t.Fatalf("the run is %s", state)
	}
	return w.run(run.ID)
}

func TestUndeliveredAndRedrive(t *testing.T) {
	w, courier := eventWorld(t)
	template := w.template(time.Hour)
	w.subscribe(template, topic, inspector.RunStarted)
	w.mustWork()
	all, _, err := w.Store.ListNotifications(t.Context(), store.NotificationFilter{Undelivered: true}, inspector.Page{})
	if err != nil || len(all) != 1 || all[0].Status != inspector.PublishNoTopic || !strings.Contains(all[0].Detail, "no webhook") {
		t.Fatalf("undelivered are %+v, %v", all, err)
	}
	hook := w.webhook(inspector.AnyTopic)
	courier.sns, courier.beside = true, true
	if n, err := w.Redrive(t.Context(), []string{all[0].ID}, ""); n != 1 || err != nil {
		t.Fatalf("sent again: %d, %v", n, err)
	}
	w.mustWork()
	if got := w.drain(hook); len(got) != 1 || got[0].Notification.ID != all[0].ID || len(got[0].Secrets) != 1 || got[0].Webhook.ID != hook {
		t.Errorf("the webhook gets %+v", got)
	}
	if got := w.drain("sns:" + topic); len(got) != 1 || got[0].Notification.ID != all[0].ID {
		t.Errorf("SNS gets %+v", got)
	}

	// A webhook that is removed takes nothing with it.
	w.subscribe(template, otherTopic, inspector.RunStarted)
	w.mustWork()
	if err := w.DeleteWebhook(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	if got := w.drain(hook); len(got) != 0 {
		t.Errorf("a webhook that was removed gets %+v", got)
	}
	w.drain("sns:" + otherTopic)
	all, _, err = w.Store.ListNotifications(t.Context(), store.NotificationFilter{Undelivered: true}, inspector.Page{})
	if err != nil || len(all) != 1 || all[0].Detail != "the webhook was removed" {
		t.Errorf("undelivered are %+v, %v", all, err)
	}
	w.clock.add(eventRetention + time.Minute)
	if err := w.dropEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := w.outbox(); len(left) != 0 {
		t.Errorf("after all that time are left %q", left)
	}
}

func TestRotation(t *testing.T) {
	w, courier := eventWorld(t)
	hook := w.webhook(topic)
	secrets := func() int {
		t.Helper()
		if _, err := w.TryWebhook(t.Context(), hook); err != nil {
			t.Fatal(err)
		}
		last := courier.tried[len(courier.tried)-1]
		if !json.Valid([]byte(last.Notification.Message)) || last.Notification.Topic != topic {
			t.Errorf("a test sends %+v", last.Notification)
		}
		return len(last.Secrets)
	}
	if n := secrets(); n != 1 {
		t.Errorf("%d secrets sign", n)
	}
	if _, err := w.RotateWebhook(t.Context(), hook); err != nil {
		t.Fatal(err)
	}
	if n := secrets(); n != 2 {
		t.Errorf("%d secrets sign after a rotation", n)
	}
	w.clock.add(formerSecret)
	if n := secrets(); n != 1 {
		t.Errorf("%d secrets sign a day after a rotation", n)
	}
	for _, fn := range []func() error{
		func() error { _, err := w.RotateWebhook(t.Context(), "0-none0000"); return err },
		func() error { _, err := w.TryWebhook(t.Context(), "0-none0000"); return err },
		func() error { return w.DeleteWebhook(t.Context(), "0-none0000") },
	} {
		var e *inspector.Err
		if err := fn(); !errors.As(err, &e) || e.Code != "WEBHOOK_DOES_NOT_EXIST" {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestWebhooksThatAreRefused(t *testing.T) {
	w, _ := eventWorld(t)
	for name, hook := range map[string]inspector.Webhook{
		"no topic":              {URL: "https://a/"},
		"another kind of ARN":   {Topic: "arn:aws:sqs:us-east-1:123456789012:queue", URL: "https://a/"},
		"no URL":                {Topic: topic},
		"no host":               {Topic: topic, URL: "https:///path"},
		"another scheme":        {Topic: topic, URL: "ftp://a/"},
		"no scheme":             {Topic: topic, URL: "example.com/hook"},
		"control characters":    {Topic: topic, URL: "https://a/\x00"},
		"a password":            {Topic: topic, URL: "https://u:hunter2@a/"},
		"a fragment":            {Topic: topic, URL: "https://a/#x"},
		"plain http":            {Topic: topic, URL: "http://192.0.2.1/"},
		"plain http, by a name": {Topic: topic, URL: "http://localhost.example.com/"},
		"a long URL":            {Topic: topic, URL: "https://a/" + strings.Repeat("a", maxURL)},
		"an unknown format":     {Topic: topic, URL: "https://a/", Format: "xml"},
		"no certificates":       {Topic: topic, URL: "https://a/", CA: "nonsense"},
	} {
		_, _, err := w.CreateWebhook(t.Context(), hook)
		var e *inspector.Err
		if !errors.As(err, &e) || e.Code != "INVALID_WEBHOOK" || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	for _, fine := range []inspector.Webhook{
		{Topic: topic, URL: "http://127.0.0.1:8080/x"}, {Topic: topic, URL: "http://[::1]/"}, {Topic: inspector.AnyTopic, URL: "http://localhost/"},
		{Topic: topic, URL: "http://192.0.2.1/", PlainHTTP: true}, {Topic: topic, URL: "https://example.com/?token=x"},
	} {
		if _, _, err := w.CreateWebhook(t.Context(), fine); err != nil {
			t.Errorf("%+v: %v", fine, err)
		}
	}
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	w, _ := eventWorld(t)
	template := w.template(time.Hour)
	for _, test := range []struct {
		topic string
		event inspector.Event
		code  string
	}{
		{"arn:aws:sns:us-east-1:123456789012:", inspector.RunStarted, "INVALID_SNS_TOPIC_ARN"},
		{"arn:aws:sns:us-east-1:1234:t", inspector.RunStarted, "INVALID_SNS_TOPIC_ARN"},
		{"arn:aws:sns:nowhere:123456789012:t", inspector.RunStarted, "INVALID_SNS_TOPIC_ARN"},
		{"arn:aws:sns:us-east-1:123456789012:t:1b2c", inspector.RunStarted, "INVALID_SNS_TOPIC_ARN"},
		{"arn:aws:sqs:us-east-1:123456789012:t", inspector.RunStarted, "INVALID_SNS_TOPIC_ARN"},
		{"", inspector.RunStarted, "INVALID_SNS_TOPIC_ARN"},
		{topic + "\n", inspector.RunStarted, "INVALID_SNS_TOPIC_ARN"},
		{topic, inspector.EnabledEvent, "INVALID_EVENT"},
		{topic, "", "INVALID_EVENT"},
	} {
		for _, fn := range []func(context.Context, inspector.Template, string, inspector.Event) error{w.Subscribe, w.Unsubscribe} {
			var e *inspector.Err
			if err := fn(t.Context(), template, test.topic, test.event); !errors.As(err, &e) || e.Code != test.code || e.Kind != inspector.InvalidInput {
				t.Errorf("%q, %q: the error is %v", test.topic, test.event, err)
			}
		}
	}
	for _, fine := range []string{topic, "arn:aws-us-gov:sns:us-gov-west-1:123456789012:a_B-9", "arn:aws-cn:sns:cn-north-1:123456789012:t", "arn:aws:sns:xx-local-1:123456789012:t.fifo"} {
		w.subscribe(template, fine, inspector.RunStarted)
	}
}

// A job that was lost, with what it had to do, is queued again.
func TestEventsWithoutAJob(t *testing.T) {
	w, _ := eventWorld(t)
	template := w.template(time.Hour)
	w.subscribe(template, topic, inspector.RunStarted)
	w.exec("DELETE FROM test_jobs")
	if err := w.standingJobs(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.mustWork()
	if got := w.outbox(); len(got) != 1 || !strings.HasSuffix(got[0], "unrouted") {
		t.Errorf("the outbox has %q", got)
	}
}

func FuzzTopicRegion(f *testing.F) {
	for _, seed := range []string{topic, "arn:aws:sns:us-east-1:123456789012:t.fifo", "arn:aws:sns::::", "arn:aws-:sns:x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		region, ok := inspector.TopicRegion(text)
		if ok && (!inspector.ValidRegion(region) || len(text) > 400 || strings.ContainsAny(text, "\n /\"\\")) {
			t.Errorf("%q is a topic in %q", text, region)
		}
		if !ok && region != "" {
			t.Errorf("%q is none, in %q", text, region)
		}
	})
}
