package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/rules"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// found is an outcome with findings of these severities.
func found(severities ...inspector.Severity) *outcome {
	o := newOutcome()
	o.Hosts, o.State = 1, "COMPLETED"
	for _, s := range severities {
		o.Findings = append(o.Findings, finding{Severity: s})
	}
	return o
}

func TestExitOfAnOutcome(t *testing.T) {
	with := func(change func(*outcome)) *outcome {
		o := found(inspector.High)
		change(o)
		return o
	}
	for name, test := range map[string]struct {
		outcome *outcome
		failOn  inspector.Severity
		want    int
	}{
		"nothing":                          {found(), inspector.Low, ExitClean},
		"findings without a threshold":     {found(inspector.High), "", ExitClean},
		"at the threshold":                 {found(inspector.Medium), inspector.Medium, ExitFindings},
		"above it":                         {found(inspector.Low, inspector.High), inspector.Medium, ExitFindings},
		"below it":                         {found(inspector.Low, inspector.Informational), inspector.Medium, ExitClean},
		"only informational":               {found(inspector.Informational), inspector.Low, ExitClean},
		"informational as threshold":       {found(inspector.Informational), inspector.Informational, ExitFindings},
		"a file has no state":              {with(func(o *outcome) { o.State = "" }), inspector.High, ExitFindings},
		"something not checked wins":       {with(func(o *outcome) { o.Unchecked = []unchecked{{}} }), inspector.High, ExitIncomplete},
		"not checked without a threshold":  {with(func(o *outcome) { o.Unchecked = []unchecked{{}} }), "", ExitIncomplete},
		"a rule that was not evaluated":    {with(func(o *outcome) { o.Verdicts["not evaluated"] = 1 }), inspector.High, ExitIncomplete},
		"a rule with an error":             {with(func(o *outcome) { o.Verdicts["error"] = 1 }), "", ExitIncomplete},
		"rules that do not apply":          {with(func(o *outcome) { o.Verdicts["not applicable"] = 9 }), "", ExitClean},
		"completed with errors":            {with(func(o *outcome) { o.State = "COMPLETED_WITH_ERRORS" }), inspector.High, ExitIncomplete},
		"a run that failed":                {with(func(o *outcome) { o.State = "FAILED" }), "", ExitIncomplete},
		"a run that was canceled":          {with(func(o *outcome) { o.State = "CANCELED" }), "", ExitIncomplete},
		"no host":                          {with(func(o *outcome) { o.Hosts = 0 }), "", ExitIncomplete},
		"a sensor's gap that no rule read": {with(func(o *outcome) { o.NotSeen = []notSeen{{}} }), "", ExitClean},
	} {
		t.Run(name, func(t *testing.T) {
			got := ExitClean
			var code exitError
			if err := test.outcome.exit(test.failOn); errors.As(err, &code) {
				got = int(code)
			} else if err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("the exit code is %d, want %d", got, test.want)
			}
		})
	}
}

func TestFailedServiceWinsOverExitCodes(t *testing.T) {
	broken := errors.New("the service's worker ended")
	for _, test := range []struct {
		result, served error
		want           int
	}{
		{nil, nil, ExitClean}, {exitError(ExitFindings), nil, ExitFindings},
		{nil, broken, ExitIncomplete}, {exitError(ExitClean), broken, ExitIncomplete}, {exitError(ExitFindings), broken, ExitIncomplete},
		{errors.New("x"), broken, ExitIncomplete},
	} {
		c := Command{Stderr: &bytes.Buffer{}}
		if got := c.exit(verb{}, worse(test.result, test.served)); got != test.want {
			t.Errorf("%v and %v: exit code %d, want %d", test.result, test.served, got, test.want)
		}
	}
}

