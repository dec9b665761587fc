package store

import (
	"context"
	"fmt"

	"assay/internal/inspector"
)

// Role returns the cross-account role that is registered; ok tells whether one is.
func (r *Reader) Role(ctx context.Context) (role inspector.Role, ok bool, err error) {
	q := r.query("SELECT arn, registered_at, valid FROM cross_account_role WHERE sole = 1")
	if ok, err = one(ctx, r, q, &role.ARN, (*instant)(&role.RegisteredAt), &role.Valid); err != nil {
		return inspector.Role{}, false, fmt.Errorf("read the cross-account role: %w", err)
	}
	return role, ok, nil
}

// SaveRole replaces the cross-account role.
func (tx *Tx) SaveRole(ctx context.Context, role inspector.Role) error {
	_, err := tx.exec(ctx, `INSERT INTO cross_account_role (sole, arn, registered_at, valid) VALUES (1, $1, $2, $3)
		ON CONFLICT (sole) DO UPDATE SET arn = excluded.arn, registered_at = excluded.registered_at, valid = excluded.valid`,
		role.ARN, stamp(role.RegisteredAt), role.Valid)
	if err != nil {
		return fmt.Errorf("write the cross-account role %s: %w", role.ARN, err)
	}
	return nil
}
