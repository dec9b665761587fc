package cve_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/cve"
	"assay/internal/rules/rulestest"
	"assay/internal/telemetry"
)

// Nothing found because nothing could be looked at never looks like nothing found.

const web = "system debian 12\npackage dpkg bash 5.2.15-2\npackage dpkg curl 7.88.1-10\n"

func curl() world {
	return world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "curl", "7.88.1-11")}}
}

func exclusions(results []rules.Result) []inspector.Exclusion {
	_, all := rules.Derive(cve.Package{}.Describe(), rules.Subject{Key: []byte("k")}, results)
	return all
}

// TestNoAdvisories: one exclusion about the whole run, no verdict but that on the release.
func TestNoAdvisories(t *testing.T) {
	results := evaluate(t, cve.New(&index.Current{}), hosttest.Parse(t, web))
	for _, r := range results {
		if r.Rule != release && (r.Verdict != rules.NotEvaluated || !r.WholeRun || !strings.Contains(r.Remedy, "assay feeds update")) {
			t.Errorf("%+v", r)
		}
	}
	if all := exclusions(results); len(all) != 1 || !all[0].WholeRun() || !strings.Contains(all[0].Description, "there are no advisories yet") {
		t.Errorf("%+v", all)
	}
}

type broken struct{}

func (broken) Use() (*index.Set, error) { return nil, errors.New("the disk is gone") }

func TestAdvisoriesThatCannotBeUsed(t *testing.T) {
	if got := reasons(evaluate(t, cve.New(broken{}), hosttest.Parse(t, web)), fixable, rules.NotEvaluated); !strings.Contains(got, "the disk is gone") {
		t.Error(got)
	}
}

// TestNoAdvisoriesOfTheRelease: a set that knows other releases knows nothing of this one.
func TestNoAdvisoriesOfTheRelease(t *testing.T) {
	results := evaluate(t, curl().pkg(t), hosttest.Parse(t, strings.Replace(web, "debian 12", "debian 13", 1)))
	for _, rule := range []string{fixable, unfixed} {
		if got := reasons(results, rule, rules.NotEvaluated); !strings.Contains(got, "not compared, since there are no advisories of Debian:13: 2 components (bash, curl)") {
			t.Errorf("%s: %q", rule, got)
		}
	}
	if got := reasons(results, current, rules.NotEvaluated); !strings.Contains(got, "no source of advisories is recorded for Debian:13") {
		t.Error(got)
	}
}

// TestOldAdvisories: findings, and an exclusion; what came with the program is called so.
func TestOldAdvisories(t *testing.T) {
	source := index.Source{Name: "osv-debian", From: "https://example.org/all.zip", Kind: "osv", Edition: "7", Ecosystems: []string{"Debian:12"}, Unfixed: true, Records: 1, SHA256: "abc"}
	for name, test := range map[string]struct {
		fetched time.Time
		bundled bool
		setting string
		want    string // empty: current
	}{
		"current":           {now.Add(-7 * 24 * time.Hour), false, "", ""},
		"old":               {now.Add(-8 * 24 * time.Hour), false, "", "osv-debian is of 2026-02-23 and 8 days old, more than the 7 allowed"},
		"allowed":           {now.Add(-8 * 24 * time.Hour), false, "10", ""},
		"bundled":           {now.Add(-30 * 24 * time.Hour), true, "", "osv-debian, which came with the program, is of 2026-02-01 and 30 days old"},
		"of unknown age":    {time.Time{}, false, "", "it is not known when the source osv-debian was fetched"},
		"from the future":   {now.Add(72 * time.Hour), false, "", "a clock is wrong"},
		"clocks that drift": {now.Add(time.Hour), false, "", ""},
	} {
		s := source
		s.Fetched, s.Bundled = test.fetched, test.bundled
		w := curl()
		w.sources = []index.Source{s}
		results := evaluate(t, w.pkg(t), hosttest.Parse(t, web), cve.SettingMaximumAge, test.setting)
		if found(results, fixable) != "CVE-2026-1/curl" {
			t.Errorf("%s: no finding", name)
		}
		stale, passed := of(results, current, rules.NotEvaluated), of(results, current, rules.Passed)
		if test.want == "" && (len(stale) != 0 || len(passed) != 1 || len(passed[0].Evidence) != 2) || test.want != "" && (len(stale) != 1 || !strings.Contains(stale[0].Reason, test.want) || len(passed) != 0) {
			t.Errorf("%s: %+v %+v", name, stale, passed)
		}
		for _, r := range append(stale, passed...) {
			text := r.Evidence[0].Found + r.Evidence[1].Found
			for _, want := range []string{"osv-debian from https://example.org/all.zip", "edition 7", "SHA-256 abc", "1 records", "built at 2026-03-02"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: the evidence lacks %q: %s", name, want, text)
				}
			}
		}
	}
}

