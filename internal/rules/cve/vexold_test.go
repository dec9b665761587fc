package cve_test

import (
	"testing"
	"time"

	"assay/internal/advisory"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

func said(id, product string, status advisory.StatementStatus, age time.Duration) advisory.Statement {
	return advisory.Statement{Vulnerability: id, Product: product, Status: status, Justification: "x", Source: "doc", Author: "Supplier", Time: fetched.Add(-age)}
}

// TestStatementsOnWhatIsOnDisk say nothing of what runs: that the new version is not
// affected is why the old one has to go.
func TestStatementsOnWhatIsOnDisk(t *testing.T) {
	for _, status := range []advisory.StatementStatus{advisory.StatedFixed, advisory.StatedNotAffected} {
		w, s := whole(t)
		w.statements = []advisory.Statement{
			said("CVE-2026-1", "pkg:deb/debian/linux@6.1.90-1", status, 0),
			said("CVE-2026-5", "pkg:deb/debian/openssl@3.0.14-1~deb12u1", status, 0),
		}
		if got := found(evaluate(t, w.pkg(t), s), restart); got != "CVE-2026-1/linux/restart CVE-2026-5/libssl3/restart" {
			t.Errorf("%s: %q", status, got)
		}
	}
	w, s := whole(t)
	w.statements = []advisory.Statement{said("CVE-2026-1", "pkg:deb/debian/linux", advisory.StatedNotAffected, 0), said("CVE-2026-5", "pkg:deb/debian/openssl", advisory.StatedNotAffected, 0)}
	if got := found(evaluate(t, w.pkg(t), s), restart); got != "" {
		t.Errorf("whatever the version: %q", got)
	}
}

// TestTheLatestStatement counts, by whatever name the vulnerability is called, and of
// several binary packages only what is said of the last of them.
func TestTheLatestStatement(t *testing.T) {
	const no, yes = advisory.StatedNotAffected, advisory.StatedAffected
	for name, test := range map[string]struct {
		statements []advisory.Statement
		suppressed bool
	}{
		"of another name, later":    {[]advisory.Statement{said("CVE-2026-1", "pkg:deb/debian/curl", no, 2), said("DSA-1-1", "pkg:deb/debian/curl", yes, 1)}, false},
		"of another name, earlier":  {[]advisory.Statement{said("CVE-2026-1", "pkg:deb/debian/curl", no, 1), said("DSA-1-1", "pkg:deb/debian/curl", yes, 2)}, true},
		"of one binary, again":      {[]advisory.Statement{said("CVE-2026-1", "pkg:deb/debian/curl?arch=source", no, 2), said("CVE-2026-1", "pkg:deb/debian/curl?arch=amd64", yes, 3), said("CVE-2026-1", "pkg:deb/debian/libcurl4", yes, 1)}, false},
		"of one binary, before":     {[]advisory.Statement{said("CVE-2026-1", "pkg:deb/debian/curl?arch=source", yes, 2), said("CVE-2026-1", "pkg:deb/debian/curl?arch=amd64", no, 1), said("CVE-2026-1", "pkg:deb/debian/libcurl4", no, 3)}, false},
		"of both binaries, later":   {[]advisory.Statement{said("CVE-2026-1", "pkg:deb/debian/curl?arch=source", yes, 3), said("CVE-2026-1", "pkg:deb/debian/curl?arch=amd64", no, 1), said("CVE-2026-1", "pkg:deb/debian/libcurl4", no, 2)}, true},
		"of every operating system": {[]advisory.Statement{said("CVE-2026-1", "cpe:/o", no, 1), said("CVE-2026-1", "cpe:", no, 1), said("CVE-2026-1", "cpe:/o:debian", no, 1), said("CVE-2026-1", "cpe:/o:debian:*", no, 1), said("CVE-2026-1", "cpe:2.3:*:*:*", no, 1)}, false},
		"of the operating system":   {[]advisory.Statement{said("CVE-2026-1", "cpe:/o:debian:debian_linux:12", no, 1)}, true},
	} {
		w := curl()
		w.statements = test.statements
		s := hosttest.Parse(t, "system debian 12").Add(telemetry.SensorPackages, dpkg("curl", "7.88.1-10", "curl", "7.88.1-10"), dpkg("libcurl4", "7.88.1-10", "curl", "7.88.1-10"))
		failed := of(evaluate(t, w.pkg(t), s), fixable, rules.Failed)
		if len(failed) != 1 || (failed[0].Suppressed != nil) != test.suppressed {
			t.Errorf("%s: %+v", name, failed)
		}
	}
}

// TestTheSystemsStatement is not about what somebody has put beside its packages.
func TestTheSystemsStatement(t *testing.T) {
	w := world{
		records:    []advisory.Record{record("GHSA-x", "CVE-2026-1", advisory.Affected{Ecosystem: "npm", Package: "left-pad", Ranges: []advisory.Range{{Fixed: "2.0.0"}}})},
		statements: []advisory.Statement{said("CVE-2026-1", "cpe:/o:debian:debian_linux:12", advisory.StatedNotAffected, 0)},
	}
	s := hosttest.Parse(t, web).Add(telemetry.SensorLibraries, &telemetry.Library{Ecosystem: "npm", Name: "left-pad", Version: "1.0.0", Path: "/srv/a/package.json"})
	if got := found(evaluate(t, w.pkg(t), s), library); got == "" {
		t.Error("the library's vulnerability is suppressed")
	}
}
