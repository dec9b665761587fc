package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"assay/internal/inspector"
)

const suppressionColumns = "SELECT doc FROM suppressions WHERE "

func scanSuppression(row scanner) (s inspector.Suppression, err error) {
	err = row.Scan(fromJSON{&s})
	for _, t := range []*time.Time{&s.CreatedAt, &s.Until, &s.RevokedAt} {
		*t = t.UTC()
	}
	return s, err
}

func suppressionID(s inspector.Suppression) string { return s.ID }

// Suppressions returns those of the suppressions that exist, by id.
func (r *Reader) Suppressions(ctx context.Context, ids []string) (map[string]inspector.Suppression, error) {
	found, err := byKey(ctx, r, r.query(suppressionColumns+"id").list(toAny(ids)), scanSuppression, suppressionID)
	if err != nil {
		return nil, fmt.Errorf("read suppressions: %w", err)
	}
	return found, nil
}

// ListSuppressions returns a page of suppressions, also of those that are not in
// force any more, in the order of their creation.
func (r *Reader) ListSuppressions(ctx context.Context, p inspector.Page) ([]inspector.Suppression, string, error) {
	created, id, err := cursor(p)
	if err != nil {
		return nil, "", err
	}
	q := r.query(suppressionColumns+"(created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?", created, id, limit(p))
	found, err := rows(ctx, r, q, scanSuppression)
	if err != nil {
		return nil, "", fmt.Errorf("list suppressions: %w", err)
	}
	found, next := cut(found, p, func(s inspector.Suppression) string { return strconv.FormatInt(stamp(s.CreatedAt), 10) + "/" + s.ID })
	return found, next, nil
}

// SuppressionsInForce returns the suppressions that are in force at a time, in the
// order of their creation.
func (r *Reader) SuppressionsInForce(ctx context.Context, at time.Time) ([]inspector.Suppression, error) {
	q := r.query(suppressionColumns+"revoked_at = 0 AND (until_at = 0 OR until_at > ?) ORDER BY created_at, id", stamp(at))
	found, err := rows(ctx, r, q, scanSuppression)
	if err != nil {
		return nil, fmt.Errorf("read the suppressions that are in force: %w", err)
	}
	return found, nil
}

// CreateSuppression adds a suppression. As many may be in force at a time as limits
// say.
func (tx *Tx) CreateSuppression(ctx context.Context, s inspector.Suppression, limits inspector.Limits) error {
	var n int
	q := tx.query("SELECT count(*) FROM suppressions WHERE revoked_at = 0 AND (until_at = 0 OR until_at > ?)", stamp(s.CreatedAt))
	if _, err := one(ctx, &tx.Reader, q, &n); err != nil {
		return fmt.Errorf("count suppressions: %w", err)
	}
	if n >= limits.WithDefaults().Suppressions {
		return inspector.Errorf(inspector.LimitExceeded, "SUPPRESSION_LIMIT_EXCEEDED",
			"%d suppressions are in force already, as many as there may be: revoke some", n)
	}
	if err := tx.writeSuppression(ctx, s, ""); err != nil {
		return fmt.Errorf("write suppression %s: %w", s.ID, err)
	}
	return nil
}

// writeSuppression inserts a suppression; its times have the precision of all.
func (tx *Tx) writeSuppression(ctx context.Context, s inspector.Suppression, suffix string) error {
	for _, t := range []*time.Time{&s.CreatedAt, &s.Until, &s.RevokedAt} {
		*t = t.UTC().Truncate(time.Microsecond)
	}
	row := []any{s.ID, stamp(s.CreatedAt), stamp(s.Until), stamp(s.RevokedAt), toJSON(s)}
	return tx.insert(ctx, "suppressions (id, created_at, until_at, revoked_at, doc)", [][]any{row}, suffix)
}

// RevokeSuppression ends a suppression, which stays on record with who did it. One
// that was revoked already stays as it is.
func (tx *Tx) RevokeSuppression(ctx context.Context, id, by string, at time.Time) error {
	found, err := tx.Suppressions(ctx, []string{id})
	if err != nil {
		return err
	}
	s, ok := found[id]
	if !ok {
		return noSuch("suppressions", id)
	}
	if !s.RevokedAt.IsZero() {
		return nil
	}
	s.RevokedAt, s.RevokedBy = at, by
	if err := tx.writeSuppression(ctx, s, " ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at, doc = excluded.doc"); err != nil {
		return fmt.Errorf("revoke suppression %s: %w", id, err)
	}
	return nil
}