// TestDamagedAdvisories: every byte of the files in turn may be another one; here one
// in the middle of each.
func TestDamagedAdvisories(t *testing.T) {
	w := curl()
	w.facts = []advisory.Fact{{ID: "CVE-2026-1", Summary: "An overflow"}}
	w.statements = []advisory.Statement{{Vulnerability: "CVE-2026-9", Product: "pkg:deb/debian/x", Status: advisory.StatedNotAffected, Justification: "x"}}
	for pattern, want := range map[string]struct{ rule, reason string }{
		"of-*.index":        {fixable, "not compared: 2 components of Debian:12 (bash, curl)"},
		"facts-*.index":     {current, "the facts of vulnerabilities cannot be read"},
		"statements-*json*": {current, "the statements of suppliers cannot be read"},
	} {
		dir := t.TempDir()
		must(t, w.set(t, dir).Close())
		names, _ := filepath.Glob(filepath.Join(dir, pattern))
		if len(names) != 1 {
			t.Fatal(pattern, names)
		}
		data, err := os.ReadFile(names[0])
		must(t, err)
		data[len(data)-3] ^= 1
		must(t, os.WriteFile(names[0], data, 0o600))
		s, err := index.Open(dir)
		must(t, err)
		var set index.Current
		must(t, set.Replace(s))
		results := evaluate(t, cve.New(&set), hosttest.Parse(t, web))
		if got := reasons(results, want.rule, rules.NotEvaluated); !strings.Contains(got, want.reason) {
			t.Errorf("%s: %q", pattern, got)
		}
		if n := len(of(results, fixable, rules.Passed)); n != 0 {
			t.Errorf("%s: the rule passed", pattern)
		}
		if pattern != "of-*.index" && found(results, fixable) == "" {
			t.Errorf("%s: no finding", pattern)
		}
		must(t, set.Replace(nil))
	}
}

func TestUnknownSystem(t *testing.T) {
	results := evaluate(t, curl().pkg(t), hosttest.Parse(t, "system plan9 4\n"))
	findings, _ := rules.Derive(cve.Package{}.Describe(), rules.Subject{Key: []byte("k")}, results)
	if len(findings) != 1 || findings[0].Title != inspector.TitleUnsupported {
		t.Errorf("%+v", findings)
	}
	results = evaluate(t, curl().pkg(t), hosttest.Parse(t, "system debian trixie-or-so\npackage dpkg curl 1\n"))
	if got := reasons(results, fixable, rules.NotEvaluated); !strings.Contains(got, "the host's packages were not compared: the release") {
		t.Error(got)
	}
}

// TestVersionThatIsNone: it is named, as is the package; the others are compared.
func TestVersionThatIsNone(t *testing.T) {
	w := curl()
	w.records = append(w.records, deb("DSA-2-1", "CVE-2026-2", "bash", "5.3"), deb("DSA-3-1", "CVE-2026-3", "odd", "not_a version"))
	s := hosttest.Parse(t, web+"package dpkg odd 1.0-1\n").Absent("package:dpkg/bash").Add(telemetry.SensorPackages, dpkg("bash", "5_x", "bash", "5_x"))
	results := evaluate(t, w.pkg(t), s)
	if got := found(results, fixable); got != "CVE-2026-1/curl" {
		t.Error(got)
	}
	got := reasons(results, fixable, rules.NotEvaluated)
	for _, want := range []string{"bash 5_x was not compared with the advisories on it", "whether odd 1.0-1 is affected cannot be told", "DSA-3-1 (before not_a version)"} {
		if !strings.Contains(got, want) {
			t.Errorf("not told: %q in %q", want, got)
		}
	}
}

// TestPackagesOfOtherVendors: advisories of the distribution are not about them.
func TestPackagesOfOtherVendors(t *testing.T) {
	w := world{records: []advisory.Record{record("ALSA-1", "CVE-2026-1", advisory.Affected{Ecosystem: "AlmaLinux:9", Package: "docker-ce", Ranges: []advisory.Range{{Fixed: "9"}}})}}
	rpm := func(name, vendor string) *telemetry.Package {
		return &telemetry.Package{Manager: "rpm", Name: name, Version: "1-1", Arch: "x86_64", Source: name, SourceVersion: "1-1", Vendor: vendor}
	}
	s := hosttest.Parse(t, "system almalinux 9.4").Add(telemetry.SensorPackages, rpm("bash", "AlmaLinux"), rpm("unsaid", ""))
	if results := evaluate(t, w.pkg(t), s); len(of(results, fixable, rules.Passed)) != 1 {
		t.Errorf("%+v", results)
	}
	results := evaluate(t, w.pkg(t), s.Add(telemetry.SensorPackages, rpm("docker-ce", "Docker"), rpm("htop", "Fedora Project")))
	if got := reasons(results, fixable, rules.NotEvaluated); !strings.Contains(got, "2 packages of other vendors than the distribution's, whose advisories are not about them: Docker (docker-ce), Fedora Project (htop)") {
		t.Error(got)
	}
	if r := of(results, fixable, rules.Failed); len(r) != 1 || !strings.Contains(r[0].Reason, "The package is of the vendor Docker") {
		t.Errorf("%+v", r)
	}
}

