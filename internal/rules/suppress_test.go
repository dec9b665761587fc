package rules_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/inspector"
	"assay/internal/rules"
)

// marks tells for each result which suppression it has.
func marks(results []rules.Result) string {
	var all []string
	for _, r := range results {
		id := "-"
		if r.Suppressed != nil {
			id = r.Suppressed.ID
		}
		all = append(all, id)
	}
	return strings.Join(all, " ")
}

func TestSuppress(t *testing.T) {
	cve := failed("one", "openssl 1.1")
	cve.FindingID = "CVE-2024-1234"
	cve.Attributes = []inspector.Attribute{{Key: "package_name", Value: "openssl"}}
	vex := failed("one", "vex")
	vex.FindingID = "CVE-2024-1235"
	vex.Suppressed = &rules.Suppression{By: "vex", ID: "doc"}
	results := []rules.Result{cve, vex, failed("two", ""), passed("three")}
	host := subject
	host.Agent.Tags = []inspector.Tag{{Key: "env", Value: "test"}, {Key: "team", Value: "a"}}
	for _, test := range []struct {
		name string
		rule inspector.Suppression
		want string
	}{
		{"an id", inspector.Suppression{Finding: "CVE-2024-1234"}, "x doc - -"},
		{"a pattern leaves statements alone", inspector.Suppression{Finding: "CVE-2024-*"}, "x doc - -"},
		{"an id that is a rule's title", inspector.Suppression{Finding: "Rule two"}, "- doc x -"},
		{"a rule", inspector.Suppression{Rule: "two"}, "- doc x -"},
		{"a rule that has passed", inspector.Suppression{Rule: "three"}, "- doc - -"},
		{"a subject", inspector.Suppression{Subject: "openssl*"}, "x doc - -"},
		{"an attribute", inspector.Suppression{Attributes: []inspector.Attribute{{Key: "package_name", Value: "openssl"}}}, "x doc - -"},
		{"an attribute that is another", inspector.Suppression{Attributes: []inspector.Attribute{{Key: "package_name", Value: "open"}}}, "- doc - -"},
		{"a rule and another id", inspector.Suppression{Rule: "two", Finding: "CVE-2024-*"}, "- doc - -"},
		{"the package", inspector.Suppression{Package: inspector.PackagePractices, Rule: "two"}, "- doc x -"},
		{"another package", inspector.Suppression{Package: inspector.PackageCVE, Rule: "two"}, "- doc - -"},
		{"the host", inspector.Suppression{Agent: host.Agent.Agent, Rule: "two"}, "- doc x -"},
		{"another host", inspector.Suppression{Agent: "i-1", Rule: "two"}, "- doc - -"},
		{"the host's name", inspector.Suppression{Hostname: "WEB-*", Rule: "two"}, "- doc x -"},
		{"another host's name", inspector.Suppression{Hostname: "web", Rule: "two"}, "- doc - -"},
		{"the host's tags", inspector.Suppression{Tags: host.Agent.Tags, Rule: "two"}, "- doc x -"},
		{"one tag is another", inspector.Suppression{Tags: []inspector.Tag{{Key: "env", Value: "test"}, {Key: "team", Value: "b"}}, Rule: "two"}, "- doc - -"},
		{"it ends later", inspector.Suppression{Rule: "two", Until: subject.Now.Add(1)}, "- doc x -"},
		{"it ends now", inspector.Suppression{Rule: "two", Until: subject.Now}, "- doc - -"},
		{"it was revoked", inspector.Suppression{Rule: "two", RevokedAt: subject.Now.AddDate(0, 0, -1)}, "- doc - -"},
	} {
		test.rule.ID = "x"
		before := slices.Clone(results)
		if got := marks(rules.Suppress(described, host, results, []inspector.Suppression{test.rule})); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
		if diff := cmp.Diff(before, results); diff != "" {
			t.Fatalf("%s: what was given has changed:\n%s", test.name, diff)
		}
	}
	two := []inspector.Suppression{{ID: "first", Rule: "two", Author: "a", Reason: "r", Until: subject.Now.Add(5)}, {ID: "second", Rule: "two"}}
	got := rules.Suppress(described, host, results, two)[2].Suppressed
	if want := (rules.Suppression{By: rules.ByRule, ID: "first", Author: "a", Reason: "r", Until: subject.Now.Add(5)}); *got != want {
		t.Errorf("the suppression is %+v, want %+v", got, want)
	}
}

