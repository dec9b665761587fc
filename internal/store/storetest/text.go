package storetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/store"
)

// testForeignText writes and looks for text that PostgreSQL has no form for. None
// of it may fail a transaction: it would be tried again for ever.
func testForeignText(t *testing.T, s *store.Store) {
	ctx := t.Context()
	for _, foreign := range []string{"a\x00b", "c\xffd", "\x00"} {
		target := inspector.Target{ID: inspector.NewID(), Name: foreign, CreatedAt: at(0), UpdatedAt: at(0)}
		template := inspector.Template{ID: inspector.NewID(), Target: target.ID, Name: foreign, Packages: []string{foreign}, CreatedAt: at(0)}
		run := inspector.Run{ID: inspector.NewID(), Target: target.ID, Template: template.ID, Name: foreign, CreatedAt: at(0)}
		update(t, s, func(tx *store.Tx) error {
			if err := tx.CreateTarget(ctx, target, inspector.Limits{}); err != nil {
				return err
			}
			if err := tx.CreateTemplate(ctx, template, inspector.Limits{}); err != nil {
				return err
			}
			return tx.CreateRun(ctx, run, nil, nil, inspector.Limits{})
		})
		refused(t, s, inspector.InvalidInput, "ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN", func(tx *store.Tx) error {
			run.ID = inspector.NewID()
			return tx.CreateRun(ctx, run, nil, nil, inspector.Limits{})
		})
		same, _, err := s.ListTargets(ctx, inspector.TargetFilter{NamePattern: foreign}, inspector.Page{})
		if err != nil || len(same) != 1 {
			t.Errorf("%d targets are named %q, error %v", len(same), foreign, err)
		}
		lookUps(t, s, run.ID, foreign)
	}
}

// lookUps asks for what is not there, by foreign ids.
func lookUps(t *testing.T, s *store.Store, run, id string) {
	ctx := t.Context()
	for name, look := range map[string]func() (int, error){
		"access key": func() (int, error) { _, ok, err := s.AccessKey(ctx, id); return found(ok), err },
		"agents":     func() (int, error) { got, err := s.Agents(ctx, []string{id}); return len(got), err },
		"agent":      func() (int, error) { _, ok, err := s.RunAgent(ctx, run, id); return found(ok), err },
		"runs":       func() (int, error) { got, err := s.Runs(ctx, []string{id}); return len(got), err },
		"findings": func() (int, error) {
			got, _, err := s.ListFindings(ctx, inspector.FindingFilter{
				Agents: []string{id}, Rules: []string{id}, AutoScalingGroups: []string{id},
				Attributes: []inspector.Attribute{{Key: id, Value: id}},
			}, inspector.Page{})
			return len(got), err
		},
		"filtered runs": func() (int, error) {
			got, _, err := s.ListRuns(ctx, inspector.RunFilter{Templates: []string{id}, PackageARNs: []string{id}}, inspector.Page{})
			return len(got), err
		},
	} {
		n, err := look()
		if diff := cmp.Diff(0, n); diff != "" || err != nil {
			t.Errorf("%s %q: %d are there, error %v", name, id, n, err)
		}
	}
}

func found(ok bool) int {
	if ok {
		return 1
	}
	return 0
}
