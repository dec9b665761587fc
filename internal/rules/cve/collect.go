package cve

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/advisory/match"
	"assay/internal/inventory"
	"assay/internal/usage"
	"assay/internal/version"
)

// area is a part of a host's software that rules are about.
type area int

const (
	ofPackages   area = iota // of the host's operating system
	ofLibraries              // of programming languages, in the host's files
	ofContainers             // both, in containers
	areas
)

func areaOf(c *inventory.Component) area {
	switch {
	case c.Container != "":
		return ofContainers
	case c.Kind == inventory.Library:
		return ofLibraries
	}
	return ofPackages
}

// item is software that something was found about: a component, or several that are
// the same in different places.
type item struct {
	*inventory.Component                        // the first
	same                 []*inventory.Component // all of them
	system               *inventory.System
	area                 area
	place                string // in containers: of which image, or which container
	runs                 bool   // it is about the version of the kernel that runs, which is not the one on disk

	matches []match.Match
	rows    map[row]bool // that the matches are of
	err     error        // the version is none, or the index is damaged
	vulns   []match.Vulnerability
	use     *usage.Answer // once it was asked for
}

// lack is an ecosystem whose advisories cannot be used.
type lack struct {
	area       area
	ecosystem  string
	err        error
	components []string // that were not compared
}

// identity tells components that are the same.
type identity struct {
	place, ecosystem, name, version, module string
	kernel                                  inventory.KernelRole
	runs                                    bool
}

// collect matches the inventory with the advisories.
func (e *evaluation) collect() {
	comparisons := e.comparisons()
	packages := make([]match.Package, len(comparisons))
	for n := range comparisons {
		packages[n] = comparisons[n].pkg
	}
	items := map[identity]*item{}
	at := 0
	for _, r := range match.Packages(e.set, packages) {
		for &packages[at] != r.Package {
			at++
		}
		c := comparisons[at]
		if errors.Is(r.Err, index.ErrDamaged) {
			e.lack(c.component, c.pkg.Ecosystem, r.Err)
			r.Err = nil
		}
		if len(r.Matches) > 0 || r.Err != nil {
			e.item(items, c).add(c.component, r)
		}
	}
	for _, i := range e.items {
		e.settle(i)
	}
	slices.SortStableFunc(e.found, func(a, b *vulnerable) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.ID, b.ID))
	})
}

// comparison is a component that is to be compared with an ecosystem's advisories.
type comparison struct {
	component *inventory.Component
	pkg       match.Package
	runs      bool
}

func (e *evaluation) comparisons() []comparison {
	all := make([]comparison, 0, len(e.inventory.Components)+8)
	names := make([]string, 0, 2*len(e.inventory.Components))
	ecosystems := map[string][]string{}
	for n := range e.inventory.Components {
		c := &e.inventory.Components[n]
		if isVendors(c) {
			e.owned = append(e.owned, c.Name)
			continue
		}
		if c.Ecosystem == "" {
			continue // its system's problem is told
		}
		key := c.Ecosystem + "\x00" + c.Container
		in, ok := ecosystems[key]
		if !ok {
			in = e.ecosystems(c)
			ecosystems[key] = in
		}
		if len(in) == 0 {
			e.lack(c, c.Ecosystem, index.ErrNoData)
			continue
		}
		e.checked[areaOf(c)]++
		e.binaries[areaOf(c)] += len(c.Binaries)
		begin := len(names)
		for _, b := range c.Binaries {
			names = append(names, b.Name)
		}
		for _, ecosystem := range in {
			p := match.Package{Ecosystem: ecosystem, Name: c.Name, Binaries: names[begin:len(names):len(names)], Version: c.Version, Arch: c.Arch, Module: c.Module}
			all = append(all, comparison{c, p, false})
			if c.Runs != "" {
				p.Version = c.Runs
				all = append(all, comparison{c, p, true})
			}
		}
	}
	return all
}

// isVendors tells libraries that belong to a package of the system: its vendor
// repairs them under his own version numbers, and his advisories count. Files in
// /opt and /usr/local are no distribution's (hier(7), Filesystem Hierarchy Standard
// 3.13 and 4.9), whatever package has them.
func isVendors(c *inventory.Component) bool {
	return c.Kind == inventory.Library && c.Owner != "" &&
		!strings.HasPrefix(c.Path, "/opt/") && !strings.HasPrefix(c.Path, "/usr/local/")
}