// Where all that failed is suppressed the finding that nothing was found says so.
func TestNothingBesideWhatIsSuppressed(t *testing.T) {
	results := []rules.Result{failed("one", "a"), failed("one", "b"), failed("two", "")}
	results[2].Suppressed = &rules.Suppression{By: "vex", ID: "DOC-1", Author: "Debian", Reason: "not affected"}
	all := []inspector.Suppression{{ID: "0-a", Rule: "one", Author: "alice", Reason: "accepted", Until: subject.Now.AddDate(0, 1, 0)}}
	findings, exclusions := rules.Derive(described, subject, rules.Suppress(described, subject, results, all))
	if len(findings) != 1 || findings[0].Title != inspector.TitleNoIssues || len(exclusions) != 0 {
		t.Fatalf("the findings are %+v, the exclusions %+v", findings, exclusions)
	}
	const want = "Every rule of Security Best Practices was evaluated on this host, and found nothing to report beside what is suppressed, which is 3 findings:\n" +
		"2 by the rule 0-a of alice until 2026-04-01 00:00 UTC: accepted\n" +
		"1 by the statement DOC-1 of Debian: not affected"
	if diff := cmp.Diff(want, findings[0].Description); diff != "" {
		t.Error(diff)
	}
	results[1] = unevaluated("two", "denied")
	if findings, exclusions = rules.Derive(described, subject, rules.Suppress(described, subject, results, all)); len(findings) != 0 || len(exclusions) != 1 {
		t.Errorf("where a rule was not evaluated too there are %d findings and %d exclusions", len(findings), len(exclusions))
	}
}

// Ids of findings are the same whatever is suppressed, and Observe knows them.
func TestIDsDoNotMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var results []rules.Result
		for range rapid.IntRange(0, 8).Draw(t, "results") {
			r := failed(rapid.SampledFrom([]string{"one", "two", "new"}).Draw(t, "rule"), rapid.SampledFrom([]string{"", "a"}).Draw(t, "subject"))
			r.Title = rapid.StringMatching("[a-z]{3}").Draw(t, "title")
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0:
				r = unevaluated(r.Rule, "denied")
			case 1:
				r.Evidence = nil
			}
			results = append(results, r)
		}
		plain, _ := rules.Derive(described, subject, results)
		var want []string
		for _, f := range plain {
			if f.Rule != "" {
				want = append(want, f.ID)
			}
		}
		hidden := slices.Clone(results)
		for i, r := range hidden {
			if r.Verdict == rules.Failed && rapid.Bool().Draw(t, "hidden") {
				hidden[i].Suppressed = &rules.Suppression{By: rules.ByRule, ID: "x"}
			}
		}
		left, _ := rules.Derive(described, subject, hidden)
		var seen, open []string
		o := rules.Observe(described, subject, hidden)
		for _, f := range o.Failed {
			seen = append(seen, f.ID)
			if f.Result.Suppressed == nil {
				open = append(open, f.ID)
			}
		}
		var derived []string
		for _, f := range left {
			if f.Rule != "" {
				derived = append(derived, f.ID)
			}
		}
		if !slices.Equal(want, seen) || !slices.Equal(open, derived) {
			t.Fatalf("without suppression %v, with it %v observed; of them %v are open, and %v findings", want, seen, open, derived)
		}
		for _, rule := range o.Checked {
			if slices.ContainsFunc(results, func(r rules.Result) bool { return r.Rule == rule && (r.Verdict != rules.Failed || r.Evidence == nil) }) {
				t.Fatalf("the rule %s counts as evaluated", rule)
			}
		}
	})
}

func TestObserveRules(t *testing.T) {
	o := rules.Observe(described, subject, []rules.Result{passed("one"), unevaluated("one", "denied")})
	if len(o.Checked) != 0 || o.Unchecked["one"] != "denied" || o.Unchecked["two"] == "" {
		t.Errorf("a rule with a subject that was not evaluated, and one without result: %+v", o)
	}
	o = rules.Observe(described, subject, []rules.Result{passed("one"), {Rule: "two", Verdict: rules.NotApplicable}})
	if !slices.Equal(o.Checked, []string{"one", "two"}) || len(o.Unchecked) != 0 {
		t.Errorf("rules that were evaluated: %+v", o)
	}
}
