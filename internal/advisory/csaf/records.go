package csaf

import (
	"fmt"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

func (d *document) records(t *products, emit advisory.Emit) error {
	initial, current, err := d.dates()
	if err != nil {
		return err
	}
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		base := advisory.Record{
			ID: d.Document.Tracking.ID, CVEs: v.cves(), Summary: v.summary(d.Document.Title),
			Published: initial, Modified: current, Severity: v.severity(d.Document.AggregateSeverity.Text),
			CVSS: v.vectors(), References: v.references(),
		}
		if len(base.CVEs) == 0 {
			emit.Skipped(base.ID, fmt.Sprintf("vulnerabilities[%d]", i), "vulnerability without a CVE")
			continue
		}
		all, order, err := v.rows(base.ID, t, emit)
		if err != nil {
			return err
		}
		for _, id := range order {
			r := base
			r.ID, r.Affected = id, all[id].Affected()
			if err := emit.Put(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *vulnerability) cves() []string {
	ids := feed.CVEs(v.CVE)
	for _, id := range v.IDs {
		if len(ids) > 0 {
			break
		}
		ids = feed.CVEs(id.Text)
	}
	return ids
}

func (v *vulnerability) summary(title string) string {
	texts := []string{v.Title}
	for _, category := range []string{"summary", "description", "general"} {
		for _, note := range v.Notes {
			if note.Category == category {
				texts = append(texts, note.Text)
			}
		}
	}
	for _, text := range append(texts, title) {
		if line := feed.Line(text, 500); line != "" {
			return line
		}
	}
	return ""
}

// severity is the document's, or the first that is said of the CVE's products.
func (v *vulnerability) severity(document string) advisory.Severity {
	for _, t := range v.Threats {
		if s := feed.Severity(t.Details); t.Category == "impact" && s != "" {
			return s
		}
	}
	return feed.Severity(document)
}

func (v *vulnerability) vectors() []string {
	var all []string
	for _, s := range v.Scores {
		for _, score := range []*score{s.V2, s.V3, s.V4} {
			if score != nil && score.Vector != "" {
				all = append(all, score.Vector)
			}
		}
	}
	return feed.Unique(all)
}

func (v *vulnerability) references() []string {
	var all []string
	for _, r := range v.References {
		if r.URL != "" {
			all = append(all, r.URL)
		}
	}
	return all
}

// said is what the remarks of a vulnerability say of its products.
type said struct {
	status   map[string]advisory.Status // why there is no fix
	note     map[string]string
	fixes    map[string][]string // the advisories
	severity map[string]advisory.Severity
}

// maxFixes is how many advisories may fix one build of a package. There is hardly
// ever more than one.
const maxFixes = 20

func (v *vulnerability) said(t *products) (said, error) {
	s := said{map[string]advisory.Status{}, map[string]string{}, map[string][]string{}, map[string]advisory.Severity{}}
	for i := range v.Remediations {
		r := &v.Remediations[i]
		status, known := unfixed(r)
		for _, id := range t.all(r) {
			if r.Category == "vendor_fix" {
				if fix := erratum(r.URL); fix != "" {
					s.fixes[id] = append(s.fixes[id], fix)
				}
			} else if known {
				s.status[id], s.note[id] = status, feed.Line(r.Details, 200)
			}
		}
	}
	for id, fixes := range s.fixes {
		if s.fixes[id] = feed.Unique(fixes); len(s.fixes[id]) > maxFixes {
			return s, fmt.Errorf("%.80q is fixed by more than %d advisories", id, maxFixes)
		}
	}
	for i := range v.Threats {
		if r := &v.Threats[i]; r.Category == "impact" {
			for _, id := range t.all(r) {
				if severity := feed.Severity(r.Details); severity != "" {
					s.severity[id] = severity
				}
			}
		}
	}
	for i := range v.Flags {
		for _, id := range t.all(&v.Flags[i]) {
			s.note[id] = v.Flags[i].Label
		}
	}
	return s, nil
}

// unfixed is what a remediation says of a product that has no fix.
func unfixed(r *remark) (advisory.Status, bool) {
	details := strings.ToLower(r.Details)
	switch r.Category {
	case "no_fix_planned":
		if strings.Contains(details, "support scope") || strings.Contains(details, "end of life") {
			return advisory.EndOfLife, true
		}
		return advisory.WontFix, true
	case "none_available":
		switch {
		case strings.Contains(details, "deferred"):
			return advisory.Deferred, true
		case strings.Contains(details, "will not fix"):
			return advisory.WontFix, true
		case strings.Contains(details, "support scope"):
			return advisory.EndOfLife, true
		}
		return advisory.AffectedNow, true
	}
	return "", false
}

// erratum is the id of an advisory in its address.
func erratum(url string) string {
	id := url[strings.LastIndexByte(url, '/')+1:]
	for _, prefix := range []string{"RHSA-", "RHBA-", "RHEA-", "SUSE-"} {
		if strings.HasPrefix(id, prefix) {
			return id
		}
	}
	return ""
}
