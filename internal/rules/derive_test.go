package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/rulestest"
)

var (
	described = rules.Description{ID: inspector.PackagePractices, Name: "Security Best Practices", Rules: []rules.Rule{
		{ID: "one", Title: "Rule one", Severity: inspector.Medium, Description: "Why one.", Recommendation: "Do one."},
		{ID: "two", Title: "Rule two", Severity: inspector.High},
	}}
	subject = rules.Subject{
		Run:   inspector.Run{ID: "0-run00000", Target: "0-target00", Template: "0-templat0"},
		Agent: inspector.Asset{Agent: "i-0123456789abcdef0", Hostname: "web-1"}, PackageARN: "arn:package",
		Key: []byte("key"), Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
		Attributes: []inspector.Attribute{{Key: "team", Value: "web"}},
	}
	seen = []rules.Evidence{{Sensor: "config", Record: "text:/etc/x", File: "/etc/x", Line: 3, Found: "a yes", Expected: "no"}}
)

func passed(rule string) rules.Result {
	return rules.Result{Rule: rule, Verdict: rules.Passed, Evidence: seen}
}

func failed(rule, subject string) rules.Result {
	return rules.Result{Rule: rule, Subject: subject, Verdict: rules.Failed, Reason: "It is so.", Evidence: seen}
}

func unevaluated(rule, reason string) rules.Result {
	return rules.Result{Rule: rule, Verdict: rules.NotEvaluated, Reason: reason, Remedy: "Run the agent as root."}
}

