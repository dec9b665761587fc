package cve

import (
	"fmt"

	"assay/internal/inspector"
	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// check is a rule and what answers it. evaluate gives at least one result; the frame
// fills in the rule's id.
type check struct {
	rule     rules.Rule
	evaluate func(*evaluation) []rules.Result
	alone    bool // it needs no advisories
}

func checks() []check {
	return []check{
		{rule: rules.Rule{
			ID: "vulnerable-package", Title: "Install the fixes of the system's packages", Severity: inspector.Medium,
			Description:    "The vendor of the operating system has published a fix for a vulnerability of an installed package.",
			Recommendation: "Install the fixed version.",
		}, evaluate: vulnerablePackages},
		{rule: rules.Rule{
			ID: "unfixed-vulnerability", Title: "Know the vulnerabilities without a fix", Severity: inspector.Medium,
			Description:    "An installed package of the operating system has a vulnerability that its vendor has not fixed, or will not fix.",
			Recommendation: "Mitigate what the advisory describes, or remove the package if it is not needed.",
		}, evaluate: unfixedVulnerabilities},
		{rule: rules.Rule{
			ID: "vulnerable-library", Title: "Update vulnerable libraries of programming languages", Severity: inspector.Medium,
			Description:    "A program on the host contains or loads a library with a published vulnerability. The library is no part of the operating system, whose updates do not reach it.",
			Recommendation: "Update the library where it is used.",
		}, evaluate: vulnerableLibraries},
		{rule: rules.Rule{
			ID: "vulnerable-container", Title: "Replace containers with vulnerable software", Severity: inspector.Medium,
			Description:    "A container that runs on the host has a package or a library with a published vulnerability.",
			Recommendation: "Build the image again with the fixed version, and replace the container.",
		}, evaluate: vulnerableContainers},
		{rule: rules.Rule{
			ID: "replaced-code-running", Title: "Restart what runs old code", Severity: inspector.Medium,
			Description:    "An update counts when what runs has been started again. Until then the old code, with its vulnerabilities, is in memory.",
			Recommendation: "Restart the processes, or the host.",
		}, evaluate: replacedCode},
		{rule: supportedReleaseRule, evaluate: supportedRelease, alone: true},
		{rule: advisoriesCurrentRule, evaluate: advisoriesCurrent},
	}
}

func vulnerablePackages(e *evaluation) []rules.Result {
	if r := unsupported(e); r != nil {
		return []rules.Result{*r}
	}
	results := e.blocked(ofPackages)
	results = append(results, e.findings(ofPackages, (*vulnerable).fixable)...)
	results = append(results, e.others((*vulnerable).fixable, "have no fix and are of the rule unfixed-vulnerability")...)
	results = append(results, e.kernelsAside(ofPackages)...)
	return e.orPassed(results, ofPackages, "has a vulnerability with a fix")
}

func unfixedVulnerabilities(e *evaluation) []rules.Result {
	if e.settings.unfixed == UnfixedHide {
		reason := fmt.Sprintf("Not shown, by the setting %s=%s: %s without a fix of the host's packages that advisories tell of.",
			SettingUnfixed, UnfixedHide, count(e.hidden(ofPackages), "vulnerability"))
		h, over := e.hiding("It is still there, and not shown by the setting "+SettingUnfixed+"="+UnfixedHide+".", anyVulnerability)
		return append(append(e.blocked(ofPackages), over...), rules.Result{Verdict: rules.NotApplicable, Evidence: e.coverage(ofPackages), Reason: reason, Hidden: h})
	}
	if r := unsupported(e); r != nil {
		return []rules.Result{*r}
	}
	results := append(e.blocked(ofPackages), e.fixedOnly()...)
	open := func(v *vulnerable) bool { return !v.fixable() }
	results = append(results, e.findings(ofPackages, open)...)
	results = append(results, e.others(open, "have a fix and are of the rule vulnerable-package")...)
	return e.orPassed(results, ofPackages, "is known to have a vulnerability without a fix")
}

// others is the result about the vulnerabilities that the host's packages have and that
// are another rule's: when a fix is published, one moves from one rule to the other and
// is not mended by that.
func (e *evaluation) others(mine func(*vulnerable) bool, text string) []rules.Result {
	h, results := e.hiding("It is still there, and the finding of another rule now.", func(v *vulnerable) bool { return !mine(v) })
	if h == nil {
		return results
	}
	return append(results, rules.Result{Verdict: rules.NotApplicable, Subject: "others", Hidden: h,
		Reason: fmt.Sprintf("Beside these, %s of the host's packages %s.", count(len(h.Subjects), "vulnerability"), text)})
}

// hiding are subjects of the host's packages about which a rule does not fail, and a
// result about those that there is no room for.
func (e *evaluation) hiding(reason string, which func(*vulnerable) bool) (h *rules.Hidden, over []rules.Result) {
	left := 0
	for _, v := range e.found {
		switch s := v.subject(); {
		case v.area != ofPackages || v.runs || !which(v):
		case !e.budget.room(s):
			left++
		case h == nil:
			h = &rules.Hidden{Subjects: []string{s}, Reason: reason}
		default:
			h.Subjects = append(h.Subjects, s)
		}
	}
	if left > 0 {
		over = []rules.Result{overflow(left)}
	}
	return h, over
}

func vulnerableLibraries(e *evaluation) []rules.Result {
	results := e.blocked(ofLibraries)
	results = append(results, e.findings(ofLibraries, anyVulnerability)...)
	if len(e.owned) > 0 {
		results = append(results, rules.Result{Verdict: rules.NotApplicable, Subject: "owned",
			Reason: fmt.Sprintf("Packages of the operating system, whose advisories count, have %s: %s.", count(len(e.owned), "library"), listed(unique(e.owned), 20))})
	}
	return e.orPassed(results, ofLibraries, "has a published vulnerability")
}

func vulnerableContainers(e *evaluation) []rules.Result {
	if s := e.host.System(); s.OK() && !s.Value.Live {
		return []rules.Result{{Verdict: rules.NotApplicable, Reason: "Nothing runs: the telemetry is that of an image."}}
	}
	results := e.blocked(ofContainers)
	results = append(results, e.findings(ofContainers, anyVulnerability)...)
	results = append(results, e.kernelsAside(ofContainers)...)
	return e.orPassed(results, ofContainers, "has a published vulnerability")
}

func anyVulnerability(*vulnerable) bool { return true }

// findings are the results for the vulnerabilities of an area, and one for those
// that the settings hide: hidden is not silent.
func (e *evaluation) findings(a area, want func(*vulnerable) bool) (results []rules.Result) {
	var hidden []string
	h := rules.Hidden{Reason: fmt.Sprintf("It is still there, and not shown by the setting %s=%s.", SettingUnfixed, e.settings.unfixed)}
	over := 0
	for _, v := range e.found {
		switch {
		case v.area != a || v.runs || !want(v):
		case v.hidden(e.settings):
			hidden = append(hidden, v.ID+" ("+v.Name+")")
			if s := v.subject(); e.budget.room(s) {
				h.Subjects = append(h.Subjects, s)
			} else {
				over++
			}
		case over > 0:
			over++
		default:
			if r := e.finding(v); e.budget.spend(&r) {
				results = append(results, r)
			} else {
				over++
			}
		}
	}
	if over > 0 {
		results = append(results, overflow(over))
	}
	if len(hidden) > 0 {
		results = append(results, rules.Result{Verdict: rules.NotApplicable, Subject: "hidden", Evidence: e.coverage(a), Hidden: &h,
			Reason: fmt.Sprintf("Not shown, by the setting %s=%s: %s without a fix: %s.", SettingUnfixed, e.settings.unfixed, count(len(hidden), "vulnerability"), listed(hidden, 200))})
	}
	return results
}

// hidden counts the vulnerabilities of an area that the settings hide.
func (e *evaluation) hidden(a area) (n int) {
	for _, v := range e.found {
		if v.area == a && !v.runs && v.hidden(e.settings) {
			n++
		}
	}
	return n
}

// orPassed adds the verdict of a rule that nothing failed and nothing kept from
// looking: passed, or not applicable where there is nothing to look at.
func (e *evaluation) orPassed(results []rules.Result, a area, what string) []rules.Result {
	for _, r := range results {
		if r.Verdict != rules.NotApplicable {
			return results
		}
	}
	if e.checked[a] == 0 {
		if a == ofPackages {
			return append(results, rules.Result{Verdict: rules.NotEvaluated, Reason: "no package of the operating system was found on the host",
				Remedy: "See with `assay-agent collect` whether the agent can read the database of packages. A system without one has to be assessed by other means."})
		}
		return append(results, rules.Result{Verdict: rules.NotApplicable, Reason: "There are none on this host: " + a.text() + "."})
	}
	return append(results, rules.Result{Verdict: rules.Passed, Evidence: e.coverage(a),
		Reason: fmt.Sprintf("None of the %d %s %s.%s", e.checked[a], a.text(), what, e.proText(a))})
}

func (e *evaluation) proText(a area) string {
	if e.repaired == 0 || a != ofPackages {
		return ""
	}
	return fmt.Sprintf(" Fixes of Ubuntu Pro have repaired %s.", count(e.repaired, "vulnerability"))
}

func (a area) text() string {
	return [...]string{"source packages of the operating system", "libraries of programming languages", "packages and libraries in containers"}[a]
}

// sensor is the one that sees what is of an area.
func (a area) sensor() string {
	return [...]string{telemetry.SensorPackages, telemetry.SensorLibraries, telemetry.SensorContainers}[a]
}

// coverage is the evidence that all of an area was seen, and what it was compared with.
func (e *evaluation) coverage(a area) []rules.Evidence {
	all := []rules.Evidence{{Sensor: a.sensor(), Record: "coverage:" + a.sensor(),
		Found: fmt.Sprintf("%d %s, %d binary packages", e.checked[a], a.text(), e.binaries[a])}}
	if e.set != nil {
		all = append(all, rules.Evidence{Sensor: sensorAdvisories, Record: "set:" + e.set.Manifest().Hash(), Found: "advisories of " + listed(e.ecosystemsOfHost(), 20)})
	}
	return all
}

// kindOf is the kind of components that gaps of an area are about; empty for both.
func (a area) kind() inventory.Kind {
	return [...]inventory.Kind{inventory.Package, inventory.Library, ""}[a]
}
