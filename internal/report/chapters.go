package report

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"assay/internal/inspector"
)

// each runs fn over what an iterator gives, until an error.
func each[T any](d *document, all iter.Seq2[T, error], fn func(T)) {
	if all == nil {
		return
	}
	for item, err := range all {
		if d.err == nil {
			d.err = err
		}
		if d.err != nil {
			return
		}
		fn(item)
	}
}

func (d *document) hosts() {
	d.put(heading{Level: 1, Text: "Hosts", Anchor: anchorHosts})
	d.put(table{Columns: []column{{"Host", 27, false}, {"System and addresses", 29, false}, {"Agent and coverage", 29, false}, {"Findings", 15, false}},
		Empty: "No host belonged to the run."})
	each(d, d.AllHosts, func(h Host) {
		system := join("\n", visible(h.OS), prefixed("Kernel ", visible(h.Kernel)), visible(strings.Join(h.Addresses, "\n")))
		d.put(row{
			{Text: join("\n", cmp.Or(oneLine(h.Name), "(no name)"), oneLine(h.ID))},
			{Text: cmp.Or(system, "not known")},
			{Text: coverage(h)},
			{Text: strings.ReplaceAll(bySeverity(h.Findings, "none"), ", ", "\n")},
		})
	})
	d.put(tableEnd{})
}

// coverage says what is known of a host's agent and what it did not see.
func coverage(h Host) string {
	lines := []string{
		capital(words(h.Health)) + prefixed(", agent ", oneLine(h.Agent)),
		"Collection " + oneLine(h.Collection),
	}
	if h.Detail != "" {
		lines = append(lines, oneLine(h.Detail))
	}
	for _, m := range h.Coverage {
		lines = append(lines, fmt.Sprintf("%s: %s%s", oneLine(join(" ", m.Sensor, m.Part)), words(m.State), prefixed(", ", brief(m.Reason))))
	}
	return strings.Join(lines, "\n")
}