func TestWrongSettings(t *testing.T) {
	for _, s := range [][]string{{cve.SettingMaximumAge, "0"}, {cve.SettingMaximumAge, "a week"}, {cve.SettingUnfixed, "some"}} {
		results := evaluate(t, curl().pkg(t), hosttest.Parse(t, web), s...)
		for _, rule := range []string{fixable, unfixed, current} {
			if got := reasons(results, rule, rules.NotEvaluated); !strings.Contains(got, "the setting "+s[0]) {
				t.Errorf("%v: %s: %q", s, rule, got)
			}
		}
	}
}

func TestNothingCollected(t *testing.T) {
	results, err := curl().pkg(t).Evaluate(context.Background(), host.New("i-1"), rules.Input{Now: now})
	must(t, err)
	for _, r := range results {
		if r.Verdict != rules.NotEvaluated || r.Reason == "" || r.Remedy == "" {
			t.Errorf("%s: %+v", r.Rule, r)
		}
	}
}

func TestNoPackages(t *testing.T) {
	results := evaluate(t, curl().pkg(t), hosttest.Parse(t, "system debian 12"))
	if got := reasons(results, fixable, rules.NotEvaluated); !strings.Contains(got, "no package of the operating system was found") {
		t.Errorf("%+v", results)
	}
}

func TestTimeIsNotKnown(t *testing.T) {
	results, err := curl().pkg(t).Evaluate(context.Background(), hosttest.Parse(t, web).Host(), rules.Input{})
	must(t, err)
	for _, rule := range []string{release, current} {
		if len(of(results, rule, rules.NotEvaluated)) == 0 {
			t.Errorf("%s: %+v", rule, results)
		}
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := curl().pkg(t).Evaluate(ctx, hosttest.New().Host(), rules.Input{}); err == nil {
		t.Error("no error from an evaluation that was called off")
	}
}

// TestNoVerdictFromAbsence: take away whatever there is.
func TestNoVerdictFromAbsence(t *testing.T) {
	w, s := whole(t)
	p := w.pkg(t)
	rulestest.Sound(t, p, s, rules.Input{Now: now})
	rulestest.CitedMatters(t, p, s, rules.Input{Now: now})
	clean := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "else", "1"), record("G", "", advisory.Affected{Ecosystem: "PyPI", Package: "else", Ranges: []advisory.Range{{Fixed: "1"}}})}}.pkg(t)
	rulestest.Sound(t, clean, s, rules.Input{Now: now})
}

// TestWhatNobodyLookedAt: none of these hosts may pass.
func TestWhatNobodyLookedAt(t *testing.T) {
	const id = "a1a1"
	contained := func(status string) *telemetry.Package {
		p := dpkg("curl", "7.88.1-10", "curl", "7.88.1-10")
		p.Container, p.Status = id, status
		return p
	}
	box := &telemetry.Container{ID: id, Image: "shop:1", OS: "debian", OSVersion: "12"}
	both := curl()
	both.records = append(both.records, record("USN-1", "CVE-2026-1", advisory.Affected{Ecosystem: "Ubuntu:Pro:22.04:LTS", Package: "curl", Ranges: []advisory.Range{{Fixed: "1"}}}))
	plain := curl()
	plain.records = append(plain.records, record("USN-1", "CVE-2026-1", advisory.Affected{Ecosystem: "Ubuntu:22.04:LTS", Package: "curl", Ranges: []advisory.Range{{Fixed: "1"}}}))
	ubuntu := func(service string) *hosttest.Snapshot {
		return hosttest.Parse(t, "system ubuntu 22.04\npackage dpkg curl 7.88.1-10\n").
			Text("/etc/apt/sources.list.d/esm.list", "deb https://esm.ubuntu.com/"+service+"/ubuntu jammy main\n")
	}
	for name, test := range map[string]struct {
		world world
		host  *hosttest.Snapshot
		rule  string
		want  string
	}{
		"containers, for a reason that names no sensor": {
			curl(), hosttest.Parse(t, web).Cover(telemetry.SensorContainers, "", telemetry.Partial, "the sensor was stopped"), contain, "the sensor was stopped"},
		"a container whose database of packages is gone": {
			curl(), hosttest.Parse(t, web).Add(telemetry.SensorContainers, box), contain, "no package of its operating system was found in shop:1"},
		"only what is published for subscribers": {both, ubuntu("infra"), fixable, "not compared, since there are no advisories of Ubuntu:22.04:LTS: 1 component (curl)"},
		"builds of their own":                    {plain, ubuntu("fips"), fixable, "takes updates from Ubuntu:Pro:FIPS:22.04:LTS, of which there are no advisories"},
	} {
		results := evaluate(t, test.world.pkg(t), test.host)
		if got := reasons(results, test.rule, rules.NotEvaluated); !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, not %q", name, got, test.want)
		}
	}
	// A state of dpkg that is not known is none in which nothing is there.
	for status, want := range map[string]string{"half-configured": "CVE-2026-1/curl/in/shop:1", "a-new-state": "CVE-2026-1/curl/in/shop:1", "config-files": "", "not-installed": ""} {
		if got := found(evaluate(t, curl().pkg(t), hosttest.Parse(t, web).Add(telemetry.SensorContainers, box, contained(status))), contain); got != want {
			t.Errorf("%s: %q", status, got)
		}
	}
}
