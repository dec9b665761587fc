package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/store"
)

func testSettings(t *testing.T, s *store.Store) {
	ctx := t.Context()
	if _, ok, err := s.Setting(ctx, "account"); ok || err != nil {
		t.Fatalf("Setting before it was written: %v, %v", ok, err)
	}
	for _, value := range []string{"first", "second"} {
		got, err := s.SettingOnce(ctx, "account", []byte(value))
		if err != nil || string(got) != "first" {
			t.Fatalf("SettingOnce(%q) = %q, %v; want the first writer's", value, got, err)
		}
	}
	value, ok, err := s.Setting(ctx, "account")
	if string(value) != "first" || !ok || err != nil {
		t.Fatalf("Setting = %q, %v, %v", value, ok, err)
	}
}

func testRole(t *testing.T, s *store.Store) {
	ctx := t.Context()
	if _, ok, err := s.Role(ctx); ok || err != nil {
		t.Fatalf("Role before one was registered: %v, %v", ok, err)
	}
	for n, valid := range []bool{true, false} {
		role := inspector.Role{ARN: fmt.Sprintf("arn:aws:iam::123456789012:role/r%d", n), RegisteredAt: at(n), Valid: valid}
		update(t, s, func(tx *store.Tx) error { return tx.SaveRole(ctx, role) })
		got, _, err := s.Role(ctx)
		equal(t, err, got, role)
	}
}

