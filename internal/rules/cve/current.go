package cve

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/advisory/index"
	"assay/internal/inspector"
	"assay/internal/inventory"
	"assay/internal/rules"
)

// advisoriesCurrent is about the age of the advisories that the host was compared
// with. What is old is still compared with: this rule says that there may be more.
func advisoriesCurrent(e *evaluation) []rules.Result {
	manifest := e.set.Manifest()
	sources := e.covering(manifest)
	set := rules.Evidence{Sensor: sensorAdvisories, Record: "set:" + manifest.Hash(),
		Found: fmt.Sprintf("advisories %s, built at %s of %s", manifest.Hash()[:12], manifest.Built.UTC().Format(time.RFC3339), count(len(manifest.Sources), "source"))}
	evidence := []rules.Evidence{set}
	var results []rules.Result
	for _, s := range sources {
		evidence = append(evidence, e.sourceEvidence(&s))
		if why := e.stale(&s); why != "" {
			results = append(results, rules.Result{Verdict: rules.NotEvaluated, Subject: s.Name, Reason: why,
				Remedy:   "Update the advisories: assay feeds update, or assay feeds import FILE where there is no network.",
				Evidence: []rules.Evidence{e.sourceEvidence(&s), set}})
		}
	}
	results = append(results, e.silent(manifest)...)
	results = append(results, e.unreadable()...)
	if r, ok := e.unknownCover(sources); ok {
		results = append(results, r)
	}
	if len(results) > 0 {
		return results
	}
	return []rules.Result{{Verdict: rules.Passed, Evidence: evidence,
		Reason: fmt.Sprintf("The host is covered by %s of advisories; none was fetched more than %s ago.%s", count(len(sources), "source"), count(e.settings.maximumAge, "day"), catalogues(manifest))}}
}

// covering are the sources with advisories of the host's ecosystems, and those of facts,
// each once.
func (e *evaluation) covering(m *index.Manifest) (all []index.Source) {
	add := func(sources []index.Source) {
		for _, s := range sources {
			if !slices.ContainsFunc(all, func(o index.Source) bool { return o.Name == s.Name && o.From == s.From }) {
				all = append(all, s)
			}
		}
	}
	for _, ecosystem := range e.ecosystemsOfHost() {
		add(m.Covering(ecosystem))
	}
	for _, s := range m.Sources {
		if s.Kind == kindKEV || s.Kind == kindEPSS {
			add([]index.Source{s})
		}
	}
	return all
}

// Kinds of sources with facts (index.Source.Kind).
const (
	kindKEV  = "kev"
	kindEPSS = "epss"
)

