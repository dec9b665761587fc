package cve_test

import (
	"strings"
	"testing"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/host/hosttest"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// What the users of other scanners complain about, a test each.

const (
	fixable = "vulnerable-package"
	unfixed = "unfixed-vulnerability"
	library = "vulnerable-library"
	contain = "vulnerable-container"
	restart = "replaced-code-running"
	release = "supported-release"
	current = "advisories-current"
)

// TestHeaderPackagesAreNoKernel: what is built of the kernel's source beside it has
// none of its vulnerabilities, and that is said.
func TestHeaderPackagesAreNoKernel(t *testing.T) {
	p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "linux", "6.1.90-1")}}.pkg(t)
	s := running(t, "6.1.0-21-amd64", "").Add(telemetry.SensorPackages,
		dpkg("linux-image-6.1.0-21-amd64", "6.1.90-1", "linux-signed-amd64", "6.1.90+1"),
		dpkg("linux-libc-dev", "6.1.76-1", "linux", "6.1.76-1"))
	results := evaluate(t, p, s)
	if got := found(results, fixable); got != "" {
		t.Error("findings: ", got)
	}
	note := reasons(results, fixable, rules.NotApplicable)
	if !strings.Contains(note, "linux-libc-dev of linux 6.1.76-1: nothing of it is the kernel that runs, which 1 vulnerability of the kernel are about") {
		t.Error("no trace of the headers: ", note)
	}
}

// TestKernelsThatDoNotRun: they are one Informational finding; the one that runs is
// vulnerable, and where one with the fix is installed, a restart is what helps.
func TestKernelsThatDoNotRun(t *testing.T) {
	p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1 CVE-2026-2", "linux", "6.1.90-1")}}.pkg(t)
	old := dpkg("linux-image-6.1.0-18-amd64", "6.1.76-1", "linux-signed-amd64", "6.1.76+1")
	fixed := dpkg("linux-image-6.1.0-21-amd64", "6.1.90-1", "linux-signed-amd64", "6.1.90+1")
	results := evaluate(t, p, running(t, "6.1.0-21-amd64", "").Add(telemetry.SensorPackages, old, fixed))
	idle := of(results, fixable, rules.Failed)
	if len(idle) != 1 || idle[0].Severity != inspector.Informational || !strings.Contains(idle[0].Reason, "2 vulnerabilities: CVE-2026-1, CVE-2026-2") {
		t.Errorf("a kernel that does not run: %+v", idle)
	}
	results = evaluate(t, p, running(t, "6.1.0-18-amd64", "").Add(telemetry.SensorPackages, old, fixed))
	if got := found(results, fixable); got != "CVE-2026-1/linux CVE-2026-2/linux" {
		t.Error("the kernel that runs: ", got)
	}
	if r := of(results, fixable, rules.Failed)[0]; !strings.HasPrefix(r.Remedy, "Restart the host: the kernel 6.1.90-1") || attr(r, "RUNTIME_STATE") != "running kernel" {
		t.Errorf("a restart would help: %+v", r)
	}
	if r := of(results, restart, rules.Failed); len(r) != 1 || r[0].Subject != "kernel/linux" || !strings.Contains(r[0].Reason, "linux 6.1.90-1 is installed, and has the fixes of 2 vulnerabilities: CVE-2026-1, CVE-2026-2") {
		t.Errorf("a restart is due: %+v", r)
	}
	results = evaluate(t, p, running(t, "", "").Add(telemetry.SensorPackages, old))
	if r := of(results, fixable, rules.Failed); len(r) != 2 || !strings.Contains(r[0].Reason, "not known which kernel runs") {
		t.Errorf("a kernel of which it is not known whether it runs: %+v", r)
	}
}

// TestKernelReplacedOnDisk: the package was updated in place, and the old one runs.
func TestKernelReplacedOnDisk(t *testing.T) {
	p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "linux", "6.1.90-1"), deb("DSA-2-1", "CVE-2026-2", "linux", "6.1.99-1")}}.pkg(t)
	s := running(t, "6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)").Add(telemetry.SensorPackages,
		dpkg("linux-image-6.1.0-18-amd64", "6.1.90-1", "linux-signed-amd64", "6.1.90+1"))
	results := evaluate(t, p, s)
	if a, b := found(results, fixable), found(results, restart); a != "CVE-2026-2/linux" || b != "CVE-2026-1/linux/restart" {
		t.Errorf("on disk %q, running %q", a, b)
	}
	if r := of(results, restart, rules.Failed)[0]; !strings.Contains(r.Remedy, "6.1.90-1, which has the fix, is installed, and 6.1.76-1 runs") || attr(r, "SOURCE_VERSION") != "6.1.76-1" {
		t.Errorf("%+v", r)
	}
}

