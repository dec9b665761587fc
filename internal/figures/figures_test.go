package figures

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

var (
	scope = inspector.Scope{Region: "eu-central-1", Account: "123456789012"}
	noon  = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
)

// scrape is what Prometheus gets, without the lines of help.
func scrape(t *testing.T, c *Collector) string {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "")
}

func TestCollector(t *testing.T) {
	c := New(Config{
		Scope: scope, Now: func() time.Time { return noon }, Kinds: []string{"advance", "evaluate"},
		Figures: func(context.Context) (store.Figures, error) {
			return store.Figures{
				Agents: store.HealthCounts{Healthy: 7, Unhealthy: 2, Unknown: 1}, Size: 4096,
				Targets: []store.TargetFigures{{ID: "0-tttttttt", Name: "it's \"web\"\n", Agents: store.HealthCounts{Healthy: 3, Unhealthy: 1}, Runs: 5, Findings: 60}},
				Templates: []store.TemplateFigures{
					{ID: "0-pppppppp", Target: "0-tttttttt", Name: "weekly", Runs: 5, Findings: 60, Last: &store.LastRun{
						State: inspector.CompletedWithErrors, CompletedAt: noon.Add(-time.Hour), Exclusions: 4,
						Findings: map[inspector.Severity]int64{inspector.High: 8, inspector.Low: 2},
					}},
					{ID: "0-qqqqqqqq", Target: "0-tttttttt", Name: "never"},
				},
				Runs: map[inspector.RunState]int64{inspector.Completed: 4, inspector.CompletedWithErrors: 1},
			}, nil
		},
		Backlog: func(context.Context) ([]jobs.Backlog, error) {
			return []jobs.Backlog{{Kind: "evaluate", Due: 3, Later: 2, Running: 1, Oldest: noon.Add(-90 * time.Second)}}, nil
		},
	})
	const target = `target="arn:aws:inspector:eu-central-1:123456789012:target/0-tttttttt"`
	of := func(template, name, more string) string {
		return `{` + more + target + `,template="arn:aws:inspector:eu-central-1:123456789012:target/0-tttttttt/template/` + template + `",template_name="` + name + `"} `
	}
	web := `{` + target + `,target_name="it's \"web\"\n"} `
	weekly, never := of("0-pppppppp", "weekly", ""), of("0-qqqqqqqq", "never", "")
	want := []string{
		`assay_agents{health="HEALTHY"} 7`, `assay_agents{health="UNHEALTHY"} 2`, `assay_agents{health="UNKNOWN"} 1`,
		`assay_database_size_bytes 4096`, `assay_figures_up 1`,
		`assay_jobs_oldest_waiting_seconds{kind="advance"} 0`, `assay_jobs_oldest_waiting_seconds{kind="evaluate"} 90`,
		`assay_jobs_running{kind="advance"} 0`, `assay_jobs_running{kind="evaluate"} 1`,
		`assay_jobs_scheduled{kind="advance"} 0`, `assay_jobs_scheduled{kind="evaluate"} 2`,
		`assay_jobs_waiting{kind="advance"} 0`, `assay_jobs_waiting{kind="evaluate"} 3`,
		`assay_runs{state="CANCELED"} 0`, `assay_runs{state="COLLECTING_DATA"} 0`, `assay_runs{state="COMPLETED"} 4`,
		`assay_runs{state="COMPLETED_WITH_ERRORS"} 1`, `assay_runs{state="CREATED"} 0`, `assay_runs{state="DATA_COLLECTED"} 0`,
		`assay_runs{state="ERROR"} 0`, `assay_runs{state="EVALUATING_RULES"} 0`, `assay_runs{state="FAILED"} 0`,
		`assay_runs{state="START_DATA_COLLECTION_IN_PROGRESS"} 0`, `assay_runs{state="START_DATA_COLLECTION_PENDING"} 0`,
		`assay_runs{state="START_EVALUATING_RULES_PENDING"} 0`, `assay_runs{state="STOP_DATA_COLLECTION_PENDING"} 0`,
		`assay_target_findings` + web + `60`, `assay_target_healthy_agents` + web + `3`, `assay_target_matching_agents` + web + `4`, `assay_target_runs` + web + `5`,
		`assay_template_findings` + weekly + `60`, `assay_template_findings` + never + `0`,
		`assay_template_healthy_agents` + weekly + `3`, `assay_template_healthy_agents` + never + `3`,
		`assay_template_last_run_completed_timestamp_seconds` + weekly + `1.7829036e+09`,
		`assay_template_last_run_exclusions` + weekly + `4`,
		`assay_template_last_run_findings` + of("0-pppppppp", "weekly", `severity="High",`) + `8`,
		`assay_template_last_run_findings` + of("0-pppppppp", "weekly", `severity="Informational",`) + `0`,
		`assay_template_last_run_findings` + of("0-pppppppp", "weekly", `severity="Low",`) + `2`,
		`assay_template_last_run_findings` + of("0-pppppppp", "weekly", `severity="Medium",`) + `0`,
		`assay_template_last_run_findings` + of("0-pppppppp", "weekly", `severity="Undefined",`) + `0`,
		`assay_template_last_run_with_errors` + weekly + `1`,
		`assay_template_matching_agents` + weekly + `4`, `assay_template_matching_agents` + never + `4`,
		`assay_template_runs` + weekly + `5`, `assay_template_runs` + never + `0`,
	}
	if diff := cmp.Diff(strings.Join(want, "\n")+"\n", scrape(t, c)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// However many ask, the database is asked once in a while.
func TestCache(t *testing.T) {
	var now atomic.Int64
	var asked atomic.Int64
	c := New(Config{
		Scope: scope, Life: time.Minute, Now: func() time.Time { return noon.Add(time.Duration(now.Load())) },
		Figures: func(context.Context) (store.Figures, error) { return store.Figures{Size: asked.Add(1)}, nil },
		Backlog: func(context.Context) ([]jobs.Backlog, error) { return nil, nil },
	})
	for round := range int64(3) {
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				out := make(chan prometheus.Metric, 100)
				c.Collect(out)
			})
		}
		group.Wait()
		if got := asked.Load(); got != round+1 {
			t.Errorf("in round %d it was asked %d times", round, got)
		}
		now.Add(int64(time.Minute))
	}
}