func testTargets(t *testing.T, s *store.Store) {
	ctx := t.Context()
	group := inspector.ResourceGroup{ID: "0-group000", Tags: []inspector.Tag{{Key: "Env", Value: "\x00prod é"}}, CreatedAt: at(0)}
	update(t, s, func(tx *store.Tx) error { return tx.CreateResourceGroup(ctx, group) })
	groups, err := s.ResourceGroups(ctx, []string{group.ID, "0-none0000"})
	equal(t, err, groups, map[string]inspector.ResourceGroup{group.ID: group})

	var all []inspector.Target
	for i, name := range []string{"Web", "web", "we%b", "w_b", "a*b", "[x]"} {
		target := inspector.Target{ID: fmt.Sprintf("0-target%02d", i), Name: name, CreatedAt: at(i), UpdatedAt: at(i)}
		if i == 0 {
			target.ResourceGroup = group.ID
		}
		update(t, s, func(tx *store.Tx) error { return tx.CreateTarget(ctx, target, inspector.Limits{}) })
		all = append(all, target)
	}
	got, err := s.Targets(ctx, []string{all[0].ID, "0-none0000"})
	equal(t, err, got, map[string]inspector.Target{all[0].ID: all[0]})

	for pattern, want := range map[string][]int{
		"": {0, 1, 2, 3, 4, 5}, "*": {0, 1, 2, 3, 4, 5}, "web": {1}, "W*": {0}, "*b": {0, 1, 2, 3, 4}, "we%b": {2}, "w_b": {3},
		"w?b": {}, "[x]": {5}, "[*": {5}, "a*b": {4}, `\`: {}, "*e*b*": {0, 1, 2},
	} {
		list, next, err := s.ListTargets(ctx, inspector.TargetFilter{NamePattern: pattern}, inspector.Page{})
		if next != "" {
			t.Errorf("pattern %q: the last page has a next one", pattern)
		}
		equal(t, err, list, pick(all, want))
	}

	changed := all[1]
	changed.Name, changed.ResourceGroup, changed.UpdatedAt = "WEB", group.ID, at(99)
	update(t, s, func(tx *store.Tx) error { return tx.UpdateTarget(ctx, changed) })
	got, err = s.Targets(ctx, []string{changed.ID})
	equal(t, err, got, map[string]inspector.Target{changed.ID: changed})

	refused(t, s, inspector.InvalidInput, "ASSESSMENT_TARGET_NAME_ALREADY_TAKEN", func(tx *store.Tx) error {
		return tx.CreateTarget(ctx, inspector.Target{ID: "0-other000", Name: "Web"}, inspector.Limits{})
	})
	refused(t, s, inspector.InvalidInput, "ASSESSMENT_TARGET_NAME_ALREADY_TAKEN", func(tx *store.Tx) error {
		return tx.UpdateTarget(ctx, inspector.Target{ID: all[2].ID, Name: "Web"})
	})
	refused(t, s, inspector.NoSuchEntity, "RESOURCE_GROUP_DOES_NOT_EXIST", func(tx *store.Tx) error {
		return tx.CreateTarget(ctx, inspector.Target{ID: "0-other000", Name: "new", ResourceGroup: "0-none0000"}, inspector.Limits{})
	})
	refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_TARGET_DOES_NOT_EXIST", func(tx *store.Tx) error {
		return tx.UpdateTarget(ctx, inspector.Target{ID: "0-none0000", Name: "new"})
	})
	refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_TARGET_DOES_NOT_EXIST", func(tx *store.Tx) error { return tx.DeleteTarget(ctx, "0-none0000") })
	refused(t, s, inspector.LimitExceeded, "ASSESSMENT_TARGET_LIMIT_EXCEEDED", func(tx *store.Tx) error {
		return tx.CreateTarget(ctx, inspector.Target{ID: "0-other000", Name: "new"}, inspector.Limits{Targets: 6})
	})
}

func testTemplates(t *testing.T, s *store.Store) {
	ctx := t.Context()
	targets := addTargets(t, s, 2)
	var all []inspector.Template
	for i := range 6 {
		template := inspector.Template{
			ID: fmt.Sprintf("0-templ%03d", i), Target: targets[i%2].ID, Name: fmt.Sprintf("T%d", i/2), Duration: time.Duration(i+3) * time.Minute,
			Packages:   []string{fmt.Sprintf("arn:aws:inspector:eu-central-1:123456789012:rulespackage/0-%08d", i%3)},
			Attributes: []inspector.Attribute{{Key: "team", Value: `"a" <b>`}}, CreatedAt: at(i),
		}
		update(t, s, func(tx *store.Tx) error { return tx.CreateTemplate(ctx, template, inspector.Limits{}) })
		all = append(all, template)
	}
	got, err := s.Templates(ctx, []string{all[3].ID})
	equal(t, err, got, map[string]inspector.Template{all[3].ID: all[3]})
	for name, c := range map[string]struct {
		filter inspector.TemplateFilter
		want   []int
	}{
		"target":   {inspector.TemplateFilter{Targets: []string{targets[1].ID}}, []int{1, 3, 5}},
		"name":     {inspector.TemplateFilter{NamePattern: "*1"}, []int{2, 3}},
		"duration": {inspector.TemplateFilter{Durations: inspector.DurationRange{Min: 4 * time.Minute, Max: 5 * time.Minute}}, []int{1, 2}},
		"package":  {inspector.TemplateFilter{PackageARNs: []string{all[0].Packages[0], "arn:none"}}, []int{0, 3}},
		"both":     {inspector.TemplateFilter{PackageARNs: []string{all[0].Packages[0], all[1].Packages[0]}, NamePattern: "T0"}, []int{0, 1}},
		"none":     {inspector.TemplateFilter{PackageARNs: []string{"arn:aws"}}, nil},
	} {
		list, _, err := s.ListTemplates(ctx, c.filter, inspector.Page{})
		if diff := cmp.Diff(pick(all, c.want), list); diff != "" || err != nil {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	refused(t, s, inspector.InvalidInput, "ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN", func(tx *store.Tx) error {
		return tx.CreateTemplate(ctx, inspector.Template{ID: "0-new00000", Target: targets[0].ID, Name: "T0"}, inspector.Limits{})
	})
	refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_TARGET_DOES_NOT_EXIST", func(tx *store.Tx) error {
		return tx.CreateTemplate(ctx, inspector.Template{ID: "0-new00000", Target: "0-none0000", Name: "T0"}, inspector.Limits{})
	})
	refused(t, s, inspector.LimitExceeded, "ASSESSMENT_TEMPLATE_LIMIT_EXCEEDED", func(tx *store.Tx) error {
		return tx.CreateTemplate(ctx, inspector.Template{ID: "0-new00000", Target: targets[0].ID, Name: "new"}, inspector.Limits{Templates: 6})
	})
	refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", func(tx *store.Tx) error { return tx.DeleteTemplate(ctx, "0-none0000") })
}

func testTags(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	arn := scope.Template(template.Target, template.ID).String()
	tags := []inspector.Tag{{Key: "b", Value: ""}, {Key: "a", Value: "1"}}
	update(t, s, func(tx *store.Tx) error { return tx.SetTags(ctx, arn, tags) })
	got, err := s.Tags(ctx, arn)
	equal(t, err, got, tags)
	update(t, s, func(tx *store.Tx) error { return tx.SetTags(ctx, arn, tags[:1]) })
	got, err = s.Tags(ctx, arn)
	equal(t, err, got, tags[:1])
	update(t, s, func(tx *store.Tx) error { return tx.DeleteTarget(ctx, template.Target) })
	got, err = s.Tags(ctx, arn)
	equal(t, err, len(got), 0)
}
