package inventory_test

import (
	"testing"

	"assay/internal/host/hosttest"
	"assay/internal/inventory"
	"assay/internal/telemetry"
)

const (
	none      = inventory.NoKernel
	running   = inventory.RunningKernel
	installed = inventory.InstalledKernel
	support   = inventory.KernelSupport
	unknown   = inventory.UnknownKernel
)

// kernels are packages as their distributions ship them, and what they are while the
// kernel named by uname -r runs.
var kernels = []struct {
	uname, manager, name, version, arch, source string
	want                                        inventory.KernelRole
}{
	// Debian 12.
	{"6.1.0-18-amd64", "dpkg", "linux-image-6.1.0-18-amd64", "6.1.76-1", "amd64", "linux-signed-amd64", running},
	{"6.1.0-18-amd64", "dpkg", "linux-image-6.1.0-17-amd64", "6.1.69-1", "amd64", "linux-signed-amd64", installed},
	{"6.1.0-18-amd64", "dpkg", "linux-image-6.1.0-18-amd64-unsigned", "6.1.76-1", "amd64", "linux", running},
	{"6.1.0-18-amd64", "dpkg", "linux-image-6.1.0-18-amd64-dbg", "6.1.76-1", "amd64", "linux", support},
	{"6.1.0-18-amd64", "dpkg", "linux-image-amd64", "6.1.76-1", "amd64", "linux-signed-amd64", support},
	{"6.1.0-18-amd64", "dpkg", "linux-libc-dev", "6.1.76-1", "amd64", "linux", support},
	{"6.1.0-18-amd64", "dpkg", "linux-perf", "6.1.76-1", "amd64", "linux", support},
	{"6.1.0-18-amd64", "dpkg", "bpftool", "7.1.0+6.1.76-1", "amd64", "linux", support},
	{"6.1.0-18-amd64", "dpkg", "linux-headers-6.1.0-18-amd64", "6.1.76-1", "amd64", "linux", support},
	{"6.1.0-18-amd64", "dpkg", "linux-base", "4.9", "all", "linux-base", none},
	{"6.1.0-18-amd64", "dpkg", "libatm1", "1:2.5.1-4+b2", "amd64", "linux-atm", none},
	{"6.1.0-18-amd64", "dpkg", "firmware-linux-free", "20200122-1", "all", "firmware-free", none},
	{"6.1.0-18-amd64", "dpkg", "util-linux", "2.38.1-5", "amd64", "util-linux", none},
	{"6.1.0-18-cloud-amd64", "dpkg", "linux-image-6.1.0-18-amd64", "6.1.76-1", "amd64", "linux-signed-amd64", installed},
	{"6.12.41+deb13-amd64", "dpkg", "linux-image-6.12.41+deb13-amd64", "6.12.41-1", "amd64", "linux-signed-amd64", running},
	{"6.17.8+deb14-amd64", "dpkg", "linux-binary-6.17.8+deb14-amd64", "6.17.8-1", "amd64", "linux-signed-amd64", running},
	{"6.1.0-0.deb11.17-amd64", "dpkg", "linux-image-6.1.0-0.deb11.17-amd64", "6.1.69-1~deb11u1", "amd64", "linux-signed-6.1-amd64", running},
	// Ubuntu.
	{"6.8.0-31-generic", "dpkg", "linux-image-6.8.0-31-generic", "6.8.0-31.31", "amd64", "linux-signed", running},
	{"6.8.0-31-generic", "dpkg", "linux-modules-6.8.0-31-generic", "6.8.0-31.31", "amd64", "linux", running},
	{"6.8.0-31-generic", "dpkg", "linux-modules-extra-6.8.0-31-generic", "6.8.0-31.31", "amd64", "linux", running},
	{"6.8.0-31-generic", "dpkg", "linux-image-generic", "6.8.0-31.31", "amd64", "linux-meta", support},
	{"6.8.0-31-generic", "dpkg", "linux-generic", "6.8.0-31.31", "amd64", "linux-meta", support},
	{"6.8.0-31-generic", "dpkg", "linux-tools-common", "6.8.0-31.31", "all", "linux", support},
	{"6.8.0-31-generic", "dpkg", "linux-firmware", "20240318", "amd64", "linux-firmware", none},
	{"6.8.0-1008-aws", "dpkg", "linux-aws-headers-6.8.0-1008", "6.8.0-1008.8", "all", "linux-aws", support},
	{"6.8.0-1008-aws", "dpkg", "linux-image-6.8.0-1008-aws", "6.8.0-1008.8", "amd64", "linux-signed-aws", running},
	{"6.5.0-28-generic", "dpkg", "linux-hwe-6.5-headers-6.5.0-28", "6.5.0-28.29~22.04.1", "all", "linux-hwe-6.5", support},
	// Proxmox.
	{"6.8.12-1-pve", "dpkg", "proxmox-kernel-6.8.12-1-pve-signed", "6.8.12-1", "amd64", "proxmox-kernel-6.8", running},
	// RHEL and its rebuilds.
	{"5.14.0-427.13.1.el9_4.x86_64", "rpm", "kernel-core", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", running},
	{"5.14.0-427.13.1.el9_4.x86_64", "rpm", "kernel-modules-core", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", running},
	{"5.14.0-427.13.1.el9_4.x86_64", "rpm", "kernel", "5.14.0-362.8.1.el9_3", "x86_64", "kernel", installed},
	{"5.14.0-427.13.1.el9_4.x86_64", "rpm", "kernel-debug-core", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", installed},
	{"5.14.0-427.13.1.el9_4.x86_64+debug", "rpm", "kernel-debug-core", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", running},
	{"5.14.0-427.13.1.el9_4.x86_64+debug", "rpm", "kernel-core", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", installed},
	{"5.14.0-427.13.1.el9_4.x86_64+rt", "rpm", "kernel-rt-core", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", running},
	{"4.18.0-477.10.1.rt7.274.el8_8.x86_64", "rpm", "kernel-rt-core", "4.18.0-477.10.1.rt7.274.el8_8", "x86_64", "kernel-rt", running},
	{"5.14.0-284.30.1.rt14.315.el9_2.x86_64+rt", "rpm", "kernel-rt-core", "5.14.0-284.30.1.rt14.315.el9_2", "x86_64", "kernel-rt", running},
	{"4.18.0-477.10.1.rt7.274.el8_8.x86_64+debug", "rpm", "kernel-rt-debug-core", "4.18.0-477.10.1.rt7.274.el8_8", "x86_64", "kernel-rt", running},
	{"4.18.0-477.10.1.rt7.274.el8_8.x86_64", "rpm", "kernel-rt-debug-core", "4.18.0-477.10.1.rt7.274.el8_8", "x86_64", "kernel-rt", installed},
	{"5.14.0-427.13.1.el9_4.x86_64+rt-debug", "rpm", "kernel-rt-debug-core", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", running},
	{"5.14.0-427.13.1.el9_4.aarch64+64k", "rpm", "kernel-64k-core", "5.14.0-427.13.1.el9_4", "aarch64", "kernel", running},
	{"5.14.0-427.13.1.el9_4.x86_64", "rpm", "kernel-tools", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", support},
	{"5.14.0-427.13.1.el9_4.x86_64", "rpm", "kernel-headers", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", support},
	{"5.14.0-427.13.1.el9_4.x86_64", "rpm", "kernel-devel", "5.14.0-427.13.1.el9_4", "x86_64", "kernel", support},
	{"5.14.0-427.13.1.el9_4.x86_64", "rpm", "bpftool", "7.3.0-427.13.1.el9_4", "x86_64", "kernel", support},
	{"5.14.0-427.13.1.el9_4.x86_64", "rpm", "kernel-srpm-macros", "1.0-13.el9", "noarch", "kernel-srpm-macros", none},
	{"3.10.0-1160.el7.x86_64", "rpm", "kernel", "3.10.0-1160.el7", "x86_64", "kernel", running},
	// Oracle, Amazon, SUSE.
	{"5.15.0-200.131.27.el9uek.x86_64", "rpm", "kernel-uek-core", "5.15.0-200.131.27.el9uek", "x86_64", "kernel-uek", running},
	{"6.1.79-99.164.amzn2023.x86_64", "rpm", "kernel", "6.1.79-99.164.amzn2023", "x86_64", "kernel", running},
	{"6.12.22-27.96.amzn2023.x86_64", "rpm", "kernel6.12", "6.12.22-27.96.amzn2023", "x86_64", "kernel6.12", running},
	{"6.12.22-27.96.amzn2023.x86_64", "rpm", "kernel6.12-headers", "6.12.22-27.96.amzn2023", "x86_64", "kernel6.12", support},
	{"5.14.21-150500.55.31-default", "rpm", "kernel-default", "5.14.21-150500.55.31.1", "x86_64", "kernel-default", running},
	{"5.14.21-150500.55.31-default", "rpm", "kernel-default", "5.14.21-150500.55.28.1", "x86_64", "kernel-default", installed},
	{"5.14.21-150500.55.31-default", "rpm", "kernel-azure", "5.14.21-150500.55.31.1", "x86_64", "kernel-azure", installed},
	{"5.14.21-150500.55.31-default", "rpm", "kernel-default-devel", "5.14.21-150500.55.31.1", "x86_64", "kernel-default", support},
	{"5.14.21-150500.55.31-default", "rpm", "kernel-macros", "5.14.21-150500.55.31.1", "noarch", "kernel-source", support},
	{"5.14.21-150500.55.31-default", "rpm", "kernel-firmware-network", "20230724-150500.3.6.1", "noarch", "kernel-firmware", none},
	// Alpine, Arch.
	{"6.6.31-0-lts", "apk", "linux-lts", "6.6.31-r0", "x86_64", "linux-lts", running},
	{"6.6.31-0-lts", "apk", "linux-virt", "6.6.31-r0", "x86_64", "linux-lts", installed},
	{"6.6.31-0-virt", "apk", "linux-virt", "6.6.31-r0", "x86_64", "linux-lts", running},
	{"6.6.31-0-lts", "apk", "linux-lts-dev", "6.6.31-r0", "x86_64", "linux-lts", support},
	{"6.6.31-0-lts", "apk", "linux-headers", "6.6-r0", "x86_64", "linux-headers", support},
	{"6.6.31-0-lts", "apk", "linux-pam", "1.6.0-r0", "x86_64", "linux-pam", none},
	{"6.6.31-0-lts", "apk", "linux-firmware-none", "20240513-r0", "x86_64", "linux-firmware", none},
	{"6.9.1-arch1-1", "pacman", "linux", "6.9.1.arch1-1", "x86_64", "linux", running},
	{"6.9.1-arch1-1", "pacman", "linux-lts", "6.6.31-1", "x86_64", "linux-lts", installed},
	{"6.6.31-1-lts", "pacman", "linux-lts", "6.6.31-1", "x86_64", "linux-lts", running},
	{"6.9.1-zen1-1-zen", "pacman", "linux-zen", "6.9.1.zen1-1", "x86_64", "linux-zen", running},
	{"6.9.1-arch1-1", "pacman", "linux-headers", "6.9.1.arch1-1", "x86_64", "linux", support},
	{"6.9.1-arch1-1", "pacman", "linux-firmware", "20240510-1", "any", "linux-firmware", none},
	// Not known what runs.
	{"", "dpkg", "linux-image-6.1.0-18-amd64", "6.1.76-1", "amd64", "linux-signed-amd64", unknown},
	{"", "dpkg", "linux-libc-dev", "6.1.76-1", "amd64", "linux", support},
}

func TestKernels(t *testing.T) {
	for _, k := range kernels {
		p := telemetry.Package{Manager: k.manager, Name: k.name, Version: k.version, Arch: k.arch, Source: k.source, SourceVersion: k.version, Status: "installed"}
		of := func(live bool, container string, in string) inventory.KernelRole {
			p := p
			p.Container = in
			s := hosttest.New().Add(telemetry.SensorSystem, &telemetry.System{OS: "debian", OSVersion: "12", Live: live, Kernel: k.uname, Container: container})
			sensor := telemetry.SensorPackages
			if in != "" {
				sensor = telemetry.SensorContainers
			}
			inv := inventory.Of(s.Add(sensor, &p).Host())
			if len(inv.Components) != 1 || len(inv.Components[0].Binaries) != 1 || inv.Components[0].Kernel != inv.Components[0].Binaries[0].Kernel {
				t.Fatalf("%s: %+v", k.name, inv.Components)
			}
			return inv.Components[0].Kernel
		}
		if got := of(true, "", ""); got != k.want {
			t.Errorf("%s %s while %s runs: %q, want %q", k.name, k.version, k.uname, got, k.want)
		}
		is := k.want == running || k.want == installed || k.want == unknown
		if got := of(true, "docker", ""); is && got != installed || !is && got != k.want {
			t.Errorf("%s on a host that is a container: %q", k.name, got)
		}
		if got := of(true, "", "c1"); is && got != installed || !is && got != k.want {
			t.Errorf("%s in a container: %q", k.name, got)
		}
		if got := of(false, "", ""); is && got != unknown || !is && got != k.want {
			t.Errorf("%s in an image: %q", k.name, got)
		}
	}
}
