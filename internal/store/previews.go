package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

// Preview is a list of the exclusions that a run of a template would have had.
type Preview struct {
	Token, Template string
	CreatedAt       time.Time
	CompletedAt     time.Time // zero while it is being made
}

// Preview returns a preview, if there is one with this token.
func (r *Reader) Preview(ctx context.Context, token string) (p Preview, ok bool, err error) {
	q := r.query("SELECT token, template, created_at, completed_at FROM previews WHERE token = ?", token)
	ok, err = one(ctx, r, q, &p.Token, &p.Template, (*instant)(&p.CreatedAt), (*instant)(&p.CompletedAt))
	if err != nil {
		return Preview{}, false, fmt.Errorf("read the exclusions preview %s: %w", token, err)
	}
	return p, ok, nil
}

// PreviewExclusions returns a page of the exclusions of a preview by id.
func (r *Reader) PreviewExclusions(ctx context.Context, token string, p inspector.Page) ([]inspector.Exclusion, string, error) {
	q := r.query("SELECT doc FROM preview_exclusions WHERE preview = ? AND id > ? ORDER BY id LIMIT ?", token, p.After, limit(p))
	exclusions, err := rows(ctx, r, q, scanExclusion)
	if err != nil {
		return nil, "", fmt.Errorf("list the exclusions of the preview %s: %w", token, err)
	}
	exclusions, next := cut(exclusions, p, exclusionID)
	return exclusions, next, nil
}

// previewsKept is how many previews of a template there are at most.
const previewsKept = 10

// CreatePreview adds a preview that is to be made, in place of the oldest of its
// template where there are many. It is refused with PreviewInProgress while another
// one of the template is being made.
func (tx *Tx) CreatePreview(ctx context.Context, p Preview) error {
	if err := tx.mustExist(ctx, "templates", p.Template); err != nil {
		return err
	}
	var making string
	ok, err := one(ctx, &tx.Reader, tx.query("SELECT token FROM previews WHERE template = ? AND completed_at = 0", p.Template), &making)
	if err != nil {
		return fmt.Errorf("look for an exclusions preview that is being made: %w", err)
	}
	if ok {
		return inspector.Errorf(inspector.PreviewInProgress, "", "an exclusions preview of this assessment template is being made: its previewToken is %s", making)
	}
	_, err = tx.exec(ctx, `DELETE FROM previews WHERE template = $1 AND token NOT IN
		(SELECT token FROM previews WHERE template = $1 ORDER BY created_at DESC, token LIMIT $2)`, p.Template, previewsKept-1)
	if err != nil {
		return fmt.Errorf("delete the old exclusions previews of the template %s: %w", p.Template, err)
	}
	_, err = tx.exec(ctx, "INSERT INTO previews (token, template, created_at, completed_at) VALUES ($1, $2, $3, 0)", p.Token, p.Template, stamp(p.CreatedAt))
	if err != nil {
		return fmt.Errorf("write the exclusions preview %s: %w", p.Token, err)
	}
	return nil
}

// CompletePreview writes what a preview that is being made came to. One that is
// complete, or not there any more, is left alone.
func (tx *Tx) CompletePreview(ctx context.Context, token string, exclusions []inspector.Exclusion, at time.Time) error {
	n, err := tx.exec(ctx, "UPDATE previews SET completed_at = $1 WHERE token = $2 AND completed_at = 0", stamp(at), token)
	if err != nil {
		return fmt.Errorf("complete the exclusions preview %s: %w", token, err)
	}
	if n == 0 {
		return nil
	}
	added := make([][]any, len(exclusions))
	for i, e := range exclusions {
		added[i] = []any{token, e.ID, toJSON(e)}
	}
	if err := tx.insert(ctx, "preview_exclusions (preview, id, doc)", added, " ON CONFLICT DO NOTHING"); err != nil {
		return fmt.Errorf("write the exclusions of the preview %s: %w", token, err)
	}
	return nil
}

// DropPreviews deletes the previews that were created before a time.
func (tx *Tx) DropPreviews(ctx context.Context, before time.Time) error {
	if _, err := tx.exec(ctx, "DELETE FROM previews WHERE created_at < $1", stamp(before)); err != nil {
		return fmt.Errorf("delete old exclusions previews: %w", err)
	}
	return nil
}
