package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"
	"github.com/google/go-cmp/cmp"

	"assay/internal/testpg"
)

const topic = "arn:aws:sns:us-west-2:123456789012:exampletopic"

// eventReceiver is a webhook's endpoint. It remembers what came, by run.
type eventReceiver struct {
	t   *testing.T
	url string

	mu  sync.Mutex
	all []eventMessage
}

type eventMessage struct {
	ID                                          string `json:"-"`
	Event, Target, Template, Run, Finding, Time string
	NewState                                    string `json:"newstate"`
	FindingsCount                               string `json:"findingsCount"`
}

func newEventReceiver(t *testing.T) *eventReceiver {
	t.Helper()
	r := &eventReceiver{t: t}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, in *http.Request) {
		body, _ := io.ReadAll(in.Body)
		var envelope struct{ MessageId, TopicArn, Message string }
		var m eventMessage
		if json.Unmarshal(body, &envelope) != nil || json.Unmarshal([]byte(envelope.Message), &m) != nil || envelope.TopicArn != topic {
			t.Errorf("the webhook gets %s", body)
		}
		m.ID = envelope.MessageId
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, m)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

// of returns what came about a run: each message as "event subject", once, and how
// many came more than once. A message has one id, however often it comes.
func (r *eventReceiver) of(run string) (messages []string, twice int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := map[string]string{}
	for _, m := range r.all {
		if m.Run != run {
			continue
		}
		text := strings.TrimSpace(fmt.Sprintf("%s %s%s", m.Event, m.NewState, m.Finding))
		if id, known := ids[text]; !known {
			ids[text] = m.ID
			messages = append(messages, text)
		} else if twice++; id != m.ID {
			r.t.Errorf("%s has the ids %s and %s", text, id, m.ID)
		}
	}
	slices.Sort(messages)
	return messages, twice
}

// subscribe subscribes a topic to all events of a template.
func (s sdk) subscribe(template *string) {
	s.t.Helper()
	for _, event := range types.InspectorEvent("").Values() {
		_, err := s.SubscribeToEvent(s.t.Context(), &inspector.SubscribeToEventInput{ResourceArn: template, TopicArn: aws.String(topic), Event: event})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

// delivered waits until everything about a run is delivered, and returns what has
// to have come.
func (s sdk) delivered(run string) (want []string) {
	s.t.Helper()
	described := &inspector.DescribeAssessmentRunsOutput{}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var err error
		described, err = s.DescribeAssessmentRuns(s.t.Context(), &inspector.DescribeAssessmentRunsInput{AssessmentRunArns: []string{run}})
		if err == nil && final(string(described.AssessmentRuns[0].State)) && !slices.ContainsFunc(described.AssessmentRuns[0].Notifications, func(n types.AssessmentRunNotification) bool {
			return n.SnsPublishStatusCode != types.AssessmentRunNotificationSnsStatusCodeSuccess
		}) {
			break
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not everything is delivered: %+v, %v", described.AssessmentRuns, err)
		}
	}
	want = []string{"ASSESSMENT_RUN_STARTED", "ASSESSMENT_RUN_COMPLETED"}
	for _, change := range described.AssessmentRuns[0].StateChanges[1:] {
		want = append(want, "ASSESSMENT_RUN_STATE_CHANGED "+string(change.State))
	}
	pages := inspector.NewListFindingsPaginator(s.Client, &inspector.ListFindingsInput{AssessmentRunArns: []string{run}, MaxResults: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		for _, arn := range page.FindingArns {
			want = append(want, "FINDING_REPORTED "+arn)
		}
	}
	slices.Sort(want)
	return want
}

// TestKilledAroundEvents kills the service with SIGKILL between the commit of an
// event and its delivery, and between its delivery and the record of that.
// Whatever the point, every event arrives, none is invented, and only what was
// delivered and not recorded comes twice, with the same id.
func TestKilledAroundEvents(t *testing.T) {
	t.Parallel() // the agent is aside
	databases(t, func(t *testing.T, w *world) {
		w.startService("")
		w.aside()
		w.startAgent()
		w.heard()
		sdk := w.sdk()
		template := sdk.quick()
		receiver := newEventReceiver(t)
		w.assay(0, "events", "add", "-topic", topic, receiver.url)
		sdk.subscribe(template)
		for _, point := range []struct {
			name  string
			twice int
		}{{"", 0}, {"events before:1", 0}, {"events after:2", 0}, {"event sent:1", 1}, {"event sent:4", 1}} {
			w.service.kill()
			w.startService("")
			w.heard()
			run := ""
			if point.name == "" {
				run = sdk.startRun(template)
			} else {
				w.service.kill()
				w.startService(point.name)
				w.heard()
				answer, err := sdk.StartAssessmentRun(t.Context(), &inspector.StartAssessmentRunInput{AssessmentTemplateArn: template})
				if err == nil {
					run = *answer.AssessmentRunArn
				}
				w.dies(point.name, sdk, run)
				w.startService("")
				if err != nil { // it died while it answered; the run was begun before
					run = sdk.newestRun(template)
				}
			}
			want := sdk.delivered(run)
			got, twice := receiver.of(run)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("killed at %q: events that did not arrive -, that were invented +:\n%s", point.name, diff)
			}
			// The courier works beside the jobs: it may be about to write down a delivery
			// when the service is killed elsewhere.
			if most := max(point.twice, 1); twice < point.twice || point.name == "" && twice > 0 || twice > most {
				t.Errorf("killed at %q: %d messages came twice, not %d to %d", point.name, twice, point.twice, most)
			}
		}
	})
}

// TestEventsOfTwoReplicas has two replicas work on one outbox: each event arrives
// once.
func TestEventsOfTwoReplicas(t *testing.T) {
	t.Parallel() // the agent is aside
	database, shared := testpg.New(t), t.TempDir()
	one, two := newWorld(t, database), newWorld(t, database)
	two.log = one.log
	for _, w := range []*world{one, two} {
		w.config.Keyring, w.config.Objects = filepath.Join(shared, "keyring.json"), filepath.Join(shared, "objects")
	}
	one.startService("")
	one.aside()
	one.startAgent()
	one.heard()
	two.startService("")
	sdk := one.sdk()
	template := sdk.quick()
	receiver := newEventReceiver(t)
	two.assay(0, "events", "add", "-topic", "*", receiver.url)
	sdk.subscribe(template)
	for range 3 {
		run := sdk.startRun(template)
		want := sdk.delivered(run)
		got, twice := receiver.of(run)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events that did not arrive -, that were invented +:\n%s", diff)
		}
		if twice > 0 {
			t.Errorf("%d events came twice", twice)
		}
	}
}
