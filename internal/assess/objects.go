package assess

import (
	"context"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

// CreateResourceGroup makes a resource group. Groups are never deleted; two with
// the same tags are two.
func (s *Service) CreateResourceGroup(ctx context.Context, tags []inspector.Tag) (inspector.ResourceGroup, error) {
	g := inspector.ResourceGroup{ID: inspector.NewID(), Tags: tags, CreatedAt: s.Now()}
	err := s.update(ctx, func(tx *store.Tx) error { return tx.CreateResourceGroup(ctx, g) })
	return g, err
}

// CreateTarget makes a target: of a resource group's hosts, or of all hosts
// where resourceGroup is empty.
func (s *Service) CreateTarget(ctx context.Context, name, resourceGroup string) (inspector.Target, error) {
	now := s.Now()
	t := inspector.Target{ID: inspector.NewID(), Name: name, ResourceGroup: resourceGroup, CreatedAt: now, UpdatedAt: now}
	err := s.update(ctx, func(tx *store.Tx) error { return tx.CreateTarget(ctx, t, s.Limits) })
	return t, err
}

// UpdateTarget renames a target and gives it another resource group; none means
// all hosts.
func (s *Service) UpdateTarget(ctx context.Context, id, name, resourceGroup string) error {
	t := inspector.Target{ID: id, Name: name, ResourceGroup: resourceGroup, UpdatedAt: s.Now()}
	return s.update(ctx, func(tx *store.Tx) error { return tx.UpdateTarget(ctx, t) })
}

// DeleteTarget deletes a target with its templates, their runs and all that
// belongs to them. It is refused while one of the runs goes on.
func (s *Service) DeleteTarget(ctx context.Context, id string) error {
	return s.delete(ctx, id, func(tx *store.Tx) error { return tx.DeleteTarget(ctx, id) })
}

// CreateTemplate makes a template. Its rules packages must be ones that this
// service has.
func (s *Service) CreateTemplate(ctx context.Context, t inspector.Template) (inspector.Template, error) {
	if t.Duration < inspector.MinDuration || t.Duration > inspector.MaxDuration {
		return t, inspector.Errorf(inspector.InvalidInput, "INVALID_ASSESSMENT_TEMPLATE_DURATION",
			"a duration of %s is not between %s and %s", t.Duration, inspector.MinDuration, inspector.MaxDuration)
	}
	if missing := s.planOf(t.Packages).missing; len(missing) > 0 {
		return t, inspector.Errorf(inspector.NoSuchEntity, "RULES_PACKAGE_DOES_NOT_EXIST",
			"this service has no rules package %s", missing[0])
	}
	t.ID, t.CreatedAt = inspector.NewID(), s.Now()
	err := s.update(ctx, func(tx *store.Tx) error { return tx.CreateTemplate(ctx, t, s.Limits) })
	return t, err
}

// DeleteTemplate deletes a template with its runs and all that belongs to them.
// It is refused while one of the runs goes on.
func (s *Service) DeleteTemplate(ctx context.Context, id string) error {
	return s.delete(ctx, id, func(tx *store.Tx) error { return tx.DeleteTemplate(ctx, id) })
}

// DeleteRun deletes a run that is over, with its findings and telemetry.
func (s *Service) DeleteRun(ctx context.Context, run string) error {
	return s.delete(ctx, run, func(tx *store.Tx) error { return tx.DeleteRun(ctx, run) })
}

// delete deletes, forgets what keys may belong to it, and has the objects that
// nothing refers to any more removed soon.
func (s *Service) delete(ctx context.Context, id string, remove func(*store.Tx) error) error {
	err := s.update(ctx, func(tx *store.Tx) error {
		if err := remove(tx); err != nil {
			return err
		}
		return s.Queue.Enqueue(ctx, tx.SQL(), jobs.Job{Kind: jobRetain, Key: "deleted/" + id, RunAt: s.Now()})
	})
	s.keys.forgetAll()
	s.inForce.forget()
	return err
}

// SetTags replaces the tags of a resource. Templates are what can be tagged.
func (s *Service) SetTags(ctx context.Context, arn inspector.ARN, tags []inspector.Tag) error {
	if arn.Kind != inspector.KindTemplate {
		return inspector.Errorf(inspector.InvalidInput, "INVALID_RESOURCE_ARN", "only assessment templates can be tagged; %s is none", arn)
	}
	return s.update(ctx, func(tx *store.Tx) error {
		found, err := tx.Templates(ctx, []string{arn.Template})
		if err != nil {
			return err
		}
		if t, ok := found[arn.Template]; !ok || t.Target != arn.Target {
			return noSuch("ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", "assessment template", arn.Template)
		}
		return tx.SetTags(ctx, arn.String(), tags)
	})
}

func noSuch(code, what, id string) error {
	return inspector.Errorf(inspector.NoSuchEntity, code, "there is no %s %s", what, id)
}
