package cve

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// blocked are the results for what kept an area from being compared in full.
func (e *evaluation) blocked(a area) []rules.Result {
	return slices.Concat(e.gaps(a), e.unnamedSystems(a), e.withoutPackages(a), e.unfollowed(a), e.lacksOf(a), e.leftOf(a), e.orphansOf(a), e.unclear(a), e.foreign(a))
}

// gaps are what the inventory could not tell.
func (e *evaluation) gaps(a area) (results []rules.Result) {
	for _, g := range e.inventory.Gaps {
		if !gapIn(&g, a) {
			continue
		}
		reason := g.Reason
		if g.Container != "" {
			reason = "in the container " + e.place(&inventory.Component{Container: g.Container}) + ": " + reason
		}
		results = append(results, rules.Result{Verdict: rules.NotEvaluated, Reason: reason, Remedy: cmp.Or(g.Remedy, "See to what the reason names, and collect again.")})
	}
	return results
}

// gapIn tells whether a gap is in an area. Those of the sensor of containers have no
// container where they are about all of them.
func gapIn(g *inventory.Gap, a area) bool {
	contained := g.Container != "" || g.Sensor == telemetry.SensorContainers
	if contained != (a == ofContainers) {
		return false
	}
	return a.kind() == "" || g.Kind == "" || g.Kind == a.kind()
}

// unnamedSystems are the systems that nobody's advisories are known for.
func (e *evaluation) unnamedSystems(a area) (results []rules.Result) {
	if a == ofLibraries {
		return nil
	}
	for n := range e.inventory.Systems {
		s := &e.inventory.Systems[n]
		if s.Ecosystem != "" || (s.Container != "") != (a == ofContainers) || a == ofContainers && !e.hasSystem(s) {
			continue
		}
		what := "the host's packages were not compared"
		if a == ofContainers {
			what = "the packages of the container " + e.place(&inventory.Component{Container: s.Container}) + " were not compared"
		}
		results = append(results, rules.Result{Verdict: rules.NotEvaluated, Reason: what + ": " + s.Problem, Remedy: cmp.Or(s.Remedy, "Look at its os-release.")})
	}
	return results
}

