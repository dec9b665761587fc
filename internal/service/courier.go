package service

import (
	"context"

	"assay/internal/notify"
	"assay/internal/store"
)

// openCourier makes who delivers events.
func (s *Service) openCourier(ctx context.Context) error {
	s.courier = notify.New(notify.Config{
		SNS: notify.NewSNS(s.config.SNS, s.config.Log), Version: s.config.Version, Log: s.config.Log,
		Done: newEventMetrics(s.metrics.registry).count, Hook: s.config.Hooks.Event,
	})
	if s.store.Postgres() {
		return nil
	}
	// On SQLite there is one process: whoever was delivering has ended.
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.ReleaseDeliveries(ctx) })
}
