package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"assay/internal/advisory"
	"assay/internal/inspector"
)

// A host has hundreds of vulnerabilities, and few packages that have them: for people,
// those of a package are one entry, and what to mend first comes before everything.

// Bounds of what is printed of vulnerabilities.
const (
	mostFirst = 5  // entries of the list of what to mend first
	mostIDs   = 12 // vulnerabilities of an entry
)

// byKey are attributes for look-ups.
func byKey(list []inspector.Attribute) map[string]string {
	all := map[string]string{}
	for _, a := range list {
		all[a.Key] = a.Value
	}
	return all
}

// unordered is the priority of findings that have none: they are few, and come first.
const unordered = 1001

// priority is the number of a vulnerability, by which those of a severity are ordered.
func (f *finding) priority() int {
	n, err := strconv.Atoi(f.Attributes["PRIORITY"])
	if err != nil {
		return unordered
	}
	return n
}

// isVulnerability tells findings about a vulnerability of a package.
func (f *finding) isVulnerability() bool {
	return f.Package == string(inspector.PackageCVE) && f.priority() != unordered
}

// unfixable tells vulnerabilities without a fix.
func unfixable(f *finding) bool {
	return f.isVulnerability() && f.Attributes["STATUS"] != string(advisory.Fixed)
}

// software names what a vulnerability is of.
func (f *finding) software() string { return f.named("") }

// installed names it with its version.
func (f *finding) installed() string { return f.named(" " + f.Attributes["package_version"]) }

func (f *finding) named(version string) string {
	text := cmp.Or(f.Attributes["SOURCE_PACKAGE"], f.Attributes["package_name"]) + version
	if place := f.Attributes["CONTAINER"]; place != "" {
		text += " in " + place
	}
	return oneLine(text)
}

// vulnerability is its id: an advisory's, where that names none.
func (f *finding) vulnerability() string {
	return oneLine(cmp.Or(f.Attributes["CVE_ID"], f.Attributes["ADVISORY"]))
}

// newerID puts ids as CVE-2026-10001 before CVE-2026-9002, and that before those of
// 2025: what is new is asked for.
func newerID(a, b string) int {
	split := func(id string) (series string, length int) {
		at := strings.LastIndexByte(id, '-') + 1
		return id[:at], len(id) - at
	}
	seriesA, lengthA := split(a)
	seriesB, lengthB := split(b)
	return cmp.Or(strings.Compare(seriesB, seriesA), cmp.Compare(lengthB, lengthA), strings.Compare(b, a))
}

// group is the vulnerabilities of one package of a host that are mended in one way, the
// most urgent first; or any other finding alone.
type group []finding

// grouped puts sorted findings into groups, each where its worst finding is.
func grouped(findings []finding) (groups []group) {
	type key struct{ agent, rule, software, installed string }
	at := map[key]int{}
	for _, f := range findings {
		k := key{f.Agent, f.Rule, f.software(), f.Attributes["package_version"]}
		n, there := at[k]
		if f.isVulnerability() && there {
			groups[n] = append(groups[n], f)
			continue
		}
		if f.isVulnerability() {
			at[k] = len(groups)
		}
		groups = append(groups, group{f})
	}
	return groups
}

func (g group) worst() *finding { return &g[0] }

// title is one line: "openssl 3.0.11-1~deb12u2: CVE-2024-1, CVE-2024-2".
func (g group) title() string {
	f := g.worst()
	if len(g) == 1 {
		title := oneLine(f.Title)
		if f.isVulnerability() {
			title += ": " + f.installed()
		}
		return title
	}
	var ids []string
	for _, v := range g[:min(len(g), mostIDs)] {
		ids = append(ids, v.vulnerability())
	}
	text := fmt.Sprintf("%s has %d vulnerabilities: %s", f.installed(), len(g), strings.Join(ids, ", "))
	if more := len(g) - mostIDs; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// lines are what a list says below the title: of vulnerabilities how much they matter,
// of other findings what was seen. Explain shows all of it.
func (g group) lines() []string {
	if f := g.urgent(); f.isVulnerability() {
		return []string{g.why()}
	}
	return evidenceLines(g.worst().Evidence, 3)
}

// why words why the group matters: as its most urgent finding does, but with the fix that
// all need.
func (g group) why() string {
	f, newest := g.urgent(), g.newest().Attributes["FIXED_VERSION"]
	return oneLine(strings.Replace(f.Attributes["WHY_FIRST"], "fix available: "+f.Attributes["FIXED_VERSION"], "fix available: "+newest, 1))
}

// recommendation is that of the finding whose fix all of the group need: the newest.
func (g group) recommendation() string { return firstSentence(g.newest().Recommendation) }

// newest is the finding with the newest fix; the worst, if none has one.
func (g group) newest() *finding {
	last := g.worst()
	scheme := advisory.Scheme(last.Attributes["ECOSYSTEM"])
	for n := range g {
		a, b := last.Attributes["FIXED_VERSION"], g[n].Attributes["FIXED_VERSION"]
		if b != "" && scheme.Check(b) == nil && (a == "" || scheme.Check(a) == nil && scheme.Compare(a, b) < 0) {
			last = &g[n]
		}
	}
	return last
}

// printFirst prints what to mend first, whatever its severity, and why.
func printFirst(w io.Writer, groups []group) {
	var first []group
	for _, g := range groups {
		if f := g.worst(); f.isVulnerability() && f.Severity != inspector.Informational {
			first = append(first, g)
		}
	}
	slices.SortStableFunc(first, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.urgent().priority(), a.urgent().priority()), cmp.Compare(len(b), len(a)))
	})
	if len(first) > 0 {
		fmt.Fprint(w, "\nFIX FIRST\n")
	}
	for n, g := range first[:min(len(first), mostFirst)] {
		f := g.urgent()
		fmt.Fprintf(w, "  %d. %s: %s, %s: %s\n", n+1, f.Host, f.software(), f.vulnerability(), g.why())
		fmt.Fprintf(w, "      do: %s\n", g.recommendation())
	}
}

// urgent is the finding of a group that is to be mended first.
func (g group) urgent() *finding {
	most := g.worst()
	for n := range g {
		if g[n].priority() > most.priority() {
			most = &g[n]
		}
	}
	return most
}
