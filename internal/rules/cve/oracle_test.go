package cve_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/rules/cve"
	"assay/internal/telemetry"
	"assay/internal/version"
)

// naive tells which vulnerabilities a package has: a loop over all that is published.
// open is true for those that an advisory leaves without a fix.
func naive(records []advisory.Record, name, installed string) (has map[string]bool) {
	has = map[string]bool{}
	for _, r := range records {
		a := r.Affected[0]
		if a.Package != name || a.Ecosystem != "Debian:12" || a.Status == advisory.NotAffected || !r.Withdrawn.IsZero() {
			continue
		}
		fixed := a.Ranges[0].Fixed
		if fixed != "" && version.Deb.Compare(installed, fixed) >= 0 {
			continue
		}
		for _, id := range r.CVEs {
			has[id] = has[id] || fixed == ""
		}
	}
	return has
}

// TestLikeALoop compares the findings of random hosts with those of a loop.
func TestLikeALoop(t *testing.T) {
	versions := []string{"1.0-1", "1.0-1+deb12u1", "1.0-1+deb12u2", "1.0~rc1-1", "1:0.9-1", "2.0-1", "1.0-1+b1", "1.0.1-1"}
	names := []string{"alpha", "beta", "gamma", "delta"}
	root := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp(root, "")
		must(t, err)
		var w world
		for n := range rapid.IntRange(0, 12).Draw(t, "advisories") {
			r := deb(fmt.Sprint("DSA-", n), "", rapid.SampledFrom(names).Draw(t, "name"), rapid.SampledFrom(append(versions, "")).Draw(t, "fixed"))
			r.CVEs = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"CVE-2026-1", "CVE-2026-2", "CVE-2026-3"}), 1, 3, rapid.ID).Draw(t, "cves")
			slices.Sort(r.CVEs)
			if r.Affected[0].Ranges[0].Fixed == "" {
				r.Affected[0].Status = rapid.SampledFrom([]advisory.Status{advisory.AffectedNow, advisory.WontFix, advisory.NotUrgent, advisory.NotAffected}).Draw(t, "status")
			}
			if rapid.IntRange(0, 9).Draw(t, "withdrawn") == 0 {
				r.Withdrawn = fetched
			}
			w.records = append(w.records, r)
		}
		w.records = append(w.records, deb("DSA-0-0", "CVE-2026-9", "else", "1"))
		s := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12", Live: true})
		var fixes, opens []string
		for _, name := range names {
			v := rapid.SampledFrom(append(versions, "")).Draw(t, "installed")
			if v == "" {
				continue
			}
			s = s.Add(telemetry.SensorPackages, dpkg(name+"-bin", v, name, v))
			for id, open := range naive(w.records, name, v) {
				if open {
					opens = append(opens, id+"/"+name)
				} else {
					fixes = append(fixes, id+"/"+name)
				}
			}
		}
		s = s.Add(telemetry.SensorPackages, dpkg("zlib", "1", "zlib", "1"))
		var current index.Current
		must(t, current.Replace(w.set(t, dir)))
		results, err := cve.New(&current).Evaluate(context.Background(), s.Host(), rules.Input{Now: now, Settings: map[string]string{cve.SettingUnfixed: cve.UnfixedShow}})
		must(t, err)
		must(t, current.Replace(nil))
		must(t, os.RemoveAll(dir))
		slices.Sort(fixes)
		slices.Sort(opens)
		if diff := cmp.Diff(strings.Join(fixes, " "), found(results, fixable)); diff != "" {
			t.Errorf("with a fix (-loop +rule): %s", diff)
		}
		if diff := cmp.Diff(strings.Join(opens, " "), found(results, unfixed)); diff != "" {
			t.Errorf("without one (-loop +rule): %s", diff)
		}
	})
}

// BenchmarkHost is a host of 1,000 packages, 60 of which have vulnerabilities.
func BenchmarkHost(b *testing.B) {
	w := world{}
	s := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12", Live: true})
	var packages []telemetry.Record
	for n := range 1000 {
		name := fmt.Sprint("package-", n)
		packages = append(packages, dpkg(name, "1.0-1", name, "1.0-1"))
		for m := range 5 {
			fixed := "0.9-1"
			if n%17 == 0 && m < 2 {
				fixed = "1.0-1+deb12u1"
			}
			w.records = append(w.records, deb(fmt.Sprintf("DSA-%d-%d", n, m), fmt.Sprintf("CVE-2026-%d", 5*n+m), name, fixed))
		}
	}
	dir := b.TempDir()
	var current index.Current
	must(b, current.Replace(w.set(b, dir)))
	defer current.Replace(nil)
	p, h := cve.New(&current), s.Add(telemetry.SensorPackages, packages...).Host()
	found := 0
	for b.Loop() {
		results, err := p.Evaluate(context.Background(), h, rules.Input{Now: now})
		must(b, err)
		found = len(results)
	}
	b.ReportMetric(float64(found), "results")
}

// BenchmarkKernel is a host whose kernel has 3,000 vulnerabilities without a fix, and
// has been replaced on disk.
func BenchmarkKernel(b *testing.B) {
	w := world{}
	for n := range 3000 {
		w.records = append(w.records, open(fmt.Sprintf("CVE-2026-%d", n), "linux", advisory.AffectedNow, ""))
	}
	dir := b.TempDir()
	var current index.Current
	must(b, current.Replace(w.set(b, dir)))
	defer current.Replace(nil)
	p, h := cve.New(&current), running(b, "6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)").Add(telemetry.SensorPackages,
		dpkg("linux-image-6.1.0-18-amd64", "6.1.90-1", "linux-signed-amd64", "6.1.90+1"), dpkg("linux-image-6.1.0-13-amd64", "6.1.55-1", "linux-signed-amd64", "6.1.55+1"),
		dpkg("linux-libc-dev", "6.1.90-1", "linux", "6.1.90-1")).Host()
	found := 0
	for b.Loop() {
		results, err := p.Evaluate(context.Background(), h, rules.Input{Now: now})
		must(b, err)
		found = len(results)
	}
	b.ReportMetric(float64(found), "results")
}
