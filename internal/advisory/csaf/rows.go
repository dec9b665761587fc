package csaf

import (
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// rows are what is said of packages, by the advisory that says it, and the ids of
// those in the order in which they came.
func (v *vulnerability) rows(document string, t *products, emit advisory.Emit) (map[string]*feed.Rows, []string, error) {
	said, err := v.said(t)
	if err != nil {
		return nil, nil, err
	}
	all, order := map[string]*feed.Rows{}, []string(nil)
	severity := v.severity("")
	for _, list := range v.lists() {
		for _, id := range list.ids {
			p, why := t.rpm(id)
			if why != "" {
				emit.Skipped(document, id, why)
				continue
			}
			a, why := list.row(p)
			if why != "" {
				emit.Skipped(document, id, why)
				continue
			}
			if status, ok := said.status[id]; ok && a.Status == advisory.AffectedNow {
				a.Status = status
			}
			if a.Status != advisory.Fixed {
				a.Note = said.note[id]
			}
			if s := said.severity[id]; s != severity {
				a.Severity = s
			}
			for _, to := range advisories(document, a.Status, said.fixes[id]) {
				if all[to] == nil {
					all[to], order = feed.NewRows(), append(order, to)
				}
				all[to].Add(a)
			}
		}
	}
	return all, order, nil
}

// advisories are those that say what a row says: the document itself, but for fixes
// in a file on a CVE, which have their own.
func advisories(document string, status advisory.Status, fixes []string) []string {
	if status == advisory.Fixed && strings.HasPrefix(document, "CVE-") && len(fixes) > 0 {
		return fixes
	}
	return []string{document}
}

// list is one of the lists of a product status.
type list struct {
	ids    []string
	status advisory.Status
	last   bool // its versions are the last affected ones
}

func (v *vulnerability) lists() []list {
	s := &v.Status
	return []list{
		{ids: s.Fixed, status: advisory.Fixed},
		{ids: s.FirstFixed, status: advisory.Fixed},
		{ids: s.Recommended, status: advisory.Fixed},
		{ids: s.Affected, status: advisory.AffectedNow},
		{ids: s.FirstAffected, status: advisory.AffectedNow},
		{ids: s.LastAffected, status: advisory.AffectedNow, last: true},
		{ids: s.NotAffected, status: advisory.NotAffected},
		{ids: s.Investigated, status: advisory.UnderInvestigation},
	}
}

// row is what the list says of a package, or why that is of no use.
func (l *list) row(p pack) (advisory.Affected, string) {
	a := advisory.Affected{Ecosystem: p.ecosystem, Package: p.name, Module: p.module, Arch: p.arch, Status: l.status}
	switch {
	case l.status == advisory.Fixed && p.evr == "":
		return a, "fixed without a version"
	case l.status == advisory.Fixed:
		a.Ranges = []advisory.Range{{Introduced: "0", Fixed: p.evr}}
	case p.evr == "":
		a.Ranges = []advisory.Range{{Introduced: "0"}}
	case l.last:
		a.Ranges = []advisory.Range{{Introduced: "0", LastAffected: p.evr}}
	default:
		a.Versions = []string{p.evr}
	}
	return a, ""
}
