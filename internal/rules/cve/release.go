package cve

import (
	"cmp"
	"fmt"
	"time"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/rules/cve/lifecycle"
	"assay/internal/telemetry"
)

var supportedReleaseRule = rules.Rule{
	ID:       "supported-release",
	Title:    "Run a release that is repaired",
	Finding:  "Instance <id> runs a release that is not repaired any more",
	Severity: inspector.High,
	Description: "Nobody publishes advisories and fixes for a release after its end of life: its vulnerabilities remain, and most of them " +
		"are not even listed for it.",
	Recommendation: "Move the host to a release that is repaired.",
}

// supportedRelease is about whether somebody still repairs the host's system. It
// needs no advisories.
func supportedRelease(e *evaluation) []rules.Result {
	system := e.host.System()
	if !system.OK() {
		return []rules.Result{{Verdict: rules.NotEvaluated, Reason: "the host's system is not known: " + system.Reason, Remedy: "Let the agent collect the sensor \"system\"."}}
	}
	s := system.Value
	if e.now.IsZero() {
		return []rules.Result{{Verdict: rules.NotEvaluated, Reason: "it is not known when the evaluation happens", Remedy: "Report this as a bug of Assay."}}
	}
	release, ok := lifecycle.Of(s.OS, s.OSVersion)
	if !ok {
		if r := unsupported(e); r != nil {
			return []rules.Result{*r}
		}
		return []rules.Result{{Verdict: rules.NotEvaluated,
			Reason: fmt.Sprintf("until when %s is repaired is not known", cmp.Or(s.OSName, s.OS+" "+s.OSVersion)),
			Remedy: "Update the service: it knows the releases that there were when it was made. If this one is older than its list, move to one that is repaired."}}
	}
	return []rules.Result{e.supported(s, release)}
}

func (e *evaluation) supported(s *telemetry.System, release lifecycle.Release) rules.Result {
	seen := rules.Evidence{Sensor: telemetry.SensorSystem, Record: telemetry.Key(s), File: "/etc/os-release", Found: cmp.Or(s.OSName, s.OS+" "+s.OSVersion)}
	r := rules.Result{Verdict: rules.Failed}
	switch {
	case !e.now.After(release.Free):
		r.Verdict = rules.Passed
		r.Reason = fmt.Sprintf("%s is repaired until %s.", release.Name, date(release.Free))
		if e.now.After(release.Regular) {
			r.Reason = fmt.Sprintf("%s is repaired until %s, since %s by its long-term support, which covers most packages.", release.Name, date(release.Free), date(release.Regular))
		}
	case e.now.After(release.Extended):
		r.Reason = fmt.Sprintf("%s has not been repaired since %s.", release.Name, date(later(release.Free, release.Extended)))
	case e.subscribed():
		r.Verdict = rules.Passed
		r.Reason = fmt.Sprintf("%s is repaired until %s for subscribers of %s, of whom this host is one.", release.Name, date(release.Extended), release.Program)
	default:
		r.Severity = inspector.Medium
		r.Reason = fmt.Sprintf("%s has been repaired since %s for subscribers of %s only, until %s; this host is not known to be subscribed.",
			release.Name, date(release.Free), release.Program, date(release.Extended))
		r.Remedy = fmt.Sprintf("Move the host to a newer release, or subscribe it to %s.", release.Program)
	}
	seen.Expected = "a release that is repaired on " + date(e.now)
	r.Evidence = []rules.Evidence{seen}
	return r
}

// subscribed tells whether the host gets the fixes of extended support, as far as the
// telemetry tells.
func (e *evaluation) subscribed() bool {
	s := e.system("")
	pro := proOf(s.Ecosystem)
	for _, more := range s.More {
		if pro != "" && more == pro {
			return true
		}
	}
	return false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
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
