package inventory_test

import (
	"strings"
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/inventory"
	"assay/internal/telemetry"
)

// releases are os-release(5) of many systems, as their images have it: ID, ID_LIKE,
// VERSION_ID, VERSION_CODENAME, PRETTY_NAME, and what is to be told of it.
var releases = []struct {
	id, like, version, codename, name string
	ecosystem                         string // empty: a problem
	more                              string // one of those
	cpe                               string
}{
	{"debian", "", "12", "bookworm", "Debian GNU/Linux 12 (bookworm)", "Debian:12", "", "cpe:/o:debian:debian_linux:12"},
	{"debian", "", "", "forky", "Debian GNU/Linux forky/sid", "Debian:14", "", ""},
	{"debian", "", "", "sid", "Debian GNU/Linux sid", "Debian:sid", "", ""},
	{"debian", "", "8", "", "Debian GNU/Linux 8 (jessie)", "Debian:8", "", ""},
	{"debian", "", "", "unheard-of", "Debian GNU/Linux", "", "", ""},
	{"ubuntu", "debian", "22.04", "jammy", "Ubuntu 22.04.4 LTS", "Ubuntu:22.04:LTS", "", "cpe:/o:canonical:ubuntu_linux:22.04"},
	{"ubuntu", "debian", "14.04", "trusty", "Ubuntu 14.04.6 LTS", "Ubuntu:14.04:LTS", "", ""},
	{"ubuntu", "debian", "25.10", "questing", "Ubuntu 25.10", "Ubuntu:25.10", "", ""},
	{"ubuntu", "debian", "25.04", "plucky", "Ubuntu 25.04", "Ubuntu:25.04", "", ""},
	{"ubuntu", "debian", "", "", "Ubuntu", "", "", ""},
	{"ubuntu-core", "", "22", "", "Ubuntu Core 22", "", "", ""},
	{"almalinux", "rhel centos fedora", "9.4", "", "AlmaLinux 9.4 (Seafoam Ocelot)", "AlmaLinux:9", "", "cpe:/o:almalinux:almalinux:9"},
	{"almalinux", "rhel centos fedora", "10.0", "", "AlmaLinux 10.0", "AlmaLinux:10", "", ""},
	{"rocky", "rhel centos fedora", "8.10", "", "Rocky Linux 8.10 (Green Obsidian)", "Rocky Linux:8", "", "cpe:/o:rocky:rocky:8"},
	{"rhel", "fedora", "9.2", "", "Red Hat Enterprise Linux 9.2 (Plow)", "Red Hat:enterprise_linux:9", "", "cpe:/o:redhat:enterprise_linux:9"},
	{"rhel", "fedora", "7.9", "", "Red Hat Enterprise Linux Server 7.9", "Red Hat:enterprise_linux:7", "", ""},
	{"ol", "fedora", "8.9", "", "Oracle Linux Server 8.9", "Oracle Linux:8", "", ""},
	{"fedora", "", "40", "", "Fedora Linux 40 (Server Edition)", "Fedora:40", "", ""},
	{"fedora", "", "rawhide", "", "Fedora Linux Rawhide", "", "", ""},
	{"amzn", "fedora", "2023", "", "Amazon Linux 2023", "Amazon Linux:2023", "", "cpe:2.3:o:amazon:amazon_linux:2023"},
	{"amzn", "centos rhel fedora", "2", "", "Amazon Linux 2", "Amazon Linux:2", "", ""},
	{"amzn", "rhel fedora", "2018.03", "", "Amazon Linux AMI 2018.03", "Amazon Linux:1", "", ""},
	{"centos", "rhel fedora", "9", "", "CentOS Stream 9", "", "", ""},
	{"centos", "rhel fedora", "7", "", "CentOS Linux 7 (Core)", "", "", ""},
	{"sles", "suse", "15.5", "", "SUSE Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Server 15 SP5", "SUSE:Linux Enterprise Module for Basesystem 15 SP5", "cpe:/o:suse:sles:15:sp5"},
	{"sles", "suse", "15", "", "SUSE Linux Enterprise Server 15", "SUSE:Linux Enterprise Server 15", "", "cpe:/o:suse:sles:15"},
	{"sles", "suse", "12.5", "", "SUSE Linux Enterprise Server 12 SP5", "SUSE:Linux Enterprise Server 12 SP5", "SUSE:Linux Enterprise Server 12 SP5-LTSS", ""},
	{"sles", "suse", "16.0", "", "SUSE Linux Enterprise Server 16.0", "SUSE:Linux Enterprise Server 16.0", "", "cpe:/o:suse:sles:16:0"},
	{"sles_sap", "suse", "15.4", "", "SUSE Linux Enterprise Server for SAP Applications 15 SP4", "SUSE:Linux Enterprise Server for SAP Applications 15 SP4", "SUSE:Linux Enterprise Server 15 SP4", ""},
	{"sles", "suse", "12.1.0.1", "", "SUSE Linux Enterprise Server 12 SP1", "SUSE:Linux Enterprise Server 12 SP1", "SUSE:Linux Enterprise Server for SAP Applications 12 SP1", ""},
	{"opensuse-leap", "suse", "42.3.4", "", "openSUSE Leap 42.3", "openSUSE:Leap 42.3", "", ""},
	{"sled", "suse", "15.5", "", "SUSE Linux Enterprise Desktop 15 SP5", "SUSE:Linux Enterprise Desktop 15 SP5", "", ""},
	{"opensuse-leap", "suse opensuse", "15.6", "", "openSUSE Leap 15.6", "openSUSE:Leap 15.6", "", "cpe:/o:opensuse:leap:15.6"},
	{"opensuse-tumbleweed", "opensuse suse", "20240601", "", "openSUSE Tumbleweed", "openSUSE:Tumbleweed", "", ""},
	{"alpine", "", "3.20.3", "", "Alpine Linux v3.20", "Alpine:v3.20", "", "cpe:/o:alpinelinux:alpine_linux:3.20"},
	{"alpine", "", "3.21.0_alpha20240807", "", "Alpine Linux edge", "Alpine:edge", "", ""},
	{"wolfi", "", "20230201", "", "Wolfi", "Wolfi", "", ""},
	{"chainguard", "", "20230214", "", "Chainguard", "Chainguard", "", ""},
	{"arch", "", "", "", "Arch Linux", "", "", ""},
	{"raspbian", "debian", "12", "bookworm", "Raspbian GNU/Linux 12 (bookworm)", "", "", ""},
	{"linuxmint", "ubuntu debian", "21.3", "virginia", "Linux Mint 21.3", "", "", ""},
	{"kali", "debian", "2024.1", "kali-rolling", "Kali GNU/Linux Rolling", "", "", ""},
	{"nixos", "", "24.05", "", "NixOS 24.05", "", "", ""},
	{"", "", "", "", "", "", "", ""},
}

