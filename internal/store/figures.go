package store

import (
	"context"
	"fmt"
	"time"

	"assay/internal/inspector"
)

// Figures are counts of what there is, for metrics. What is empty is zero, not
// missing.
type Figures struct {
	Agents    HealthCounts // of all agents but the revoked
	Targets   []TargetFigures
	Templates []TemplateFigures
	Runs      map[inspector.RunState]int64
	Size      int64 // of the database, in bytes
}

// HealthCounts are numbers of agents by health.
type HealthCounts struct{ Healthy, Unhealthy, Unknown int64 }

// All is the number of agents.
func (h HealthCounts) All() int64 { return h.Healthy + h.Unhealthy + h.Unknown }

// TargetFigures are the counts of a target. Findings are those of runs whose
// evaluation is over.
type TargetFigures struct {
	ID, Name       string
	Agents         HealthCounts
	Runs, Findings int64
}

// TemplateFigures are the counts of a template.
type TemplateFigures struct {
	ID, Target, Name string
	Runs, Findings   int64
	Last             *LastRun // nil before the first run whose evaluation is over
}

// LastRun is the newest run of a template whose evaluation is over.
type LastRun struct {
	State       inspector.RunState
	CompletedAt time.Time
	Findings    map[inspector.Severity]int64 // every severity
	Exclusions  int64
}

// Figures counts what there is. An agent that was neither heard of nor enrolled
// since silentSince is unhealthy. The number of queries does not depend on how much
// there is, and no query looks at findings, exclusions or telemetry.
func (r *Reader) Figures(ctx context.Context, silentSince time.Time) (Figures, error) {
	f := Figures{Runs: map[inspector.RunState]int64{}}
	err := r.countAgents(ctx, silentSince, &f)
	if err == nil {
		err = r.templateNames(ctx, &f)
	}
	if err == nil {
		err = r.countRuns(ctx, &f)
	}
	if err == nil {
		err = r.lastRuns(ctx, &f)
	}
	if err == nil {
		f.Size, err = r.size(ctx)
	}
	if err != nil {
		return Figures{}, fmt.Errorf("count what there is: %w", err)
	}
	return f, nil
}

func (r *Reader) templateNames(ctx context.Context, f *Figures) (err error) {
	f.Templates, err = rows(ctx, r, r.query("SELECT id, target, name FROM templates ORDER BY id"), func(row scanner) (t TemplateFigures, err error) {
		err = row.Scan(&t.ID, &t.Target, &t.Name)
		return t, err
	})
	return err
}

// countRuns counts runs and their findings, of templates and of their targets.
func (r *Reader) countRuns(ctx context.Context, f *Figures) error {
	type group struct {
		template       string
		state          inspector.RunState
		runs, findings int64
	}
	q := r.query("SELECT template, state, count(*), CAST(sum(findings) AS BIGINT) FROM runs GROUP BY template, state")
	groups, err := rows(ctx, r, q, func(row scanner) (g group, err error) {
		err = row.Scan(&g.template, &g.state, &g.runs, &g.findings)
		return g, err
	})
	if err != nil {
		return err
	}
	templates, targets := f.index()
	for _, g := range groups {
		f.Runs[g.state] += g.runs
		template := templates[g.template]
		if template == nil {
			continue // made since the templates were read
		}
		template.Runs += g.runs
		template.Findings += g.findings
		if target := targets[template.Target]; target != nil {
			target.Runs += g.runs
			target.Findings += g.findings
		}
	}
	return nil
}

func (f *Figures) index() (map[string]*TemplateFigures, map[string]*TargetFigures) {
	templates, targets := map[string]*TemplateFigures{}, map[string]*TargetFigures{}
	for i := range f.Templates {
		templates[f.Templates[i].ID] = &f.Templates[i]
	}
	for i := range f.Targets {
		targets[f.Targets[i].ID] = &f.Targets[i]
	}
	return templates, targets
}

func (r *Reader) lastRuns(ctx context.Context, f *Figures) error {
	templates, _ := f.index()
	q := r.query(`SELECT r.template, r.state, r.completed_at, r.finding_counts, r.exclusions FROM templates t
		JOIN runs r ON r.no = (SELECT max(no) FROM runs WHERE template = t.id AND shown)`)
	_, err := rows(ctx, r, q, func(row scanner) (struct{}, error) {
		var template string
		var last LastRun
		err := row.Scan(&template, &last.State, (*instant)(&last.CompletedAt), fromJSON{&last.Findings}, &last.Exclusions)
		if t := templates[template]; t != nil {
			t.Last = &last
		}
		return struct{}{}, err
	})
	return err
}

// size is the size of the database in bytes.
func (r *Reader) size(ctx context.Context) (n int64, err error) {
	text := "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
	if r.pg {
		text = "SELECT pg_database_size(current_database())"
	}
	_, err = one(ctx, r, r.query(text), &n)
	return n, err
}
