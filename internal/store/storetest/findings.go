package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/store"
)

func finding(run inspector.Run, agent string, n int, severity inspector.Severity) inspector.Finding {
	id := fmt.Sprintf("0-%s%05d", strings.ReplaceAll(agent, "i-", "ag"), n)
	return inspector.Finding{
		Target: run.Target, Template: run.Template, Run: run.ID, ID: id, Agent: agent, Package: inspector.PackageCVE, PackageARN: "arn:cve",
		Rule: "CVE", Subject: "openssl", FindingID: fmt.Sprintf("CVE-2026-%d", n), Title: "Instance is \"vulnerable\"\x00", Description: "d", Recommendation: "r",
		Severity: severity, Confidence: 10,
		Attributes:     []inspector.Attribute{{Key: "CVE_ID", Value: fmt.Sprintf("CVE-2026-%d", n)}, {Key: "package_name", Value: "a<b"}, {Key: "package_name", Value: "a<b"}},
		UserAttributes: run.Attributes, Asset: inspector.Asset{Agent: agent, AutoScalingGroup: "asg-" + agent, Tags: []inspector.Tag{{Key: "tag", Value: "x"}}},
		Evidence:  []inspector.Evidence{{Sensor: "packages", Record: "package:openssl", Line: 1, Found: "1.0", Expected: "1.1"}},
		CreatedAt: at(n), UpdatedAt: at(n + 1),
	}
}

func save(t testing.TB, s *store.Store, run inspector.Run, agent string, pkg inspector.PackageID, findings []inspector.Finding, exclusions ...inspector.Exclusion) {
	t.Helper()
	update(t, s, func(tx *store.Tx) error {
		return tx.SaveResults(t.Context(), run.ID, agent, pkg, []byte("results"), findings, exclusions)
	})
}

func testResults(t *testing.T, s *store.Store) {
	ctx := t.Context()
	run := addRun(t, s, addTemplate(t, s), 1, "i-1", "i-2")
	exclusion := inspector.Exclusion{Run: run.ID, ID: "0-excl0001", Title: "t", Description: "d", Recommendation: "r",
		Scopes:     []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: "i-1"}},
		Attributes: []inspector.Attribute{{Key: "a", Value: "b"}}, Error: true}
	early := exclusion
	early.ID = "0-excl0000"
	update(t, s, func(tx *store.Tx) error { return tx.AddExclusions(ctx, run.ID, []inspector.Exclusion{early, early}) })
	update(t, s, func(tx *store.Tx) error { return tx.AddExclusions(ctx, run.ID, []inspector.Exclusion{early}) })
	save(t, s, run, "i-1", inspector.PackageCVE, []inspector.Finding{finding(run, "i-1", 9, inspector.Low)})
	save(t, s, run, "i-2", inspector.PackageCVE, []inspector.Finding{finding(run, "i-2", 1, inspector.Low)})
	want := []inspector.Finding{finding(run, "i-1", 1, inspector.Medium), finding(run, "i-1", 2, inspector.High), finding(run, "i-1", 3, inspector.Medium)}
	for range 2 { // the second time changes nothing
		save(t, s, run, "i-1", inspector.PackageCVE, want, exclusion)
	}
	got, ok, err := s.Results(ctx, run.ID, "i-1", inspector.PackageCVE)
	if string(got) != "results" || !ok || err != nil {
		t.Errorf("Results = %q, %v, %v", got, ok, err)
	}
	if _, ok, err := s.Results(ctx, run.ID, "i-1", inspector.PackageCIS); ok || err != nil {
		t.Error("results of another package", err)
	}
	exclusions, err := s.Exclusions(ctx, run.ID, []string{exclusion.ID, "0-none0000"})
	equal(t, err, exclusions, map[string]inspector.Exclusion{exclusion.ID: exclusion})
	list, next, err := s.ListExclusions(ctx, run.ID, inspector.Page{Limit: 1})
	equal(t, err, list, []inspector.Exclusion{early})
	list, next, err = s.ListExclusions(ctx, run.ID, inspector.Page{Limit: 1, After: next})
	equal(t, err, list, []inspector.Exclusion{exclusion})
	equal(t, nil, next, "")

	advance(t, s, run.ID, inspector.EvaluatingRules, 20)
	hidden, err := s.Findings(ctx, run.ID, []string{want[0].ID})
	equal(t, err, len(hidden), 0)
	refs, _, err := s.ListFindings(ctx, inspector.FindingFilter{}, inspector.Page{})
	equal(t, err, len(refs), 0)
	advance(t, s, run.ID, inspector.Completed, 21)
	shown, err := s.Findings(ctx, run.ID, []string{want[0].ID, "0-none0000"})
	equal(t, err, shown, map[string]inspector.Finding{want[0].ID: want[0]})
	runs, err := s.Runs(ctx, []string{run.ID})
	counts := zeros()
	counts[inspector.High], counts[inspector.Medium], counts[inspector.Low] = 1, 2, 1
	equal(t, err, runs[run.ID].FindingCounts, counts)
	err = s.Update(ctx, func(tx *store.Tx) error {
		return tx.SaveResults(ctx, run.ID, "i-1", inspector.PackageCVE, nil, nil, nil)
	})
	if !errors.Is(err, store.ErrRunOver) {
		t.Errorf("results of a run that is over: %v", err)
	}

	var order []string
	page := inspector.Page{Limit: 2}
	for {
		findings, next, err := s.FindingsOfRun(ctx, run.ID, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			order = append(order, f.ID)
		}
		if page.After = next; next == "" {
			break
		}
	}
	equal(t, nil, order, []string{want[1].ID, want[0].ID, want[2].ID, finding(run, "i-2", 1, inspector.Low).ID})
}

