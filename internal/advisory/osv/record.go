package osv

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
	"assay/internal/version"
)

const maxSummary = 500

func (d *document) record(emit advisory.Emit) (advisory.Record, error) {
	if d.ID == "" {
		return advisory.Record{}, errors.New("it has no id")
	}
	r := advisory.Record{
		ID:       d.ID,
		CVEs:     d.cves(),
		Summary:  feed.Line(d.Summary, maxSummary),
		Severity: d.severity(),
	}
	if r.Summary == "" {
		r.Summary = feed.Line(d.Details, maxSummary)
	}
	for _, date := range []struct {
		name, text string
		to         *time.Time
	}{{"published", d.Published, &r.Published}, {"modified", d.Modified, &r.Modified}, {"withdrawn", d.Withdrawn, &r.Withdrawn}} {
		t, err := feed.Time(date.text)
		if err != nil {
			return r, fmt.Errorf("%s: %w", date.name, err)
		}
		*date.to = t
	}
	for _, ref := range d.References {
		r.References = append(r.References, ref.URL)
	}
	r.CVSS = vectors(r.CVSS, d.Severity)
	for i := range d.Affected {
		if err := d.affected(i, &r, emit); err != nil {
			return r, err
		}
	}
	r.CVSS = feed.Unique(r.CVSS)
	return r, nil
}

// cves are those that the record is about; see the package comment.
func (d *document) cves() []string {
	ids := feed.CVEs(append([]string{d.ID}, append(d.Aliases, d.Upstream...)...)...)
	if len(ids) == 0 && d.ofDistribution() {
		return feed.CVEs(d.Related...)
	}
	return ids
}

// ofDistribution is true of the advisories of those who package others' software:
// by the ecosystems they are about, or by their ids.
func (d *document) ofDistribution() bool {
	return slices.ContainsFunc(d.Affected, func(a affected) bool {
		switch advisory.Scheme(a.Package.Ecosystem) {
		case version.Deb, version.RPM, version.APK, version.Pacman:
			return true
		}
		return false
	})
}

// severity is the vendor's of the whole record.
func (d *document) severity() advisory.Severity {
	words := []string{string(d.Specific.Severity)}
	for _, s := range d.Severity {
		if !strings.HasPrefix(s.Type, "CVSS") {
			words = append(words, s.Score)
		}
	}
	if d.ofDistribution() {
		first, _, _ := strings.Cut(d.Summary, ":")
		words = append(words, first)
		if last := strings.LastIndexByte(d.Summary, '('); last >= 0 {
			words = append(words, strings.TrimSuffix(d.Summary[last+1:], ")"))
		}
	}
	return first(words...)
}

func first(words ...string) advisory.Severity {
	for _, w := range words {
		if s := feed.Severity(w); s != "" {
			return s
		}
	}
	return ""
}

// vectors adds those of CVSS.
func vectors(to []string, from []severity) []string {
	for _, s := range from {
		if strings.HasPrefix(s.Type, "CVSS") && s.Score != "" {
			to = append(to, s.Score)
		}
	}
	return to
}

func (d *document) affected(i int, r *advisory.Record, emit advisory.Emit) error {
	from := &d.Affected[i]
	if from.Package.Name == "" && from.Package.Ecosystem == "" {
		emit.Skipped(d.ID, fmt.Sprintf("affected[%d]", i), "no package")
		return nil
	} else if from.Package.Name == "" || from.Package.Ecosystem == "" {
		return fmt.Errorf("affected[%d]: its package has no name or no ecosystem", i)
	}
	a := advisory.Affected{
		Ecosystem: from.Package.Ecosystem,
		Package:   from.Package.Name,
		Binaries:  from.Ecosystem.Binaries,
		Severity:  from.severity(),
	}
	if err := d.versions(i, &a, emit); err != nil {
		return err
	}
	if len(a.Ranges) == 0 && len(a.Versions) == 0 {
		emit.Skipped(d.ID, fmt.Sprintf("affected[%d]", i), "no versions")
		return nil
	}
	a.Status = from.status(a.Ranges)
	r.CVSS = vectors(r.CVSS, from.Severity)
	for _, a.Module = range d.modules(from, a.Ranges) {
		r.Affected = append(r.Affected, a)
	}
	return nil
}

func (a *affected) severity() advisory.Severity {
	words := []string{string(a.Ecosystem.Priority), string(a.Ecosystem.Urgency), string(a.Ecosystem.Severity), string(a.Database.Severity)}
	for _, s := range a.Severity {
		if !strings.HasPrefix(s.Type, "CVSS") {
			words = append(words, s.Score)
		}
	}
	return first(words...)
}

func (a *affected) status(ranges []advisory.Range) advisory.Status {
	if slices.ContainsFunc(ranges, func(r advisory.Range) bool { return r.Fixed != "" }) {
		return advisory.Fixed
	}
	switch a.Ecosystem.Urgency {
	case "unimportant":
		return advisory.NotUrgent
	case "end-of-life":
		return advisory.EndOfLife
	}
	return advisory.AffectedNow
}

// stream is a module's name and stream, in the summary of an advisory.
var stream = regexp.MustCompile(`(?:^|[\s(])([A-Za-z0-9][\w.+-]*:[A-Za-z0-9][\w.+-]*)`)

// modules are the streams that the package may be of; one empty for none.
func (d *document) modules(a *affected, ranges []advisory.Range) []string {
	for _, told := range []word{a.Ecosystem.Module, a.Ecosystem.RPMMod} {
		if told != "" {
			return []string{nameStream(string(told))}
		}
	}
	if !modular(ranges) {
		return []string{""}
	}
	if d.streams == nil {
		d.streams = streams(d.Summary)
	}
	return d.streams
}

// maxStreams is how many streams a summary may name. There are hardly ever two.
const maxStreams = 8

// streams are those that a summary names; one empty for none, or too many.
func streams(summary string) []string {
	var names []string
	for _, m := range stream.FindAllStringSubmatch(summary, maxStreams+1) {
		if name := strings.TrimRight(m[1], "."); !erratum.MatchString(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) == 0 || len(names) > maxStreams {
		return []string{""}
	}
	return names
}

// erratum is an advisory's id, which may be in a summary and looks like a stream:
// "ALSA-2022:5468: php:8.0 security update".
var erratum = regexp.MustCompile(`^[A-Z]{4}-\d{4}:\d`)

func modular(ranges []advisory.Range) bool {
	return slices.ContainsFunc(ranges, func(r advisory.Range) bool {
		return strings.Contains(r.Fixed, ".module") || strings.Contains(r.LastAffected, ".module")
	})
}

// nameStream cuts version, context and architecture off a module's id.
func nameStream(id string) string {
	parts := strings.SplitN(id, ":", 3)
	return strings.Join(parts[:min(2, len(parts))], ":")
}
