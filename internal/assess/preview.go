package assess

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

// jobPreview makes an exclusions preview. Payload: its token.
const jobPreview = "preview"

// previewLife is how long an exclusions preview can be read. It is about a moment
// that has passed.
const previewLife = 24 * time.Hour

// CreatePreview has a list made of the exclusions that a run of the template would
// have if it were started now, and returns the token under which it can be read.
// While one of the template is being made it is refused with PreviewInProgress;
// for a template of which no run can be started there is none.
func (s *Service) CreatePreview(ctx context.Context, template string) (token string, err error) {
	token = uuid.NewString()
	err = s.update(ctx, func(tx *store.Tx) error {
		if err := tx.CreatePreview(ctx, store.Preview{Token: token, Template: template, CreatedAt: s.Now()}); err != nil {
			return err
		}
		templates, err := tx.Templates(ctx, []string{template})
		if err != nil {
			return err
		}
		if err := mayRun(templates[template]); err != nil {
			return err // the job could never make it, nor another be made after it
		}
		return s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobPreview, Key: token, Payload: []byte(token), RunAt: s.Now()})
	})
	return token, err
}

// preview is the job that makes a preview. It makes a run, as StartRun does, and
// keeps of it the exclusions only.
func (s *Service) preview(ctx context.Context, job jobs.Job) error {
	if err := s.Flush(ctx); err != nil {
		return err // who was heard of just now counts as heard of
	}
	token := string(job.Payload)
	err := s.update(ctx, func(tx *store.Tx) error {
		p, ok, err := tx.Preview(ctx, token)
		if err != nil || !ok || !p.CompletedAt.IsZero() {
			return err // it was deleted with its template, or is made
		}
		exclusions, err := s.foreseen(ctx, tx, p)
		if err != nil {
			return err
		}
		return tx.CompletePreview(ctx, token, exclusions, s.Now())
	})
	if err != nil {
		return fmt.Errorf("make the exclusions preview %s: %w", token, err)
	}
	return nil
}

// foreseen are the exclusions that a run of a preview's template would have, with
// the hosts because of which it could not be started.
func (s *Service) foreseen(ctx context.Context, tx *store.Tx, p store.Preview) ([]inspector.Exclusion, error) {
	run, agents, err := s.newRun(ctx, tx, p.Token, p.Template, "preview")
	if err != nil {
		return nil, err
	}
	inRuns, err := tx.BusyAgents(ctx, idsOf(agents))
	if err != nil {
		return nil, err
	}
	return append(s.knownAtStart(run, agents), busy(run, inRuns)...), nil
}

// dropPreviews deletes the previews that can not be read any more.
func (s *Service) dropPreviews(ctx context.Context) error {
	return s.update(ctx, func(tx *store.Tx) error { return tx.DropPreviews(ctx, s.Now().Add(-previewLife)) })
}
