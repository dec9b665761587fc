package cve

import (
	"fmt"
	"strings"

	"assay/internal/inventory"
	"assay/internal/rules"
)

// repairer is who repairs a library.
type repairer int

const (
	byMakers  repairer = iota // whoever made it: the advisories of its language count
	byVendor                  // the vendor of the system: his count
	byUnknown                 // the package that owns it is not known, and so neither who it is of
)

// repairs tells who repairs a library. What belongs to a package of the system its
// vendor repairs under his own version numbers. Files in /opt and /usr/local are no
// distribution's (hier(7), Filesystem Hierarchy Standard 3.13 and 4.9), whatever package
// has them; nor are those of packages that others have made and that install
// themselves among the system's, with libraries that the system's vendor knows nothing of.
func (e *evaluation) repairs(c *inventory.Component) repairer {
	if c.Kind != inventory.Library || c.Owner == "" || strings.HasPrefix(c.Path, "/opt/") || strings.HasPrefix(c.Path, "/usr/local/") {
		return byMakers
	}
	owner := e.owners[ownerKey{c.Container, c.Owner}]
	switch {
	case owner == nil:
		return byUnknown
	case owner.Ecosystem == "":
		return byMakers // nobody publishes about the system
	case e.isForeign(owner) || e.isUnheard(owner):
		return byMakers
	}
	return byVendor
}

type ownerKey struct{ container, name string }

// isUnheard tells packages of dpkg of which the distribution has never published
// anything, and that do not say whose they are, as those of others do not: Debian and
// Ubuntu list each vulnerability of each of their source packages, also those that do not
// matter. Where their advisories cannot be read, nothing was heard. Where only a part of
// the list is there (advisories of what was fixed), silence says nothing: many fixes come
// with a point release and without an advisory, and it is told that not all is known.
func (e *evaluation) isUnheard(c *inventory.Component) bool {
	family, _, _ := strings.Cut(c.Ecosystem, ":")
	if family != "Debian" && family != "Ubuntu" || c.Vendor != "" {
		return false
	}
	if !e.tellsUnfixed(c.Ecosystem) {
		return false
	}
	heard, ok := e.heard[c]
	if !ok {
		heard = e.hasRows(c)
		e.heard[c] = heard
	}
	return !heard
}

func (e *evaluation) hasRows(c *inventory.Component) bool {
	for _, ecosystem := range e.ecosystems(c) {
		x, err := e.set.Index(ecosystem)
		if err != nil {
			continue
		}
		if first, end, err := x.Rows(c.Name); err == nil && end > first {
			return true
		}
	}
	return false
}

// orphansOf is the result for libraries of packages that are not known.
func (e *evaluation) orphansOf(a area) []rules.Result {
	all := unique(e.orphans[a])
	if len(all) == 0 {
		return nil
	}
	return []rules.Result{{Verdict: rules.NotEvaluated, Subject: "owners",
		Reason: fmt.Sprintf("not compared: %s of packages of the system that are not among those that are known: %s", count(len(all), "library"), listed(all, 10)),
		Remedy: "Let the agent collect packages and libraries at the same time, and collect again."}}
}