// findingSet makes findings of three runs of two templates, one of which is not
// over, and returns those that are shown.
func findingSet(t *testing.T, s *store.Store) (shown []inspector.Finding) {
	first, second := addTemplate(t, s), addTemplate(t, s)
	second.Attributes = []inspector.Attribute{{Key: "team", Value: "\"a\""}, {Key: "x", Value: "y"}}
	for n, template := range []inspector.Template{first, second, first} {
		agents := []string{fmt.Sprintf("i-%d", 2*n), fmt.Sprintf("i-%d", 2*n+1), "i-x"}
		run := addRun(t, s, template, n, agents...)
		for a, agent := range agents {
			var all []inspector.Finding
			for i := range 8 {
				f := finding(run, agent, i, inspector.Severities()[(i+a)%4])
				f.CreatedAt = at(100*n + i)
				if i%3 == 0 {
					f.PackageARN = "arn:cis"
				}
				if i == 7 {
					f.Asset.AutoScalingGroup = ""
				}
				all = append(all, f)
			}
			save(t, s, run, agent, inspector.PackageCVE, all)
			if n < 2 {
				shown = append(shown, all...)
			}
		}
		advance(t, s, run.ID, []inspector.RunState{inspector.Completed, inspector.Completed, inspector.EvaluatingRules}[n], 100*n+50)
	}
	return shown
}

// accepts is what a filter means.
func accepts(f inspector.FindingFilter, x inspector.Finding) bool {
	among := func(values []string, v string) bool { return len(values) == 0 || slices.Contains(values, v) }
	all := func(want, have []inspector.Attribute) bool {
		return !slices.ContainsFunc(want, func(a inspector.Attribute) bool { return !slices.Contains(have, a) })
	}
	return among(f.Runs, x.Run) && among(f.Agents, x.Agent) && among(f.AutoScalingGroups, x.Asset.AutoScalingGroup) && among(f.Rules, x.FindingID) &&
		among(f.PackageARNs, x.PackageARN) && (len(f.Severities) == 0 || slices.Contains(f.Severities, x.Severity)) &&
		all(f.Attributes, x.Attributes) && all(f.UserAttributes, x.UserAttributes) &&
		(f.Created.Begin.IsZero() || !x.CreatedAt.Before(f.Created.Begin)) && (f.Created.End.IsZero() || !x.CreatedAt.After(f.Created.End))
}

