package cli

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"assay/internal/inspector"
)

// vulnerability is a finding about one, as the rules package makes them.
func vulnerability(severity inspector.Severity, pkg, cve string, priority int, fixed, why string) finding {
	f := finding{
		Severity: severity, Agent: "i-1", Host: "web-1", Package: "cve", Rule: "vulnerable-package", Title: "Instance i-1 is vulnerable to " + cve,
		Recommendation: "Install " + pkg + " " + fixed + " or later: apt-get install --only-upgrade " + pkg + ".",
		Evidence:       []inspector.Evidence{{Sensor: "packages", Record: "package:dpkg/" + pkg, Found: pkg + " 1.0-1", Expected: fixed + " or later"}},
		Attributes: map[string]string{"CVE_ID": cve, "SOURCE_PACKAGE": pkg, "package_name": pkg + "-bin", "package_version": "1.0-1", "ECOSYSTEM": "Debian:12",
			"PRIORITY": fmt.Sprint(priority), "WHY_FIRST": why, "FIXED_VERSION": fixed},
	}
	return f
}

// TestVulnerabilitiesPrinted: one entry a package, the worst first, with what all of
// its vulnerabilities need; and before everything what to mend first.
func TestVulnerabilitiesPrinted(t *testing.T) {
	o := newOutcome()
	o.Hosts, o.Counts = 1, map[string]int64{"High": 22, "Medium": 4, "Low": 1, "Informational": 1}
	o.Findings = []finding{
		vulnerability(inspector.Low, "curl", "CVE-2026-9", 60, "1.0-1+deb12u1", "installed"),
		vulnerability(inspector.Medium, "openssl", "CVE-2026-1", 430, "1.0-1+deb12u9", "loaded by nginx (pid 2)"),
		vulnerability(inspector.High, "openssl", "CVE-2026-2", 500, "1.0-1+deb12u10", "loaded by nginx (pid 2)"),
		vulnerability(inspector.Medium, "openssh", "CVE-2026-3", 780, "1.0-1+deb12u2", "exploited in the wild (KEV, due 2026-09-01); loaded by sshd (pid 811), which listens on tcp 0.0.0.0:22"),
		{Severity: inspector.High, Agent: "i-1", Host: "web-1", Package: "practices", Rule: "root-login-over-ssh", Title: "Root may log in", Recommendation: "Set it. Reload."},
	}
	for n := range 20 {
		o.Findings = append(o.Findings, vulnerability(inspector.High, "linux", fmt.Sprintf("CVE-2025-%d", n), 400, "6.1-1", "it is the running kernel"))
	}
	unfixed := vulnerability(inspector.Medium, "openssl", "CVE-2026-4", 150, "", "no fix: will not fix")
	unfixed.Evidence[0].Expected = ""
	unfixed.Rule, unfixed.Recommendation = "unfixed-vulnerability", "There is nothing to install yet."
	contained := vulnerability(inspector.Medium, "openssl", "CVE-2026-1", 330, "1.0-1+deb12u9", "in a container")
	contained.Rule, contained.Attributes["CONTAINER"] = "vulnerable-container", "shop:1"
	kernel := vulnerability(inspector.Informational, "linux", "", 0, "", "")
	delete(kernel.Attributes, "PRIORITY")
	kernel.Title = "Instance i-1 has a vulnerable kernel installed that does not run: linux 6.0"
	o.Findings = append(o.Findings, unfixed, contained, kernel)
	var out bytes.Buffer
	o.print(&out)
	golden(t, "vulnerabilities.golden", out.String())
	if n := strings.Count(out.String(), "\n"); n > 60 {
		t.Errorf("%d lines for 7 packages", n)
	}
}

// TestVulnerabilityExplained: all that is known of it.
func TestVulnerabilityExplained(t *testing.T) {
	var out bytes.Buffer
	c := Command{Stdout: &out}
	c.printExplanation(vulnerability(inspector.High, "openssl", "CVE-2026-2", 500, "1.0-1+deb12u10", "loaded by nginx (pid 2)"))
	golden(t, "vulnerability.golden", out.String())
}

// TestFixableOnly: -fixable leaves out what has no fix, and nothing else.
func TestFixableOnly(t *testing.T) {
	open, fixed := vulnerability(inspector.High, "vim", "CVE-2026-1", 400, "", ""), vulnerability(inspector.Low, "curl", "CVE-2026-2", 60, "2", "")
	open.Attributes["STATUS"], fixed.Attributes["STATUS"] = "will not fix", "fixed"
	o := newOutcome()
	o.Findings = []finding{open, fixed, {Severity: inspector.Medium, Package: "practices", Title: "Root may log in"}}
	o.leaveOut(unfixable)
	if got := o.found(); got != "1 Medium, 1 Low" || len(o.Findings) != 2 {
		t.Errorf("%s: %+v", got, o.Findings)
	}
}