// ecosystemsOfHost are those of all that is installed, sorted.
func (e *evaluation) ecosystemsOfHost() (all []string) {
	for _, s := range e.inventory.Systems {
		all = append(append(all, s.Ecosystem), s.More...)
	}
	for n := range e.inventory.Components {
		c := &e.inventory.Components[n]
		if c.Kind == inventory.Library && e.repairs(c) == byMakers {
			all = append(all, c.Ecosystem)
		}
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
}

// silence is after how long without anything new something has to be wrong: all
// publishers of systems and of languages that the sensors know publish every week.
const silence = 90 * 24 * time.Hour

// silent are the results for ecosystems of which nothing new was published for long: it
// is fetched every day, from a mirror that is not brought up to date any more.
func (e *evaluation) silent(m *index.Manifest) (results []rules.Result) {
	for _, ecosystem := range e.ecosystemsOfHost() {
		var newest time.Time
		dated := true
		for _, s := range m.Covering(ecosystem) {
			dated = dated && !s.Newest.IsZero()
			if s.Newest.After(newest) {
				newest = s.Newest
			}
		}
		if age := e.now.Sub(newest); dated && !newest.IsZero() && age > silence {
			results = append(results, rules.Result{Verdict: rules.NotEvaluated, Subject: "silence/" + ecosystem,
				Reason: fmt.Sprintf("the newest that the sources of %s have is of %s, %s ago: a publisher or a mirror has stopped, and what was published since is not known",
					ecosystem, date(newest), count(int(age.Hours()/24), "day")),
				Remedy: "See whether the mirror is brought up to date, or fetch from the publisher itself."})
		}
	}
	return results
}

// stale says why a source is too old, or may be; empty if it is not.
func (e *evaluation) stale(s *index.Source) string {
	bundled := ""
	if s.Bundled {
		bundled = ", which came with the program,"
	}
	switch age := e.now.Sub(s.Fetched); {
	case e.now.IsZero():
		return "it is not known when the evaluation happens, and so not how old the advisories are"
	case s.Fetched.IsZero():
		return fmt.Sprintf("it is not known when the source %s%s was fetched", s.Name, bundled)
	case age < -24*time.Hour:
		return fmt.Sprintf("the source %s%s was fetched in the future, on %s: a clock is wrong", s.Name, bundled, date(s.Fetched))
	case age > time.Duration(e.settings.maximumAge)*24*time.Hour:
		return fmt.Sprintf("the source %s%s is of %s and %s old, more than the %d allowed: what was published since is not known",
			s.Name, bundled, date(s.Fetched), count(int(age.Hours()/24), "day"), e.settings.maximumAge)
	}
	return ""
}

func (e *evaluation) sourceEvidence(s *index.Source) rules.Evidence {
	parts := []string{fmt.Sprintf("%s from %s: %d records", s.Name, s.From, s.Records)}
	if s.Bundled {
		parts = append(parts, "came with the program")
	}
	for _, part := range [][2]string{{"edition ", s.Edition}, {"fetched ", date(s.Fetched)}, {"newest ", date(s.Newest)}, {"SHA-256 ", s.SHA256}} {
		if part[1] != "" {
			parts = append(parts, part[0]+part[1])
		}
	}
	return rules.Evidence{Sensor: sensorAdvisories, Record: "source:" + s.Name, Found: strings.Join(parts, ", "),
		Expected: "fetched at most " + count(e.settings.maximumAge, "day") + " ago"}
}

// unreadable are the results for parts of the set that cannot be read, on whatever
// host: without them findings are there all the same, and say less.
func (e *evaluation) unreadable() (results []rules.Result) {
	for what, err := range map[string]error{
		"the facts of vulnerabilities cannot be read, so that scores, exploited vulnerabilities and probabilities are not known": e.factsErr,
		"the statements of suppliers cannot be read, so that what they call not affected is reported":                            e.overlayErr,
	} {
		if err != nil {
			results = append(results, rules.Result{Verdict: rules.NotEvaluated, WholeRun: true, Reason: what + ": " + err.Error(), Remedy: rebuild})
		}
	}
	slices.SortFunc(results, func(a, b rules.Result) int { return cmp.Compare(a.Reason, b.Reason) })
	return results
}

const rebuild = "Build the advisories again: assay feeds update, or assay feeds import FILE."

// unknownCover is the result where it cannot be told which sources cover the host.
func (e *evaluation) unknownCover(sources []index.Source) (rules.Result, bool) {
	var why string
	switch {
	case !e.host.System().OK():
		why = "it is not known which sources of advisories cover the host: " + e.host.System().Reason
	case e.system("").Ecosystem == "":
		why = "no source of advisories covers the host: " + e.system("").Problem
	case !slices.ContainsFunc(sources, func(s index.Source) bool { return s.Kind != kindKEV && s.Kind != kindEPSS }):
		why = fmt.Sprintf("no source of advisories is recorded for %s", e.system("").Ecosystem)
	default:
		return rules.Result{}, false
	}
	return rules.Result{Verdict: rules.NotEvaluated, Reason: why, Remedy: cmp.Or(e.system("").Remedy, "Add a source of them: assay feeds lists those that there are.")}, true
}

// catalogues says which facts are not among the sources: the order of findings rests
// on them.
func catalogues(m *index.Manifest) string {
	var missing []string
	for _, c := range [][2]string{{kindKEV, "CISA's catalogue of exploited vulnerabilities"}, {kindEPSS, "the probabilities of EPSS"}} {
		if !slices.ContainsFunc(m.Sources, func(s index.Source) bool { return s.Kind == c[0] }) {
			missing = append(missing, c[1])
		}
	}
	if len(missing) == 0 {
		return ""
	}
	return " Not among the sources, and so without effect on the order of findings: " + strings.Join(missing, ", ") + "."
}

var advisoriesCurrentRule = rules.Rule{
	ID:             "advisories-current",
	Title:          "Compare with current advisories",
	Severity:       inspector.Medium,
	Description:    "What was published after the advisories were fetched is not known. This rule tells how old the sources are that cover the host.",
	Recommendation: "Update the advisories regularly.",
}
