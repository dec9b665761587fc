package assess

import (
	"context"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/wire"
)

// CompleteCollection notes that an agent has sent everything for a run, or that
// it could not collect. Said again, it is no error.
func (s *Service) CompleteCollection(ctx context.Context, agent, run string, say wire.CompleteRequest) error {
	if err := s.Admit(ctx, agent); err != nil {
		return err
	}
	if say.Segments < 0 || (say.Failed && clean(say.Reason, maxProblem) == "") {
		return refuse(CodeMalformed, "a collection has 0 segments or more, and one that failed a reason")
	}
	changed := false
	err := s.update(ctx, func(tx *store.Tx) error {
		r, part, err := s.part(ctx, &tx.Reader, run, agent)
		if err != nil || completed(part, say) {
			return err
		}
		if err := takes(r, part, part.Segments+1); err != nil {
			return err
		}
		if err := s.complete(ctx, tx, r, part, say); err != nil {
			return err
		}
		changed = true
		_, err = s.step(ctx, tx, run)
		return err
	})
	// What changes nothing, said a thousand times, must not have the duties of all
	// agents read as often.
	if changed {
		s.inForce.forget()
	}
	return err
}

// completed tells whether the agent has said the same before.
func completed(part inspector.RunAgent, say wire.CompleteRequest) bool {
	if say.Failed {
		return part.State == inspector.CollectionFailed
	}
	return part.State == inspector.CollectionComplete && part.Expected == say.Segments
}

func (s *Service) complete(ctx context.Context, tx *store.Tx, r inspector.Run, part inspector.RunAgent, say wire.CompleteRequest) error {
	switch {
	case say.Failed:
		return s.failPart(ctx, tx, r, part, inspector.CollectionError, "the agent says: "+clean(say.Reason, maxProblem))
	case say.Segments > part.Segments:
		return outOfOrder(part.Segments + 1)
	case say.Segments < part.Segments:
		return refuse(CodeMalformed, "the agent counts %d segments, but has sent %d", say.Segments, part.Segments)
	case say.Segments == 0:
		return s.failPart(ctx, tx, r, part, inspector.CollectionError, "the agent sent nothing")
	}
	part.State, part.Expected = inspector.CollectionComplete, say.Segments
	part.Health, part.HealthCode, part.Details = inspector.Healthy, inspector.CodeIdle, ""
	return tx.SaveRunAgent(ctx, part)
}
