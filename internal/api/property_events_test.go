package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay/internal/inspector"
)

// modelNote is a notification of a run, to one topic. Nobody delivers any here:
// once the job has looked for where it goes, there is nowhere.
type modelNote struct {
	at       time.Time
	event    inspector.Event
	topic    string
	message  string
	unrouted bool
}

// modelReported is a topic that is told of all findings of a run.
type modelReported struct {
	modelNote
	total   int
	stopped bool // unsubscribed before anything was sent
}

func (n *modelNote) wire() object {
	out := object{"date": told(n.at), "event": n.event, "message": n.message, "error": n.unrouted, "snsTopicArn": n.topic}
	if n.unrouted {
		out["snsPublishStatusCode"] = "TOPIC_DOES_NOT_EXIST"
	}
	return out
}

// notifications are as DescribeAssessmentRuns has them: the newest 50.
func (r *modelRun) notifications() (all []any) {
	some := slices.Clone(r.notes[max(0, len(r.notes)-50):])
	for _, reported := range r.reported {
		some = append(some, &reported.modelNote)
	}
	slices.SortStableFunc(some, func(a, b *modelNote) int { return a.at.Compare(b.at) })
	for _, n := range some[max(0, len(some)-50):] {
		all = append(all, n.wire())
	}
	return orNone(all)
}

// tell tells the subscribers of a run's state, which it has just come into.
func (p *property) tell(r *modelRun, from inspector.RunState) {
	events := []inspector.Event{"ASSESSMENT_RUN_STATE_CHANGED"}
	switch {
	case from == "CREATED" && r.state == "START_DATA_COLLECTION_PENDING":
		events = []inspector.Event{"ASSESSMENT_RUN_STARTED", "ASSESSMENT_RUN_STATE_CHANGED"}
	case r.shown:
		events = append(events, "FINDING_REPORTED", "ASSESSMENT_RUN_COMPLETED")
	case r.final():
		events = append(events, "OTHER")
	}
	for _, event := range events {
		for _, topic := range slices.Sorted(maps.Keys(r.of.topics)) {
			if _, subscribed := r.of.topics[topic][event]; !subscribed {
				continue
			}
			note := modelNote{at: p.now, event: event, topic: topic, message: p.message(r, event)}
			if event != "FINDING_REPORTED" {
				r.notes = append(r.notes, &note)
			} else if n := len(r.findings); n > 0 {
				note.message = fmt.Sprintf("0 of %d findings were reported", n)
				r.reported = append(r.reported, &modelReported{modelNote: note, total: n})
			}
		}
	}
}

// lookAtRun describes a run.
func (p *property) lookAtRun(r *modelRun) {
	p.expect("DescribeAssessmentRuns", object{"assessmentRunArns": []string{r.arn}}, "", object{"assessmentRuns": []any{r.wire()}, "failedItems": object{}})
}

// message is in the form that the consumers of Inspector's messages know.
func (p *property) message(r *modelRun, event inspector.Event) string {
	out := `{"event":"` + string(event) + `",`
	switch event {
	case "ASSESSMENT_RUN_STATE_CHANGED", "OTHER":
		out += `"newstate":"` + string(r.state) + `",`
	case "ASSESSMENT_RUN_COMPLETED":
		counts := []string{}
		for _, arn := range r.of.packages {
			n := 0
			if arn == r.of.packages[0] {
				n = len(r.findings)
			}
			counts = append(counts, fmt.Sprint(arn, "=", n))
		}
		out += `"findingsCount":"{` + strings.Join(counts, ", ") + `}",`
	}
	return out + `"target":"` + r.of.target + `","template":"` + r.template + `","run":"` + r.arn + `","time":"` + p.now.UTC().Format("2006-01-02T15:04:05.000Z") + `"}`
}

// sendEvents is what the job does with all that was not looked at yet.
func (p *property) sendEvents() {
	for _, r := range p.runs {
		for _, n := range r.notes {
			n.unrouted = true
		}
		for _, n := range r.reported {
			n.unrouted = !n.stopped
		}
	}
}

// Topics that are alike but for case, and in another region.
var propertyTopics = []string{
	"arn:aws:sns:eu-central-1:210987654321:alerts", "arn:aws:sns:eu-central-1:210987654321:Alerts", "arn:aws:sns:us-west-2:123456789012:a_b.fifo",
}

var propertyEvents = []inspector.Event{
	"ASSESSMENT_RUN_STATE_CHANGED", "FINDING_REPORTED", "ASSESSMENT_RUN_COMPLETED", "ASSESSMENT_RUN_STARTED", "OTHER",
}

