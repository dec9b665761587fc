package assess

import (
	"context"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

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

// Figures counts what there is, for metrics: agents by their health as Health tells
// it, targets, templates and runs.
func (s *Service) Figures(ctx context.Context) (store.Figures, error) {
	var silentSince time.Time // zero: nobody was silent while this service could hear
	if limit := s.Now().Add(-s.Unhealthy); s.started.Before(limit) {
		silentSince = limit
	}
	return s.Store.Figures(ctx, silentSince)
}