// ecosystems are those of the set by which a component goes.
func (e *evaluation) ecosystems(c *inventory.Component) []string {
	all := e.set.Ecosystems(c.Ecosystem)
	if c.Kind == inventory.Package {
		for _, more := range e.system(c.Container).More {
			all = append(all, e.set.Ecosystems(more)...)
		}
		slices.Sort(all)
		all = slices.Compact(all)
	}
	return all
}

func (e *evaluation) lack(c *inventory.Component, ecosystem string, err error) {
	a := areaOf(c)
	at := slices.IndexFunc(e.lacks, func(l *lack) bool { return l.area == a && l.ecosystem == ecosystem })
	if at < 0 {
		at = len(e.lacks)
		e.lacks = append(e.lacks, &lack{area: a, ecosystem: ecosystem, err: err})
	}
	e.lacks[at].components = append(e.lacks[at].components, c.Name)
}

// item is the one that a component belongs to.
func (e *evaluation) item(items map[identity]*item, of comparison) *item {
	c := of.component
	id := identity{e.place(c), c.Ecosystem, c.Name, c.Version, c.Module, c.Kernel, of.runs}
	i := items[id]
	if i == nil {
		i = &item{Component: c, system: e.system(c.Container), area: areaOf(c), place: id.place, runs: of.runs}
		items[id] = i
		e.items = append(e.items, i)
	}
	return i
}

// place is what people call the container of a component: its image, since containers
// come and go; empty for the host.
func (e *evaluation) place(c *inventory.Component) string {
	if c.Container == "" {
		return ""
	}
	return cmp.Or(e.system(c.Container).Image, shortID(c.Container))
}

// shortID is how container runtimes shorten ids.
func shortID(id string) string { return id[:min(len(id), 12)] }

func (i *item) add(c *inventory.Component, r match.Result) {
	if !slices.Contains(i.same, c) {
		i.same = append(i.same, c)
	}
	i.err = cmp.Or(i.err, r.Err)
	if i.rows == nil {
		i.rows = map[row]bool{}
	}
	for n := range r.Matches {
		m := &r.Matches[n]
		if key := rowOf(m); !i.rows[key] {
			i.rows[key] = true
			i.matches = append(i.matches, *m)
		}
	}
}

// row tells matches of one advisory's row, which are there several times for packages
// of several architectures, or in several places.
type row struct {
	id, ecosystem, name, module, cve string
	status                           advisory.Status
	cves, number                     int
	in                               advisory.Range
}

func rowOf(m *match.Match) row {
	a := m.Affected()
	r := row{id: m.Advisory.ID, ecosystem: a.Ecosystem, name: a.Package, module: a.Module, status: a.Status, cves: len(m.Advisory.CVEs), number: m.Range, in: m.In()}
	if r.cves > 0 {
		r.cve = m.Advisory.CVEs[0]
	}
	return r
}

// version is the one that the item's matches were compared with.
func (i *item) version() string {
	if i.runs {
		return i.Runs
	}
	return i.Version
}

// settle turns an item's matches into vulnerabilities.
func (e *evaluation) settle(i *item) {
	r := match.Result{Matches: i.matches}
	for _, v := range r.ByCVE() {
		if e.withPro(i, &v) {
			e.repaired++
			continue
		}
		i.vulns = append(i.vulns, v)
	}
	if isKernelAside(i) {
		return // what does not run is summed up
	}
	for n := range i.vulns {
		e.found = append(e.found, e.vulnerable(i, &i.vulns[n]))
	}
}

// isKernelAside tells kernels that do not run, and what is built beside them.
func isKernelAside(i *item) bool {
	return i.Kernel == inventory.InstalledKernel || i.Kernel == inventory.KernelSupport
}

// undecided are the matches that could not be told and are of vulnerabilities that
// the item is not found to have by others.
func (i *item) undecided() (all []*match.Match) {
	has := map[string]bool{}
	for _, v := range i.vulns {
		has[v.ID] = true
	}
	for n := range i.matches {
		m := &i.matches[n]
		if m.Range != match.Undecided || m.Affected().Status == advisory.NotAffected {
			continue
		}
		if len(m.Advisory.CVEs) == 0 || slices.ContainsFunc(m.Advisory.CVEs, func(id string) bool { return !has[id] }) {
			all = append(all, m)
		}
	}
	return all
}

// scheme is the order of an item's versions.
func (i *item) scheme() version.Scheme { return advisory.Scheme(i.Ecosystem) }
