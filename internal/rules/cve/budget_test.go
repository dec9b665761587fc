package cve_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/advisory"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/rules/cve"
	"assay/internal/telemetry"
)

// TestTheSameAgainAndAgain: results that only a number can tell apart are told apart
// without looking at all of them for each.
func TestTheSameAgainAndAgain(t *testing.T) {
	w := world{records: []advisory.Record{record("ALSA-1", "CVE-2026-1", advisory.Affected{Ecosystem: "AlmaLinux:9", Package: "node", Ranges: []advisory.Range{{Fixed: "9.module_el9"}}})}}
	var all []telemetry.Record
	for n := range 20_000 {
		all = append(all, &telemetry.Package{Manager: "rpm", Name: "node", Version: "1-1", Arch: "x86_64", Source: "node", SourceVersion: "1-1", Modularity: fmt.Sprint("m:", n)})
	}
	results := of(evaluate(t, w.pkg(t), hosttest.Parse(t, "system almalinux 9.4").Add(telemetry.SensorPackages, all...)), fixable, rules.Failed)
	seen := map[string]bool{}
	for _, r := range results {
		seen[r.Subject] = true
		if len(r.Subject) > 100 {
			t.Fatal(r.Subject)
		}
	}
	if len(seen) != len(all) || len(results) != len(all) {
		t.Errorf("%d results of %d names", len(results), len(seen))
	}
}

// manyLibraries is a host with so many libraries, each with so many vulnerabilities.
func manyLibraries(t *testing.T, libraries, each, name int) (cve.Package, *hosttest.Snapshot) {
	w := world{}
	for n := range each {
		w.records = append(w.records, record(fmt.Sprint("GHSA-", n), fmt.Sprint("CVE-2026-", n), advisory.Affected{Ecosystem: "PyPI", Package: strings.Repeat("r", name), Ranges: []advisory.Range{{Fixed: "9999999"}}}))
	}
	var all []telemetry.Record
	for n := range libraries {
		all = append(all, &telemetry.Library{Ecosystem: "PyPI", Name: strings.Repeat("r", name), Version: fmt.Sprint(n), Path: fmt.Sprint("/srv/", n)})
	}
	return w.pkg(t), hosttest.Parse(t, "system debian 12").Add(telemetry.SensorLibraries, all...)
}

// TestMoreThanIsCompared: what is not is told, and nothing passes.
func TestMoreThanIsCompared(t *testing.T) {
	p, s := manyLibraries(t, 2100, 100, 8)
	results := evaluate(t, p, s)
	if got := reasons(results, library, rules.NotEvaluated); !strings.Contains(got, "not compared: 100 components: advisories apply to the others more than 200000 times") {
		t.Error(got)
	}
	if n := len(of(results, library, rules.Failed)); n == 0 || n > 200_000 {
		t.Error(n)
	}
}

// TestMoreThanIsTold: results have a size at most, whatever the names.
func TestMoreThanIsTold(t *testing.T) {
	p, s := manyLibraries(t, 100, 200, 1000)
	results := evaluate(t, p, s)
	size := 0
	for _, r := range results {
		size += len(r.Reason) + len(r.Subject)
		for _, e := range r.Evidence {
			size += len(e.Found) + len(e.Record)
		}
	}
	failed, told := len(of(results, library, rules.Failed)), reasons(results, library, rules.NotEvaluated)
	if size > 100<<20 || failed == 0 || failed == 20_000 || !strings.Contains(told, fmt.Sprintf("not told: %d vulnerabilities", 20_000-failed)) {
		t.Errorf("%d bytes, %d findings, %s", size, failed, told)
	}
}

// TestOutOfTime: an evaluation that is called off in the middle of the comparison ends,
// with an error.
func TestOutOfTime(t *testing.T) {
	p, s := manyLibraries(t, 3000, 100, 8)
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := p.Evaluate(ctx, s.Host(), rules.Input{Now: now}); err == nil {
		t.Error("no error")
	}
}
