package assess

import (
	"fmt"

	"assay/internal/inspector"
)

// knownAtStart are the exclusions that need no telemetry: those that a run has at
// its start, and that a preview shows.
func (s *Service) knownAtStart(run inspector.Run, agents []inspector.Agent) []inspector.Exclusion {
	var all []inspector.Exclusion
	p := s.planOf(run.Packages)
	for _, arn := range p.missing {
		all = append(all, exclusion(s.whyMissing(arn), run, "", arn, ""))
	}
	if len(agents) == 0 {
		return append(all, exclusion(inspector.NoHosts, run, "", "", ""))
	}
	for _, a := range agents {
		all = append(all, unsupported(run, a, p)...)
		if kind, reason, gone := s.gone(a, s.Unhealthy); gone {
			all = append(all, exclusion(kind, run, a.ID, "", reason))
		}
	}
	return all
}

// whyMissing tells a rules package that was retired from one that this service
// does not know, or does not have yet.
func (s *Service) whyMissing(arn string) inspector.ExclusionKind {
	if id, ok := s.resolve(arn); ok && inspector.Retired(id) {
		return inspector.PackageDeprecated
	}
	return inspector.PackageUnavailable
}

// unsupported are the exclusions of the packages that have no rules for a host's
// system: one for each, or one for the host if no other package is left.
func unsupported(run inspector.Run, a inspector.Agent, p plan) []inspector.Exclusion {
	packages, not := p.on(a.Platform)
	system := fmt.Sprintf("The host %s runs %s", a.ID, a.OS)
	if len(packages) == 0 && len(not) > 0 {
		return []inspector.Exclusion{exclusion(inspector.SystemUnsupported, run, a.ID, "", system)}
	}
	var all []inspector.Exclusion
	for _, pkg := range not {
		all = append(all, exclusion(inspector.PackageUnsupported, run, a.ID, pkg.arn, system))
	}
	return all
}

// busy are the exclusions of the hosts that are in other runs.
func busy(run inspector.Run, agents []inspector.BusyAgent) []inspector.Exclusion {
	var all []inspector.Exclusion
	for _, b := range agents {
		all = append(all, exclusion(inspector.AgentBusy, run, b.Agent, "", "The other run is "+b.RunARN))
	}
	return all
}
