package report

import (
	"fmt"
	"iter"
	"strings"
	"time"

	"assay/internal/inspector"
)

var (
	scope = inspector.Scope{Region: "eu-central-1", Account: "210987654321"}
	noon  = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
)

func all[T any](items ...T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// empty is a run without hosts, packages or findings.
func empty(kind inspector.ReportType) Report {
	run := inspector.Run{ID: "0-RRRRRRRR", Target: "0-TTTTTTTT", Template: "0-PPPPPPPP", Name: "Weekly-2026-11-20", State: inspector.Completed,
		Duration: time.Hour, CreatedAt: noon, StartedAt: noon.Add(2 * time.Second), CompletedAt: noon.Add(7*time.Minute + 31*time.Second)}
	return Report{
		Type: kind, Service: "Assay 1.2.0", Made: noon.Add(time.Hour), Run: run,
		RunARN: scope.Run(run.Target, run.Template, run.ID).String(),
		Target: "Web servers of production", TargetARN: scope.Target(run.Target).String(),
		Template: "Weekly", TemplateARN: scope.Template(run.Target, run.Template).String(),
	}
}

// one is a run with a single host and finding.
func one(kind inspector.ReportType) Report {
	r := empty(kind)
	r.Hosts = 1
	r.Run.FindingCounts = map[inspector.Severity]int64{inspector.Medium: 1}
	p := practices(map[inspector.Severity]int64{inspector.Medium: 1})
	p.Rules = []Rule{{"root-login-over-ssh", "Disable root login over SSH", inspector.Medium, map[string]int64{"failed": 1}}}
	r.Packages = []Package{p}
	r.Verdicts = map[string]int64{"failed": 1}
	r.AllHosts = all(host(0))
	r.Groups = all(Group{inspector.PackagePractices, inspector.Medium, "Disable root login over SSH", 1, 1, all(rootLogin(0))})
	r.Results = all(Results{hostID(0), "web-0.example.com", inspector.PackagePractices, noon, []Verdict{
		{"root-login-over-ssh", "", "failed", "The SSH server allows root to log in.", ""}}})
	return r
}

func practices(counts map[inspector.Severity]int64) Package {
	return Package{ID: inspector.PackagePractices, Name: "Security Best Practices", ARN: scope.PackageARN(inspector.PackagePractices).String(),
		Versions: []string{"1.4"}, Text: "Whether hosts are configured as is generally held to be safe: logging in over SSH, passwords, the kernel's protections, who may write where.", Counts: counts}
}

func hostID(i int) string { return fmt.Sprintf("i-%017x", 0x0a1b2c3d4e5f+i) }

func host(i int) Host {
	return Host{ID: hostID(i), Name: fmt.Sprintf("web-%d.example.com", i), OS: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0-26-amd64", Agent: "1.2.0",
		Addresses: []string{fmt.Sprintf("192.0.2.%d", i+1)}, Health: "HEALTHY", Collection: "complete", Findings: map[inspector.Severity]int64{inspector.Medium: 1}}
}

func rootLogin(i int) inspector.Finding {
	return inspector.Finding{
		ID: "0-abcdefgh", Agent: hostID(i), Package: inspector.PackagePractices, Rule: "root-login-over-ssh", FindingID: "Disable root login over SSH",
		Title:          fmt.Sprintf("Instance %s is configured to allow users to log in with root credentials over SSH", hostID(i)),
		Description:    "The SSH server allows root to log in.\n\nRoot is a name that every attacker knows. Who may log in as root over the network can be tried for as long as it takes, and nothing tells afterwards who it was.",
		Recommendation: "Set \"PermitRootLogin no\" in /etc/ssh/sshd_config, and reload the server with systemctl reload ssh.",
		Severity:       inspector.Medium, Asset: inspector.Asset{Agent: hostID(i), Hostname: fmt.Sprintf("web-%d.example.com", i)},
		Evidence: []inspector.Evidence{{Sensor: "config", Record: "text:/etc/ssh/sshd_config", File: "/etc/ssh/sshd_config", Line: 33, Found: "PermitRootLogin yes", Expected: "no"}},
	}
}

// large is a run with all that a report can tell: five packages, several hosts,
// long and foreign texts.
func large(kind inspector.ReportType) Report {
	r := empty(kind)
	r.Run.State, r.Run.Name = inspector.CompletedWithErrors, "Weekly assessment of the web servers, 2026-11-20"
	r.Run.Attributes = []inspector.Attribute{{Key: "team", Value: "platform"}, {Key: "ticket", Value: "SEC-1234"}}
	r.Run.FindingCounts = map[inspector.Severity]int64{inspector.High: 36, inspector.Medium: 14, inspector.Low: 6, inspector.Informational: 2}
	r.Hosts, r.Unassessed, r.Exclusions = 13, 1, 2
	r.Verdicts = map[string]int64{"failed": 58, "passed": 1834, "not applicable": 220, "not evaluated": 14}
	cve := Package{ID: inspector.PackageCVE, Name: "Common Vulnerabilities and Exposures", ARN: scope.PackageARN(inspector.PackageCVE).String(), Versions: []string{"2026-11-19", "2026-11-20"},
		Text: "Whether installed software has known vulnerabilities.", Counts: map[inspector.Severity]int64{inspector.High: 36, inspector.Low: 6}}
	cve.Rules = []Rule{{"CVE-2024-6387", "CVE-2024-6387", inspector.High, map[string]int64{"failed": 12, "passed": 1}}}
	p := practices(map[inspector.Severity]int64{inspector.Medium: 14})
	for i := range 40 {
		p.Rules = append(p.Rules, Rule{fmt.Sprintf("rule-%d", i), fmt.Sprintf("Check number %d of those that are generally held to be worth the trouble", i), inspector.Medium,
			map[string]int64{"passed": int64(i), "failed": 2, "not evaluated": 1}})
	}
	other := func(id inspector.PackageID, name string, n int64) Package {
		return Package{ID: id, Name: name, ARN: scope.PackageARN(id).String(), Versions: []string{"1.0"}, Counts: map[inspector.Severity]int64{inspector.Informational: n}}
	}
	r.Packages = []Package{cve, other(inspector.PackageCIS, "CIS Operating System Security Configuration Benchmarks", 1), p,
		other(inspector.PackageBehavior, "Runtime Behavior Analysis", 1), other(inspector.PackageReachability, "Network Reachability", 0)}
	var hosts []Host
	for i := range 13 {
		h := host(i)
		if i%4 == 3 {
			h.Coverage = []Missed{{"files", "/srv/data", "denied", "the agent may not read /srv/data/customers/0001/confidential/archive-2026-10-31.tar.zst"}}
		}
		hosts = append(hosts, h)
	}
	hosts[12].Health, hosts[12].Collection, hosts[12].Detail, hosts[12].Findings = "UNHEALTHY", "failed", "The agent was not heard of for ten minutes.", nil
	r.AllHosts = all(hosts...)
	group := func(g Group, make func(int) inspector.Finding) Group {
		var found []inspector.Finding
		for i := range int(g.Count) {
			found = append(found, make(i))
		}
		g.Findings = all(found...)
		return g
	}
	var groups []Group
	for n, id := range []string{"CVE-2024-6387", "CVE-2024-3094", "CVE-2023-38408"} {
		groups = append(groups, group(Group{Package: inspector.PackageCVE, Severity: inspector.High, ID: id, Count: 12, Hosts: 12}, func(i int) inspector.Finding {
			f := rootLogin(i)
			f.FindingID, f.Title = id, fmt.Sprintf("Instance %s is vulnerable to %s", hostID(i), id)
			f.Description = "The installed version is older than the one that repairs it.\n\n" + strings.Repeat("A race in the handler of a signal lets somebody who has not logged in run code as root. ", n+2)
			f.Recommendation = "Update the package openssh-server with apt-get install --only-upgrade openssh-server."
			f.Evidence = []inspector.Evidence{{Sensor: "packages", Record: "package:dpkg:openssh-server", Found: "openssh-server 1:9.2p1-2+deb12u2", Expected: "1:9.2p1-2+deb12u3 or later"}}
			return f
		}))
	}
	groups = append(groups, group(Group{Package: inspector.PackagePractices, Severity: inspector.Medium, ID: "Disable root login over SSH", Count: 12, Hosts: 12}, rootLogin))
	groups = append(groups, group(Group{Package: inspector.PackagePractices, Severity: inspector.Medium, ID: "Ограничение прав на файлы — " + strings.Repeat("a long name of a rule that goes on and on ", 4), Count: 2, Hosts: 1}, hostile))
	r.Groups = all(groups...)
	r.AllExclusions = all(
		inspector.Exclusion{Title: "Agent unhealthy", Description: "The agent of the host " + hostID(12) + " was not heard of. What it had not sent by then was not checked.",
			Recommendation: "See with `assay-agent status` on the host whether the agent runs and reaches the service, then assess again.", Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: hostID(12)}}},
		inspector.Exclusion{Title: "Rules not evaluated on one host", Description: "Not all rules of Security Best Practices gave a verdict on the host:\n- Restrict who may write: a folder could not be read\n- Enable ASLR: the kernel's parameters were not collected",
			Recommendation: "Let the agent read the folder.", Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: hostID(3)}, {Type: inspector.ScopeRulesPackage, Value: p.ARN}}})
	var results []Results
	for i := range 3 {
		res := Results{hostID(i), fmt.Sprintf("web-%d.example.com", i), inspector.PackagePractices, noon.Add(6 * time.Minute), nil}
		for j := range 40 {
			v := Verdict{fmt.Sprintf("rule-%d", j), "", []string{"passed", "failed", "not applicable", "not evaluated", "error"}[j%5], "The file /etc/login.defs says PASS_MAX_DAYS 90.", ""}
			if j%5 == 3 {
				v.Reason, v.Remedy = "The folder /srv/data could not be read.", "Let the agent read it."
			}
			res.Verdicts = append(res.Verdicts, v)
		}
		results = append(results, res)
	}
	r.Results = all(results...)
	return r
}

// hostile is a finding with what a host can put into it.
func hostile(i int) inspector.Finding {
	f := rootLogin(i)
	f.Subject = "/srv/" + strings.Repeat("very-long-folder-name/", 12) + "file"
	f.Description = "<script>alert(1)</script> \x1b[31mred\x07 \u202Eexe.gpj\u202C 漢字かな \xff\xfe end.\n\nWhat <b>is</b> so & why: дом, Ελλάδα, naïve, 😀."
	f.Evidence = []inspector.Evidence{
		{Record: "file", File: "/tmp/\"><img src=x onerror=alert(1)>", Found: strings.Repeat("deadbeef", 40), Expected: "a\x00b"},
		{Record: "process:) Tj ET (", Found: "line one\nline two\ttabbed\r\nline three"},
	}
	return f
}
