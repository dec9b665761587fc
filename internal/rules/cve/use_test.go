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

// TestRuntimeState: what the most used of a source's binaries is.
func TestRuntimeState(t *testing.T) {
	p := world{records: []advisory.Record{deb("DSA-1-1", "CVE-2026-1", "openssh", "2")}}.pkg(t)
	base := hosttest.Parse(t, "system debian 12").Add(telemetry.SensorPackages, dpkg("openssh-client", "1", "openssh", "1"), dpkg("openssh-server", "1", "openssh", "1"))
	sshd := &telemetry.Process{PID: 811, Name: "sshd", Exe: "/usr/sbin/sshd", Package: "openssh-server:amd64"}
	runs := base.Add(telemetry.SensorProcesses, sshd)
	listen := func(address string) *hosttest.Snapshot {
		return runs.Add(telemetry.SensorSockets, &telemetry.Socket{Protocol: "tcp", Family: 4, State: "listen", Local: address, LocalPort: 22, Owners: []telemetry.Owner{{PID: 811, Name: "sshd"}}})
	}
	last := -1
	for _, test := range []struct {
		s          *hosttest.Snapshot
		state, pkg string
	}{
		{base, "installed", "openssh-client"}, {base.Dropped(telemetry.SensorProcesses), "unknown", "openssh-client"}, {runs, "loaded", "openssh-server"},
		{listen("127.0.0.1"), "listening", "openssh-server"}, {listen("0.0.0.0"), "exposed", "openssh-server"},
	} {
		failed := of(evaluate(t, p, test.s), fixable, rules.Failed)
		if len(failed) != 1 || attr(failed[0], "RUNTIME_STATE") != test.state || attr(failed[0], "package_name") != test.pkg {
			t.Errorf("%s: %+v", test.state, failed)
			continue
		}
		n := 0
		for _, c := range attr(failed[0], "PRIORITY") {
			n = 10*n + int(c-'0')
		}
		if n <= last {
			t.Errorf("%s: the priority %d is not above %d", test.state, n, last)
		}
		last = n
	}
}

// TestOldCodeWithoutAnAdvisory: what runs old code is a finding all the same.
func TestOldCodeWithoutAnAdvisory(t *testing.T) {
	s := running(t, "", "").Add(telemetry.SensorPackages, dpkg("libfoo1", "2", "foo", "2")).Add(telemetry.SensorProcesses,
		&telemetry.Object{ID: 1, Path: "/usr/lib/libfoo.so.1", Package: "libfoo1:amd64", Deleted: true}, &telemetry.Process{PID: 7, Name: "food", Exe: "/usr/sbin/food", Objects: []int{1}})
	r := of(evaluate(t, curl().pkg(t), s), restart, rules.Failed)
	if len(r) != 1 || r[0].Subject != "libfoo1" || r[0].Severity != inspector.Low || !strings.Contains(r[0].Remedy, "food (pid 7)") {
		t.Errorf("%+v", r)
	}
	// Whether there is more is not known without the processes.
	if n := of(evaluate(t, curl().pkg(t), s.Dropped(telemetry.SensorProcesses)), restart, rules.NotEvaluated); len(n) != 1 {
		t.Errorf("%+v", n)
	}
	image := hosttest.Parse(t, "system debian 12 image\npackage dpkg curl 1\n")
	for _, rule := range []string{restart, contain} {
		if n := of(evaluate(t, curl().pkg(t), image), rule, rules.NotApplicable); len(n) != 1 {
			t.Errorf("%s of an image: %+v", rule, n)
		}
	}
}