func TestReleases(t *testing.T) {
	for _, r := range releases {
		h := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{
			OS: r.id, OSLike: r.like, OSVersion: r.version, Codename: r.codename, OSName: r.name,
		}).Host()
		s := inventory.Of(h).Systems[0]
		if s.Ecosystem != r.ecosystem || r.cpe != "" && s.CPE != r.cpe || r.more != "" && !contains(s.More, r.more) {
			t.Errorf("%s %s: %+v", r.id, r.version, s)
		}
		if (s.Problem == "") != (r.ecosystem != "") || (s.Problem == "") != (s.Remedy == "") {
			t.Errorf("%s %s: ecosystem %q, problem %q, remedy %q", r.id, r.version, s.Ecosystem, s.Problem, s.Remedy)
		}
		// What it is like must not decide: a derivative stays unknown.
		other := inventory.Of(hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{
			OS: "derived", OSLike: strings.TrimSpace(r.id + " " + r.like), OSVersion: r.version, Codename: r.codename,
		}).Host()).Systems[0]
		if other.Ecosystem != "" || other.Problem == "" || other.Remedy == "" {
			t.Errorf("a derivative of %s: %+v", r.id, other)
		}
	}
}

func TestNoSystem(t *testing.T) {
	s := inventory.Of(hosttest.New().Dropped(telemetry.SensorSystem).Host()).Systems
	if len(s) != 1 || s[0].Ecosystem != "" || s[0].Problem == "" {
		t.Errorf("%+v", s)
	}
}

func contains(all []string, one string) bool {
	for _, s := range all {
		if s == one {
			return true
		}
	}
	return false
}
