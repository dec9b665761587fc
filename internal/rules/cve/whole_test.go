package cve_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/host/hosttest"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

var update = flag.Bool("update", false, "write the golden files")

// whole is a host on which every rule has something to say, and what is published.
func whole(t testing.TB) (world, *hosttest.Snapshot) {
	t.Helper()
	boot := now.Add(-1000 * time.Hour)
	s := running(t, "6.1.0-18-amd64", "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)").
		Add(telemetry.SensorPackages,
			dpkg("linux-image-6.1.0-18-amd64", "6.1.90-1", "linux-signed-amd64", "6.1.90+1"),
			dpkg("linux-image-6.1.0-13-amd64", "6.1.55-1", "linux-signed-amd64", "6.1.55+1"),
			dpkg("linux-libc-dev", "6.1.90-1", "linux", "6.1.90-1"),
			dpkg("openssh-server", "1:9.2p1-2+deb12u1", "openssh", "1:9.2p1-2+deb12u1"),
			dpkg("openssh-client", "1:9.2p1-2+deb12u1", "openssh", "1:9.2p1-2+deb12u1"),
			dpkg("libssl3", "3.0.14-1~deb12u1", "openssl", "3.0.14-1~deb12u1"),
			dpkg("vim", "2:9.0.1378-2", "vim", "2:9.0.1378-2"),
			dpkg("bash", "5.2.15-2+b2", "bash", "5.2.15-2"),
			dpkg("python3-urllib3", "1.26.12-1", "python-urllib3", "1.26.12-1")).
		Add(telemetry.SensorLibraries,
			&telemetry.Library{Ecosystem: "PyPI", Name: "requests", Version: "2.25.0", Path: "/srv/app/lib/requests-2.25.0.dist-info/METADATA"},
			&telemetry.Library{Ecosystem: "PyPI", Name: "requests", Version: "2.25.0", Path: "/srv/other/lib/requests-2.25.0.dist-info/METADATA"},
			&telemetry.Library{Ecosystem: "PyPI", Name: "urllib3", Version: "1.26.12", Path: "/usr/lib/python3/dist-packages/urllib3-1.26.12.egg-info/PKG-INFO", Package: "python3-urllib3"}).
		Add(telemetry.SensorContainers,
			&telemetry.Container{ID: strings.Repeat("a1", 32), Runtime: "docker", Name: "shop", Image: "shop:1.2", MountNS: 7, PID: 900, OS: "debian", OSVersion: "12"},
			&telemetry.Package{Manager: "dpkg", Name: "libssl3", Version: "3.0.11-1~deb12u1", Arch: "amd64", Source: "openssl", SourceVersion: "3.0.11-1~deb12u1", Status: "installed", Container: strings.Repeat("a1", 32)}).
		Add(telemetry.SensorProcesses,
			&telemetry.Object{ID: 1, Path: "/usr/lib/x86_64-linux-gnu/libssl.so.3", Package: "libssl3:amd64", Deleted: true},
			&telemetry.Process{PID: 811, Parent: 1, Name: "sshd", Exe: "/usr/sbin/sshd", Package: "openssh-server:amd64", Started: 2000},
			&telemetry.Process{PID: 820, Parent: 1, Name: "nginx", Exe: "/opt/nginx", Started: 2000, Objects: []int{1}}).
		Add(telemetry.SensorSockets,
			&telemetry.Socket{Protocol: "tcp", Family: 4, State: "listen", Local: "0.0.0.0", LocalPort: 22, Owners: []telemetry.Owner{{PID: 811, Name: "sshd"}}},
			&telemetry.Socket{Protocol: "tcp", Family: 4, State: "listen", Local: "127.0.0.1", LocalPort: 8080, Owners: []telemetry.Owner{{PID: 820, Name: "nginx"}}})
	ssl := deb("DSA-5-1", "CVE-2026-5", "openssl", "3.0.14-1~deb12u1")
	ssl.Published = boot.Add(100 * time.Hour)
	before := deb("DSA-4-1", "CVE-2026-4", "openssl", "3.0.11-1~deb12u1")
	before.Published = boot.Add(-100 * time.Hour)
	ssh := deb("DSA-2-1", "CVE-2026-2 CVE-2026-3", "openssh", "1:9.2p1-2+deb12u7")
	ssh.Severity, ssh.Summary, ssh.References = advisory.High, "openssh - security update", []string{"https://example.org/DSA-2-1"}
	return world{
		records: []advisory.Record{
			ssh, ssl, before, deb("DSA-8-1", "CVE-2026-11", "python-urllib3", "1.0-1"), deb("DSA-1-1", "CVE-2026-1", "linux", "6.1.90-1"), deb("DSA-9-1", "CVE-2026-9", "linux", "6.1.99-1"),
			open("CVE-2026-6", "vim", advisory.WontFix, "Minor issue"), open("CVE-2026-7", "vim", advisory.NotUrgent, ""),
			record("GHSA-x", "CVE-2026-8", advisory.Affected{Ecosystem: "PyPI", Package: "requests", Status: advisory.Fixed, Ranges: []advisory.Range{{Introduced: "2.1.0", Fixed: "2.31.0"}}}),
			record("GHSA-y", "CVE-2026-10", advisory.Affected{Ecosystem: "PyPI", Package: "urllib3", Status: advisory.Fixed, Ranges: []advisory.Range{{Fixed: "2"}}}),
		},
		facts: []advisory.Fact{
			{ID: "CVE-2026-2", Summary: "A race in sshd lets anybody in", CVSS: []string{"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H", "AV:N/AC:L/Au:N/C:N/I:N/A:P"},
				EPSS: 0.42, EPSSRank: 0.97, References: []string{"https://example.org/CVE-2026-2"},
				Exploited: &advisory.Exploited{Added: now.Add(-240 * time.Hour), Due: now.Add(240 * time.Hour), Ransomware: true}},
			{ID: "CVE-2026-8", Summary: "Headers leak", CVSS: []string{"CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:C/C:H/I:N/A:N"}},
		},
	}, s
}

