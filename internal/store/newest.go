package store

import (
	"context"
	"fmt"

	"assay/internal/inspector"
)

// NewestTelemetry is the newest run of which an agent's telemetry of a sensor is
// there, whole and not yet dropped. What a run's other hosts do does not count.
func (r *Reader) NewestTelemetry(ctx context.Context, agent, sensor string) (run string, ok bool, err error) {
	q := r.query(`SELECT runs.id FROM run_agents a JOIN runs ON runs.no = a.run
		WHERE a.agent = ? AND a.state = ? AND runs.telemetry_gone_at = 0
		AND EXISTS (SELECT 1 FROM segments s WHERE s.run = a.run AND s.agent = a.agent AND s.sensor = ?)
		ORDER BY a.run DESC LIMIT 1`, agent, string(inspector.CollectionComplete), sensor)
	if ok, err = one(ctx, r, q, &run); err != nil {
		return "", false, fmt.Errorf("look for the newest telemetry of agent %s: %w", agent, err)
	}
	return run, ok, nil
}