// TestLibraries: those of distributions are their vendors' business, others are not.
func TestLibraries(t *testing.T) {
	p := world{records: []advisory.Record{
		record("GHSA-1", "CVE-2026-1", advisory.Affected{Ecosystem: "PyPI", Package: "requests", Ranges: []advisory.Range{{Fixed: "2.31.0"}}}),
		record("GO-1", "", advisory.Affected{Ecosystem: "Go", Package: "golang.org/x/net", Ranges: []advisory.Range{{Introduced: "0", Fixed: "0.17.0"}}}),
		deb("DSA-1-1", "CVE-2026-9", "bash", "1"), deb("DSA-2-1", "CVE-2026-8", "python-requests", "1"),
	}}.pkg(t)
	host := hosttest.Parse(t, "system debian 12\npackage dpkg bash 5\n").Add(telemetry.SensorPackages,
		dpkg("python3-requests", "2.25.0-1", "python-requests", "2.25.0-1"), dpkg("searchd", "8.1", "searchd", "8.1"))
	lib := func(ecosystem, name, version, path, owner string) *telemetry.Library {
		return &telemetry.Library{Ecosystem: ecosystem, Name: name, Version: version, Path: path, Package: owner}
	}
	for name, test := range map[string]struct {
		library *telemetry.Library
		want    string // findings; or what is in the reasons for not evaluating
	}{
		"an application's": {lib("PyPI", "requests", "2.25.0", "/srv/app/METADATA", ""), "CVE-2026-1/PyPI:requests"},
		"another spelling": {lib("PyPI", "Requests", "2.25.0", "/srv/app/METADATA", ""), "CVE-2026-1/PyPI:Requests"},
		"fixed":            {lib("PyPI", "requests", "2.31.0", "/srv/app/METADATA", ""), ""},
		"a distribution's": {lib("PyPI", "requests", "2.25.0", "/usr/lib/python3/METADATA", "python3-requests"), ""},
		"of a package that the distribution has never published about": {lib("PyPI", "requests", "2.25.0", "/usr/share/searchd/METADATA", "searchd"), "CVE-2026-1/PyPI:requests"},
		"of a package that is not known":                               {lib("PyPI", "requests", "2.25.0", "/usr/lib/python3/METADATA", "gone:amd64"), "!1 library of packages of the system that are not among those that are known: requests of gone:amd64"},
		"of somebody's package":                                        {lib("PyPI", "requests", "2.25.0", "/opt/tool/METADATA", "tool"), "CVE-2026-1/PyPI:requests"},
		"without a CVE":                                                {lib("Go", "golang.org/x/net", "v0.5.0", "/srv/app/server", ""), "GO-1/Go:golang.org/x/net"},
		"of an ecosystem not there":                                    {lib("npm", "left-pad", "1.0.0", "/srv/app/package.json", ""), "!not compared, since there are no advisories of npm: 1 component (left-pad)"},
		"with a version that is none":                                  {lib("PyPI", "requests", "unknown!", "/srv/app/METADATA", ""), "!requests unknown! was not compared"},
	} {
		results := evaluate(t, p, host.Add(telemetry.SensorLibraries, test.library))
		if want, not := strings.CutPrefix(test.want, "!"); not {
			if got := reasons(results, library, rules.NotEvaluated); !strings.Contains(got, want) {
				t.Errorf("%s: %q", name, got)
			}
		} else if got := found(results, library); got != want || len(of(results, library, rules.NotEvaluated)) > 0 {
			t.Errorf("%s: %q; %+v", name, got, of(results, library, rules.NotEvaluated))
		}
	}
}

// TestLibrariesOfOtherVendors: whose package says that it is another's, has libraries
// that the system's vendor knows nothing of.
func TestLibrariesOfOtherVendors(t *testing.T) {
	p := world{records: []advisory.Record{
		record("GHSA-1", "CVE-2021-44228", advisory.Affected{Ecosystem: "Maven", Package: "org.apache.logging.log4j:log4j-core", Ranges: []advisory.Range{{Introduced: "2.0", Fixed: "2.15.0"}}}),
		record("ALSA-1", "CVE-2026-1", advisory.Affected{Ecosystem: "AlmaLinux:9", Package: "else", Ranges: []advisory.Range{{Fixed: "9"}}}),
	}}.pkg(t)
	for vendor, want := range map[string]string{"Elasticsearch": "CVE-2021-44228/Maven:org.apache.logging.log4j:log4j-core", "AlmaLinux": "", "": ""} {
		s := hosttest.Parse(t, "system almalinux 9.4").
			Add(telemetry.SensorPackages, &telemetry.Package{Manager: "rpm", Name: "elasticsearch", Version: "7.10-1", Arch: "x86_64", Source: "elasticsearch", SourceVersion: "7.10-1", Vendor: vendor}).
			Add(telemetry.SensorLibraries, &telemetry.Library{Ecosystem: "Maven", Name: "org.apache.logging.log4j:log4j-core", Version: "2.11.1", Path: "/usr/share/elasticsearch/lib/log4j-core-2.11.1.jar", Package: "elasticsearch"})
		results := evaluate(t, p, s)
		if got := found(results, library); got != want {
			t.Errorf("%q: %q", vendor, got)
		}
		if r := of(results, library, rules.Failed); want != "" && (len(r) != 1 || !strings.Contains(r[0].Reason, "It is of the package elasticsearch, which is of another vendor")) {
			t.Errorf("%+v", r)
		}
	}
}

