package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/operator"
)

// template makes a target without hosts and a template, and returns its ARN.
func template(t *testing.T, env map[string]string, name string) string {
	t.Helper()
	c := &Command{Getenv: func(name string) string { return env[name] }}
	client, err := c.newClient(env["ASSAY_DATA"])
	if err != nil {
		t.Fatal(err)
	}
	defer client.http.CloseIdleConnections()
	var target struct{ AssessmentTargetArn string }
	var made struct{ AssessmentTemplateArn string }
	var packages struct{ RulesPackageArns []string }
	for _, step := range []struct {
		operation string
		in, out   any
	}{
		{"CreateAssessmentTarget", map[string]any{"assessmentTargetName": name}, &target},
		{"ListRulesPackages", map[string]any{}, &packages},
	} {
		if err := client.inspector(t.Context(), step.operation, step.in, step.out); err != nil {
			t.Fatal(err)
		}
	}
	err = client.inspector(t.Context(), "CreateAssessmentTemplate", map[string]any{
		"assessmentTargetArn": target.AssessmentTargetArn, "assessmentTemplateName": name, "durationInSeconds": 3600, "rulesPackageArns": packages.RulesPackageArns,
	}, &made)
	if err != nil {
		t.Fatal(err)
	}
	return made.AssessmentTemplateArn
}

func TestSchedules(t *testing.T) {
	env := deployment(t)
	arn := template(t, env, "weekly")
	schedules := func() (all []operator.Schedule) {
		t.Helper()
		code, out, stderr := run(t.Context(), env, "schedules", "-json")
		if err := json.Unmarshal([]byte(out), &all); code != 0 || err != nil {
			t.Fatalf("exit code %d, %q, %q", code, out, stderr)
		}
		return all
	}
	ok := func(args ...string) (string, string) {
		t.Helper()
		code, out, stderr := run(t.Context(), env, append([]string{"schedules"}, args...)...)
		if code != 0 {
			t.Fatalf("assay schedules %v: exit code %d, %q, %q", args, code, out, stderr)
		}
		return out, stderr
	}
	if got := schedules(); got == nil || len(got) != 0 {
		t.Errorf("the first list is %v", got)
	}
	id, stderr := ok("add", "-template", "weekly", "-every", "7", "-start", "2099-12-01T02:30", "-zone", "Europe/Berlin")
	id = strings.TrimSuffix(id, "\n")
	if len(id) != 10 || !strings.Contains(stderr, "The next run of weekly starts at 2099-12-01 02:30 CET.") {
		t.Errorf("it prints %q, %q", id, stderr)
	}
	got := schedules()
	if len(got) != 1 || got[0].ID != id || got[0].Template != arn || got[0].Expression != "every 7 days" || !got[0].DueAt.Equal(time.Date(2099, 12, 1, 1, 30, 0, 0, time.UTC)) {
		t.Errorf("the schedules are %+v", got)
	}
	started, _ := ok("run-now", id)
	if a, err := inspector.ParseARN(strings.TrimSpace(started)); err != nil || a.Kind != inspector.KindRun {
		t.Errorf("the run is %q", started)
	}
	out, _ := ok("list")
	if !strings.Contains(out, "2099-12-01 02:30 CET") || !strings.Contains(out, "run 0-") || !strings.Contains(out, "active") {
		t.Errorf("the list is\n%s", out)
	}
	ok("pause", id)
	if out, _ := ok(); !strings.Contains(out, "paused") {
		t.Errorf("the list is\n%s", out)
	}
	ok("resume", id)
	ok("add", "-template", arn, "-when", "cron(30 2 ? * MON-FRI *)", "-json")
	ok("add", "-template", arn[strings.LastIndex(arn, "/")+1:], "-when", "30 2 * * *")
	ok("remove", id)
	if got := schedules(); len(got) != 2 || slices.ContainsFunc(got, func(s operator.Schedule) bool { return s.ID == id }) {
		t.Errorf("the schedules are %+v", got)
	}
}

func TestScheduleRefusals(t *testing.T) {
	env := deployment(t)
	arn := template(t, env, "weekly")
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"frobnicate"}, ExitUsage, "no action"},
		{[]string{"add"}, ExitUsage, "-template"},
		{[]string{"add", "-template", "weekly"}, ExitUsage, "-when or -every"},
		{[]string{"add", "-template", "weekly", "-every", "7", "-when", "every 7 days"}, ExitUsage, "-when or -every"},
		{[]string{"add", "-template", "weekly", "-every", "-7"}, ExitUsage, "not a number of days"},
		{[]string{"add", "-template", "weekly", "-when", "* * * * *"}, ExitUsage, "at least 5m"},
		{[]string{"add", "-template", "weekly", "-every", "7", "-zone", "Local"}, ExitUsage, "time zone"},
		{[]string{"add", "-template", "weekly", "-every", "7", "-start", "soon"}, ExitUsage, "not a time to start"},
		{[]string{"add", "-template", "daily", "-every", "7"}, ExitIncomplete, `no assessment template "daily"`},
		{[]string{"add", "-template", arn + "x", "-every", "7"}, ExitIncomplete, "no assessment template"},
		{[]string{"add", "-template", arn[:strings.Index(arn, "/template")], "-every", "7"}, ExitIncomplete, "something else"},
		{[]string{"pause"}, ExitUsage, "one argument"},
		{[]string{"remove", "0-nothing1"}, ExitIncomplete, "no schedule"},
		{[]string{"run-now", "0-nothing1"}, ExitIncomplete, "no schedule"},
		{[]string{"resume", "a b"}, ExitIncomplete, "not the id of a schedule"},
	} {
		code, out, stderr := run(t.Context(), env, append([]string{"schedules"}, test.args...)...)
		if code != test.code || out != "" || !strings.Contains(stderr, test.want) {
			t.Errorf("assay schedules %v: exit code %d, %q, %q, want %d with %q", test.args, code, out, stderr, test.code, test.want)
		}
	}
}
