package assess

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// standingName is what the standing target and its template are called, with a
// number where somebody else has the name.
const standingName = "Stored inventories"

// standingDuration is the standing template's, should somebody assess it: that of
// `assay assess`.
const standingDuration = 15 * time.Minute

// The settings that hold the ids of the standing target and its template. Both are
// objects like others: they can be subscribed to, renamed and narrowed, and are made
// anew when they were deleted.
const (
	standingTargetSetting   = "rematch-target"
	standingTemplateSetting = "rematch-template"
)

// standingTemplate is the template of re-matches over all hosts. It has every rules
// package that can be matched again and that the service had when it was made.
func (s *Service) standingTemplate(ctx context.Context, tx *store.Tx) (string, error) {
	id, err := settingText(ctx, tx, standingTemplateSetting)
	if err != nil {
		return "", err
	}
	if found, err := tx.Templates(ctx, []string{id}); err != nil || found[id].ID != "" {
		return id, err
	}
	target, err := s.standingTarget(ctx, tx)
	if err != nil {
		return "", err
	}
	t := inspector.Template{ID: inspector.NewID(), Target: target, Duration: standingDuration, CreatedAt: s.Now()}
	for _, p := range s.Config.Packages {
		t.Packages = append(t.Packages, s.Store.Scope.PackageARN(p.Describe().ID).String())
	}
	if t.Packages = s.rematchable(t.Packages); len(t.Packages) == 0 {
		return "", inspector.Errorf(inspector.InvalidInput, "NOTHING_TO_REMATCH", "this service has no rules package that judges by data that changes without the hosts")
	}
	t.Name, err = freeName(func(name string) (bool, error) {
		same, _, err := tx.ListTemplates(ctx, inspector.TemplateFilter{Targets: []string{target}, NamePattern: name}, inspector.Page{Limit: 1})
		return len(same) == 0, err
	})
	if err != nil {
		return "", err
	}
	if err := tx.CreateTemplate(ctx, t, s.Limits); err != nil {
		return "", err
	}
	return t.ID, tx.SetSetting(ctx, standingTemplateSetting, []byte(t.ID))
}

// standingTarget is the target of re-matches over all hosts.
func (s *Service) standingTarget(ctx context.Context, tx *store.Tx) (string, error) {
	id, err := settingText(ctx, tx, standingTargetSetting)
	if err != nil {
		return "", err
	}
	if found, err := tx.Targets(ctx, []string{id}); err != nil || found[id].ID != "" {
		return id, err
	}
	now := s.Now()
	t := inspector.Target{ID: inspector.NewID(), CreatedAt: now, UpdatedAt: now}
	t.Name, err = freeName(func(name string) (bool, error) {
		same, _, err := tx.ListTargets(ctx, inspector.TargetFilter{NamePattern: name}, inspector.Page{Limit: 1})
		return len(same) == 0, err
	})
	if err != nil {
		return "", err
	}
	if err := tx.CreateTarget(ctx, t, s.Limits); err != nil {
		return "", err
	}
	return t.ID, tx.SetSetting(ctx, standingTargetSetting, []byte(t.ID))
}

func settingText(ctx context.Context, tx *store.Tx, name string) (string, error) {
	value, _, err := tx.Setting(ctx, name)
	return string(value), err
}

// freeName is the first of the standing names that is free.
func freeName(free func(name string) (bool, error)) (string, error) {
	for n := 1; ; n++ {
		name := standingName
		if n > 1 {
			name = fmt.Sprintf("%s (%d)", standingName, n)
		}
		if ok, err := free(name); err != nil || ok {
			return name, err
		}
	}
}
