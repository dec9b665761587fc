package match

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/version"
)

// Indexes has the advisories of ecosystems. A *index.Set is one.
type Indexes interface {
	// Index has index.ErrNoData in its error for an ecosystem that is not there.
	Index(ecosystem string) (*index.Index, error)
}

// Match is an advisory that applies to a package, or may. It has copies: it is good
// when the index is gone.
type Match struct {
	// Advisory has one Affected: the package in the ecosystem. Where its status is
	// NotAffected the vendor says that this package does not have the fault.
	Advisory advisory.Record
	Range    int // which of the ranges, or Always, Listed, Undecided
}

// Affected is the package as the advisory has it.
func (m *Match) Affected() *advisory.Affected { return &m.Advisory.Affected[0] }

// In is the range that the version is in; empty if it is not by a range.
func (m *Match) In() (r advisory.Range) {
	if m.Range >= 0 {
		return m.Affected().Ranges[m.Range]
	}
	return r
}

// Comparison words the comparison that was made, as evidence.
func (m *Match) Comparison(installed string) string {
	r, s := m.In(), advisory.Scheme(m.Affected().Ecosystem)
	switch {
	case m.Range == Always:
		return "the advisory names no versions: all are affected"
	case m.Range == Listed:
		return fmt.Sprintf("the advisory lists %s", installed)
	case m.Range == Undecided:
		return fmt.Sprintf("%s cannot be compared with the versions in the advisory, which are not of the scheme %s", installed, s)
	case r.FromFirst() && r.Fixed == "" && r.LastAffected == "":
		return "all versions are affected"
	}
	text := installed
	if !r.FromFirst() {
		text = r.Introduced + " <= " + text
	}
	if r.Fixed != "" {
		text += " < " + r.Fixed
	}
	if r.LastAffected != "" {
		text += " <= " + r.LastAffected
	}
	return fmt.Sprintf("%s (%s order)", text, s)
}

// Result is what is found for a package.
type Result struct {
	Package *Package
	Matches []Match
	// Err says why the matches may not be all: its chain has index.ErrNoData, for an
	// ecosystem without advisories, or index.ErrDamaged; or the version is none.
	Err error
}

// Packages matches packages. Those to which nothing applies have no result.
func Packages(indexes Indexes, packages []Package) []Result {
	var results []Result
	var hits []Hit
	var x *index.Index // of the package before
	for n := range packages {
		p := &packages[n]
		var err error
		if x == nil || x.Ecosystem() != p.Ecosystem {
			x, err = indexes.Index(p.Ecosystem)
		}
		if err != nil {
			x = nil
			results = append(results, Result{Package: p, Err: err})
			continue
		}
		if hits, err = Append(hits[:0], x, p); len(hits) > 0 || err != nil {
			results = append(results, explain(x, p, hits, err))
		}
	}
	return results
}

// explain copies what is known of hits.
func explain(x *index.Index, p *Package, hits []Hit, err error) Result {
	r := Result{Package: p, Err: err}
	for _, h := range hits {
		a, err := x.Advisory(h.Row)
		if err == nil && h.Range >= len(a.Affected[0].Ranges) {
			err = fmt.Errorf("row %d: %w", h.Row, index.ErrDamaged)
		}
		if err != nil {
			r.Err = err
			continue
		}
		r.Matches = append(r.Matches, Match{a, h.Range})
	}
	return r
}

// Vulnerability is what a package's matches say of one CVE, or of an advisory that
// names none.
type Vulnerability struct {
	ID      string
	Matches []*Match // at least one of which is not Undecided, and none is NotAffected
	// Fixed is the oldest version that none of the matches' ranges have, of those that
	// their fixes lead to: the highest that is needed. Empty: there is none.
	Fixed string
	// Unfixed tells that an advisory among the matches has no fix for this version.
	Unfixed bool
}

// ByCVE combines the matches of a package, sorted by id. Left out are matches by
// which the package is not affected, and those that are undecided.
func (r *Result) ByCVE() []Vulnerability {
	byID := map[string]*Vulnerability{}
	for n := range r.Matches {
		m := &r.Matches[n]
		if m.Affected().Status == advisory.NotAffected || m.Range == Undecided {
			continue
		}
		ids := m.Advisory.CVEs
		if len(ids) == 0 {
			ids = []string{m.Advisory.ID}
		}
		for _, id := range ids {
			if byID[id] == nil {
				byID[id] = &Vulnerability{ID: id}
			}
			byID[id].Matches = append(byID[id].Matches, m)
		}
	}
	var all []Vulnerability
	for _, v := range slices.SortedFunc(maps.Values(byID), func(a, b *Vulnerability) int { return cmp.Compare(a.ID, b.ID) }) {
		v.findFix()
		all = append(all, *v)
	}
	return all
}

// findFix finds the fix that all matches need: a version that is the fix of one may
// be in a later range of another, whose fix is then needed.
func (v *Vulnerability) findFix() {
	s := advisory.Scheme(v.Matches[0].Affected().Ecosystem)
	for _, m := range v.Matches {
		fixed := m.In().Fixed
		v.Unfixed = v.Unfixed || fixed == ""
		v.Fixed = newer(s, v.Fixed, fixed)
	}
	others := v.others(s)
	for range maxSteps {
		next, in := nextFix(s, others, v.Fixed)
		if !in {
			return
		}
		if v.Fixed = next; next == "" {
			v.Unfixed = true
			return
		}
	}
	v.Unfixed = true // nobody writes such advisories, or the order turns in circles
}

// maxSteps bounds how often a fix is looked for that is not in another range. Real
// advisories take two or three.
const maxSteps = 64

// others are the ranges that a fix may be in. The one that the installed version is in
// has had its say.
func (v *Vulnerability) others(s version.Scheme) (all []advisory.Range) {
	for _, m := range v.Matches {
		for n, r := range m.Affected().Ranges {
			if n != m.Range && r.Check(s) == nil {
				all = append(all, r)
			}
		}
	}
	return all
}

// nextFix is the newest fix of the ranges that the fix so far is in; empty if they have
// none.
func nextFix(s version.Scheme, ranges []advisory.Range, so string) (fixed string, in bool) {
	if so == "" {
		return "", false
	}
	for _, r := range ranges {
		if r.Contains(s, so) {
			in, fixed = true, newer(s, fixed, r.Fixed)
		}
	}
	return fixed, in
}

func newer(s version.Scheme, a, b string) string {
	if a == "" || b != "" && s.Compare(a, b) < 0 {
		return b
	}
	return a
}
