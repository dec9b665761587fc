package cve_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/rules/cve"
	"assay/internal/telemetry"
)

// TestHostileTelemetry: whatever a host sends, every rule has a verdict that is one, and
// the findings keep to the API's bounds.
func TestHostileTelemetry(t *testing.T) {
	w, _ := whole(t)
	for n := range w.records {
		w.records[n].Affected[0].Binaries = nil
	}
	var current index.Current
	must(t, current.Replace(w.set(t, t.TempDir())))
	defer current.Replace(nil)
	p := cve.New(&current)
	texts := rapid.OneOf(rapid.SampledFrom([]string{"", "openssl", "linux", "vim", "requests", "\x00", "a\nb", "\xff\xfe", "../..", "%s%d", "linux-image-6.1.0-18-amd64", "linux-libc-dev", "1.0", "0", "1:2-3", ":", "~", strings.Repeat("9", 300)}), rapid.String())
	rapid.Check(t, func(t *rapid.T) {
		text := func() string { return texts.Draw(t, "text") }
		s := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{OS: rapid.SampledFrom([]string{"debian", "rhel", "alpine", "ubuntu", "x"}).Draw(t, "os"), OSVersion: text(), Live: rapid.Bool().Draw(t, "live"), Kernel: text(), KernelBuild: text()})
		for range rapid.IntRange(0, 5).Draw(t, "packages") {
			pkg := &telemetry.Package{Manager: rapid.SampledFrom([]string{"dpkg", "rpm", "apk", "x"}).Draw(t, "manager"), Name: text(), Version: text(), Arch: text(), Source: text(), SourceVersion: text(), Status: text(), Modularity: text(), Vendor: text()}
			sensor := telemetry.SensorPackages
			if rapid.Bool().Draw(t, "contained") {
				sensor, pkg.Container = telemetry.SensorContainers, text()
			}
			s = s.Add(sensor, pkg)
		}
		s = s.Add(telemetry.SensorLibraries, &telemetry.Library{Ecosystem: rapid.SampledFrom([]string{"PyPI", "", "Go", "\n"}).Draw(t, "ecosystem"), Name: text(), Version: text(), Path: text(), Package: text()}).
			Add(telemetry.SensorContainers, &telemetry.Container{ID: text(), Image: text(), OS: text(), OSVersion: text(), Problem: text()}).
			Add(telemetry.SensorProcesses, &telemetry.Object{ID: 1, Path: text(), Package: text(), Deleted: true}, &telemetry.Process{PID: rapid.Int().Draw(t, "pid"), Name: text(), Exe: text(), Package: text(), Deleted: true, Objects: []int{1}, Started: rapid.Int64().Draw(t, "started")})
		results, err := p.Evaluate(context.Background(), s.Host(), rules.Input{Now: now})
		must(t, err)
		for _, r := range results {
			if r.Verdict == rules.Error || r.Verdict == rules.NotEvaluated && (r.Reason == "" || r.Remedy == "") || r.Verdict == rules.Failed && len(r.Evidence) == 0 {
				t.Fatalf("%+v", r)
			}
		}
		findings, exclusions := rules.Derive(p.Describe(), rules.Subject{Key: []byte("k")}, results)
		ids := map[string]bool{}
		for _, f := range findings {
			if ids[f.ID] || len(f.Attributes) > 50 {
				t.Fatalf("%+v", f)
			}
			ids[f.ID] = true
		}
		if len(findings)+len(exclusions) == 0 {
			t.Fatal("silence")
		}
	})
}

// TestVeryMany: so many libraries, in so many ecosystems and places, that a loop in a
// loop would not end.
func TestVeryMany(t *testing.T) {
	p := world{records: []advisory.Record{record("GHSA-1", "CVE-2026-1", advisory.Affected{Ecosystem: "PyPI", Package: "requests", Ranges: []advisory.Range{{Fixed: "9"}}})}}.pkg(t)
	var all []telemetry.Record
	for n := range 50_000 {
		all = append(all, &telemetry.Library{Ecosystem: "PyPI", Name: "requests", Version: "1", Path: fmt.Sprint("/srv/", n)}, &telemetry.Library{Ecosystem: fmt.Sprint("E", n), Name: "x", Version: "1", Path: "/srv/x"})
	}
	results := evaluate(t, p, hosttest.Parse(t, "system debian 12").Add(telemetry.SensorLibraries, all...))
	if got := found(results, library); got != "CVE-2026-1/PyPI:requests" {
		t.Error(got)
	}
}
