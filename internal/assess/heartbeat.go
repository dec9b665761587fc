package assess

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/wire"
)

// Heartbeat notes what an agent tells and answers with all instructions that are
// in force for it. One that tells nothing new costs no transaction: that the
// agent was seen is written down by Run, for all agents together.
func (s *Service) Heartbeat(ctx context.Context, agent string, beat wire.Heartbeat) (wire.HeartbeatResponse, error) {
	if err := s.hear(ctx, agent, beat); err != nil {
		return wire.HeartbeatResponse{}, err
	}
	if err := s.noteRefusals(ctx, agent, beat.Refused); err != nil {
		return wire.HeartbeatResponse{}, err
	}
	instructions, err := s.instructions(ctx, agent, beat.Sensors)
	if err != nil {
		return wire.HeartbeatResponse{}, err
	}
	return wire.HeartbeatResponse{
		Now:          s.Now().UTC(),
		Interval:     int(s.Config.Interval / time.Second),
		Instructions: instructions,
	}, nil
}

// hear remembers a heartbeat until the next Flush.
func (s *Service) hear(ctx context.Context, agent string, beat wire.Heartbeat) error {
	now := s.Now()
	tells := told(beat, now)
	known, revoked := s.pulses.beat(agent, tells)
	if !known {
		a, err := s.admitted(ctx, agent)
		if err != nil {
			return err
		}
		s.pulses.learn(a, now)
		_, revoked = s.pulses.beat(agent, tells)
	}
	if revoked {
		return unknownAgent(agent)
	}
	return nil
}

// bigSkew is from when on a clock that is off is a problem of the host.
const bigSkew = 5 * time.Minute

// told is an agent's row as far as a heartbeat tells it.
func told(beat wire.Heartbeat, now time.Time) inspector.Agent {
	var a inspector.Agent
	applyFacts(&a, beat.Facts, beat.Version)
	a.Sensors = cleanAll(beat.Sensors, maxSensors, 64)
	a.Tiers = cleanTiers(beat.Tiers)
	a.Problems = cleanAll(beat.Health, maxProblems, maxProblem)
	a.SeenAt = now
	if beat.Now.IsZero() {
		return a
	}
	a.Skew = beat.Now.Sub(now)
	if a.Skew.Abs() >= bigSkew {
		direction := "ahead of"
		if a.Skew < 0 {
			direction = "behind"
		}
		a.Problems = append(a.Problems, fmt.Sprintf("the host's clock is %s %s the service's: set it (timedatectl)",
			a.Skew.Abs().Round(time.Minute), direction))
	}
	return a
}

// instructions are those in force for an agent, narrowed to the sensors that it
// has.
func (s *Service) instructions(ctx context.Context, agent string, has []string) ([]wire.Instruction, error) {
	duties, err := s.inForce.of(ctx, agent)
	if err != nil {
		return nil, err
	}
	var all []wire.Instruction
	for _, d := range duties {
		sensors := known(d.sensors, has)
		if waiting(d) && len(sensors) == 0 {
			if err := s.refused(ctx, agent, d.run.ID, "the agent has none of the sensors that the run needs"); err != nil {
				return nil, err
			}
			continue
		}
		some := instructionsFor(d.run, d.state, sensors, d.agents)
		if len(some) > 0 && d.state == inspector.CollectionPending {
			s.pulses.instructed(partID{d.run.ID, agent})
		}
		all = append(all, some...)
	}
	return all, nil
}

func waiting(d duty) bool {
	return d.run.State == inspector.CollectingData && d.state == inspector.CollectionPending
}

// noteRefusals fails the agent's part in the runs whose instructions it refused.
func (s *Service) noteRefusals(ctx context.Context, agent string, refusals []wire.Refusal) error {
	if len(refusals) == 0 {
		return nil
	}
	duties, err := s.inForce.of(ctx, agent)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, r := range refusals {
		run, ok := runOf(r.Instruction)
		if !ok || seen[run] {
			continue // a document has room for thousands of refusals of the same
		}
		seen[run] = true
		for _, d := range duties {
			if d.run.ID == run && d.run.State.Collecting() && d.state != inspector.CollectionFailed && d.state != inspector.CollectionComplete {
				if err := s.refused(ctx, agent, run, "it refused the instruction: "+clean(r.Reason, maxProblem)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// refused fails an agent's part in a run because it cannot do what the run needs.
func (s *Service) refused(ctx context.Context, agent, run, reason string) error {
	err := s.update(ctx, func(tx *store.Tx) error {
		r, part, err := s.part(ctx, &tx.Reader, run, agent)
		if err != nil || part.State == inspector.CollectionFailed || part.State == inspector.CollectionComplete || !r.State.Collecting() {
			return err
		}
		if err := s.failPart(ctx, tx, r, part, inspector.AgentRefused, reason); err != nil {
			return err
		}
		_, err = s.step(ctx, tx, run)
		return err
	})
	s.inForce.forget()
	return err
}