// testFindingFilters compares every filter and every pair of filters with what
// they mean.
func testFindingFilters(t *testing.T, s *store.Store) {
	shown := findingSet(t, s)
	attribute := func(k, v string) []inspector.Attribute { return []inspector.Attribute{{Key: k, Value: v}} }
	parts := []func(*inspector.FindingFilter){
		func(f *inspector.FindingFilter) {},
		func(f *inspector.FindingFilter) { f.Runs = []string{shown[30].Run} },
		func(f *inspector.FindingFilter) { f.Runs = []string{shown[30].Run, shown[0].Run, "0-none0000"} },
		func(f *inspector.FindingFilter) { f.Agents = []string{"i-x"} },
		func(f *inspector.FindingFilter) { f.Agents = []string{"i-0", "i-2", "i-5", "none"} },
		func(f *inspector.FindingFilter) { f.AutoScalingGroups = []string{"asg-i-x", "asg-i-0"} },
		func(f *inspector.FindingFilter) { f.AutoScalingGroups = []string{"asg-i-x", "asg-i-x"} },
		func(f *inspector.FindingFilter) { f.Rules = []string{"CVE-2026-1", "CVE-2026-2", "CVE-2026-1"} },
		func(f *inspector.FindingFilter) { f.Severities = []inspector.Severity{inspector.Low} },
		func(f *inspector.FindingFilter) {
			f.Severities = []inspector.Severity{inspector.High, inspector.Informational}
		},
		func(f *inspector.FindingFilter) { f.PackageARNs = []string{"arn:cis"} },
		func(f *inspector.FindingFilter) { f.PackageARNs = []string{"arn:cis", "arn:cve"} },
		func(f *inspector.FindingFilter) { f.Attributes = attribute("CVE_ID", "CVE-2026-3") },
		func(f *inspector.FindingFilter) {
			f.Attributes = append(attribute("package_name", "a<b"), attribute("CVE_ID", "CVE-2026-4")...)
		},
		func(f *inspector.FindingFilter) { f.Attributes = attribute("tag", "x") },
		func(f *inspector.FindingFilter) { f.UserAttributes = attribute("team", "\"a\"") },
		func(f *inspector.FindingFilter) { f.UserAttributes = attribute("CVE_ID", "CVE-2026-3") },
		func(f *inspector.FindingFilter) { f.Created = inspector.TimeRange{Begin: at(3), End: at(102)} },
		func(f *inspector.FindingFilter) { f.Created.Begin = at(104) },
		func(f *inspector.FindingFilter) { f.Created.End = at(4) },
	}
	for i, one := range parts {
		for _, other := range parts[i:] {
			var filter inspector.FindingFilter
			one(&filter)
			other(&filter)
			var want []string
			for _, f := range shown {
				if accepts(filter, f) {
					want = append(want, f.Run+"/"+f.ID)
				}
			}
			compareFindings(t, s, filter, want)
		}
	}
}

func compareFindings(t *testing.T, s *store.Store, filter inspector.FindingFilter, want []string) {
	t.Helper()
	var got []string
	page := inspector.Page{Limit: 17}
	for {
		refs, next, err := s.ListFindings(t.Context(), filter, page)
		if err != nil {
			t.Fatalf("%+v: %v", filter, err)
		}
		for _, ref := range refs {
			got = append(got, ref.Run+"/"+ref.ID)
		}
		if page.After = next; next == "" {
			break
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%+v:\n%s", filter, diff)
	}
}

// testFindingPages adds findings while it pages: each that was there at first
// comes exactly once.
func testFindingPages(t *testing.T, s *store.Store) {
	ctx := t.Context()
	shown := findingSet(t, s)
	template := addTemplate(t, s)
	seen := map[string]int{}
	page := inspector.Page{Limit: 5}
	for n := 10; ; n++ {
		refs, next, err := s.ListFindings(ctx, inspector.FindingFilter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range refs {
			seen[ref.Run+"/"+ref.ID]++
		}
		if page.After = next; next == "" {
			break
		}
		if n < 15 {
			run := addRun(t, s, template, n, "i-y")
			save(t, s, run, "i-y", inspector.PackageCVE, []inspector.Finding{finding(run, "i-y", n, inspector.High)})
			advance(t, s, run.ID, inspector.Completed, int(time.Hour/time.Second))
		}
	}
	for _, f := range shown {
		if n := seen[f.Run+"/"+f.ID]; n != 1 {
			t.Errorf("a finding came %d times", n)
		}
	}
	if len(seen) != len(shown)+5 {
		t.Errorf("%d findings came, want %d and the 5 that were added", len(seen), len(shown))
	}
}