// TestTranscript: everything that is said of a host, as golden text.
func TestTranscript(t *testing.T) {
	w, s := whole(t)
	results := evaluate(t, w.pkg(t), s)
	var b bytes.Buffer
	for _, r := range results {
		fmt.Fprintf(&b, "%s: %s %s\n", r.Rule, r.Verdict, r.Subject)
		line := func(name, text string) {
			if text != "" {
				fmt.Fprintf(&b, "    %s: %s\n", name, text)
			}
		}
		line("title", r.Title)
		line("severity", string(r.Severity))
		line("reason", strings.ReplaceAll(r.Reason, "\n", "\n        "))
		line("remedy", r.Remedy)
		for _, a := range r.Attributes {
			if a.Value != "" {
				line(a.Key, a.Value)
			}
		}
		for _, e := range r.Evidence {
			line("evidence", e.Sensor+" "+e.Record+": "+e.String())
		}
	}
	// What a set is called by is made of its bytes, which are the index's business.
	got := regexp.MustCompile(`(set:|advisories )([0-9a-f]{64}|[0-9a-f]{12}\b)`).ReplaceAllString(b.String(), "${1}HASH")
	const path = "testdata/whole.golden"
	if *update {
		must(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestWhatFindingsKeepTo: the API's bounds, and what consumers match.
func TestWhatFindingsKeepTo(t *testing.T) {
	w, s := whole(t)
	findings, _ := rules.Derive(w.pkg(t).Describe(), rules.Subject{Key: []byte("k"), Agent: inspector.Asset{Agent: "i-1"}}, evaluate(t, w.pkg(t), s))
	for _, f := range findings {
		if len(f.Attributes) > 50 || f.Recommendation == "" || f.Severity == "" || len(f.Evidence) == 0 {
			t.Errorf("%+v", f)
		}
		keys := map[string]bool{}
		for _, a := range f.Attributes {
			if keys[a.Key] {
				t.Errorf("%s comes twice", a.Key)
			}
			keys[a.Key] = true
		}
		if id, ok := strings.CutPrefix(f.Title, "Instance i-1 is vulnerable to "); ok && (id != f.FindingID || !keys["CVE_ID"] || !keys["package_name"] || !keys["PRIORITY"]) {
			t.Errorf("%s: %+v", f.Title, f.Attributes)
		}
	}
}

// TestFindingsAreStable: the same in whatever order the telemetry comes, and under
// another version that is not fixed either.
func TestFindingsAreStable(t *testing.T) {
	w, s := whole(t)
	p := w.pkg(t)
	ids := func(s *hosttest.Snapshot) (all []string) {
		findings, _ := rules.Derive(p.Describe(), rules.Subject{Key: []byte("k")}, evaluate(t, p, s))
		for _, f := range findings {
			all = append(all, f.ID+" "+f.Rule+" "+f.Subject)
		}
		slices.SortFunc(all, cmp.Compare)
		return all
	}
	before := ids(s)
	moved := s.Absent("package:dpkg/openssh-server").Absent("package:dpkg/openssh-client").Add(telemetry.SensorPackages,
		dpkg("openssh-client", "1:9.2p1-2+deb12u5", "openssh", "1:9.2p1-2+deb12u5"), dpkg("openssh-server", "1:9.2p1-2+deb12u5", "openssh", "1:9.2p1-2+deb12u5"))
	if diff := gocmp.Diff(before, ids(moved)); diff != "" {
		t.Error(diff)
	}
}
