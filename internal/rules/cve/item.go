package cve

import (
	"cmp"
	"slices"

	"assay/internal/advisory"
	"assay/internal/advisory/match"
	"assay/internal/inventory"
	"assay/internal/usage"
	"assay/internal/version"
)

// item is software that something was found about: a component, or several that are
// the same in different places.
type item struct {
	*inventory.Component                        // the first
	same                 []*inventory.Component // all of them
	system               *inventory.System
	area                 area
	place                string // in containers: of which image, or which container
	old                  bool   // it is about code that runs and was replaced on disk, of a version that is not known
	runs                 bool   // it is about the version of the kernel that runs, which is not the one on disk

	matches []match.Match
	rows    map[row]bool // that the matches are of
	err     error        // the version is none, or the index is damaged
	vulns   []match.Vulnerability
	use     *usage.Answer // once it was asked for
}

// identity tells components that are the same.
type identity struct {
	place, ecosystem, name, version, module string
	kernel                                  inventory.KernelRole
	runs                                    bool
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

// shortID is how container runtimes shorten their ids. Others, as "mnt-4026532177",
// stay whole.
func shortID(id string) string {
	if len(id) != 64 {
		return id
	}
	return id[:12]
}

func (i *item) add(c *inventory.Component, r match.Result) {
	// Results of one component follow each other.
	if n := len(i.same); n == 0 || i.same[n-1] != c {
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
