package csaf

import (
	"fmt"

	"assay/internal/advisory"
)

// maxAliases is how many names a vulnerability may have.
const maxAliases = 100

func (d *document) statements(t *products, emit advisory.Emit) error {
	_, current, err := d.dates()
	if err != nil {
		return err
	}
	if current.IsZero() {
		return fmt.Errorf("it has no current_release_date, so that nobody can tell which statement is the later one")
	}
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		ids := v.cves()
		if len(ids) == 0 {
			emit.Skipped(d.Document.Tracking.ID, fmt.Sprintf("vulnerabilities[%d]", i), "vulnerability without a CVE")
			continue
		}
		if len(ids) > maxAliases {
			return fmt.Errorf("vulnerability %d is %d CVEs, more than %d", i+1, len(ids), maxAliases)
		}
		base := advisory.Statement{Vulnerability: ids[0], Aliases: ids[1:], Time: current,
			Source: d.Document.Tracking.ID, Author: d.Document.Publisher.Name}
		if err := v.statements(base, t, emit); err != nil {
			return err
		}
	}
	return nil
}

func (v *vulnerability) statements(base advisory.Statement, t *products, emit advisory.Emit) error {
	why := v.reasons(t)
	for _, list := range v.lists() {
		for _, id := range list.ids {
			s := base
			s.Status = stated(list.status)
			skip := ""
			if s.Product, s.Component, skip = t.urls(id); skip == "" {
				s.Justification, s.Impact, s.Action = why.flag[id], why.impact[id], why.action[id]
				// The profile wants one: 4.5 of CSAF 2.0.
				if s.Status == advisory.StatedNotAffected && s.Justification == "" && s.Impact == "" {
					skip = "not affected without a justification"
				}
			}
			if skip != "" {
				emit.Skipped(base.Source, id, skip)
				continue
			}
			if err := emit.PutStatement(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func stated(s advisory.Status) advisory.StatementStatus {
	switch s {
	case advisory.Fixed:
		return advisory.StatedFixed
	case advisory.NotAffected:
		return advisory.StatedNotAffected
	case advisory.UnderInvestigation:
		return advisory.StatedUnderInvestigation
	}
	return advisory.StatedAffected
}

// urls identify what a statement is about: a component, and what it is a component
// of. An rpm's package URL does not say of which release it is, so that a platform's
// CPE has to.
func (p *products) urls(id string) (product, component, why string) {
	chain := p.chain(id)
	if chain == nil {
		return "", "", "product that is not in the tree"
	}
	first, last := chain[0].Helper.PURL, chain[len(chain)-1].Helper
	of := last.PURL
	if of == "" {
		of = last.CPE
	}
	switch {
	case first == "" && len(chain) > 1:
		return "", "", "component without a package URL"
	case of == "":
		return "", "", "product without a package URL or CPE"
	case len(chain) == 1:
		return of, "", ""
	}
	return of, first, ""
}

// reasons are what is said beside the status, by product.
type reasons struct{ flag, impact, action map[string]string }

func (v *vulnerability) reasons(t *products) reasons {
	r := reasons{map[string]string{}, map[string]string{}, map[string]string{}}
	for i := range v.Flags {
		for _, id := range t.all(&v.Flags[i]) {
			r.flag[id] = v.Flags[i].Label
		}
	}
	for i := range v.Threats {
		for _, id := range t.all(&v.Threats[i]) {
			if v.Threats[i].Category == "impact" {
				r.impact[id] = v.Threats[i].Details
			}
		}
	}
	for i := range v.Remediations {
		for _, id := range t.all(&v.Remediations[i]) {
			r.action[id] = v.Remediations[i].Details
		}
	}
	return r
}
