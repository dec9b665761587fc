package cve

import (
	"cmp"
	"slices"

	"assay/internal/advisory"
	"assay/internal/advisory/cvss"
	"assay/internal/advisory/match"
	"assay/internal/inventory"
	"assay/internal/version"
)

// vulnerable is a vulnerability that an item has, with all that is known of it.
type vulnerable struct {
	*item
	*match.Vulnerability
	fact   advisory.Fact
	scores []cvss.Score
	rating rating
	// status is Fixed if there is a fix to be installed; else what the vendor says,
	// and note why.
	status  advisory.Status
	note    string
	proOnly string // the fix that subscribers of Ubuntu Pro get, and this host does not
	stated  *advisory.Statement

	urgency  urgency
	priority int
}

func (e *evaluation) vulnerable(i *item, v *match.Vulnerability) *vulnerable {
	w := &vulnerable{item: i, Vulnerability: v}
	w.fact = e.fact(v.ID)
	w.scores = scored(w.fact, v)
	w.rating = rate(v, w.scores)
	w.status, w.note = statusOf(v)
	if v.Unfixed {
		w.proOnly = e.proFix(i, v.ID)
	}
	w.stated = e.stated(w)
	w.urgency = urgency{severity: w.rating.severity, exploited: w.fact.Exploited, epss: w.fact.EPSS, state: e.inUse(i).State, fix: w.fixable()}
	w.priority = w.urgency.priority()
	return w
}

// fact is what is known of a vulnerability. That it cannot be read is told once, by
// the rule about the advisories.
func (e *evaluation) fact(id string) advisory.Fact {
	f, _, err := e.set.Fact(id)
	e.factsErr = cmp.Or(e.factsErr, err)
	return f
}

// openStatuses are what a vendor says of what he has not fixed, the most definite first.
var openStatuses = []advisory.Status{
	advisory.EndOfLife, advisory.WontFix, advisory.NotUrgent, advisory.Deferred, advisory.UnderInvestigation, advisory.AffectedNow,
}

// statusOf is what the vendor says of a vulnerability. It is fixed only if no
// advisory leaves it open.
func statusOf(v *match.Vulnerability) (status advisory.Status, note string) {
	if !v.Unfixed {
		return advisory.Fixed, ""
	}
	for _, s := range openStatuses {
		for _, m := range v.Matches {
			if a := m.Affected(); a.Status == s && m.In().Fixed == "" {
				return s, a.Note
			}
		}
	}
	return advisory.AffectedNow, ""
}

// fixable tells whether there is a fix to be installed.
func (v *vulnerable) fixable() bool { return v.status == advisory.Fixed }

// negligible tells whether the vendor calls it unimportant.
func (v *vulnerable) negligible() bool {
	return v.status == advisory.NotUrgent || v.rating.vendor == advisory.Negligible
}

// suppressed tells whether a supplier states that there is nothing to mend.
func (v *vulnerable) suppressed() bool { return v.stated != nil && dismisses(v.stated) }

// hidden tells whether the settings keep it from being a finding.
func (v *vulnerable) hidden(s settings) bool {
	switch {
	case v.fixable():
		return false
	case s.unfixed == UnfixedHide:
		return true
	}
	return s.unfixed == UnfixedHideNegligible && v.negligible()
}

// affects tells whether a binary package has the vulnerability: advisories name
// those, or stand for all that is built of the source.
func (v *vulnerable) affects(binary string) bool {
	return slices.ContainsFunc(v.Matches, func(m *match.Match) bool {
		a := m.Affected()
		switch {
		case len(a.Binaries) > 0:
			return slices.Contains(a.Binaries, binary)
		case v.scheme() == version.RPM && a.Arch != "src":
			return a.Package == binary
		}
		return true
	})
}

// affected are the binary packages of the item that have the vulnerability; of very
// many places some.
func (v *vulnerable) affected() (all []inventory.Binary) {
	for _, c := range v.same[:min(len(v.same), maxPlaces)] {
		for _, b := range c.Binaries {
			if v.affects(b.Name) {
				all = append(all, b)
			}
		}
	}
	return all
}

// advisories are the ids of the advisories, each once.
func (v *vulnerable) advisories() (ids []string) {
	for _, m := range v.Matches {
		if !slices.Contains(ids, m.Advisory.ID) {
			ids = append(ids, m.Advisory.ID)
		}
	}
	return ids
}