// What cannot be read is absent, not old; the log says so once.
func TestDatabaseIsAway(t *testing.T) {
	var log bytes.Buffer
	var figures, backlog error
	now := noon
	c := New(Config{
		Scope: scope, Now: func() time.Time { now = now.Add(time.Hour); return now }, Log: slog.New(slog.NewTextHandler(&log, nil)),
		Figures: func(ctx context.Context) (store.Figures, error) {
			if _, ok := ctx.Deadline(); !ok {
				t.Error("the database may take for ever")
			}
			return store.Figures{}, figures
		},
		Backlog: func(context.Context) ([]jobs.Backlog, error) { return nil, backlog },
	})
	if got := scrape(t, c); !strings.Contains(got, "assay_figures_up 1\n") {
		t.Errorf("%s", got)
	}
	figures = errors.New("the disk is gone")
	for range 3 {
		if got := scrape(t, c); got != "assay_figures_up 0\n" {
			t.Errorf("%s", got)
		}
	}
	figures, backlog = nil, errors.New("the queue is gone")
	if got := scrape(t, c); got != "assay_figures_up 0\n" {
		t.Errorf("%s", got)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "the disk is gone") {
		t.Errorf("the log has %d lines: %s", n, log.String())
	}
	backlog = nil
	if got := scrape(t, c); !strings.Contains(got, "assay_figures_up 1\n") {
		t.Errorf("%s", got)
	}
}
