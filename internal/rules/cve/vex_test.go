package cve_test

import (
	"strings"
	"testing"
	"time"

	"assay/internal/advisory"
	"assay/internal/host/hosttest"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/cve"
	"assay/internal/telemetry"
)

// TestStatements: what suppliers state is laid over the matches, and hides nothing that
// it is not about.
func TestStatements(t *testing.T) {
	const cveID = "CVE-2026-1"
	stated := func(product string, status advisory.StatementStatus) advisory.Statement {
		return advisory.Statement{Vulnerability: cveID, Product: product, Status: status, Justification: "vulnerable_code_not_present", Impact: "built without it", Source: "doc-1", Author: "Supplier", Time: fetched}
	}
	later := func(s advisory.Statement) advisory.Statement {
		s.Time, s.Source = s.Time.Add(time.Hour), "doc-2"
		return s
	}
	const source = "pkg:deb/debian/curl?arch=source&distro=debian-12"
	no, yes := advisory.StatedNotAffected, advisory.StatedAffected
	for name, test := range map[string]struct {
		statements []advisory.Statement
		suppressed bool
		reason     string // in the finding's reason
	}{
		"nothing is said":               {nil, false, ""},
		"the source is not affected":    {[]advisory.Statement{stated(source, no)}, true, ""},
		"without a version":             {[]advisory.Statement{stated("pkg:deb/debian/curl", no)}, true, ""},
		"of this version":               {[]advisory.Statement{stated("pkg:deb/debian/curl@7.88.1-10?arch=source", no)}, true, ""},
		"of another version":            {[]advisory.Statement{stated("pkg:deb/debian/curl@7.88.1-9?arch=source", no)}, false, ""},
		"of another package":            {[]advisory.Statement{stated("pkg:deb/debian/curl-impersonate", no)}, false, ""},
		"of another distribution":       {[]advisory.Statement{stated("pkg:deb/ubuntu/curl", no)}, false, ""},
		"of another release":            {[]advisory.Statement{stated("pkg:deb/debian/curl?arch=source&distro=debian-11", no)}, false, ""},
		"of one binary of two":          {[]advisory.Statement{stated("pkg:deb/debian/libcurl4", no)}, false, ""},
		"of both binaries":              {[]advisory.Statement{stated("pkg:deb/debian/libcurl4", no), stated("pkg:deb/debian/curl?arch=amd64", no)}, true, ""},
		"affected":                      {[]advisory.Statement{stated(source, yes)}, false, "Supplier states in doc-1 that it is affected"},
		"under investigation":           {[]advisory.Statement{stated(source, advisory.StatedUnderInvestigation)}, false, "that it is under investigation"},
		"the later one counts":          {[]advisory.Statement{later(stated(source, yes)), stated(source, no)}, false, "doc-2"},
		"the later one, the other way":  {[]advisory.Statement{stated(source, yes), later(stated(source, no))}, true, ""},
		"a later one of a binary":       {[]advisory.Statement{stated(source, no), later(stated("pkg:deb/debian/libcurl4", yes))}, false, "doc-2"},
		"fixed, in this version":        {[]advisory.Statement{stated("pkg:deb/debian/curl@7.88.1-10?arch=source", advisory.StatedFixed)}, true, ""},
		"fixed, in whatever version":    {[]advisory.Statement{stated(source, advisory.StatedFixed)}, false, "that it is fixed"},
		"of a component elsewhere":      {[]advisory.Statement{{Vulnerability: cveID, Product: "pkg:oci/shop", Component: "pkg:deb/debian/curl", Status: no, Justification: "x", Time: fetched}}, false, ""},
		"of a component in this system": {[]advisory.Statement{{Vulnerability: cveID, Product: "cpe:/o:debian:debian_linux:12", Component: "pkg:deb/debian/curl", Status: no, Justification: "x", Source: "doc-1", Author: "Supplier", Time: fetched}}, true, ""},
		"of another system":             {[]advisory.Statement{{Vulnerability: cveID, Product: "cpe:/o:debian:debian_linux:1", Component: "pkg:deb/debian/curl", Status: no, Justification: "x", Time: fetched}}, false, ""},
		"of another vulnerability":      {[]advisory.Statement{{Vulnerability: "CVE-2026-10", Product: source, Status: no, Justification: "x", Time: fetched}}, false, ""},
	} {
		w := world{records: []advisory.Record{deb("DSA-1-1", cveID, "curl", "7.88.1-11")}, statements: test.statements}
		p := w.pkg(t)
		s := hosttest.Parse(t, "system debian 12").Add(telemetry.SensorPackages, dpkg("curl", "7.88.1-10", "curl", "7.88.1-10"), dpkg("libcurl4", "7.88.1-10", "curl", "7.88.1-10"))
		failed := of(evaluate(t, p, s), fixable, rules.Failed)
		if len(failed) != 1 {
			t.Fatalf("%s: %+v", name, failed)
		}
		r := failed[0]
		if (r.Suppressed != nil) != test.suppressed || !strings.Contains(r.Reason, test.reason) {
			t.Errorf("%s: suppressed %+v, reason %q", name, r.Suppressed, r.Reason)
		}
		if r.Suppressed != nil && (r.Suppressed.By != "vex" || r.Suppressed.ID == "" || r.Suppressed.Author == "" || r.Suppressed.Reason == "") {
			t.Errorf("%s: %+v", name, r.Suppressed)
		}
	}
}

// TestStatementOfAnAdvisory: suppliers of libraries name what GitHub calls it.
func TestStatementOfAnAdvisory(t *testing.T) {
	w := world{
		records:    []advisory.Record{record("GHSA-x", "CVE-2026-1", advisory.Affected{Ecosystem: "npm", Package: "left-pad", Ranges: []advisory.Range{{Fixed: "2.0.0"}}})},
		statements: []advisory.Statement{{Vulnerability: "GHSA-x", Product: "pkg:npm/left-pad@1.0.0", Status: advisory.StatedNotAffected, Justification: "x", Source: "d", Author: "a"}},
	}
	s := hosttest.Parse(t, web).Add(telemetry.SensorLibraries, &telemetry.Library{Ecosystem: "npm", Name: "left-pad", Version: "1.0.0", Path: "/srv/a/package.json"})
	if r := of(evaluate(t, w.pkg(t), s), library, rules.Failed); len(r) != 1 || r[0].Suppressed == nil {
		t.Errorf("%+v", r)
	}
}

// TestSuppressedIsNoFinding, and stays in the results.
func TestSuppressedIsNoFinding(t *testing.T) {
	w := curl()
	w.statements = []advisory.Statement{{Vulnerability: "CVE-2026-1", Product: "pkg:deb/debian/curl", Status: advisory.StatedNotAffected, Justification: "x"}}
	findings, _ := rules.Derive(cve.Package{}.Describe(), rules.Subject{Key: []byte("k")}, evaluate(t, w.pkg(t), hosttest.Parse(t, web)))
	for _, f := range findings {
		if f.Title != inspector.TitleNoIssues {
			t.Errorf("%+v", f)
		}
	}
}