// sample has all that an outcome can have, and what a hostile host could put in.
func sample() *outcome {
	o := newOutcome()
	o.Run, o.State, o.Hosts = "arn:aws:inspector:eu-central-1:111122223333:target/0-a/template/0-b/run/0-c", "COMPLETED_WITH_ERRORS", 2
	o.Counts["High"], o.Counts["Informational"] = 1, 1
	o.Verdicts = map[string]int{"passed": 7, "failed": 1, "not evaluated": 2}
	o.Findings = []finding{
		{Severity: inspector.Informational, Agent: "i-2", Host: "db", Title: "No potential security issues found", Evidence: some[inspector.Evidence](nil), Recommendation: "No remediation needed."},
		{
			ARN: o.Run + "/finding/0-d", Severity: inspector.High, Agent: "i-1", Host: "web\x1b[2J", Package: "practices", Rule: "root-login-over-ssh",
			Title: "Root may log in", Description: "It is bad.\nVery.", Recommendation: "Set \"PermitRootLogin no\". Then reload sshd.",
			Evidence: []inspector.Evidence{
				{Sensor: "config", Record: "text:/etc/ssh/sshd_config", File: "/etc/ssh/sshd_config", Line: 33, Found: "PermitRootLogin\tyes \x1b]0;gotcha\x07", Expected: "no"},
				{Sensor: "config", Record: "a", Found: "1"}, {Sensor: "config", Record: "b", Found: "2"}, {Sensor: "config", Record: "c", Found: "3"}, {Sensor: "config", Record: "d", Found: "4"},
			},
		},
	}
	o.Unchecked = []unchecked{{Title: "2 rules were not evaluated", Description: "sshd_config could not be read\nand more", Recommendation: "Run the agent as root.", Scopes: []string{"i-1"}}}
	o.NotSeen = []notSeen{{"i-1", assess.Coverage{Sensor: "processes", State: "not_collected", Reason: "no /proc"}}}
	return o
}

func TestPrinted(t *testing.T) {
	var out bytes.Buffer
	sample().print(&out)
	golden(t, "outcome.golden", out.String())

	out.Reset()
	c := Command{Stdout: &out}
	c.printExplanation(sample().Findings[1])
	golden(t, "explain.golden", out.String())

	out.Reset()
	printResults(&out, []operator.HostResults{{Agent: "i-1", Package: "practices", Results: []rules.Result{
		{Rule: "a", Verdict: rules.Passed, Reason: "it is so"},
		{Rule: "b", Verdict: rules.NotEvaluated, Reason: "it was not seen", Remedy: "look"},
	}}})
	golden(t, "results.golden", out.String())

	out.Reset()
	if err := printJSON(&out, sample()); err != nil {
		t.Fatal(err)
	}
	golden(t, "outcome.json.golden", out.String())
	for _, control := range []string{"\x1b", "\x07"} {
		for _, name := range []string{"outcome.golden", "explain.golden", "outcome.json.golden"} {
			if text, _ := os.ReadFile(filepath.Join("testdata", name)); strings.Contains(string(text), control) {
				t.Errorf("%s has the control character %q", name, control)
			}
		}
	}
}

// Programs read lists unasked.
func TestNothingInJSONIsNull(t *testing.T) {
	var out bytes.Buffer
	if err := printJSON(&out, newOutcome()); err != nil {
		t.Fatal(err)
	}
	var members map[string]any
	if err := json.Unmarshal(out.Bytes(), &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"counts", "verdicts", "findings", "not_checked", "not_seen"} {
		if members[name] == nil {
			t.Errorf("%q is null or missing in %s", name, out.String())
		}
	}
}

func TestSummaries(t *testing.T) {
	for _, test := range []struct {
		outcome *outcome
		want    string
	}{
		{newOutcome(), "0 hosts. Findings: none."},
		{sample(), "2 hosts. Findings: 1 High, 1 Informational. Rules: 7 passed, 1 failed, 2 not evaluated."},
	} {
		if got := test.outcome.summary(); got != test.want {
			t.Errorf("the summary is %q, want %q", got, test.want)
		}
	}
}