// TestVersions: backports, epochs, tildes and rebuilds, as dpkg orders them.
func TestVersions(t *testing.T) {
	for _, test := range []struct {
		name, fixed, installed string
		vulnerable             bool
	}{
		{"a backport that is installed", "7.88.1-10+deb12u5", "7.88.1-10+deb12u5", false},
		{"the version before a backport", "7.88.1-10+deb12u5", "7.88.1-10+deb12u4", true},
		{"a newer backport", "7.88.1-10+deb12u5", "7.88.1-10+deb12u12", false},
		{"no backport, though upstream is newer than the vulnerability", "7.88.1-10+deb12u5", "7.88.1-10", true},
		{"an epoch beats every version", "9.2p1-2", "1:1.0-1", false},
		{"a version without epoch is older than one with", "1:9.2p1-2", "99-1", true},
		{"epoch 0 is none", "2.0-1", "0:2.0-1", false},
		{"a tilde is older than nothing", "2.0-1", "2.0~rc1-1", true},
		{"a backport from testing", "3.0-1", "3.0-1~bpo12+1", true},
		{"a rebuild", "2.0-1", "2.0-1+b3", false},
	} {
		p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "curl", test.fixed)}}.pkg(t)
		s := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12", Live: true}).
			Add(telemetry.SensorPackages, dpkg("curl", test.installed, "curl", test.installed))
		results := evaluate(t, p, s)
		if got := found(results, fixable) != ""; got != test.vulnerable {
			t.Errorf("%s: %s is vulnerable: %v", test.name, test.installed, got)
		}
		if passed := of(results, fixable, rules.Passed); !test.vulnerable && (len(passed) != 1 || len(passed[0].Evidence) == 0) {
			t.Errorf("%s: %+v", test.name, results)
		}
	}
}

// TestTwoAdvisoriesOfOneVulnerability: one finding, with the fix that both need.
func TestTwoAdvisoriesOfOneVulnerability(t *testing.T) {
	p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "bind9", "1:9.18.24-1"), deb("DSA-1-2", "CVE-2026-1", "bind9", "1:9.18.28-1")}}.pkg(t)
	for installed, want := range map[string]string{"1:9.18.19-1": "DSA-1-1, DSA-1-2", "1:9.18.24-1": "DSA-1-2"} {
		failed := of(evaluate(t, p, hosttest.Parse(t, "system debian 12\npackage dpkg bind9 "+installed)), fixable, rules.Failed)
		if len(failed) != 1 || attr(failed[0], "FIXED_VERSION") != "1:9.18.28-1" || attr(failed[0], "ADVISORY") != want {
			t.Errorf("%s: %+v", installed, failed)
		}
	}
}

// TestSourceAgainstBinaryNames: Debian's advisories go by source packages, whose names
// may be those of other binaries, and whose versions are not the binaries'.
func TestSourceAgainstBinaryNames(t *testing.T) {
	p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "lvm2", "2.03.16-3"), deb("DSA-2-1", "CVE-2026-2", "dmsetup", "99")}}.pkg(t)
	s := hosttest.Parse(t, "system debian 12").Add(telemetry.SensorPackages, dpkg("dmsetup", "2:1.02.185-2", "lvm2", "2.03.16-2"), dpkg("libdevmapper1.02.1", "2:1.02.185-2", "lvm2", "2.03.16-2"))
	failed := of(evaluate(t, p, s), fixable, rules.Failed)
	if len(failed) != 1 || failed[0].Subject != "CVE-2026-1/lvm2" {
		t.Fatalf("%+v", failed)
	}
	r := failed[0]
	if attr(r, "package_name") != "dmsetup" || attr(r, "package_version") != "2:1.02.185-2" || attr(r, "SOURCE_VERSION") != "2.03.16-2" || attr(r, "BINARIES") != "dmsetup, libdevmapper1.02.1" {
		t.Errorf("%+v", r.Attributes)
	}
	if r.FindingID != "CVE-2026-1" || r.Title != "Instance <id> is vulnerable to CVE-2026-1" || r.Evidence[0].Record != "package:dpkg/dmsetup" {
		t.Errorf("%+v", r)
	}
}

