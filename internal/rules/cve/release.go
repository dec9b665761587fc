package cve

import (
	"cmp"
	"fmt"
	"slices"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

var supportedReleaseRule = rules.Rule{
	ID:       "supported-release",
	Title:    "Run a release that is repaired",
	Finding:  "Instance <id> runs a release that is not repaired any more",
	Severity: inspector.High,
	Description: "Nobody publishes advisories and fixes for a release after its end of life: its vulnerabilities remain, and most of them " +
		"are not even listed for it.",
	Recommendation: "Move to a release that is repaired.",
}

// supportedRelease is about whether somebody still repairs the systems of the host and
// of its containers. It needs no advisories.
func supportedRelease(e *evaluation) []rules.Result {
	system := e.host.System()
	if !system.OK() {
		return []rules.Result{{Verdict: rules.NotEvaluated, Reason: "the host's system is not known: " + system.Reason, Remedy: "Let the agent collect the sensor \"system\"."}}
	}
	if e.now.IsZero() {
		return []rules.Result{{Verdict: rules.NotEvaluated, Reason: "it is not known when the evaluation happens", Remedy: "Report this as a bug of Assay."}}
	}
	results := []rules.Result{}
	if r := unsupported(e); r != nil {
		results = append(results, *r)
	} else {
		results = append(results, e.supported(e.system("")))
	}
	told := map[string]bool{}
	for n := range e.inventory.Systems {
		s := &e.inventory.Systems[n]
		place := e.place(&inventory.Component{Container: s.Container})
		if s.Container == "" || s.ID == "" || told[place] {
			continue
		}
		told[place] = true
		// Of a container only that it is not repaired is a result: what is not known of
		// its system, the rule about containers tells.
		if r := e.supported(s); r.Verdict == rules.Failed {
			r.Subject, r.Severity = "in/"+place, inspector.Medium
			r.Title = "Instance <id> runs a container with a release that is not repaired any more: " + place
			results = append(results, r)
		}
	}
	return results
}

// supported is the result for one system.
func (e *evaluation) supported(s *inventory.System) rules.Result {
	name := cmp.Or(s.Name, s.ID+" "+s.Release)
	support := s.Support(e.now)
	r := rules.Result{Verdict: rules.Failed, Evidence: []rules.Evidence{{Sensor: s.Sensor, Record: s.Record, File: "/etc/os-release", Found: name,
		Expected: "a release that is repaired on " + date(e.now) + prefixed(", see ", support.Source)}}}
	switch support.State {
	case inventory.Supported:
		r.Verdict = rules.Passed
		r.Reason = fmt.Sprintf("%s is repaired until %s.", name, cmp.Or(date(support.Ends), "further notice"))
	case inventory.ExtendedOnly:
		e.extended(&r, s, name, support)
	case inventory.Unsupported:
		ended := support.Ends
		if support.Extended.After(ended) {
			ended = support.Extended
		}
		r.Reason = fmt.Sprintf("%s has not been repaired since %s.", name, date(ended))
	default:
		return rules.Result{Verdict: rules.NotEvaluated, Reason: fmt.Sprintf("until when %s is repaired is not known", name),
			Remedy: "Update the service: it knows the releases that there were on " + inventory.SupportTableDate + ". If this one is older than its list, move to one that is repaired."}
	}
	return r
}

// extended words that a release is repaired by others than its makers, or for
// subscribers only. Debian's long-term support comes the same way as the security
// team's, to everybody (https://wiki.debian.org/LTS/Using).
func (e *evaluation) extended(r *rules.Result, s *inventory.System, name string, support inventory.Support) {
	switch {
	case s.ID == "debian":
		r.Verdict = rules.Passed
		r.Reason = fmt.Sprintf("%s is repaired until %s, since %s by %s, which covers most packages.", name, date(support.Extended), date(support.Ends), support.By)
	case proOf(s.Ecosystem) != "" && slices.Contains(s.More, proOf(s.Ecosystem)):
		r.Verdict = rules.Passed
		r.Reason = fmt.Sprintf("%s is repaired until %s by %s, to which it is attached.", name, date(support.Extended), support.By)
	default:
		r.Severity = inspector.Medium
		r.Reason = fmt.Sprintf("%s has been repaired since %s by %s only, until %s; this one is not known to be subscribed.", name, date(support.Ends), support.By, date(support.Extended))
		r.Remedy = fmt.Sprintf("Move to a newer release, or subscribe to %s.", support.By)
	}
}

// unsupported is the result of rules about the system where it is of no family that
// advisories are known of: Inspector has a finding for that, and no exclusion.
func unsupported(e *evaluation) *rules.Result {
	system := e.host.System()
	if !system.OK() || host.FamilyOf(system.Value) != host.FamilyUnknown {
		return nil
	}
	s := e.system("")
	if s.Ecosystem != "" {
		return nil
	}
	return &rules.Result{Verdict: rules.NotEvaluated, Unsupported: true, Reason: upper(s.Problem) + ".", Remedy: s.Remedy,
		Evidence: []rules.Evidence{{Sensor: telemetry.SensorSystem, Record: telemetry.Key(system.Value), File: "/etc/os-release",
			Found: cmp.Or(s.Name, "a system that does not name itself in os-release")}}}
}
