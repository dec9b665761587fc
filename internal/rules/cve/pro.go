package cve

import (
	"slices"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/advisory/match"
	"assay/internal/version"
)

// Ubuntu publishes fixes in two places: for everybody, and for those who subscribe to
// Ubuntu Pro. Its advisories for everybody call a vulnerability unfixed that only
// subscribers get a fix for, so the two have to be laid over each other.

// withPro lays what Ubuntu Pro has over a vulnerability without a fix for everybody.
// It is true if Pro's fix is installed.
func (e *evaluation) withPro(i *item, v *match.Vulnerability) (repaired bool) {
	if !v.Unfixed {
		return false
	}
	fix := e.proFix(i, v.ID)
	if fix == "" || version.Deb.Check(i.version()) != nil {
		return false
	}
	if version.Deb.Compare(i.version(), fix) >= 0 {
		return true
	}
	if e.attached(i) {
		v.Fixed, v.Unfixed = fix, false
	}
	return false
}

// proOf is the ecosystem of Ubuntu Pro for a release; empty for other systems.
func proOf(ecosystem string) string {
	rest, ok := strings.CutPrefix(ecosystem, "Ubuntu:")
	if !ok || strings.HasPrefix(rest, "Pro:") {
		return ""
	}
	return "Ubuntu:Pro:" + rest
}

// attached tells whether an item's system gets the fixes of Ubuntu Pro.
func (e *evaluation) attached(i *item) bool {
	return slices.Contains(i.system.More, proOf(i.Ecosystem))
}

// proFix is the version with which Ubuntu Pro has repaired a vulnerability; the
// newest, if there are several.
func (e *evaluation) proFix(i *item, id string) (fix string) {
	pro := proOf(i.Ecosystem)
	if pro == "" {
		return ""
	}
	for _, a := range e.rows(pro, i.Name)[id] {
		for _, r := range a.Ranges {
			if r.Fixed != "" && version.Deb.Check(r.Fixed) == nil && (fix == "" || version.Deb.Compare(r.Fixed, fix) > 0) {
				fix = r.Fixed
			}
		}
	}
	return fix
}

type fixKey struct{ ecosystem, name string }

// rows are all rows of a package, whatever its version, by the vulnerabilities that
// they are about. What cannot be read is left out: who asks takes no row for no fix.
func (e *evaluation) rows(ecosystem, name string) map[string][]advisory.Affected {
	key := fixKey{ecosystem, name}
	if all, ok := e.fixes[key]; ok {
		return all
	}
	if e.fixes == nil {
		e.fixes = map[fixKey]map[string][]advisory.Affected{}
	}
	all := map[string][]advisory.Affected{}
	e.fixes[key] = all
	for _, record := range e.records(ecosystem, name) {
		for _, id := range idsOf(&record) {
			all[id] = append(all[id], record.Affected[0])
		}
	}
	return all
}

// records are all advisories about a package, whatever its version.
func (e *evaluation) records(ecosystem, name string) (all []advisory.Record) {
	x, err := e.set.Index(ecosystem)
	if err != nil {
		return nil
	}
	first, end, err := x.Rows(name)
	if err != nil {
		return nil
	}
	for n := first; n < end; n++ {
		if record, err := readRow(x, n); err == nil {
			all = append(all, record)
		}
	}
	return all
}

func readRow(x *index.Index, n uint32) (advisory.Record, error) {
	record, err := x.Advisory(n)
	if err == nil && len(record.Affected) != 1 {
		err = index.ErrDamaged
	}
	return record, err
}

// idsOf are the vulnerabilities that an advisory is about: itself, if it names none.
func idsOf(r *advisory.Record) []string {
	if len(r.CVEs) == 0 {
		return []string{r.ID}
	}
	return r.CVEs
}
