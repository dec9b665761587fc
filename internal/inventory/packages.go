package inventory

import (
	"cmp"
	"slices"
	"strings"

	"assay/internal/telemetry"
)

// isThere tells whether files of a package may be on the host: of all states of dpkg
// but two (dpkg(1)), also those that are not known here.
func isThere(p *telemetry.Package) bool {
	return p.Manager != "dpkg" || p.Status != "not-installed" && p.Status != "config-files"
}

// group is what the binaries of a component have in common.
type group struct {
	container, manager, source, version, arch, module, vendor, status string

	kernel KernelRole
	runs   string
}

// addPackages makes components of packages.
func (b *builder) addPackages(packages []*telemetry.Package) {
	groups := map[group][]*telemetry.Package{}
	for _, p := range packages {
		if !isThere(p) || p.Manager == "rpm" && p.Name == "gpg-pubkey" {
			continue // a key that rpm keeps as if it were a package
		}
		if p.Name == "" || p.Version == "" {
			b.unnamed(Package, p.Container)
			continue
		}
		g := b.groupOf(p)
		groups[g] = append(groups[g], p)
	}
	for g, members := range groups {
		b.inv.Components = append(b.inv.Components, b.component(g, members))
	}
}

func (b *builder) groupOf(p *telemetry.Package) group {
	s := b.system(p.Container)
	g := group{container: p.Container, manager: p.Manager, vendor: p.Vendor, status: p.Status, module: moduleOf(p, s)}
	g.source, g.version = sourceOf(p, s)
	if p.Manager == "rpm" {
		// Advisories of the rpm families go by binary packages, which may have
		// versions of their own, and by architecture.
		g.version, g.arch = p.Version, p.Arch
	}
	g.kernel, g.runs = b.kernel.role(p, g.source)
	return g
}

func (b *builder) component(g group, members []*telemetry.Package) Component {
	slices.SortFunc(members, func(x, y *telemetry.Package) int {
		return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Arch, y.Arch), cmp.Compare(x.Version, y.Version))
	})
	s := b.system(g.container)
	c := Component{
		Kind: Package, Ecosystem: s.Ecosystem, Foreign: s.isForeign(g.vendor), Container: g.container, Name: g.source, Version: g.version,
		Arch: archOf(members), Module: g.module, Vendor: g.vendor, Kernel: g.kernel, Runs: g.runs, Status: g.status,
		PURL:   sourceURL(s, g, archOf(members)),
		Sensor: telemetry.SensorOf(members[0]), Record: telemetry.Key(members[0]),
	}
	if s.Ecosystem != "" && !s.covers(g.manager) {
		c.Ecosystem = ""
	}
	for n, p := range members {
		if n > 0 && p.Name == members[n-1].Name && p.Arch == members[n-1].Arch && p.Version == members[n-1].Version {
			continue // two databases have it
		}
		c.Binaries = append(c.Binaries, Binary{
			Name: p.Name, Version: p.Version, Arch: p.Arch, Kernel: g.kernel,
			PURL: packageURL(s, p), Record: telemetry.Key(p),
		})
	}
	return c
}

// archOf is the one architecture of packages, beside those that are for all; empty
// if there are several.
func archOf(members []*telemetry.Package) string {
	arch := ""
	for _, p := range members {
		switch {
		case p.Arch == arch || p.Arch == "all" && arch != "":
		case arch == "" || arch == "all":
			arch = p.Arch
		default:
			return ""
		}
	}
	return arch
}

// system is the system of a container, or the host's.
func (b *builder) system(container string) *System {
	if s := b.systems[container]; s != nil {
		return s
	}
	return &System{Container: container}
}

// sourceOf is the source package by which advisories go.
func sourceOf(p *telemetry.Package, s *System) (name, version string) {
	name, version = cmp.Or(p.Source, p.Name), cmp.Or(p.SourceVersion, p.Version)
	if p.Manager == "dpkg" && strings.HasPrefix(p.Source, "linux-signed") {
		return unsignedKernel(p.Source), p.Version
	}
	if p.Manager == "dpkg" && s.ID != "ubuntu" {
		return unsigned(p, name, version)
	}
	return name, version
}
