package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// BenchmarkFigures counts what metrics tell, with as much of everything as there can
// be by default: 50 targets, 500 templates, 50,000 runs; and 10,000 agents.
func BenchmarkFigures(b *testing.B) {
	databases(b, func(b *testing.B, s *store.Store) {
		fillFigures(b, s)
		var f store.Figures
		for b.Loop() {
			var err error
			if f, err = s.Figures(b.Context(), time.Now()); err != nil {
				b.Fatal(err)
			}
		}
		if len(f.Targets) != 50 || len(f.Templates) != 500 || f.Runs[inspector.Completed] != 50_000 || f.Templates[7].Findings != 100*100 || f.Agents.All() != 10_000 {
			b.Errorf("%d targets, %d templates, %v, %+v", len(f.Targets), len(f.Templates), f.Runs, f.Agents)
		}
	})
}

func fillFigures(b *testing.B, s *store.Store) {
	b.Helper()
	ctx := b.Context()
	check := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	check(s.Update(ctx, func(tx *store.Tx) error {
		for i := range 10_000 {
			err := tx.SaveAgent(ctx, inspector.Agent{ID: fmt.Sprintf("i-%017x", i), Hostname: "host", OS: "Debian GNU/Linux 12 (bookworm)", SeenAt: time.Now(),
				Tags: []inspector.Tag{{Key: "role", Value: fmt.Sprint(i % 50)}, {Key: "env", Value: fmt.Sprint(i % 3)}}})
			if err != nil {
				return err
			}
		}
		return nil
	}))
	check(s.Update(ctx, func(tx *store.Tx) error {
		for i := range 50 {
			group, target := fmt.Sprintf("0-g%07d", i), fmt.Sprintf("0-t%07d", i)
			tags := []inspector.Tag{{Key: "role", Value: fmt.Sprint(i)}, {Key: "env", Value: fmt.Sprint(i % 4)}}
			if err := tx.CreateResourceGroup(ctx, inspector.ResourceGroup{ID: group, Tags: tags}); err != nil {
				return err
			}
			if err := tx.CreateTarget(ctx, inspector.Target{ID: target, Name: target, ResourceGroup: group}, inspector.Limits{}); err != nil {
				return err
			}
			for j := range 10 {
				id := fmt.Sprintf("0-p%07d", i*10+j)
				if err := tx.CreateTemplate(ctx, inspector.Template{ID: id, Target: target, Name: id, Duration: time.Hour}, inspector.Limits{}); err != nil {
					return err
				}
			}
		}
		return fillRuns(ctx, tx)
	}))
}

// fillRuns writes 100 runs a template of 100 findings each, in the form that the
// store keeps them in.
func fillRuns(ctx context.Context, tx *store.Tx) error {
	const counts = `{"High":10,"Informational":20,"Low":30,"Medium":40,"Undefined":0}`
	insert, err := tx.SQL().PrepareContext(ctx, `INSERT INTO runs (no, id, target, template, name, state, final, shown, duration, packages, attributes,
		created_at, started_at, completed_at, state_changed_at, data_collected, changes, finding_counts, stop, telemetry_gone_at, findings, exclusions)
		VALUES ($1, $2, $3, $4, $5, 'COMPLETED', TRUE, TRUE, 1, $6, '[]', 1, 1, 1, 1, TRUE, $7, $8, '', 1, 100, 3)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	changes := fmt.Sprintf("%1000s", "[]")
	for i := range 50_000 {
		template := i % 500
		_, err := insert.ExecContext(ctx, i+1, fmt.Sprintf("0-r%07d", i), fmt.Sprintf("0-t%07d", template/10), fmt.Sprintf("0-p%07d", template),
			fmt.Sprint("run ", i), fmt.Sprintf("%300s", "[]"), changes, counts)
		if err != nil {
			return err
		}
	}
	return nil
}
