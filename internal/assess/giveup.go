package assess

import (
	"context"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// verdict on an agent that a run waits for: why it is given up, or nothing.
type verdict func(part inspector.RunAgent, a inspector.Agent) (kind inspector.ExclusionKind, reason string, giveUp bool)

// tooLate gives up everybody.
func tooLate(part inspector.RunAgent, a inspector.Agent) (inspector.ExclusionKind, string, bool) {
	reason := "the collection ended before all telemetry had come; the last heartbeat came at " + a.SeenAt.UTC().Format(time.RFC3339)
	if part.State == inspector.CollectionPending {
		return inspector.AgentUnhealthy, "the agent never asked what to collect; its last heartbeat came at " + a.SeenAt.UTC().Format(time.RFC3339), true
	}
	return inspector.AgentTooLate, reason, true
}

// stopped gives up those who had not asked what to collect when a run was stopped.
func stopped(part inspector.RunAgent, _ inspector.Agent) (inspector.ExclusionKind, string, bool) {
	return inspector.AgentTooLate, "the run was stopped before the agent asked what to collect", part.State == inspector.CollectionPending
}

// giveUpLost gives up agents that fell silent while a run that is collecting
// waits for them, so that a host that was switched off does not hold up a day's
// run.
func (s *Service) giveUpLost(ctx context.Context, tx *store.Tx, id string) error {
	run, ok, err := runIn(ctx, tx, id)
	if err != nil || !ok || !run.State.Collecting() || run.StartedAt.IsZero() {
		return err
	}
	return s.giveUp(ctx, tx, run, func(_ inspector.RunAgent, a inspector.Agent) (inspector.ExclusionKind, string, bool) {
		a.EnrolledAt = latest(a.EnrolledAt, run.StartedAt)
		return s.gone(a, s.Lost)
	})
}

// giveUp fails the agents that a run waits for and the verdict gives up.
func (s *Service) giveUp(ctx context.Context, tx *store.Tx, run inspector.Run, judge verdict) error {
	var waiting []inspector.RunAgent
	err := eachPart(ctx, tx, run.ID, func(part inspector.RunAgent) (bool, error) {
		if part.State == inspector.CollectionPending || part.State == inspector.CollectionStarted {
			waiting = append(waiting, part)
		}
		return true, nil
	})
	if err != nil || len(waiting) == 0 {
		return err
	}
	ids := make([]string, len(waiting))
	for i, part := range waiting {
		ids[i] = part.Agent
	}
	agents, err := tx.Agents(ctx, ids)
	if err != nil {
		return err
	}
	for _, part := range waiting {
		kind, reason, giveUp := judge(part, agents[part.Agent])
		if !giveUp {
			continue
		}
		if err := s.failPart(ctx, tx, run, part, kind, reason); err != nil {
			return err
		}
	}
	return nil
}

// failPart fails an agent's part in a run and says so with an exclusion.
func (s *Service) failPart(ctx context.Context, tx *store.Tx, run inspector.Run, part inspector.RunAgent, kind inspector.ExclusionKind, reason string) error {
	fail(&part, kind, reason)
	if err := tx.SaveRunAgent(ctx, part); err != nil {
		return err
	}
	s.Log.Warn("an agent's collection failed", "run", run.ID, "agent", part.Agent, "reason", reason)
	return tx.AddExclusions(ctx, run.ID, []inspector.Exclusion{exclusion(kind, run, part.Agent, "", reason)})
}
