package cve_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/rules/cve"
	"assay/internal/telemetry"
)

// now is when everything is evaluated: shortly after the snapshots were taken, and the
// advisories were fetched.
var now = time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC)

var fetched = now.Add(-36 * time.Hour)

// world is what is published.
type world struct {
	records    []advisory.Record
	facts      []advisory.Fact
	statements []advisory.Statement
	sources    []index.Source // default: one that covers all ecosystems, and knows what has no fix
}

// set builds the advisories into a folder and opens them.
func (w world) set(t rapid.TB, dir string) *index.Set {
	t.Helper()
	b, err := index.New(dir, 0)
	must(t, err)
	ecosystems := map[string]bool{}
	for _, r := range w.records {
		must(t, b.Record(r))
		for _, a := range r.Affected {
			ecosystems[a.Ecosystem] = true
		}
	}
	for _, f := range w.facts {
		must(t, b.Fact(f))
	}
	for _, s := range w.statements {
		must(t, b.Statement(s))
	}
	if w.sources == nil {
		source := index.Source{Name: "everything", From: "a test", Kind: "osv", Fetched: fetched, Newest: fetched, Records: len(w.records), Unfixed: true}
		for e := range ecosystems {
			source.Ecosystems = append(source.Ecosystems, e)
		}
		slices.Sort(source.Ecosystems)
		w.sources = []index.Source{source}
	}
	_, err = b.Finish(context.Background(), fetched, w.sources)
	must(t, err)
	must(t, b.Close())
	s, err := index.Open(dir)
	must(t, err)
	return s
}

// pkg is the rules package over what is published.
func (w world) pkg(t testing.TB) cve.Package {
	t.Helper()
	var current index.Current
	must(t, current.Replace(w.set(t, t.TempDir())))
	t.Cleanup(func() { must(t, current.Replace(nil)) })
	return cve.New(&current)
}

func must(t rapid.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func evaluate(t testing.TB, p rules.Package, s *hosttest.Snapshot, settings ...string) []rules.Result {
	t.Helper()
	in := rules.Input{Now: now, Settings: map[string]string{}}
	for n := 0; n < len(settings); n += 2 {
		in.Settings[settings[n]] = settings[n+1]
	}
	results, err := p.Evaluate(context.Background(), s.Host(), in)
	must(t, err)
	return results
}

// deb is an advisory on a source package of Debian 12 that names what is fixed.
func deb(id, cve, name, fixed string) advisory.Record {
	return record(id, cve, advisory.Affected{Ecosystem: "Debian:12", Package: name, Status: advisory.Fixed, Ranges: []advisory.Range{{Introduced: "0", Fixed: fixed}}})
}

// open is one on a package that has no fix.
func open(cve, name string, status advisory.Status, note string) advisory.Record {
	return record(cve, cve, advisory.Affected{Ecosystem: "Debian:12", Package: name, Status: status, Note: note, Ranges: []advisory.Range{{Introduced: "0"}}})
}

func record(id, cves string, a advisory.Affected) advisory.Record {
	return advisory.Record{ID: id, CVEs: strings.Fields(cves), Affected: []advisory.Affected{a}, Published: fetched.Add(-240 * time.Hour)}
}

// of are the results of a rule with a verdict.
func of(results []rules.Result, rule string, verdict rules.Verdict) (all []rules.Result) {
	for _, r := range results {
		if r.Rule == rule && r.Verdict == verdict {
			all = append(all, r)
		}
	}
	return all
}

// found are the subjects of a rule's findings, sorted.
func found(results []rules.Result, rule string) string {
	var all []string
	for _, r := range of(results, rule, rules.Failed) {
		if r.Suppressed == nil {
			all = append(all, r.Subject)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

// reasons are those of a rule's results with a verdict, a line each.
func reasons(results []rules.Result, rule string, verdict rules.Verdict) string {
	var all []string
	for _, r := range of(results, rule, verdict) {
		all = append(all, r.Reason)
	}
	return strings.Join(all, "\n")
}

func attr(r rules.Result, key string) string {
	for _, a := range r.Attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return ""
}

// dpkg is a package of Debian's, in the telemetry.
func dpkg(name, version, source, sourceVersion string) *telemetry.Package {
	return &telemetry.Package{Manager: "dpkg", Name: name, Version: version, Arch: "amd64", Source: source, SourceVersion: sourceVersion, Status: "installed"}
}

// running is a Debian 12 that runs a kernel.
func running(t testing.TB, release, build string) *hosttest.Snapshot {
	t.Helper()
	return hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{
		OS: "debian", OSVersion: "12", OSName: "Debian GNU/Linux 12 (bookworm)", Hostname: "web-1", Live: true, Architecture: "x86_64",
		Kernel: release, KernelBuild: build, CollectedAt: now, BootedAt: now.Add(-1000 * time.Hour),
	})
}