// TestTwoVersionsOfOnePackage: each has a finding of its own, with a name of its own.
func TestTwoVersionsOfOnePackage(t *testing.T) {
	p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "gcc-12", "12.2.0-15")}}.pkg(t)
	s := hosttest.Parse(t, "system debian 12").Add(telemetry.SensorPackages, dpkg("libgcc-s1", "12.2.0-14", "gcc-12", "12.2.0-14"), dpkg("libstdc++6", "12.2.0-13", "gcc-12", "12.2.0-13"))
	if got := found(evaluate(t, p, s), fixable); got != "CVE-2026-1/gcc-12 CVE-2026-1/gcc-12/12.2.0-14" {
		t.Error(got)
	}
}

// TestModularity: builds of a module are compared with advisories on its stream.
func TestModularity(t *testing.T) {
	node := func(id, stream, fixed string) advisory.Record {
		return record(id, "CVE-2026-"+id[len(id)-1:], advisory.Affected{Ecosystem: "AlmaLinux:8", Package: "nodejs", Module: stream, Status: advisory.Fixed, Ranges: []advisory.Range{{Introduced: "0", Fixed: fixed}}})
	}
	p := world{records: []advisory.Record{node("ALSA-1", "nodejs:16", "1:16.20-1.module_el8.9.0+1+a"), node("ALSA-2", "nodejs:18", "1:18.20-1.module_el8.9.0+2+b")}}.pkg(t)
	host := func(module string) *hosttest.Snapshot {
		return hosttest.Parse(t, "system almalinux 8.9").Add(telemetry.SensorPackages, &telemetry.Package{
			Manager: "rpm", Name: "nodejs", Version: "1:16.14-1.module_el8.9.0+1+a", Arch: "x86_64", Source: "nodejs", SourceVersion: "1:16.14-1.module_el8.9.0+1+a", Modularity: module})
	}
	if got := found(evaluate(t, p, host("nodejs:16:8090:abc")), fixable); got != "CVE-2026-1/nodejs" {
		t.Error("stream 16: ", got)
	}
	unknown := of(evaluate(t, p, host("")), fixable, rules.Failed)
	if len(unknown) != 2 || !strings.Contains(unknown[0].Reason, "The stream of the module that the package is of is not known") {
		t.Errorf("stream not known: %+v", unknown)
	}
}

// TestArchitectures: an advisory for one architecture is not about another.
func TestArchitectures(t *testing.T) {
	p := world{records: []advisory.Record{record("ALSA-1", "CVE-2026-1", advisory.Affected{Ecosystem: "AlmaLinux:9", Package: "glibc", Arch: "x86_64", Status: advisory.Fixed, Ranges: []advisory.Range{{Fixed: "2.34-100.el9"}}})}}.pkg(t)
	for arch, want := range map[string]string{"x86_64": "CVE-2026-1/glibc", "aarch64": ""} {
		s := hosttest.Parse(t, "system almalinux 9.3").Add(telemetry.SensorPackages, &telemetry.Package{
			Manager: "rpm", Name: "glibc", Version: "2.34-60.el9", Arch: arch, Source: "glibc", SourceVersion: "2.34-60.el9"})
		if got := found(evaluate(t, p, s), fixable); got != want {
			t.Errorf("%s: %q", arch, got)
		}
	}
}

// TestWhatHasNoFix: it is neither dropped nor mixed with what can be mended; the vendor's
// word and reason are told; what is hidden is counted.
func TestWhatHasNoFix(t *testing.T) {
	p := world{records: []advisory.Record{
		open("CVE-2026-1", "vim", advisory.WontFix, "Minor issue"), open("CVE-2026-2", "vim", advisory.NotUrgent, ""), open("CVE-2026-3", "vim", advisory.EndOfLife, "not supported"),
		open("CVE-2026-4", "vim", advisory.Deferred, ""), open("CVE-2026-5", "vim", advisory.UnderInvestigation, ""), open("CVE-2026-6", "vim", advisory.AffectedNow, ""),
		record("CVE-2026-7", "CVE-2026-7", advisory.Affected{Ecosystem: "Debian:12", Package: "vim", Status: advisory.NotAffected, Ranges: []advisory.Range{{Introduced: "0"}}}),
	}}.pkg(t)
	s := hosttest.Parse(t, "system debian 12\npackage dpkg vim 2:9.0.1378-2")
	for setting, want := range map[string]string{
		"show": "1 2 3 4 5 6", "hide-negligible": "1 3 4 5 6", "hide": "", "": "1 3 4 5 6",
	} {
		results := evaluate(t, p, s, "unfixed", setting)
		got := strings.NewReplacer("CVE-2026-", "", "/vim", "").Replace(found(results, unfixed))
		if got != want || found(results, fixable) != "" {
			t.Errorf("%q: unfixed %q, fixable %q", setting, got, found(results, fixable))
		}
		hidden := reasons(results, unfixed, rules.NotApplicable)
		if hides := want != "1 2 3 4 5 6"; hides != strings.Contains(hidden, "Not shown") {
			t.Errorf("%q: silent about what is hidden: %q", setting, hidden)
		}
		for _, r := range of(results, unfixed, rules.Failed) {
			if r.Subject == "CVE-2026-1/vim" && (!strings.Contains(r.Reason, `"will not fix" (Minor issue)`) || attr(r, "STATUS") != "will not fix" || attr(r, "FIXED_VERSION") != "") {
				t.Errorf("%+v", r)
			}
		}
	}
}

