package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/testpg"
)

// Runs from before their findings and exclusions were counted are counted when the
// database is migrated.
func TestMigrationCountsRuns(t *testing.T) {
	for name, dsn := range map[string]func() string{
		"SQLite":   func() string { return "sqlite:" + filepath.Join(t.TempDir(), "assay.db") },
		"Postgres": func() string { return testpg.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), dsn())
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			completedRun(t, s, 3, 2)
			script, err := os.ReadFile("migrations/0005_previews.sql")
			if err != nil {
				t.Fatal(err)
			}
			_, update, _ := strings.Cut(string(script), "UPDATE runs SET")
			update, _, ok := strings.Cut(update, ";")
			if !ok {
				t.Fatal("the migration does not count")
			}
			for _, statement := range []string{"UPDATE runs SET findings = 0, exclusions = 0", "UPDATE runs SET" + update} {
				if _, err := s.DB().ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			f, err := s.Figures(t.Context(), time.Time{})
			if err != nil || f.Templates[0].Findings != 3 || f.Templates[0].Last.Exclusions != 2 {
				t.Errorf("%+v, %v", f.Templates, err)
			}
		})
	}
}

// completedRun makes a run that is over, with so many findings and exclusions.
func completedRun(t *testing.T, s *store.Store, findings, exclusions int) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	err := s.Update(ctx, func(tx *store.Tx) error {
		if err := tx.CreateTarget(ctx, inspector.Target{ID: "0-t", Name: "t"}, inspector.Limits{}); err != nil {
			return err
		}
		if err := tx.CreateTemplate(ctx, inspector.Template{ID: "0-p", Target: "0-t", Name: "p"}, inspector.Limits{}); err != nil {
			return err
		}
		run := inspector.Run{ID: "0-r", Target: "0-t", Template: "0-p", Name: "r", State: inspector.EvaluatingRules, CreatedAt: now}
		if err := tx.CreateRun(ctx, run, []byte("key"), []string{"i-1"}, inspector.Limits{}); err != nil {
			return err
		}
		found, missed := make([]inspector.Finding, findings), make([]inspector.Exclusion, exclusions)
		for i := range found {
			found[i] = inspector.Finding{ID: string(rune('a' + i)), Severity: inspector.Low}
		}
		for i := range missed {
			missed[i] = inspector.Exclusion{ID: string(rune('a' + i))}
		}
		if err := tx.SaveResults(ctx, run.ID, "i-1", inspector.PackagePractices, nil, found, missed); err != nil {
			return err
		}
		return tx.ChangeRunState(ctx, run.ID, inspector.Completed, now)
	})
	if err != nil {
		t.Fatal(err)
	}
}
