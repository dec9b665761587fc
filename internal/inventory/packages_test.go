package inventory_test

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/package-url/packageurl-go"
	"pgregory.net/rapid"

	"assay/internal/host"
	"assay/internal/host/hosttest"
	"assay/internal/inventory"
	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/system"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// of is the inventory of a system with packages, written "manager name version arch
// source source-version [status]".
func of(s *telemetry.System, lines ...string) inventory.Inventory {
	snapshot := hosttest.New().Add(telemetry.SensorSystem, s)
	for _, line := range lines {
		w := strings.Fields(line)
		p := &telemetry.Package{Manager: w[0], Name: w[1], Version: w[2], Arch: w[3], Source: w[4], SourceVersion: w[5], Status: "installed"}
		if len(w) > 6 {
			p.Status = w[6]
		}
		snapshot = snapshot.Add(telemetry.SensorPackages, p)
	}
	return inventory.Of(snapshot.Host())
}

// lines are the components as "ecosystem name version arch role: binaries".
func lines(inv inventory.Inventory) (all []string) {
	for _, c := range inv.Components {
		var names []string
		for _, b := range c.Binaries {
			names = append(names, b.Name)
		}
		line := fmt.Sprintf("%s|%s|%s|%s|%s|%s", c.Ecosystem, c.Name, c.Version, c.Arch, c.Kernel, strings.Join(names, " "))
		all = append(all, strings.TrimRight(line, "|"))
	}
	return all
}

