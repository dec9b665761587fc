package assess

import "assay/internal/inspector"

// Health tells whether an agent can be relied upon now: heard of lately, and with
// no trouble of its own to report.
func (s *Service) Health(a inspector.Agent) (inspector.Health, inspector.HealthCode) {
	_, _, gone := s.gone(a, s.Unhealthy)
	switch {
	case a.SeenAt.IsZero():
		return inspector.HealthUnknown, inspector.CodeUnknown
	case gone, len(a.Problems) > 0:
		return inspector.Unhealthy, inspector.CodeUnhealthy
	}
	return inspector.Healthy, inspector.CodeIdle
}