// join joins what is not empty.
func join(separator string, parts ...string) string {
	var some []string
	for _, p := range parts {
		if p != "" {
			some = append(some, p)
		}
	}
	return strings.Join(some, separator)
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// findings writes each finding once, with all hosts that have it. The groups come
// by package and severity.
func (d *document) findings() {
	d.put(heading{Level: 1, Text: "Findings", Anchor: anchorFindings})
	names := map[inspector.PackageID]string{}
	for _, p := range d.Packages {
		names[p.ID] = oneLine(p.Name)
	}
	last, any := inspector.PackageID(""), false
	each(d, d.Groups, func(g Group) {
		if !any || g.Package != last {
			d.put(heading{Level: 2, Text: cmp.Or(names[g.Package], oneLine(string(g.Package))), Anchor: anchorFindings + "-" + anchorOf(g.Package)})
		}
		last, any = g.Package, true
		d.group(g)
	})
	if !any {
		d.put(paragraph{Text: "The run has no findings. What this means depends on the chapter “What was not checked”."})
	}
}

func (d *document) group(g Group) {
	d.put(heading{Level: 3, Text: cmp.Or(oneLine(g.ID), "(a finding without a name)"), Severity: severityOf(g.Severity)})
	var common inspector.Finding // what is said once for all hosts
	var alike fold
	first := true
	each(d, g.Findings, func(f inspector.Finding) {
		_, general := parts(f.Description)
		if first {
			common.Title, common.Description, common.Recommendation, first = titleOf(f), general, f.Recommendation, false
			if common.Title != g.ID && common.Title != "" {
				d.put(paragraph{Text: oneLine(common.Title) + "."})
			}
			if general != "" {
				d.put(paragraph{Text: visible(general)})
			}
			if f.Recommendation != "" {
				d.put(paragraph{Label: "Recommendation", Text: visible(f.Recommendation)})
			}
			d.put(paragraph{Label: "Found on", Text: found(g)})
		}
		if whole, ok := alike.add(hostItem(f, common)); ok {
			d.put(whole)
		}
	})
	if whole, ok := alike.rest(); ok {
		d.put(whole)
	}
}

// severityOf is a severity, or Undefined for what is none.
func severityOf(s inspector.Severity) inspector.Severity {
	if slices.Contains(inspector.Severities(), s) {
		return s
	}
	return inspector.Undefined
}

// found words on how many hosts a finding is.
func found(g Group) string {
	if g.Count == g.Hosts {
		return several(g.Hosts, "host")
	}
	return several(g.Hosts, "host") + ", " + several(g.Count, "time")
}

// parts divides a finding's description into what is so on this host and what the
// rule is about, as package rules puts them together: at the first empty line.
func parts(description string) (here, general string) {
	here, general, two := strings.Cut(description, "\n\n")
	if !two {
		return "", description
	}
	return here, general
}

// titleOf is a finding's title with "the host" in place of the host's id, so that it
// is the same on all hosts.
func titleOf(f inspector.Finding) string {
	title := strings.TrimSuffix(strings.TrimSpace(f.Title), ".")
	if f.Agent == "" {
		return title
	}
	return strings.NewReplacer("Instance "+f.Agent, "The host", f.Agent, "the host").Replace(title)
}

// hostItem is a finding on a host: what the group has not said already.
func hostItem(f inspector.Finding, common inspector.Finding) item {
	here, general := parts(f.Description)
	i := item{Title: join(" · ", cmp.Or(oneLine(f.Asset.Hostname), "(no name)"), oneLine(f.Agent))}
	details := []string{}
	if f.Subject != "" {
		details = append(details, "About: "+oneLine(f.Subject))
	}
	if titleOf(f) != common.Title {
		details = append(details, oneLine(f.Title)+".")
	}
	if here != "" {
		details = append(details, visible(here))
	}
	if general != common.Description {
		details = append(details, visible(general))
	}
	if f.Recommendation != common.Recommendation {
		details = append(details, "Recommendation: "+visible(f.Recommendation))
	}
	i.Detail = strings.Join(details, "\n")
	for _, e := range f.Evidence {
		i.Lines = append(i.Lines, evidence(e))
	}
	return i
}

func evidence(e inspector.Evidence) line {
	return line{visible(e.Where()), visible(e.Found), visible(e.Expected)}
}

func (d *document) exclusions() {
	d.put(heading{Level: 1, Text: "What was not checked", Anchor: anchorExclusions})
	any := false
	each(d, d.AllExclusions, func(e inspector.Exclusion) {
		if !any {
			d.put(paragraph{Text: "Each exclusion is something that this run could not tell. Where nothing was found, and an exclusion covers it, nothing is known."})
		}
		any = true
		d.put(heading{Level: 3, Text: cmp.Or(oneLine(e.Title), "Exclusion")})
		list := facts{}
		for _, s := range e.Scopes {
			list = append(list, d.scope(s))
		}
		if len(list) > 0 {
			d.put(list)
		}
		d.put(paragraph{Text: visible(e.Description)})
		if e.Recommendation != "" {
			d.put(paragraph{Label: "What to do", Text: visible(e.Recommendation)})
		}
	})
	if !any {
		d.put(paragraph{Text: "There are no exclusions: whatever the run's rules packages check was checked on every host of the run."})
	}
}

func (d *document) scope(s inspector.ExclusionScope) fact {
	switch s.Type {
	case inspector.ScopeInstance:
		return fact{"Host", oneLine(s.Value), true}
	case inspector.ScopeRulesPackage:
		for _, p := range d.Packages {
			if p.ARN == s.Value {
				return fact{"Rules package", oneLine(p.Name), false}
			}
		}
		return fact{"Rules package", oneLine(s.Value), true}
	}
	return fact{oneLine(string(s.Type)), oneLine(s.Value), true}
}

func (d *document) rules() {
	d.put(heading{Level: 1, Text: "Rules that were checked", Anchor: anchorRules})
	d.put(paragraph{Text: "How many results of each verdict every rule gave, over all hosts. A rule may give several on a host, one for each thing that it is about."})
	for _, p := range d.Packages {
		d.put(heading{Level: 2, Text: oneLine(p.Name)})
		d.put(table{Columns: []column{{"Rule", 44, false}, {"Failed", 10, true}, {"Error", 9, true}, {"Not evaluated", 13, true}, {"Passed", 10, true}, {"Not applicable", 14, true}},
			Empty: "No rule of this package was evaluated."})
		for _, r := range p.Rules {
			cells := row{{Text: join("\n", oneLine(cmp.Or(r.Title, r.ID)), suffixed(oneLine(string(r.Severity)), " severity"))}}
			for _, v := range Verdicts() {
				cells = append(cells, cell{Text: number(r.Verdicts[v])})
			}
			d.put(cells)
		}
		d.put(tableEnd{})
	}
	if d.MoreRules {
		d.put(paragraph{Text: "More rules gave results than are listed here; the next chapter has them all."})
	}
}

func suffixed(s, suffix string) string {
	if s == "" {
		return ""
	}
	return s + suffix
}

func (d *document) results() {
	d.put(heading{Level: 1, Text: "Results by host", Anchor: anchorResults})
	names, titles := map[inspector.PackageID]string{}, map[inspector.PackageID]map[string]string{}
	for _, p := range d.Packages {
		names[p.ID], titles[p.ID] = oneLine(p.Name), map[string]string{}
		for _, r := range p.Rules {
			titles[p.ID][r.ID] = r.Title
		}
	}
	last, any := "", false
	each(d, d.Results, func(r Results) {
		if !any || r.Host != last {
			d.put(heading{Level: 2, Text: join(" · ", oneLine(r.HostName), oneLine(r.Host))})
		}
		last, any = r.Host, true
		d.put(paragraph{Label: cmp.Or(names[r.Package], oneLine(string(r.Package))), Text: "evaluated " + moment(r.EvaluatedAt)})
		d.put(table{Columns: []column{{"Rule", 34, false}, {"Verdict", 15, false}, {"Reason", 51, false}}, Empty: "The package gave no results on this host."})
		for _, v := range r.Verdicts {
			d.put(row{
				{Text: join("\n", oneLine(cmp.Or(titles[r.Package][v.Rule], v.Rule)), oneLine(v.Subject))},
				{Text: capital(oneLine(v.Verdict)), Verdict: v.Verdict},
				{Text: join("\n", visible(v.Reason), prefixed("What to do: ", visible(v.Remedy)))},
			})
		}
		d.put(tableEnd{})
	})
	if !any {
		d.put(paragraph{Text: "No rule was evaluated in this run."})
	}
}