func TestDebianPackages(t *testing.T) {
	inv := of(&telemetry.System{OS: "debian", OSVersion: "12", Codename: "bookworm", Live: true, Kernel: "6.1.0-18-amd64",
		KernelBuild: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.69-1 (2024-01-20)"},
		"dpkg libssl3 3.0.11-1~deb12u2 amd64 openssl 3.0.11-1~deb12u2",
		"dpkg openssl 3.0.11-1~deb12u2 amd64 openssl 3.0.11-1~deb12u2",
		"dpkg libssl3 3.0.11-1~deb12u2 i386 openssl 3.0.11-1~deb12u2",
		"dpkg libselinux1 3.4-1+b6 amd64 libselinux 3.4-1",
		"dpkg tzdata 2024a-0+deb12u1 all tzdata 2024a-0+deb12u1",
		"dpkg libpam-runtime 1.5.2-6 all pam 1.5.2-6", "dpkg libpam0g 1.5.2-6 amd64 pam 1.5.2-6",
		"dpkg gone 1 amd64 gone 1 config-files", "dpkg never 1 amd64 never 1 not-installed",
		"dpkg broken 1 amd64 broken 1 half-installed", "dpkg waits 1 amd64 waits 1 triggers-pending",
		"dpkg linux-image-6.1.0-18-amd64 6.1.76-1 amd64 linux-signed-amd64 6.1.76+1",
		"dpkg linux-image-6.1.0-17-amd64 6.1.69-1 amd64 linux-signed-amd64 6.1.69+1",
		"dpkg linux-image-amd64 6.1.76-1 amd64 linux-signed-amd64 6.1.76+1",
		"dpkg linux-libc-dev 6.1.76-1 amd64 linux 6.1.76-1",
		"dpkg grub-efi-amd64-signed 1+2.06+13+deb12u1 amd64 grub-efi-amd64-signed 1+2.06+13+deb12u1",
		"dpkg shim-signed 1.44~1+deb12u1+15.8-1~deb12u1 amd64 shim-signed 1.44~1+deb12u1",
		"dpkg shim-helpers-amd64-signed 1+15.8+1~deb12u1 amd64 shim-helpers-amd64-signed 1+15.8+1~deb12u1",
		"dpkg fwupd-amd64-signed 1:1.4+1 amd64 fwupd-amd64-signed 1:1.4+1",
	)
	want := []string{
		"Debian:12|broken|1|amd64||broken",
		"Debian:12|fwupd-efi|1:1.4-1|amd64||fwupd-amd64-signed",
		"Debian:12|grub2|2.06-13+deb12u1|amd64||grub-efi-amd64-signed",
		"Debian:12|libselinux|3.4-1|amd64||libselinux1",
		"Debian:12|linux|6.1.69-1|amd64|installed|linux-image-6.1.0-17-amd64",
		"Debian:12|linux|6.1.76-1|amd64|running|linux-image-6.1.0-18-amd64",
		"Debian:12|linux|6.1.76-1|amd64|support|linux-image-amd64 linux-libc-dev",
		"Debian:12|openssl|3.0.11-1~deb12u2|||libssl3 libssl3 openssl",
		"Debian:12|pam|1.5.2-6|amd64||libpam-runtime libpam0g",
		"Debian:12|shim|15.8-1~deb12u1|amd64||shim-helpers-amd64-signed shim-signed",
		"Debian:12|tzdata|2024a-0+deb12u1|all||tzdata",
		"Debian:12|waits|1|amd64||waits",
	}
	if diff := cmp.Diff(want, lines(inv)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if len(inv.Gaps) != 0 {
		t.Errorf("%+v", inv.Gaps)
	}
	for _, c := range inv.Components {
		switch c.Name {
		case "linux":
			// The package was updated, and the kernel that runs is the one before.
			if runs := c.Runs; c.Kernel == inventory.RunningKernel && runs != "6.1.69-1" || c.Kernel != inventory.RunningKernel && runs != "" {
				t.Errorf("%s %s runs %q", c.Version, c.Kernel, runs)
			}
		case "openssl":
			if c.PURL != "pkg:deb/debian/openssl@3.0.11-1~deb12u2?arch=source&distro=bookworm" ||
				c.Binaries[1].PURL != "pkg:deb/debian/libssl3@3.0.11-1~deb12u2?arch=i386&distro=bookworm" ||
				c.Binaries[1].Record != "package:dpkg/libssl3" || c.Sensor != telemetry.SensorPackages {
				t.Errorf("%+v", c)
			}
		}
	}
}

func TestUbuntuPackages(t *testing.T) {
	got := lines(of(&telemetry.System{OS: "ubuntu", OSVersion: "24.04", Live: true, Kernel: "6.8.0-31-generic"},
		"dpkg linux-image-6.8.0-31-generic 6.8.0-31.31 amd64 linux-signed 6.8.0-31.31",
		"dpkg linux-modules-6.8.0-31-generic 6.8.0-31.31 amd64 linux 6.8.0-31.31",
		"dpkg linux-image-generic 6.8.0-31.31 amd64 linux-meta 6.8.0-31.31",
		"dpkg linux-image-6.5.0-28-generic 6.5.0-28.29~22.04.1 amd64 linux-signed-hwe-6.5 6.5.0-28.29~22.04.1",
		"dpkg grub-efi-amd64-signed 1.202+2.12-1ubuntu7 amd64 grub2-signed 1.202",
		"dpkg shim-signed 1.58+15.8-0ubuntu1 amd64 shim-signed 1.58",
	))
	want := []string{
		"Ubuntu:24.04:LTS|grub2-signed|1.202|amd64||grub-efi-amd64-signed",
		"Ubuntu:24.04:LTS|linux|6.8.0-31.31|amd64|running|linux-image-6.8.0-31-generic linux-modules-6.8.0-31-generic",
		"Ubuntu:24.04:LTS|linux-hwe-6.5|6.5.0-28.29~22.04.1|amd64|installed|linux-image-6.5.0-28-generic",
		"Ubuntu:24.04:LTS|linux-meta|6.8.0-31.31|amd64|support|linux-image-generic",
		"Ubuntu:24.04:LTS|shim-signed|1.58|amd64||shim-signed",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestRPMPackages(t *testing.T) {
	inv := of(&telemetry.System{OS: "almalinux", OSVersion: "9.4"},
		"rpm openssl-libs 1:3.0.7-27.el9 x86_64 openssl 3.0.7-27.el9", "rpm openssl 1:3.0.7-27.el9 x86_64 openssl 3.0.7-27.el9",
		"rpm perl-libs 4:5.32.1-481.el9 x86_64 perl 5.32.1-481.el9", "rpm perl-File-Find 1.37-481.el9 noarch perl 5.32.1-481.el9",
		"rpm gpg-pubkey b86b3716-61e69f29 (none) gpg-pubkey b86b3716-61e69f29")
	want := []string{
		"AlmaLinux:9|openssl|1:3.0.7-27.el9|x86_64||openssl openssl-libs",
		"AlmaLinux:9|perl|1.37-481.el9|noarch||perl-File-Find",
		"AlmaLinux:9|perl|4:5.32.1-481.el9|x86_64||perl-libs",
	}
	if diff := cmp.Diff(want, lines(inv)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if got := inv.Components[0].Binaries[0].PURL; got != "pkg:rpm/almalinux/openssl@3.0.7-27.el9?arch=x86_64&distro=almalinux-9.4&epoch=1" {
		t.Error(got)
	}
}

// TestExtras has packages of Amazon Linux 2's extras beside core's.
func TestExtras(t *testing.T) {
	s := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{OS: "amzn", OSVersion: "2"}).
		Add(telemetry.SensorPackages,
			&telemetry.Package{Manager: "rpm", Name: "kernel", Version: "5.10.210-201.852.amzn2", Source: "kernel", Arch: "x86_64"},
			&telemetry.Package{Manager: "rpm", Name: "kernel", Version: "4.14.336-257.562.amzn2", Source: "kernel", Arch: "x86_64"})
	inv := inventory.Of(s.Host())
	if c := inv.Components; len(c) != 2 || c[0].Module != "" || c[1].Module != "extras:kernel-5.10" || len(inv.Gaps) != 0 {
		t.Errorf("%+v, %+v", c, inv.Gaps)
	}
	inv = inventory.Of(s.Text("/etc/yum.repos.d/amzn2-extras.repo",
		"[amzn2extra-docker]\nenabled = 1\n[amzn2extra-docker-source]\nenabled=1\n[amzn2extra-nginx1]\nenabled = 0\n[amzn2extra-kernel-5.10]\nenabled = 1\n").Host())
	if len(inv.Gaps) != 1 || !strings.Contains(inv.Gaps[0].Reason, "the extras docker, and") {
		t.Errorf("%+v", inv.Gaps)
	}
}

func TestOrigins(t *testing.T) {
	s := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{OS: "almalinux", OSVersion: "9.4"})
	for _, p := range []telemetry.Package{
		{Manager: "rpm", Name: "bash", Vendor: "AlmaLinux"}, {Manager: "rpm", Name: "local"},
		{Manager: "rpm", Name: "htop", Vendor: "Fedora Project"}, {Manager: "dpkg", Name: "debootstrapped"},
	} {
		p.Version = "1-1"
		s = s.Add(telemetry.SensorPackages, &p)
	}
	var got []string
	for _, c := range inventory.Of(s.Host()).Components {
		got = append(got, fmt.Sprint(c.Name, " ", c.Ecosystem, " ", c.Foreign, " ", c.PURL != ""))
	}
	want := []string{"debootstrapped  false false", "bash AlmaLinux:9 false true", "htop AlmaLinux:9 true true", "local AlmaLinux:9 false true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
}

func TestReplacedKernels(t *testing.T) {
	inv := of(&telemetry.System{OS: "alpine", OSVersion: "3.20.1", Live: true, Kernel: "6.6.30-0-lts"},
		"apk linux-lts 6.6.31-r0 x86_64 linux-lts 6.6.31-r0", "apk libcrypto3 3.3.0-r2 x86_64 openssl 3.3.0-r2", "apk libssl3 3.3.0-r2 x86_64 openssl 3.3.0-r2")
	want := []string{"Alpine:v3.20|linux-lts|6.6.31-r0|x86_64|running|linux-lts", "Alpine:v3.20|openssl|3.3.0-r2|x86_64||libcrypto3 libssl3"}
	if diff := cmp.Diff(want, lines(inv)); diff != "" || inv.Components[0].Runs != "6.6.30-r0" {
		t.Errorf("%+v; want -, got +\n%s", inv.Components[0], diff)
	}
}

func TestRepositories(t *testing.T) {
	for _, c := range []struct {
		system    telemetry.System
		path      string
		text      string
		ecosystem string
		more      []string
	}{
		{telemetry.System{OS: "ubuntu", OSVersion: "18.04"}, "/etc/apt/sources.list.d/ubuntu-esm-infra.list",
			"# Written by ubuntu-advantage-tools\ndeb https://esm.ubuntu.com/infra/ubuntu bionic-infra-security main\n# deb-src x y\n", "Ubuntu:18.04:LTS", []string{"Ubuntu:Pro:18.04:LTS"}},
		{telemetry.System{OS: "ubuntu", OSVersion: "24.04"}, "/etc/apt/sources.list.d/ubuntu-esm-apps.sources",
			"# Written by ubuntu-pro-client\nTypes: deb\nURIs: https://esm.ubuntu.com/apps/ubuntu\nSuites: noble-apps-security noble-apps-updates\nComponents: main\nSigned-By: /usr/share/keyrings/x.gpg\n",
			"Ubuntu:24.04:LTS", []string{"Ubuntu:Pro:24.04:LTS"}},
		{telemetry.System{OS: "ubuntu", OSVersion: "24.04"}, "/etc/apt/sources.list.d/x.sources", "Enabled: no\nTypes: deb\nURIs: https://esm.ubuntu.com/apps/ubuntu\nSuites: noble-apps-security\n", "Ubuntu:24.04:LTS", nil},
		{telemetry.System{OS: "ubuntu", OSVersion: "22.04"}, "/etc/apt/sources.list.d/fips.list", "deb [arch=amd64] https://esm.ubuntu.com/fips-updates/ubuntu jammy-updates main\n", "Ubuntu:22.04:LTS", []string{"Ubuntu:Pro:FIPS-updates:22.04:LTS"}},
		{telemetry.System{OS: "ubuntu", OSVersion: "14.04"}, "/etc/apt/sources.list.d/x.list", "deb https://esm.ubuntu.com/infra-legacy/ubuntu trusty-infra-legacy-security main\n", "Ubuntu:14.04:LTS", []string{"Ubuntu:Pro:14.04:LTS"}},
		{telemetry.System{OS: "ubuntu", OSVersion: "22.04"}, "/etc/apt/sources.list", "#deb https://esm.ubuntu.com/infra/ubuntu jammy-infra-security main\n", "Ubuntu:22.04:LTS", nil},
		{telemetry.System{OS: "debian", Codename: "forky"}, "/etc/apt/sources.list", "deb http://mirror.example/debian sid main\n", "Debian:sid", nil},
		{telemetry.System{OS: "debian", Codename: "forky"}, "/etc/apt/sources.list", "deb http://mirror.example/debian forky main\ndeb http://mirror.example/debian sid main\n", "Debian:14", nil},
		{telemetry.System{OS: "debian", OSVersion: "12"}, "/etc/apt/sources.list", "deb http://mirror.example/debian sid main\n", "Debian:12", nil},
		{telemetry.System{OS: "rhel", OSVersion: "9.2"}, "/etc/yum.repos.d/redhat.repo",
			"[rhel-9-for-x86_64-baseos-rpms]\nenabled = 0\n[rhel-9-for-x86_64-baseos-eus-rpms]\nname=x\nenabled = 1\n[rhel-9-for-x86_64-baseos-e4s-rpms]\nenabled = 0\n",
			"Red Hat:enterprise_linux:9", []string{"Red Hat:rhel_eus:9.2"}},
		{telemetry.System{OS: "rhel", OSVersion: "7.9"}, "/etc/yum.repos.d/redhat.repo", "[rhel-7-server-els-rpms]\nenabled = 1\n", "Red Hat:enterprise_linux:7", []string{"Red Hat:rhel_els:7"}},
	} {
		s := inventory.Of(hosttest.New().Add(telemetry.SensorSystem, &c.system).Text(c.path, c.text).Host()).Systems[0]
		if s.Ecosystem != c.ecosystem || !slices.Equal(s.More, c.more) {
			t.Errorf("%s with %q: %s, more %v", c.system.OS, c.text, s.Ecosystem, s.More)
		}
	}
}

func TestLibraries(t *testing.T) {
	for _, c := range []struct{ ecosystem, name, version, want string }{
		{"Go", "golang.org/x/net", "v0.17.0", "pkg:golang/golang.org/x/net@v0.17.0"},
		{"Go", "stdlib", "1.21.5", "pkg:golang/stdlib@1.21.5"},
		{"npm", "@babel/core", "7.0.0", "pkg:npm/%40babel/core@7.0.0"},
		{"PyPI", "Flask_SQLAlchemy", "2.5", "pkg:pypi/flask-sqlalchemy@2.5"},
		{"Maven", "org.apache.logging.log4j:log4j-core", "2.14.1", "pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1"},
		{"RubyGems", "rails", "7.0.4", "pkg:gem/rails@7.0.4"},
		{"crates.io", "smallvec", "1.6.0", "pkg:cargo/smallvec@1.6.0"},
		{"Packagist", "symfony/http-kernel", "v5.4.0", "pkg:composer/symfony/http-kernel@v5.4.0"},
		{"NuGet", "Newtonsoft.Json", "12.0.1", "pkg:nuget/Newtonsoft.Json@12.0.1"},
		{"SomethingElse", "x", "1", ""},
	} {
		l := &telemetry.Library{Ecosystem: c.ecosystem, Name: c.name, Version: c.version, Path: "/opt/x", Package: "owner:amd64", Main: true}
		got := inventory.Of(hosttest.New().Add(telemetry.SensorLibraries, l, l).Host()).Components
		if len(got) != 1 || got[0].PURL != c.want || got[0].Kind != inventory.Library || got[0].Owner != "owner:amd64" || !got[0].Main || got[0].Record != telemetry.Key(l) {
			t.Errorf("%s %s: %+v", c.ecosystem, c.name, got)
		}
	}
}

func TestContainers(t *testing.T) {
	inv := inventory.Of(hosttest.New().
		Add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12"}).
		Add(telemetry.SensorContainers,
			&telemetry.Container{ID: "c2", OS: "alpine", OSVersion: "3.19.1", Image: "web:1", Problem: "its root could not be opened"},
			&telemetry.Container{ID: "c1"},
			&telemetry.Package{Manager: "apk", Name: "musl", Version: "1.2.4-r4", Source: "musl", SourceVersion: "1.2.4-r4", Container: "c2"},
			&telemetry.Package{Manager: "apk", Name: "lost", Version: "1", Source: "lost", SourceVersion: "1", Container: "c3"},
			&telemetry.PackageDatabase{Path: "/lib/apk/db/installed", Problem: "it is cut off", Container: "c2"},
			&telemetry.Library{Ecosystem: "npm", Name: "left-pad", Version: "1.0.0", Container: "c1"}).Host())
	var ids []string
	for _, s := range inv.Systems {
		ids = append(ids, s.Container+" "+s.Image+" "+s.Ecosystem)
	}
	if diff := cmp.Diff([]string{"  Debian:12", "c1  ", "c2 web:1 Alpine:v3.19", "c3  "}, ids); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if diff := cmp.Diff([]string{"npm|left-pad|1.0.0", "Alpine:v3.19|musl|1.2.4-r4|||musl", "|lost|1|||lost"}, lines(inv)); diff != "" {
		t.Errorf("want -, got +\n%s", diff)
	}
	if len(inv.Gaps) != 2 || inv.Gaps[0].Container != "c2" {
		t.Errorf("%+v", inv.Gaps)
	}
}

func TestGaps(t *testing.T) {
	whole := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12", Live: true, Kernel: "6.1.0-18-amd64"}).
		Add(telemetry.SensorPackages, &telemetry.Package{Manager: "dpkg", Name: "linux-image-6.1.0-18-amd64", Version: "6.1.76-1", Source: "linux-signed-amd64", Status: "installed"})
	if gaps := inventory.Of(whole.Host()).Gaps; len(gaps) != 0 {
		t.Fatalf("%+v", gaps)
	}
	for name, c := range map[string]struct {
		s    *hosttest.Snapshot
		want string
		kind inventory.Kind
	}{
		"packages":    {whole.Partial(telemetry.SensorPackages), `the sensor "packages" is partial`, inventory.Package},
		"libraries":   {whole.Dropped(telemetry.SensorLibraries), `the sensor "libraries" sent no coverage`, inventory.Library},
		"containers":  {whole.Cover(telemetry.SensorContainers, "", telemetry.Denied, "no"), `the sensor "containers" is denied`, ""},
		"a part":      {whole.Cover(telemetry.SensorContainers, "libraries", telemetry.Partial, "no"), `the sensor "containers" (libraries) is partial: no`, inventory.Library},
		"a database":  {whole.Add(telemetry.SensorPackages, &telemetry.PackageDatabase{Path: "/var/lib/rpm/Packages", Problem: "is damaged"}), "the packages in /var/lib/rpm/Packages are not all known: is damaged", inventory.Package},
		"skipped":     {whole.Add(telemetry.SensorPackages, &telemetry.PackageDatabase{Path: "/x", Skipped: 3}), "3 entries", inventory.Package},
		"nameless":    {whole.Add(telemetry.SensorPackages, &telemetry.Package{Manager: "rpm", Version: "1"}, &telemetry.Package{Manager: "rpm", Name: "x"}), "2 entries without", inventory.Package},
		"vendor":      {whole.Add(telemetry.SensorPackages, &telemetry.Package{Manager: "dpkg", Name: "x", Version: "1", Vendor: "Docker"}), "1 source packages are of another vendor (Docker): the advisories of Debian:12", inventory.Package},
		"manager":     {whole.Add(telemetry.SensorPackages, &telemetry.Package{Manager: "rpm", Name: "x", Version: "1"}), "package manager that is not debian's", inventory.Package},
		"live patch":  {whole.Add(telemetry.SensorKernel, &telemetry.KernelModule{Name: "livepatch_1"}), "live patches (livepatch_1)", inventory.Package},
		"own kernel":  {whole.Absent("package:dpkg/linux-image-6.1.0-18-amd64"), "running kernel 6.1.0-18-amd64", inventory.Package},
		"lost record": {whole.Lost("package:dpkg/linux-image-6.1.0-18-amd64"), "0 of the 1 records", inventory.Package},
	} {
		gaps := inventory.Of(c.s.Host()).Gaps
		if !slices.ContainsFunc(gaps, func(g inventory.Gap) bool {
			return strings.Contains(g.Reason, c.want) && g.Kind == c.kind && g.Remedy != ""
		}) {
			t.Errorf("%s: %+v", name, gaps)
		}
	}
	if g := inventory.Of(whole.Cover(telemetry.SensorContainers, "", telemetry.Denied, "no").Host()).Gaps[0]; !g.Denied {
		t.Errorf("%+v", g)
	}
}

// TestThisMachine compares with dpkg's own list of what is installed, of which source
// and in which version.
func TestThisMachine(t *testing.T) {
	tool := testenv.Need(t, "dpkg-query", "dpkg")
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	h := host.New("")
	for _, s := range []sensor.Sensor{packages.New(), system.New()} {
		name := s.Describe().Name
		n := int64(0)
		c, err := s.Collect(t.Context(), &sensor.Host{FS: fs, Live: true}, func(r telemetry.Record) error {
			telemetry.Stamp(name, r)
			h.Add(r)
			n++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		c.Records = n
		telemetry.Stamp(name, &c)
		h.Add(&c)
	}
	h.Seal()
	out, err := exec.Command(tool, "-W", "-f", `${db:Status-Status} ${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n`).Output()
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(string(out)) {
		w := strings.Fields(line)
		if len(w) == 6 && w[0] != "config-files" && w[0] != "not-installed" && !strings.Contains(w[4], "-signed") {
			want[strings.Join(w[1:], " ")] = true
		}
	}
	for _, c := range inventory.Of(h).Components {
		for _, b := range c.Binaries {
			if len(want) > 0 && !strings.HasSuffix(b.Name, "-signed") && !strings.HasPrefix(b.Name, "linux-image-") {
				got[strings.Join([]string{b.Name, b.Version, b.Arch, c.Name, c.Version}, " ")] = true
			}
			if _, err := packageurl.FromString(b.PURL); err != nil {
				t.Errorf("%s: %q: %v", b.Name, b.PURL, err)
			}
		}
	}
	for line := range want {
		if name, _, _ := strings.Cut(line, " "); strings.HasSuffix(name, "-signed") || strings.HasPrefix(name, "linux-image-") {
			delete(want, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 50 {
		t.Errorf("of %d packages, dpkg says -, we say +\n%s", len(want), diff)
	}
}

// TestAnything gives it what no host sends, in every order.
func TestAnything(t *testing.T) {
	word := rapid.SampledFrom([]string{"", "a", "linux", "linux-image-6.1.0", "kernel-core", "kernel", "%", "@", "/", ":", "1:2-3", "linux-signed-amd64", "linux-signed", "shim-signed",
		"grub-efi-amd64-signed", "1+2", "debian", "rhel", "sles", "amzn", "alpine", "ubuntu", "15.5", "12", "99999999999999999999", ".", "\xff", "-", "+", "dpkg", "rpm", "apk", "pacman", "npm", "Go", "Maven", "c1", "config-files"})
	rapid.Check(t, func(t *rapid.T) {
		w := func() string { return word.Draw(t, "word") }
		type record struct {
			sensor string
			r      telemetry.Record
		}
		var systems, records []record // of two about one system one counts, by their order
		for range rapid.IntRange(0, 12).Draw(t, "records") {
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				systems = append(systems, record{telemetry.SensorSystem, &telemetry.System{OS: w(), OSLike: w(), OSVersion: w(), OSName: w(), Kernel: w(), Live: true, Container: w()}})
			case 1:
				records = append(records, record{telemetry.SensorPackages, &telemetry.Package{Manager: w(), Name: w(), Version: w(), Arch: w(), Source: w(), SourceVersion: w(), Status: w(), Vendor: w()}})
			case 2:
				records = append(records, record{telemetry.SensorContainers, &telemetry.Package{Manager: w(), Name: w(), Version: w(), Source: w(), Container: w()}})
			case 3:
				systems = append(systems, record{telemetry.SensorContainers, &telemetry.Container{ID: w(), OS: w(), OSVersion: w(), Problem: w()}})
			case 4:
				records = append(records, record{telemetry.SensorLibraries, &telemetry.Library{Ecosystem: w(), Name: w(), Version: w(), Path: w()}})
			}
		}
		of := func() inventory.Inventory {
			s := hosttest.New()
			for _, r := range append(slices.Clip(systems), records...) {
				s = s.Add(r.sensor, r.r)
			}
			return inventory.Of(s.Host())
		}
		first := of()
		slices.Reverse(records)
		if diff := cmp.Diff(first, of()); diff != "" {
			t.Fatalf("in another order:\n%s", diff)
		}
		for _, s := range first.Systems {
			if s.Ecosystem == "" && (s.Problem == "" || s.Remedy == "") {
				t.Fatalf("%+v", s)
			}
		}
		for _, c := range first.Components {
			if c.Name == "" || c.Sensor == "" || c.Record == "" {
				t.Fatalf("%+v", c)
			}
		}
	})
}