// subscription draws the input of both operations, and whether it is wrong.
func (p *property) subscription() (in object, t *modelTemplate, outcome string) {
	arn := p.arn("template", inspector.KindTemplate, p.templateARNs())
	in = object{"resourceArn": arn, "topicArn": draw(p, "topic", propertyTopics...), "event": draw(p, "event", propertyEvents...)}
	t = p.templates[arn]
	if t == nil {
		outcome = "NoSuchEntityException ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"
	}
	switch {
	case p.rarely("no topic"):
		in["topicArn"], outcome = "arn:aws:sqs:eu-central-1:210987654321:alerts", "InvalidInputException INVALID_SNS_TOPIC_ARN"
	case p.rarely("no event"):
		in["event"], outcome = inspector.EnabledEvent, "InvalidInputException INVALID_EVENT"
	}
	return in, t, outcome
}

func (p *property) subscribe() {
	in, t, outcome := p.subscription()
	p.subscribeTo(t, in, outcome)
	if outcome == "" && draw(p, "all events", true, false) {
		for _, event := range propertyEvents {
			p.subscribeTo(t, object{"resourceArn": t.arn, "topicArn": in["topicArn"], "event": event}, "")
		}
		p.expectPages("ListEventSubscriptions", "subscriptions", object{"resourceArn": t.arn}, "", func() []any { return p.subscriptions(t.arn) })
	}
	if outcome == "" && p.rarely("as many topics as there may be") {
		for i := 0; len(t.topics) < 50; i++ {
			p.subscribeTo(t, object{"resourceArn": t.arn, "topicArn": fmt.Sprintf("arn:aws:sns:eu-central-1:210987654321:n%d", i), "event": "OTHER"}, "")
		}
		p.subscribeTo(t, object{"resourceArn": t.arn, "topicArn": "arn:aws:sns:eu-central-1:210987654321:one-more", "event": "OTHER"}, "")
	}
}

func (p *property) subscribeTo(t *modelTemplate, in object, outcome string) {
	topic, event := in["topicArn"].(string), inspector.Event(fmt.Sprint(in["event"]))
	if outcome == "" && t.topics[topic] == nil && len(t.topics) >= 50 {
		outcome = "LimitExceededException EVENT_SUBSCRIPTION_LIMIT_EXCEEDED"
	}
	p.expect("SubscribeToEvent", in, outcome, nil)
	if outcome != "" {
		return
	}
	if t.topics == nil {
		t.topics = map[string]map[inspector.Event]time.Time{}
	}
	if t.topics[topic] == nil {
		t.topics[topic] = map[inspector.Event]time.Time{}
	}
	if _, again := t.topics[topic][event]; !again {
		t.topics[topic][event] = p.now
	}
}

func (p *property) unsubscribe() {
	in, t, outcome := p.subscription()
	p.unsubscribeFrom(t, in, outcome)
}

func (p *property) unsubscribeFrom(t *modelTemplate, in object, outcome string) {
	p.expect("UnsubscribeFromEvent", in, outcome, nil)
	if outcome != "" {
		return
	}
	topic, event := in["topicArn"].(string), in["event"].(inspector.Event)
	if delete(t.topics[topic], event); len(t.topics[topic]) == 0 {
		delete(t.topics, topic)
	}
	var stopped []*modelRun // all of them, before a job runs
	for _, r := range p.runsOf(t.arn) {
		for _, n := range r.reported {
			if event == "FINDING_REPORTED" && n.topic == topic && !n.unrouted {
				n.stopped = true
				stopped = append(stopped, r)
			}
		}
	}
	if len(stopped) > 0 && draw(p, "jobs run", true, false) {
		p.work()
		for _, r := range stopped {
			p.lookAtRun(r)
		}
	}
}

// subscriptions are one for each template and topic, with the events by name.
func (p *property) subscriptions(of string) (all []any) {
	for _, arn := range byID(p.templates) {
		topics := p.templates[arn].topics
		for _, topic := range slices.Sorted(maps.Keys(topics)) {
			events := []any{}
			for _, event := range slices.Sorted(maps.Keys(topics[topic])) {
				events = append(events, object{"event": event, "subscribedAt": told(topics[topic][event])})
			}
			if of == "" || of == arn {
				all = append(all, object{"resourceArn": arn, "topicArn": topic, "eventSubscriptions": events})
			}
		}
	}
	return all
}

func (p *property) listSubscriptions() {
	in, arn, outcome := object{}, "", ""
	if draw(p, "of a template", true, false) {
		arn = p.arn("template", inspector.KindTemplate, p.templateARNs())
		in["resourceArn"] = arn
		if p.templates[arn] == nil {
			outcome = "NoSuchEntityException ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"
		}
	}
	n := 0
	p.expectPages("ListEventSubscriptions", "subscriptions", in, outcome, func() []any { return p.subscriptions(arn) }, action{"another topic", func(p *property) {
		n++
		if arns := p.templateARNs(); len(arns) > 0 {
			t := p.templates[draw(p, "template", arns...)]
			topic := fmt.Sprintf("arn:aws:sns:eu-central-1:210987654321:%d-%d", p.now.UnixNano(), n)
			p.subscribeTo(t, object{"resourceArn": t.arn, "topicArn": topic, "event": "OTHER"}, "")
		}
	}}, action{"StartAssessmentRun", (*property).startRun})
}
