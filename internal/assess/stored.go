package assess

import (
	"context"
	"time"

	"assay/internal/store"
)

// newestTelemetry finds the telemetry by which each of the agents can be judged
// without asking it: the newest that was collected completely, is within its
// retention, and has all of these sensors. Where there is none the answer is the
// next best, which says why not; see store.NewestTelemetry.
func (s *Service) newestTelemetry(ctx context.Context, r *store.Reader, agents, sensors []string) (map[string]store.Stored, error) {
	return r.NewestTelemetry(ctx, agents, sensors, s.retainedFrom())
}

// retainedFrom is the time before which a run was over whose telemetry is to be
// destroyed, if it is not yet: nobody may rely on how late the job comes that does
// so.
func (s *Service) retainedFrom() time.Time { return s.Now().Add(-s.Retention) }