// TestFixForSomeOnly: a fix in one advisory, while another leaves it open, is no fix.
func TestFixForSomeOnly(t *testing.T) {
	p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "vim", "2:9.1-1"), open("CVE-2026-1", "vim", advisory.AffectedNow, "")}}.pkg(t)
	results := evaluate(t, p, hosttest.Parse(t, "system debian 12\npackage dpkg vim 2:9.0-2"))
	if a, b := found(results, fixable), found(results, unfixed); a != "" || b != "CVE-2026-1/vim" {
		t.Errorf("fixable %q, unfixed %q", a, b)
	}
}

// TestOnlyFixesAreKnown: advisories that tell only what is fixed say nothing of the rest.
func TestOnlyFixesAreKnown(t *testing.T) {
	w := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "vim", "2:9.1-1")},
		sources: []index.Source{{Name: "debian-osv", Kind: "osv", Fetched: fetched, Ecosystems: []string{"Debian:12"}}}}
	s := hosttest.Parse(t, "system debian 12\npackage dpkg bash 5.2.15-2")
	r := of(evaluate(t, w.pkg(t), s), unfixed, rules.NotEvaluated)
	if len(r) != 1 || !strings.Contains(r[0].Reason, "tell only what is fixed (debian-osv)") || !strings.Contains(r[0].Remedy, "feeds add debian-tracker") {
		t.Errorf("%+v", r)
	}
}

// TestEndOfLifeOfASystem: fixed dates, with the sources in the table of the inventory.
func TestEndOfLifeOfASystem(t *testing.T) {
	p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "vim", "2:9.1-1")}}.pkg(t)
	for system, want := range map[string]struct {
		verdict  rules.Verdict
		severity inspector.Severity
		reason   string
	}{
		"debian 12":                {rules.Passed, "", "is repaired until 2026-07-11"},
		"debian 11":                {rules.Passed, "", "is repaired until 2026-08-31, since 2024-08-14 by Debian LTS, which covers most packages"},
		"debian 8":                 {rules.Failed, "", "has not been repaired since 2020-06-30"},
		"ubuntu 20.04":             {rules.Failed, inspector.Medium, "by Ubuntu Pro (ESM) only, until 2030-04-23"},
		"ubuntu 23.10":             {rules.Failed, "", "has not been repaired since 2024-07-11"},
		"almalinux 9.4":            {rules.Passed, "", "until 2032-05-31"},
		"amzn 2018.03":             {rules.Failed, "", "since 2023-12-31"},
		"alpine 3.12.1":            {rules.Failed, "", "since 2022-05-01"},
		"opensuse-tumbleweed 2026": {rules.Passed, "", "until further notice"},
		"debian 99":                {rules.NotEvaluated, "", "is not known"},
		"opensuse-leap 1":          {rules.NotEvaluated, "", "is not known"},
		"rhel 7.9":                 {rules.Failed, inspector.Medium, "Extended Life Cycle Support"},
	} {
		results := evaluate(t, p, hosttest.Parse(t, "system "+system))
		r := of(results, release, want.verdict)
		if len(r) != 1 || r[0].Severity != want.severity || !strings.Contains(r[0].Reason, want.reason) {
			t.Errorf("%s: %+v", system, r)
		}
	}
	old := hosttest.Parse(t, "system debian 12").Add(telemetry.SensorContainers, &telemetry.Container{ID: "c1", Image: "shop", OS: "alpine", OSVersion: "3.12.1", OSName: "Alpine Linux v3.12"})
	if got := reasons(evaluate(t, p, old), release, rules.Failed); got != "Alpine Linux v3.12 has not been repaired since 2022-05-01." {
		t.Error(got)
	}
}
