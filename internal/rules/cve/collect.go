package cve

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"assay/internal/advisory/index"
	"assay/internal/advisory/match"
	"assay/internal/inventory"
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

// lack is an ecosystem whose advisories cannot be used.
type lack struct {
	area       area
	ecosystem  string
	err        error
	components []string // that were not compared
}

// collect matches the inventory with the advisories. If ctx is over, or the host has
// more than is kept, what is left is not compared.
func (e *evaluation) collect(ctx context.Context) {
	comparisons := e.comparisons()
	packages := make([]match.Package, len(comparisons))
	for n := range comparisons {
		packages[n] = comparisons[n].pkg
	}
	items := map[identity]*item{}
	for at := 0; at < len(packages) && ctx.Err() == nil; at += together {
		end := min(at+together, len(packages))
		if e.budget.matches <= 0 {
			e.leave(comparisons[at:])
			break
		}
		e.match(items, comparisons[at:end], packages[at:end])
	}
	for _, i := range e.items {
		if ctx.Err() != nil {
			return
		}
		e.settle(i)
	}
	slices.SortStableFunc(e.found, func(a, b *vulnerable) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.ID, b.ID))
	})
}

// match matches some of what is to be compared.
func (e *evaluation) match(items map[identity]*item, comparisons []comparison, packages []match.Package) {
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
		e.budget.matches -= len(r.Matches)
		if len(r.Matches) > 0 || r.Err != nil {
			e.item(items, c).add(c.component, r)
		}
	}
}

// comparison is a component that is to be compared with an ecosystem's advisories.
type comparison struct {
	component *inventory.Component
	pkg       match.Package
	runs      bool
}

// comparisons are what is to be compared. What cannot be is noted.
func (e *evaluation) comparisons() []comparison {
	all := make([]comparison, 0, len(e.inventory.Components)+8)
	names := make([]string, 0, 2*len(e.inventory.Components))
	ecosystems := map[string][]string{}
	for n := range e.inventory.Components {
		c := &e.inventory.Components[n]
		switch e.repairs(c) {
		case byVendor:
			e.owned = append(e.owned, c.Name)
			continue
		case byUnknown:
			e.orphans[areaOf(c)] = append(e.orphans[areaOf(c)], c.Name+" of "+c.Owner)
			continue
		}
		if c.Ecosystem == "" {
			continue // its system's problem is told
		}
		in := e.ecosystemsOnce(ecosystems, c)
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
		all = compared(all, c, in, names[begin:len(names):len(names)])
	}
	return all
}

// compared appends a component's comparisons with the advisories of ecosystems. A
// kernel that was replaced while it ran is compared in both versions.
func compared(all []comparison, c *inventory.Component, ecosystems, binaries []string) []comparison {
	for _, ecosystem := range ecosystems {
		p := match.Package{Ecosystem: ecosystem, Name: c.Name, Binaries: binaries, Version: c.Version, Arch: c.Arch, Module: c.Module}
		all = append(all, comparison{c, p, false})
		if c.Runs != "" {
			p.Version = c.Runs
			all = append(all, comparison{c, p, true})
		}
	}
	return all
}

// ecosystemsOnce looks the ecosystems of a component up once for all of its system.
func (e *evaluation) ecosystemsOnce(known map[string][]string, c *inventory.Component) []string {
	key := c.Ecosystem + "\x00" + c.Container
	in, ok := known[key]
	if !ok {
		in = e.ecosystems(c)
		known[key] = in
	}
	return in
}

// ecosystems are those of the set by which a component goes.
func (e *evaluation) ecosystems(c *inventory.Component) []string {
	all := e.set.Ecosystems(c.Ecosystem)
	if c.Kind == inventory.Package {
		if len(all) == 0 && !strings.HasPrefix(c.Ecosystem, "SUSE:") {
			return nil // what is published beside cannot stand for it; SUSE's is all beside
		}
		for _, more := range e.system(c.Container).More {
			all = append(all, e.set.Ecosystems(more)...)
		}
		slices.Sort(all)
		all = slices.Compact(all)
	}
	return all
}

func (e *evaluation) lack(c *inventory.Component, ecosystem string, err error) {
	key := lackKey{areaOf(c), ecosystem}
	l := e.lacking[key]
	if l == nil {
		l = &lack{area: key.area, ecosystem: ecosystem, err: err}
		e.lacking[key] = l
		e.lacks = append(e.lacks, l)
	}
	l.components = append(l.components, c.Name)
}

type lackKey struct {
	area      area
	ecosystem string
}