// TestContainers: of one image one finding; another system than the host's.
func TestContainers(t *testing.T) {
	p := world{records: []advisory.Record{record("A", "CVE-2026-1", advisory.Affected{Ecosystem: "Alpine:v3.20", Package: "openssl", Ranges: []advisory.Range{{Fixed: "3.3.1-r1"}}}), deb("DSA-1-1", "CVE-2026-2", "openssl", "99")}}.pkg(t)
	a, b, c := strings.Repeat("a", 64), strings.Repeat("b", 64), strings.Repeat("c", 64)
	pkg := func(id, version string) *telemetry.Package {
		return &telemetry.Package{Manager: "apk", Name: "libssl3", Version: version, Source: "openssl", SourceVersion: version, Container: id}
	}
	in := func(id, image string) *telemetry.Container {
		return &telemetry.Container{ID: id, Image: image, OS: "alpine", OSVersion: "3.20.1"}
	}
	s := hosttest.Parse(t, "system debian 12\npackage dpkg openssl 100\n").Add(telemetry.SensorContainers,
		in(a, "shop"), in(b, "shop"), in(c, "other"), pkg(a, "3.3.0-r2"), pkg(b, "3.3.0-r2"), pkg(c, "3.3.1-r1"), &telemetry.Container{ID: strings.Repeat("d", 64)})
	results := evaluate(t, p, s)
	failed := of(results, contain, rules.Failed)
	if len(failed) != 1 || failed[0].Subject != "CVE-2026-1/openssl/in/shop" || attr(failed[0], "CONTAINERS") != "aaaaaaaaaaaa, bbbbbbbbbbbb" || found(results, fixable) != "" {
		t.Errorf("%+v", failed)
	}
	if n := of(results, contain, rules.NotEvaluated); len(n) != 0 {
		t.Errorf("one that has no system: %+v", n)
	}
	unknown := s.Add(telemetry.SensorContainers, &telemetry.Container{ID: strings.Repeat("e", 64), Image: "odd", OS: "plan9"})
	if got := reasons(evaluate(t, p, unknown), contain, rules.NotEvaluated); !strings.Contains(got, "the packages of the container odd were not compared") {
		t.Error(got)
	}
	if got := evaluate(t, p, s.Dropped(telemetry.SensorContainers)); len(of(got, contain, rules.NotEvaluated)) == 0 || len(of(got, fixable, rules.Passed)) != 1 {
		t.Errorf("%+v", got)
	}
}

// TestUbuntuPro: a fix for subscribers only is called so.
func TestUbuntuPro(t *testing.T) {
	row := func(ecosystem string, r advisory.Range) advisory.Affected {
		return advisory.Affected{Ecosystem: ecosystem, Package: "vim", Status: advisory.AffectedNow, Ranges: []advisory.Range{r}}
	}
	p := world{records: []advisory.Record{
		record("UBUNTU-CVE-2026-1", "CVE-2026-1", row("Ubuntu:22.04:LTS", advisory.Range{Introduced: "0"})),
		record("UBUNTU-CVE-2026-1", "CVE-2026-1", row("Ubuntu:Pro:22.04:LTS", advisory.Range{Introduced: "0", Fixed: "2:8.2-1esm2"})),
	}}.pkg(t)
	for version, want := range map[string]string{"2:8.2-1": "CVE-2026-1/vim", "2:8.2-1esm1": "CVE-2026-1/vim", "2:8.2-1esm2": ""} {
		results := evaluate(t, p, hosttest.Parse(t, "system ubuntu 22.04\npackage dpkg vim "+version))
		if got := found(results, unfixed); got != want {
			t.Errorf("%s: %q", version, got)
		}
		if want == "" {
			continue
		}
		if r := of(results, unfixed, rules.Failed)[0]; attr(r, "FIXED_VERSION_UBUNTU_PRO") != "2:8.2-1esm2" || !strings.Contains(r.Remedy, "Attach the host to Ubuntu Pro") {
			t.Errorf("%+v", r)
		}
	}
}

// TestDistributionOfSeveralRepositories: Red Hat's are below the release.
func TestDistributionOfSeveralRepositories(t *testing.T) {
	row := func(ecosystem, name, arch, fixed string) advisory.Affected {
		return advisory.Affected{Ecosystem: ecosystem, Package: name, Arch: arch, Ranges: []advisory.Range{{Introduced: "0", Fixed: fixed}}}
	}
	p := world{records: []advisory.Record{
		record("RHSA-1", "CVE-2026-1", row("Red Hat:enterprise_linux:9::baseos", "openssl-libs", "x86_64", "1:3.0.7-27.el9")),
		record("RHSA-2", "CVE-2026-2", row("Red Hat:enterprise_linux:9::appstream", "openssl-devel", "x86_64", "1:3.0.7-27.el9")),
		record("CVE-2026-3", "CVE-2026-3", row("Red Hat:enterprise_linux:9", "openssl", "src", "")),
		record("RHSA-4", "CVE-2026-4", row("Red Hat:enterprise_linux:90::baseos", "openssl-libs", "x86_64", "9")),
	}, sources: []index.Source{{Name: "redhat", Kind: "csaf", Fetched: fetched, Unfixed: true, Ecosystems: []string{"Red Hat:enterprise_linux:9::baseos"}}}}.pkg(t)
	s := hosttest.Parse(t, "system rhel 9.4").Add(telemetry.SensorPackages, &telemetry.Package{
		Manager: "rpm", Name: "openssl-libs", Version: "1:3.0.7-24.el9", Arch: "x86_64", Source: "openssl", SourceVersion: "3.0.7-24.el9"})
	results := evaluate(t, p, s)
	if a, b := found(results, fixable), found(results, unfixed); a != "CVE-2026-1/openssl" || b != "CVE-2026-3/openssl" {
		t.Errorf("fixable %q, unfixed %q", a, b)
	}
	if len(of(results, current, rules.Passed)) != 1 {
		t.Errorf("%+v", results)
	}
}