// TestEveryResultLeavesATrace: titles of the findings, "|", titles of the
// exclusions.
func TestEveryResultLeavesATrace(t *testing.T) {
	notApplicable := rules.Result{Rule: "two", Verdict: rules.NotApplicable}
	for _, tt := range []struct {
		name    string
		results []rules.Result
		want    string
	}{
		{"all passed", []rules.Result{passed("one"), passed("two")}, inspector.TitleNoIssues + " |"},
		{"not applicable", []rules.Result{passed("one"), notApplicable}, inspector.TitleNoIssues + " |"},
		{"failed", []rules.Result{failed("one", ""), passed("two")}, "Rule one |"},
		{"several subjects", []rules.Result{failed("one", "a"), failed("one", "b"), passed("two")}, "Rule one Rule one |"},
		{"not evaluated", []rules.Result{passed("one"), unevaluated("two", "denied")}, "| " + inspector.RulesNotEvaluated.Title()},
		{"failed and not evaluated", []rules.Result{failed("one", ""), unevaluated("two", "denied")}, "Rule one | " + inspector.RulesNotEvaluated.Title()},
		{"error", []rules.Result{passed("one"), {Rule: "two", Verdict: rules.Error, Reason: "panic"}}, "| " + inspector.HostEvaluationError.Title()},
		{"a rule without result", []rules.Result{passed("one")}, "| " + inspector.HostEvaluationError.Title()},
		{"no result at all", nil, "| " + inspector.HostEvaluationError.Title()},
		{"failed without evidence", []rules.Result{{Rule: "one", Verdict: rules.Failed}, passed("two")}, "| " + inspector.HostEvaluationError.Title()},
		{"passed without evidence", []rules.Result{{Rule: "one", Verdict: rules.Passed}, passed("two")}, "| " + inspector.HostEvaluationError.Title()},
		{"no verdict", []rules.Result{{Rule: "one"}, passed("two")}, "| " + inspector.HostEvaluationError.Title()},
		{"a rule that is not described", []rules.Result{passed("one"), passed("two"), failed("three", "")}, "three |"},
		{"unknown system", []rules.Result{
			{Rule: "one", Verdict: rules.NotEvaluated, Unsupported: true}, {Rule: "two", Verdict: rules.NotEvaluated, Unsupported: true},
		}, inspector.TitleUnsupported + " |"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			findings, exclusions := rules.Derive(described, subject, tt.results)
			var words []string
			for _, f := range findings {
				words = append(words, f.Title)
				if f.Severity != inspector.Medium && f.Severity != inspector.Informational && f.Severity != inspector.Undefined {
					t.Errorf("severity %s", f.Severity)
				}
			}
			words = append(words, "|")
			for _, e := range exclusions {
				words = append(words, e.Title)
				if e.Error != (e.Title == inspector.HostEvaluationError.Title()) || len(e.Scopes) != 2 || e.Recommendation == "" {
					t.Errorf("exclusion %+v", e)
				}
			}
			if got := strings.Join(words, " "); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFinding(t *testing.T) {
	r := failed("one", "sub")
	r.Title = "Instance <id> does one"
	r.Severity = inspector.Low
	r.Attributes = []inspector.Attribute{{Key: "LONG", Value: strings.Repeat("ü", 400)}, {Key: "EMPTY"}, {Key: "INSTANCE_ID", Value: "forged"}}
	findings, _ := rules.Derive(described, subject, []rules.Result{r, passed("two")})
	if len(findings) != 1 {
		t.Fatalf("%d findings", len(findings))
	}
	f := findings[0]
	want := inspector.Finding{
		Target: "0-target00", Template: "0-templat0", Run: "0-run00000", ID: f.ID,
		Agent: "i-0123456789abcdef0", Package: inspector.PackagePractices, PackageARN: "arn:package", Rule: "one", Subject: "sub",
		FindingID: "Rule one", Title: "Instance i-0123456789abcdef0 does one", Description: "It is so.\n\nWhy one.",
		Recommendation: "Do one.", Severity: inspector.Low, Confidence: 10,
		Attributes: []inspector.Attribute{
			{Key: "INSTANCE_ID", Value: "i-0123456789abcdef0"}, {Key: "LONG", Value: strings.Repeat("ü", 256)}},
		UserAttributes: subject.Attributes, Asset: subject.Agent, Evidence: seen, CreatedAt: subject.Now, UpdatedAt: subject.Now,
	}
	if diff := cmp.Diff(want, f); diff != "" {
		t.Errorf("finding (-want +got):\n%s", diff)
	}
}

// Every finding of a re-match tells how old what it rests on is, before all else,
// also the one that says that nothing was found.
func TestFindingsTellTheirOrigin(t *testing.T) {
	of := subject
	of.Origin = rules.Origin{Run: "arn:run", Collected: time.Date(2026, 2, 1, 13, 30, 5, 0, time.FixedZone("", 3600))}
	r := failed("one", "")
	for i := range 80 {
		r.Attributes = append(r.Attributes, inspector.Attribute{Key: fmt.Sprint("K", i), Value: "v"})
	}
	unsupported := rules.Result{Rule: "one", Verdict: rules.NotEvaluated, Unsupported: true, Reason: "It is Plan 9."}
	for name, results := range map[string][]rules.Result{
		"failed": {r, passed("two")}, "nothing found": {passed("one"), passed("two")}, "unsupported": {unsupported},
	} {
		findings, _ := rules.Derive(described, of, results)
		plain, _ := rules.Derive(described, subject, results)
		if len(findings) == 0 || len(findings) != len(plain) {
			t.Fatalf("%s: %d findings, %d without an origin", name, len(findings), len(plain))
		}
		for i, f := range findings {
			want := []inspector.Attribute{{Key: "INSTANCE_ID", Value: f.Agent}, {Key: "TELEMETRY_DATE", Value: "2026-02-01T12:30:05Z"}, {Key: "TELEMETRY_RUN", Value: "arn:run"}}
			if diff := cmp.Diff(want, f.Attributes[:3]); diff != "" || len(f.Attributes) > 50 {
				t.Errorf("%s: %d attributes, %s", name, len(f.Attributes), diff)
			}
			// What the rule is about stays apart from what is so on this host: see reports.
			said := "The host was not looked at for this: it was judged by its telemetry of 2026-02-01 (UTC). " + plain[i].Description
			if strings.Join(strings.Fields(f.Description), " ") != strings.Join(strings.Fields(said), " ") || strings.Count(f.Description, "\n\n") != 1 {
				t.Errorf("%s: it says %q", name, f.Description)
			}
			if f.ID != plain[i].ID {
				t.Errorf("%s: the id is another", name)
			}
		}
	}
}

func TestAttributesAreBounded(t *testing.T) {
	r := failed("one", "")
	for i := range 80 {
		r.Attributes = append(r.Attributes, inspector.Attribute{Key: fmt.Sprint("K", i), Value: "a\xff" + strings.Repeat("x", i*8)})
	}
	findings, _ := rules.Derive(described, subject, []rules.Result{r, passed("two")})
	if n := len(findings[0].Attributes); n != 50 {
		t.Errorf("%d attributes, want 50", n)
	}
	for _, a := range findings[0].Attributes {
		if n := utf8.RuneCountInString(a.Value); n > 256 || !utf8.ValidString(a.Value) {
			t.Errorf("%s has %d characters, valid: %v", a.Key, n, utf8.ValidString(a.Value))
		}
	}
}

// TestIDs: unique in a run, the same again, other for other agents, packages,
// rules, subjects and keys, and the same in every run.
func TestIDs(t *testing.T) {
	results := []rules.Result{failed("one", "a"), failed("one", "b"), failed("one", "b"), failed("onea", ""), failed("two", "a"), unevaluated("two", "x")}
	derive := func(change func(*rules.Description, *rules.Subject)) []string {
		d, s := described, subject
		change(&d, &s)
		findings, exclusions := rules.Derive(d, s, results)
		var ids []string
		for _, f := range findings {
			ids = append(ids, f.ID)
		}
		for _, e := range exclusions {
			ids = append(ids, e.ID)
		}
		return ids
	}
	same := func(*rules.Description, *rules.Subject) {}
	first := derive(same)
	seen := map[string]bool{}
	for _, id := range first {
		if seen[id] {
			t.Errorf("%s twice in %v", id, first)
		}
		seen[id] = true
	}
	if diff := cmp.Diff(first, derive(same)); diff != "" {
		t.Errorf("ids differ when derived again: %s", diff)
	}
	if diff := cmp.Diff(first, derive(func(_ *rules.Description, s *rules.Subject) { s.Run.ID, s.Now = "0-other000", time.Time{} })); diff != "" {
		t.Errorf("ids depend on the run: %s", diff)
	}
	for name, change := range map[string]func(*rules.Description, *rules.Subject){
		"agent":   func(_ *rules.Description, s *rules.Subject) { s.Agent.Agent = "i-1" },
		"package": func(d *rules.Description, _ *rules.Subject) { d.ID = "cve" },
		"key":     func(_ *rules.Description, s *rules.Subject) { s.Key = []byte("other") },
	} {
		for _, id := range derive(change) {
			if seen[id] {
				t.Errorf("another %s gives the same id %s", name, id)
			}
		}
	}
}

func TestExclusionGroupsReasons(t *testing.T) {
	_, exclusions := rules.Derive(described, subject, []rules.Result{unevaluated("one", "denied"), unevaluated("two", "denied")})
	if len(exclusions) != 1 {
		t.Fatalf("%d exclusions", len(exclusions))
	}
	e := exclusions[0]
	want := "Not all rules of Security Best Practices gave a verdict on the host i-0123456789abcdef0:\n- Rule one; Rule two: denied"
	if e.Description != want || e.Recommendation != "Run the agent as root." {
		t.Errorf("got %q and %q", e.Description, e.Recommendation)
	}
}

func TestWorst(t *testing.T) {
	if got := rulestest.Worst([]rules.Result{passed("one"), unevaluated("one", "x")}, "one"); got != rules.NotEvaluated {
		t.Errorf("Worst = %s", got)
	}
}
