package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/operator"
)

// rematched is a service with one re-match that is over: of three hosts one was
// judged by telemetry of ten days ago, one by newer, and one not at all.
func rematched(t *testing.T) *client {
	t.Helper()
	now := time.Now()
	answers := map[string]any{
		operator.StartRematch: operator.StartRematchResponse{Run: "arn/run/0-rematch1", Hosts: 3, Excluded: []operator.RematchHost{{Agent: "i-3"}}},
		"DescribeAssessmentRuns": map[string]any{"assessmentRuns": []any{map[string]any{
			"arn": "arn/run/0-rematch1", "state": "COMPLETED_WITH_ERRORS", "findingCounts": map[string]int64{"High": 1},
			"notifications": []any{map[string]any{"event": "OTHER", "message": inspector.RematchNotice}},
		}}},
		operator.ListRematchHosts: operator.RematchHostsResponse{Hosts: []operator.RematchHost{
			{Agent: "i-1", Hostname: "web\x1b[2J", CollectedAt: now.Add(-time.Hour * 3)},
			{Agent: "i-2", Hostname: "db", CollectedAt: now.Add(-10*24*time.Hour - time.Minute), Source: "arn/run/0-source01"},
			{Agent: "i-3", Hostname: "gone", Reason: "no assessment has collected its telemetry yet"},
		}},
	}
	return door(t, func(w http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		answer, ok := answers[operation]
		if !ok {
			answer = map[string]any{}
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	})
}

// What a re-match has found is told with how old the telemetry of each host is, the
// oldest first.
func TestRematchTellsAges(t *testing.T) {
	client := rematched(t)
	started, err := client.rematch(t.Context(), "")
	if err != nil || started.Hosts != 3 {
		t.Fatalf("%+v, %v", started, err)
	}
	var out bytes.Buffer
	c := &Command{Stdout: &out, Stderr: &out}
	if err := c.follow(t.Context(), client, started.Run, assessFlags{}); err != exitError(ExitIncomplete) {
		t.Errorf("the exit is %v", err)
	}
	_, telling, ok := strings.Cut(out.String(), "\nJUDGED BY STORED TELEMETRY\n")
	lines := strings.Split(telling, "\n")
	if !ok || len(lines) < 3 || !strings.HasPrefix(lines[0], "  db: of ") || !strings.HasSuffix(lines[0], ", 10 days old, from the run 0-source01") ||
		!strings.HasPrefix(lines[1], "  web") || !strings.HasSuffix(lines[1], ", 3 hours old, from a run that is deleted") || strings.Contains(out.String(), "\x1b") {
		t.Errorf("it prints\n%s", out.String())
	}
	out.Reset()
	var printed outcome
	if err := c.follow(t.Context(), client, started.Run, assessFlags{json: true}); err != exitError(ExitIncomplete) {
		t.Errorf("the exit is %v", err)
	}
	if err := json.Unmarshal(out.Bytes(), &printed); err != nil || len(printed.Telemetry) != 2 || printed.Telemetry[0].Agent != "i-2" || printed.Telemetry[0].Run != "arn/run/0-source01" {
		t.Errorf("%v, %+v", err, printed.Telemetry)
	}
}

func TestKindsOfRuns(t *testing.T) {
	notice := model.AssessmentRunNotification{Event: "OTHER", Message: inspector.RematchNotice}
	forged := notice
	forged.SnsTopicArn = "arn:aws:sns:eu-central-1:123456789012:topic"
	for want, n := range map[string][]model.AssessmentRunNotification{"re-match": {{Event: "OTHER"}, notice}, "assessment": {{Event: "OTHER"}, forged}} {
		if got := runKind(isRematch(model.AssessmentRun{Notifications: n})); got != want {
			t.Errorf("%v is a %s, want a %s", n, got, want)
		}
	}
}

func TestAges(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "less than a minute", 59 * time.Second: "less than a minute", time.Minute: "1 minute", 119 * time.Minute: "1 hour",
		48*time.Hour - 1: "1 day", 30 * 24 * time.Hour: "30 days",
	} {
		if got := age(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

// A real service without hosts.
func TestRematchRefusals(t *testing.T) {
	env := deployment(t)
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"rematch a b", ExitUsage, "at most one argument"},
		{"rematch -fail-on grave", ExitUsage, "no severity"},
		{"rematch -wait=false -fail-on high", ExitUsage, "-wait=false"},
		{"rematch nothing", ExitIncomplete, `no assessment template "nothing"`},
	} {
		code, out, stderr := run(t.Context(), env, strings.Fields(test.args)...)
		if code != test.code || out != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("assay %s: exit code %d, %q, %q, want %d with %q", test.args, code, out, stderr, test.code, test.want)
		}
	}
	// Whether or not the service has a package to match again, nothing was judged.
	if code, out, stderr := run(t.Context(), env, "rematch"); code != ExitIncomplete || out+stderr == "" {
		t.Errorf("exit code %d, %s", code, fmt.Sprint(out, stderr))
	}
}
