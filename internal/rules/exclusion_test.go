package rules_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/rules"
)

// The kind of an exclusion, "*" for one about the whole run, and how many rules.
func TestKindsOfExclusions(t *testing.T) {
	vpn := func(rule string, v rules.Verdict, wholeRun bool) rules.Result {
		return rules.Result{Rule: rule, Verdict: v, Reason: "the gateways are not known", Exclusion: inspector.ReachabilityVPN, WholeRun: wholeRun}
	}
	for _, tt := range []struct {
		name    string
		results []rules.Result
		want    []string
	}{
		{"a kind of its own", []rules.Result{passed("one"), vpn("two", rules.Error, false)}, []string{"reachability-vpn"}},
		{"without a verdict", []rules.Result{passed("one"), vpn("two", rules.NotEvaluated, false)}, []string{"reachability-vpn"}},
		{"both verdicts are one", []rules.Result{vpn("one", rules.NotEvaluated, false), vpn("two", rules.Error, false)}, []string{"reachability-vpn"}},
		{"of the run", []rules.Result{vpn("one", rules.Error, true), passed("two")}, []string{"reachability-vpn*"}},
		{"of the run and the host", []rules.Result{vpn("one", rules.Error, true), vpn("two", rules.Error, false)}, []string{"reachability-vpn*", "reachability-vpn"}},
		{"an error of the run", []rules.Result{{Rule: "one", Verdict: rules.Error, WholeRun: true}, unevaluated("two", "denied")}, []string{"evaluation-error*", "rules-not-evaluated"}},
		{"not evaluated in the run", []rules.Result{{Rule: "one", Verdict: rules.NotEvaluated, WholeRun: true}, passed("two")}, []string{"rules-not-evaluated*"}},
		{"a kind that is not the rules'", []rules.Result{{Rule: "one", Verdict: rules.Error, Exclusion: inspector.NoHosts}, passed("two")}, []string{"host-evaluation-error"}},
		{"a kind that there is not", []rules.Result{{Rule: "one", Verdict: rules.NotEvaluated, Exclusion: "no-mood"}, passed("two")}, []string{"host-evaluation-error"}},
		{"of a verdict that needs none", []rules.Result{{Rule: "one", Verdict: rules.Passed, Evidence: seen, Exclusion: inspector.ReachabilityVPN, WholeRun: true}, passed("two")}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, exclusions := rules.Derive(described, subject, tt.results)
			var got []string
			for _, e := range exclusions {
				word := string(e.Kind)
				if e.WholeRun() {
					word += "*"
				}
				got = append(got, word)
				cause := e.Kind.Cause()
				if e.Title != cause.Title || e.Error != cause.Error || e.Recommendation == "" || strings.Contains(e.Description, "%") {
					t.Errorf("%+v", e)
				}
				if e.WholeRun() && strings.Contains(e.Description, subject.Agent.Agent) {
					t.Errorf("an exclusion of the run speaks of a host: %q", e.Description)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Hosts that say the same of the run say it with the same id; of themselves, not.
func TestIDsOfExclusions(t *testing.T) {
	other := subject
	other.Agent.Agent = "i-fffffffffffffffff"
	results := []rules.Result{{Rule: "one", Verdict: rules.Error, WholeRun: true, Reason: "r"}, unevaluated("two", "denied")}
	_, here := rules.Derive(described, subject, results)
	_, there := rules.Derive(described, other, results)
	if len(here) != 2 || len(there) != 2 {
		t.Fatalf("%+v\n%+v", here, there)
	}
	if diff := cmp.Diff(here[0], there[0]); diff != "" {
		t.Errorf("of the run (-one host +the other):\n%s", diff)
	}
	if here[1].ID == there[1].ID || here[0].ID == here[1].ID {
		t.Errorf("ids %s, %s, %s", here[0].ID, here[1].ID, there[1].ID)
	}
}

// What an exclusion says stays within the API's bounds, however much there is.
func TestExclusionsAreBounded(t *testing.T) {
	d := described
	var results []rules.Result
	for i := range 5000 {
		id := fmt.Sprintf("rule-%d", i)
		d.Rules = append(d.Rules, rules.Rule{ID: id, Title: "Ensure that " + strings.Repeat("ü", 60) + id})
		results = append(results, rules.Result{Rule: id, Verdict: rules.NotEvaluated, Reason: fmt.Sprint("reason ", i%60, strings.Repeat("é", 500)), Remedy: fmt.Sprint("remedy ", i%60, strings.Repeat("é", 800))})
	}
	_, exclusions := rules.Derive(d, subject, append(results, passed("one"), passed("two")))
	if len(exclusions) != 1 {
		t.Fatalf("%d exclusions", len(exclusions))
	}
	e := exclusions[0]
	for _, text := range []string{e.Description, e.Recommendation} {
		if n := utf8.RuneCountInString(text); n > 20_000 || n < 10_000 || !utf8.ValidString(text) {
			t.Errorf("a text has %d characters", n)
		}
	}
	if !strings.Contains(e.Description, "and 44 more rules: reason 0") || len(e.Attributes) > 50 {
		t.Errorf("%d attributes, %.500s", len(e.Attributes), e.Description)
	}
}
