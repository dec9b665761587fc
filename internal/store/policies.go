package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"assay/internal/inspector"
)

// ErrNoChange is in the error of a change to users that found what it would make,
// or did not find what it was to change.
var ErrNoChange = errors.New("there is nothing to change")

// Policy is a policy's text under its name.
type Policy struct {
	Name, Document       string
	CreatedAt, UpdatedAt time.Time
}

// Policy returns a policy by name.
func (r *Reader) Policy(ctx context.Context, name string) (Policy, bool, error) {
	var p Policy
	q := r.query("SELECT name, document, created_at, updated_at FROM policies WHERE name = ?", name)
	ok, err := one(ctx, r, q, &p.Name, &p.Document, (*instant)(&p.CreatedAt), (*instant)(&p.UpdatedAt))
	if err != nil {
		return Policy{}, false, fmt.Errorf("read policy %s: %w", name, err)
	}
	return p, ok, nil
}

// ListPolicies lists policies by name.
func (r *Reader) ListPolicies(ctx context.Context, p inspector.Page) ([]Policy, string, error) {
	q := r.query("SELECT name, document, created_at, updated_at FROM policies WHERE name > ? ORDER BY name LIMIT ?", p.After, limit(p))
	found, err := rows(ctx, r, q, func(row scanner) (p Policy, err error) {
		err = row.Scan(&p.Name, &p.Document, (*instant)(&p.CreatedAt), (*instant)(&p.UpdatedAt))
		return p, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("list policies: %w", err)
	}
	page, next := cut(found, p, func(p Policy) string { return p.Name })
	return page, next, nil
}

// PutPolicy adds a policy, or replaces the text of the one with its name.
func (tx *Tx) PutPolicy(ctx context.Context, p Policy) error {
	n, err := tx.exec(ctx, "UPDATE policies SET document = $1, updated_at = $2 WHERE name = $3", p.Document, stamp(p.UpdatedAt), p.Name)
	if err == nil && n == 0 {
		n, err = tx.exec(ctx, "INSERT INTO policies (name, folded, document, created_at, updated_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
			p.Name, strings.ToLower(p.Name), p.Document, stamp(p.CreatedAt), stamp(p.UpdatedAt))
	}
	return tx.changed(ctx, n, err, "write policy "+p.Name)
}

// DeletePolicy deletes a policy. It must not be attached to anybody.
func (tx *Tx) DeletePolicy(ctx context.Context, name string) error {
	n, err := tx.exec(ctx, "DELETE FROM policies WHERE name = $1", name)
	return tx.changed(ctx, n, err, "delete policy "+name)
}

// Attached lists the names of the policies of a principal itself.
func (r *Reader) Attached(ctx context.Context, p Principal) ([]string, error) {
	return r.names(ctx, r.query("SELECT policy FROM "+p.table()+" WHERE principal = ? ORDER BY policy", p.Name), "list the policies of "+p.Name)
}

// AttachedTo lists who has a policy: users, then groups.
func (r *Reader) AttachedTo(ctx context.Context, policy string) ([]Principal, error) {
	var all []Principal
	for _, group := range []bool{false, true} {
		q := r.query("SELECT principal FROM "+Principal{Group: group}.table()+" WHERE policy = ? ORDER BY principal", policy)
		names, err := r.names(ctx, q, "list who has policy "+policy)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			all = append(all, Principal{name, group})
		}
	}
	return all, nil
}

// PoliciesOf lists the names of all policies of a user, its groups' included, each
// once, in order.
func (r *Reader) PoliciesOf(ctx context.Context, user string) ([]string, error) {
	q := r.query(`SELECT policy FROM user_policies WHERE principal = ?
		UNION SELECT g.policy FROM group_policies g JOIN group_members m ON m.user_group = g.principal WHERE m.member = ?
		ORDER BY 1`, user, user)
	return r.names(ctx, q, "list all policies of "+user)
}

// Attach gives a principal, which has to exist, a policy.
func (tx *Tx) Attach(ctx context.Context, p Principal, policy string) error {
	n, err := tx.exec(ctx, "INSERT INTO "+p.table()+" (principal, policy) VALUES ($1, $2) ON CONFLICT DO NOTHING", p.Name, policy)
	if err == nil && n == 0 {
		return nil // it has it already
	}
	return tx.changed(ctx, n, err, "attach policy "+policy+" to "+p.Name)
}

// Detach takes a policy from a principal.
func (tx *Tx) Detach(ctx context.Context, p Principal, policy string) error {
	n, err := tx.exec(ctx, "DELETE FROM "+p.table()+" WHERE principal = $1 AND policy = $2", p.Name, policy)
	return tx.changed(ctx, n, err, "detach policy "+policy+" from "+p.Name)
}
