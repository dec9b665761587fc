package inventory

import (
	"regexp"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// kernel is the kernel that runs.
type kernel struct {
	release string // uname -r; empty: not known
	build   string // uname -v
	none    bool   // nothing that is installed runs: the host is a container itself
}

func kernelOf(h *host.Host) kernel {
	s := h.System()
	if !s.OK() || !s.Value.Live {
		return kernel{}
	}
	return kernel{release: s.Value.Kernel, build: s.Value.KernelBuild, none: s.Value.Container != ""}
}

// kernelPackage is what a package's name says of it.
type kernelPackage struct {
	role     KernelRole // NoKernel, KernelSupport; else it is a kernel or its modules
	releases []string   // what uname -r says if this is the one that runs
	flavour  string     // of packages that are replaced when the kernel is updated: apk, pacman
}

// image is the role of a package that is a kernel, until it is known whether it runs.
const image = UnknownKernel

// role is what a package is for the kernel that runs. runs is the version of the
// running kernel, where it is another than the package's: the package was updated,
// and the host was not started again.
func (k kernel) role(p *telemetry.Package, source string) (role KernelRole, runs string) {
	var what kernelPackage
	switch p.Manager {
	case "dpkg":
		what = dpkgKernel(p, source)
	case "rpm":
		what = rpmKernel(p)
	case "apk":
		what = apkKernel(p)
	case "pacman":
		what = pacmanKernel(p)
	}
	switch {
	case what.role != image:
		return what.role, ""
	case p.Container != "" || k.none:
		return InstalledKernel, ""
	case k.release == "":
		return UnknownKernel, ""
	}
	for _, r := range what.releases {
		if r == k.release {
			return RunningKernel, k.replaced(p)
		}
	}
	if v := what.replaced(k.release); v != "" {
		return RunningKernel, v
	}
	return InstalledKernel, ""
}

// debianBuild is the version of the package in the uname -v of Debian's kernels:
// "#1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)".
var debianBuild = regexp.MustCompile(`\bDebian (\S+-\S+) \(`)

// replaced is the version that runs of a package of dpkg, if it was built before.
func (k kernel) replaced(p *telemetry.Package) string {
	m := debianBuild.FindStringSubmatch(k.build)
	if p.Manager != "dpkg" || m == nil || m[1] == p.Version {
		return ""
	}
	return m[1]
}

// dpkgImage is the name of a package with a kernel, or with modules for it: behind
// it is what uname -r says. Those of metapackages have no number there.
var dpkgImage = regexp.MustCompile(`^(?:linux-image-unsigned|linux-image-extra|linux-image|linux-signed-image|linux-modules-extra|linux-modules|linux-binary|pve-kernel|proxmox-kernel)-(\d.*)$`)

// dpkgSupport are the names of what is built of kernels' sources beside them, where
// the source's name is that of a flavour.
var dpkgSupport = regexp.MustCompile(`^(?:linux|pve|proxmox)-(?:.+-)?(?:headers|tools|image|kernel|libc-dev|source|doc|kbuild|config|compiler|support|buildinfo|perf|cpupower|modules|generic|meta)\b`)

// notKernels are sources that have the kernel's name in front of their own.
var notKernels = regexp.MustCompile(`^linux-(?:atm|base|firmware|restricted|igd|minidisc|wlan|user|show|ftpd|gpib|apfs)`)

var kernelSource = regexp.MustCompile(`^(?:linux|pve-kernel|proxmox-kernel)(?:-|$)`)

func dpkgKernel(p *telemetry.Package, source string) kernelPackage {
	if !kernelSource.MatchString(source) || notKernels.MatchString(source) {
		return kernelPackage{}
	}
	m := dpkgImage.FindStringSubmatch(p.Name)
	switch {
	case m != nil && !strings.HasSuffix(m[1], "-dbg") && !strings.HasSuffix(m[1], "-dbgsym"):
		release := strings.TrimSuffix(strings.TrimSuffix(m[1], "-unsigned"), "-signed")
		return kernelPackage{role: image, releases: []string{release}}
	case source == "linux", strings.HasPrefix(source, "linux-meta"), dpkgSupport.MatchString(p.Name):
		return kernelPackage{role: KernelSupport}
	}
	return kernelPackage{}
}

// rpmImage is the name of a package of rpm with a kernel, or with modules for it:
// "kernel", a version where several are kept (Amazon Linux: "kernel6.12"), the
// flavour, and the part.
var rpmImage = regexp.MustCompile(`^kernel[0-9.]*((?:-(?:rt|debug|64k|16k|uek|uek64k|lpae|PAE|zfcpdump|automotive|lt|ml|plus|default|azure|preempt|vanilla|pae|xen|kvmsmall|longterm))*)` +
	`(?:-(?:core|modules|modules-core|modules-extra|modules-extra-common|modules-extra-matched|modules-internal|modules-partner|modules-usb|modules-wireless|base|extra|optional|uki-virt))?$`)

func rpmKernel(p *telemetry.Package) kernelPackage {
	if !strings.HasPrefix(p.Source, "kernel") || strings.Contains(p.Source, "firmware") || strings.HasSuffix(p.Source, "-macros") {
		return kernelPackage{}
	}
	m := rpmImage.FindStringSubmatch(p.Name)
	if m == nil {
		return kernelPackage{role: KernelSupport}
	}
	return kernelPackage{role: image, releases: rpmReleases(p, strings.TrimPrefix(m[1], "-"))}
}

// rpmReleases are what uname -r may say of a kernel of rpm's.
func rpmReleases(p *telemetry.Package, flavour string) []string {
	evr := p.Version[strings.IndexByte(p.Version, ':')+1:]
	plain := evr + "." + p.Arch
	switch flavour {
	case "default", "azure", "preempt", "vanilla", "pae", "xen", "kvmsmall", "longterm":
		return suseReleases(evr, flavour)
	case "", "uek", "lt", "ml", "plus":
		return []string{plain}
	}
	flavour = strings.TrimPrefix(flavour, "uek-")
	releases := []string{plain + "+" + flavour, plain + "." + flavour, evr + "." + flavour + "." + p.Arch}
	if rest, ok := strings.CutPrefix(flavour, "rt"); ok && strings.Contains(evr, ".rt") {
		// A build of its own until RHEL 9.2: the release has the mark, and in 9 the name, too.
		releases = append(releases, plain+strings.Replace(rest, "-", "+", 1))
	}
	return releases
}

// suseReleases are the version and release, without the number of the rebuild, and
// the flavour: 5.14.21-150500.55.31.1 runs as 5.14.21-150500.55.31-default.
func suseReleases(evr, flavour string) []string {
	releases := []string{evr + "-" + flavour}
	if dot := strings.LastIndexByte(evr, '.'); dot > strings.IndexByte(evr, '-') {
		releases = append(releases, evr[:dot]+"-"+flavour)
	}
	return releases
}

// apkImage are Alpine's kernels, by their flavours.
var apkImage = regexp.MustCompile(`^linux-(lts|virt|edge|stable|rpi[0-9]?|asahi|edge4virt|openpax|gru|mainline|generic)$`)

func apkKernel(p *telemetry.Package) kernelPackage {
	if m := apkImage.FindStringSubmatch(p.Name); m != nil {
		release := strings.Replace(p.Version, "-r", "-", 1) + "-" + m[1]
		return kernelPackage{role: image, releases: []string{release}, flavour: m[1]}
	}
	if p.Name == "linux-headers" || apkImage.MatchString(p.Source) || p.Source == "linux-tools" {
		return kernelPackage{role: KernelSupport}
	}
	return kernelPackage{}
}

// pacmanImage are Arch's kernels.
var pacmanImage = regexp.MustCompile(`^linux(?:-(lts|zen|hardened|rt|rt-lts|aarch64|armv7))?$`)

func pacmanKernel(p *telemetry.Package) kernelPackage {
	if m := pacmanImage.FindStringSubmatch(p.Name); m != nil {
		// 6.9.1.arch1-1 runs as 6.9.1-arch1-1, 6.6.31-1 of lts as 6.6.31-1-lts.
		v := pacmanMark.ReplaceAllString(p.Version, "-$1")
		releases := []string{v}
		if m[1] != "" {
			releases = []string{v + "-" + m[1]}
		}
		return kernelPackage{role: image, releases: releases}
	}
	if p.Name == "linux-api-headers" || pacmanImage.MatchString(p.Source) || p.Source == "linux-tools" {
		return kernelPackage{role: KernelSupport}
	}
	return kernelPackage{}
}

var pacmanMark = regexp.MustCompile(`\.((?:arch|zen|hardened|rt|realtime)\d+)`)

// apkRelease is uname -r of Alpine's kernels: "6.6.31-0-lts".
var apkRelease = regexp.MustCompile(`^(\d[\d.]*)-(\d+)-([a-z0-9]+)$`)

// replaced is the version that runs, if the package with this flavour of the kernel
// has been updated since: it takes the place of the one before.
func (what kernelPackage) replaced(release string) string {
	m := apkRelease.FindStringSubmatch(release)
	if m == nil || what.flavour == "" || m[3] != what.flavour {
		return ""
	}
	return m[1] + "-r" + m[2]
}