// withoutPackages are the containers with a system of which no package is known: it was
// made of packages, and which is not written there any more.
func (e *evaluation) withoutPackages(a area) (results []rules.Result) {
	if a != ofContainers {
		return nil
	}
	var names []string
	for n := range e.inventory.Systems {
		if s := &e.inventory.Systems[n]; s.Container != "" && s.Ecosystem != "" && !e.packaged[s.Container] {
			names = append(names, e.place(&inventory.Component{Container: s.Container}))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []rules.Result{{Verdict: rules.NotEvaluated, Subject: "without packages",
		Reason: "no package of its operating system was found in " + listed(unique(names), 10) + ", although there is one",
		Remedy: "Build images without removing the database of packages, or follow by other means what they were made of."}}
}

// unfollowed are the repositories from which a system takes updates, as its
// configuration says, and whose advisories are not there. What others publish is about
// builds of other versions. (SUSE's are guessed of the release, and need not be there.)
func (e *evaluation) unfollowed(a area) (results []rules.Result) {
	if a != ofPackages {
		return nil
	}
	s := e.system("")
	for _, more := range s.More {
		if strings.HasPrefix(more, "SUSE:") || len(e.set.Ecosystems(more)) > 0 {
			continue
		}
		results = append(results, rules.Result{Verdict: rules.NotEvaluated, Subject: more,
			Reason: "the host takes updates from " + more + ", of which there are no advisories",
			Remedy: fmt.Sprintf("Add a source with the advisories of %s: assay feeds lists those that there are.", more)})
	}
	return results
}

// hasSystem tells whether there is a system in a container: one that was made of a
// single program has none, and nothing is missed.
func (e *evaluation) hasSystem(s *inventory.System) bool {
	return s.ID != "" || e.packaged[s.Container]
}

// followFeeds is what to do about advisories that are not there, whosever they are: one
// text, since a host may have the libraries of ten ecosystems.
const followFeeds = "Follow feeds with the advisories that are missing: assay feeds list has their names; then assay feeds add NAME, and assay feeds update."

// lacksOf are the ecosystems whose advisories are not there, or damaged.
func (e *evaluation) lacksOf(a area) (results []rules.Result) {
	for _, l := range e.lacks {
		if l.area != a {
			continue
		}
		names := unique(l.components)
		r := rules.Result{Verdict: rules.NotEvaluated, Subject: l.ecosystem,
			Reason: fmt.Sprintf("not compared: %s of %s (%s): %v", count(len(l.components), "component"), l.ecosystem, listed(names, 10), l.err),
			Remedy: followFeeds}
		if errors.Is(l.err, index.ErrNoData) {
			r.Reason = fmt.Sprintf("not compared, since there are no advisories of %s: %s (%s)", l.ecosystem, count(len(l.components), "component"), listed(names, 10))
		}
		if errors.Is(l.err, index.ErrDamaged) {
			r.Remedy = rebuild
		}
		results = append(results, r)
	}
	return results
}

// unclear are the items with versions that cannot be compared: theirs, or those in
// advisories.
func (e *evaluation) unclear(a area) (results []rules.Result) {
	for _, i := range e.items {
		if i.area != a || i.runs || isKernelAside(i) {
			continue
		}
		if i.err != nil {
			results = append(results, rules.Result{Verdict: rules.NotEvaluated, Subject: i.label(),
				Reason: fmt.Sprintf("%s %s was not compared with the advisories on it: %v", i.Name, i.version(), i.err),
				Remedy: "Compare its version with the advisories by hand, or install it from a package with a version of its ecosystem."})
		}
		if undecided := i.undecided(); len(undecided) > 0 {
			var all []string
			for _, m := range undecided {
				all = append(all, m.Advisory.ID+" ("+bounds(m.Affected())+")")
			}
			results = append(results, rules.Result{Verdict: rules.NotEvaluated, Subject: i.label(),
				Reason: fmt.Sprintf("whether %s %s is affected cannot be told, since the versions in the advisories are none of %s: %s", i.Name, i.version(), i.Ecosystem, listed(all, 10)),
				Remedy: "Read the advisories, and compare by hand."})
		}
	}
	return results
}

// label names an item among those of its rule.
func (i *item) label() string {
	if i.place != "" {
		return i.Name + " in " + i.place
	}
	return i.Name
}

// bounds words the versions that a row is about.
func bounds(a *advisory.Affected) string {
	var all []string
	for _, r := range a.Ranges {
		switch {
		case r.Fixed != "":
			all = append(all, "before "+r.Fixed)
		case r.LastAffected != "":
			all = append(all, "up to "+r.LastAffected)
		default:
			all = append(all, "from "+cmp.Or(r.Introduced, "0"))
		}
	}
	return listed(append(all, a.Versions...), 5)
}

// fixedOnly are the results for systems whose advisories tell only what is fixed.
func (e *evaluation) fixedOnly() (results []rules.Result) {
	manifest := e.set.Manifest()
	told := map[string]bool{}
	for n := range e.inventory.Systems {
		s := &e.inventory.Systems[n]
		if s.Ecosystem == "" || told[s.Ecosystem] || len(e.set.Ecosystems(s.Ecosystem)) == 0 || s.Container != "" && !e.hasSystem(s) {
			continue
		}
		told[s.Ecosystem] = true
		sources := manifest.Covering(s.Ecosystem)
		if tellUnfixed(sources) {
			continue
		}
		var names []string
		for _, source := range sources {
			names = append(names, source.Name)
		}
		results = append(results, rules.Result{Verdict: rules.NotEvaluated, Subject: s.Ecosystem,
			Reason: fmt.Sprintf("the advisories of %s tell only what is fixed (%s): what nobody has fixed is not known", s.Ecosystem, cmp.Or(listed(names, 5), "their source is not recorded")),
			Remedy: unfixedFeed(s.Ecosystem)})
	}
	return results
}

// unfixedFeed says which feed tells what has no fix, see docs/feeds.md.
func unfixedFeed(ecosystem string) string {
	family, _, _ := strings.Cut(ecosystem, ":")
	feed, ok := map[string]string{
		"Debian": "debian-tracker", "Ubuntu": "osv-ubuntu", "Red Hat": "redhat-vex", "SUSE": "suse-vex", "openSUSE": "suse-vex",
	}[family]
	if !ok {
		return fmt.Sprintf("No source is known that tells what has no fix in %s; the setting %s=%s says that this is not asked for.", family, SettingUnfixed, UnfixedHide)
	}
	return fmt.Sprintf("Follow a feed that tells it: assay feeds add %s, then assay feeds update; the setting %s=%s says that this is not asked for.", feed, SettingUnfixed, UnfixedHide)
}

// tellsUnfixed tells whether a source of a release's advisories tells what has no fix,
// too, and so is its vendor's whole list.
func (e *evaluation) tellsUnfixed(ecosystem string) bool {
	return tellUnfixed(e.set.Manifest().Covering(ecosystem))
}

func tellUnfixed(sources []index.Source) bool {
	return slices.ContainsFunc(sources, func(s index.Source) bool { return s.Unfixed })
}
