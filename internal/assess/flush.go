package assess

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"assay/internal/inspector"
	"assay/internal/store"
)

// Flush writes down what heartbeats have told since the last time. What cannot
// be written is kept for the next attempt.
func (s *Service) Flush(ctx context.Context) error {
	b := s.pulses.take()
	if b.empty() {
		return nil
	}
	if err := s.write(ctx, b); err != nil {
		s.pulses.putBack(b)
		return fmt.Errorf("write down heartbeats: %w", err)
	}
	return nil
}

func (s *Service) write(ctx context.Context, b batch) error {
	rows, times := s.pulses.stale(b.heard, s.Now())
	touches := make([]store.Touch, len(times))
	for i, agent := range times {
		touches[i] = store.Touch{Agent: agent, SeenAt: b.heard[agent].SeenAt, Skew: b.heard[agent].Skew}
	}
	if len(touches) > 0 {
		if err := s.Store.TouchAgents(ctx, touches); err != nil {
			return err
		}
	}
	// In portions, so that no transaction keeps the others waiting for long.
	for some := range slices.Chunk(rows, 200) {
		if err := s.writeRows(ctx, some, b.heard); err != nil {
			return err
		}
	}
	return s.writeTasked(ctx, slices.Collect(maps.Keys(b.tasked)))
}

// writeRows reads the agents' rows and writes those that have changed.
func (s *Service) writeRows(ctx context.Context, ids []string, heard map[string]inspector.Agent) error {
	var rows map[string]inspector.Agent
	err := s.update(ctx, func(tx *store.Tx) (err error) {
		if rows, err = tx.Agents(ctx, ids); err != nil {
			return err
		}
		for id, row := range rows {
			if row.Revoked {
				continue
			}
			merge(&row, heard[id])
			rows[id] = row
			if err := tx.SaveAgent(ctx, row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, id := range ids {
		row, ok := rows[id]
		if !ok {
			row = inspector.Agent{ID: id, Revoked: true}
		}
		s.pulses.learn(row, s.Now())
	}
	return nil
}

// merge puts what a heartbeat told into an agent's row.
func merge(row *inspector.Agent, tells inspector.Agent) {
	row.Hostname, row.OS, row.Platform = tells.Hostname, tells.OS, tells.Platform
	row.Kernel, row.Architecture, row.Version = tells.Kernel, tells.Architecture, tells.Version
	row.Addresses, row.Sensors, row.Problems, row.Tiers = tells.Addresses, tells.Sensors, tells.Problems, tells.Tiers
	if tells.SeenAt.After(row.SeenAt) {
		row.SeenAt, row.Skew = tells.SeenAt, tells.Skew
	}
}

// writeTasked notes that agents were given their instruction for a run.
func (s *Service) writeTasked(ctx context.Context, parts []partID) error {
	if len(parts) == 0 {
		return nil
	}
	err := s.update(ctx, func(tx *store.Tx) error {
		for _, id := range parts {
			part, ok, err := tx.RunAgent(ctx, id.run, id.agent)
			if err != nil {
				return err
			}
			if !ok || part.State != inspector.CollectionPending {
				continue
			}
			begin(&part)
			if err := tx.SaveRunAgent(ctx, part); err != nil {
				return err
			}
		}
		return nil
	})
	s.inForce.forget()
	return err
}

// begin marks a part of a run as one that the agent works on.
func begin(part *inspector.RunAgent) {
	part.State = inspector.CollectionStarted
	part.Health, part.HealthCode, part.Details = inspector.Healthy, inspector.CodeRunning, ""
}
