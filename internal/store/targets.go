package store

import (
	"context"
	"fmt"

	"assay/internal/inspector"
)

// ResourceGroups returns those of the resource groups that exist, by id.
func (r *Reader) ResourceGroups(ctx context.Context, ids []string) (map[string]inspector.ResourceGroup, error) {
	q := r.query("SELECT id, tags, created_at FROM resource_groups WHERE id").list(toAny(ids))
	groups, err := byKey(ctx, r, q, func(row scanner) (g inspector.ResourceGroup, err error) {
		err = row.Scan(&g.ID, fromJSON{&g.Tags}, (*instant)(&g.CreatedAt))
		return g, err
	}, func(g inspector.ResourceGroup) string { return g.ID })
	if err != nil {
		return nil, fmt.Errorf("read resource groups: %w", err)
	}
	return groups, nil
}

// CreateResourceGroup adds a resource group.
func (tx *Tx) CreateResourceGroup(ctx context.Context, g inspector.ResourceGroup) error {
	_, err := tx.exec(ctx, "INSERT INTO resource_groups (id, tags, created_at) VALUES ($1, $2, $3)", g.ID, toJSON(g.Tags), stamp(g.CreatedAt))
	if err != nil {
		return fmt.Errorf("write resource group %s: %w", g.ID, err)
	}
	return nil
}

const targetColumns = "SELECT id, name, resource_group, created_at, updated_at FROM targets WHERE "

func scanTarget(row scanner) (t inspector.Target, err error) {
	err = row.Scan(&t.ID, &t.Name, (*maybe)(&t.ResourceGroup), (*instant)(&t.CreatedAt), (*instant)(&t.UpdatedAt))
	return t, err
}

func targetID(t inspector.Target) string { return t.ID }

// Targets returns those of the targets that exist, by id.
func (r *Reader) Targets(ctx context.Context, ids []string) (map[string]inspector.Target, error) {
	targets, err := byKey(ctx, r, r.query(targetColumns+"id").list(toAny(ids)), scanTarget, targetID)
	if err != nil {
		return nil, fmt.Errorf("read targets: %w", err)
	}
	return targets, nil
}

// ListTargets returns a page of targets by id.
func (r *Reader) ListTargets(ctx context.Context, f inspector.TargetFilter, p inspector.Page) ([]inspector.Target, string, error) {
	q := r.query(targetColumns+"id > ?", p.After)
	q.glob("name", f.NamePattern)
	q.add(" ORDER BY id LIMIT ?", limit(p))
	targets, err := rows(ctx, r, q, scanTarget)
	if err != nil {
		return nil, "", fmt.Errorf("list targets: %w", err)
	}
	targets, next := cut(targets, p, targetID)
	return targets, next, nil
}

// CreateTarget adds a target. Its name must be new.
func (tx *Tx) CreateTarget(ctx context.Context, t inspector.Target, limits inspector.Limits) error {
	var n int
	if _, err := one(ctx, &tx.Reader, tx.query("SELECT count(*) FROM targets"), &n); err != nil {
		return fmt.Errorf("count targets: %w", err)
	}
	if most := limits.WithDefaults().Targets; n >= most {
		return inspector.Errorf(inspector.LimitExceeded, "ASSESSMENT_TARGET_LIMIT_EXCEEDED", "there are %d assessment targets already, as many as there may be", n)
	}
	if err := tx.checkTarget(ctx, t); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "INSERT INTO targets (id, name, resource_group, created_at, updated_at) VALUES ($1, $2, $3, $4, $5)",
		t.ID, t.Name, null(t.ResourceGroup), stamp(t.CreatedAt), stamp(t.UpdatedAt))
	if err != nil {
		return fmt.Errorf("write target %s: %w", t.ID, err)
	}
	return nil
}

// UpdateTarget changes the name and the resource group of a target.
func (tx *Tx) UpdateTarget(ctx context.Context, t inspector.Target) error {
	if err := tx.mustExist(ctx, "targets", t.ID); err != nil {
		return err
	}
	if err := tx.checkTarget(ctx, t); err != nil {
		return err
	}
	_, err := tx.exec(ctx, "UPDATE targets SET name = $1, resource_group = $2, updated_at = $3 WHERE id = $4",
		t.Name, null(t.ResourceGroup), stamp(t.UpdatedAt), t.ID)
	if err != nil {
		return fmt.Errorf("write target %s: %w", t.ID, err)
	}
	return nil
}

// checkTarget refuses a name that another target has, and a resource group that
// does not exist.
func (tx *Tx) checkTarget(ctx context.Context, t inspector.Target) error {
	var n int
	taken, err := one(ctx, &tx.Reader, tx.query("SELECT 1 FROM targets WHERE name = ? AND id <> ?", t.Name, t.ID), &n)
	if err != nil {
		return fmt.Errorf("look for target %q: %w", t.Name, err)
	}
	if taken {
		return inspector.Errorf(inspector.InvalidInput, "ASSESSMENT_TARGET_NAME_ALREADY_TAKEN", "there is an assessment target named %q already", t.Name)
	}
	if t.ResourceGroup == "" {
		return nil
	}
	return tx.mustExist(ctx, "resource_groups", t.ResourceGroup)
}

// DeleteTarget deletes a target with its templates, their runs, and what belongs
// to them. It is refused while one of the runs goes on.
func (tx *Tx) DeleteTarget(ctx context.Context, id string) error {
	if err := tx.mustExist(ctx, "targets", id); err != nil {
		return err
	}
	return tx.deleteTree(ctx, "targets", "target", id)
}

// null makes an empty string NULL.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}
