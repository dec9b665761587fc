package store

import (
	"context"
	"fmt"

	"assay/internal/inspector"
)

const templateColumns = "SELECT id, target, name, duration, packages, attributes, created_at, last_run, runs FROM templates WHERE "

func scanTemplate(row scanner) (t inspector.Template, err error) {
	err = row.Scan(&t.ID, &t.Target, &t.Name, (*span)(&t.Duration), fromJSON{&t.Packages}, fromJSON{&t.Attributes},
		(*instant)(&t.CreatedAt), &t.LastRun, &t.Runs)
	return t, err
}

func templateID(t inspector.Template) string { return t.ID }

// Templates returns those of the templates that exist, by id.
func (r *Reader) Templates(ctx context.Context, ids []string) (map[string]inspector.Template, error) {
	templates, err := byKey(ctx, r, r.query(templateColumns+"id").list(toAny(ids)), scanTemplate, templateID)
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	return templates, nil
}

// ListTemplates returns a page of templates by id.
func (r *Reader) ListTemplates(ctx context.Context, f inspector.TemplateFilter, p inspector.Page) ([]inspector.Template, string, error) {
	q := r.query(templateColumns+"id > ?", p.After)
	in(q, "target", f.Targets)
	q.glob("name", f.NamePattern)
	q.between("duration", f.Durations.Min.Microseconds(), f.Durations.Max.Microseconds())
	q.anyOf("packages", f.PackageARNs)
	q.add(" ORDER BY id LIMIT ?", limit(p))
	templates, err := rows(ctx, r, q, scanTemplate)
	if err != nil {
		return nil, "", fmt.Errorf("list templates: %w", err)
	}
	templates, next := cut(templates, p, templateID)
	return templates, next, nil
}

// CreateTemplate adds a template to a target, in which its name must be new.
func (tx *Tx) CreateTemplate(ctx context.Context, t inspector.Template, limits inspector.Limits) error {
	if err := tx.mustExist(ctx, "targets", t.Target); err != nil {
		return err
	}
	var n, taken int
	q := tx.query("SELECT count(*), count(*) FILTER (WHERE target = ? AND name = ?) FROM templates", t.Target, t.Name)
	if _, err := one(ctx, &tx.Reader, q, &n, &taken); err != nil {
		return fmt.Errorf("count templates: %w", err)
	}
	if most := limits.WithDefaults().Templates; n >= most {
		return inspector.Errorf(inspector.LimitExceeded, "ASSESSMENT_TEMPLATE_LIMIT_EXCEEDED", "there are %d assessment templates already, as many as there may be", n)
	}
	if taken > 0 {
		return inspector.Errorf(inspector.InvalidInput, "ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN", "the assessment target has a template named %q already", t.Name)
	}
	_, err := tx.exec(ctx, `INSERT INTO templates (id, target, name, duration, packages, attributes, created_at, last_run, runs)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, t.Target, t.Name, t.Duration.Microseconds(), toJSON(t.Packages), toJSON(t.Attributes), stamp(t.CreatedAt), t.LastRun, t.Runs)
	if err != nil {
		return fmt.Errorf("write template %s: %w", t.ID, err)
	}
	return nil
}

// DeleteTemplate deletes a template with its runs and what belongs to them. It is
// refused while one of the runs goes on.
func (tx *Tx) DeleteTemplate(ctx context.Context, id string) error {
	if err := tx.mustExist(ctx, "templates", id); err != nil {
		return err
	}
	return tx.deleteTree(ctx, "templates", "template", id)
}
