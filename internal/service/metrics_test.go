package service

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"assay/internal/api"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

// everyMetric has each metric told once: those by label come with their first use.
func everyMetric(t *testing.T, s *Service) {
	t.Helper()
	ctx := t.Context()
	s.metrics.call(api.Call{Operation: "ListFindings", Status: 200})
	s.metrics.countGateway(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("PUT", "/agent/v1/x", nil))
	handler := s.metrics.countJob("advance", func(context.Context, jobs.Job) error { return nil })
	if err := handler(ctx, jobs.Job{}); err != nil {
		t.Fatal(err)
	}
	target, err := s.assess.CreateTarget(ctx, "all", "")
	if err != nil {
		t.Fatal(err)
	}
	template, err := s.assess.CreateTemplate(ctx, inspector.Template{Target: target.ID, Name: "weekly", Duration: time.Hour,
		Packages: []string{s.scope.PackageARN(inspector.PackagePractices).String()}})
	if err != nil {
		t.Fatal(err)
	}
	run, err := s.assess.StartRun(ctx, template.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		for _, state := range []inspector.RunState{
			inspector.StartDataCollectionInProgress, inspector.CollectingData, inspector.StopDataCollectionPending,
			inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules, inspector.CompletedWithErrors,
		} {
			if err := tx.ChangeRunState(ctx, run.ID, state, time.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// docs/metrics.md has a line for every metric, and none that there is not.
func TestMetricsAreDocumented(t *testing.T) {
	s := open(t, configIn(fresh(t)))
	defer closed(t, s)
	everyMetric(t, s)
	families, err := prometheus.Gatherers{s.metrics.registry, databaseUp(s.store)}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, f := range families {
		if f.GetHelp() == "" {
			t.Errorf("%s has no help", f.GetName())
		}
		if !regexp.MustCompile(`^(go|process)_`).MatchString(f.GetName()) {
			told = append(told, f.GetName())
		}
	}
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for line := range strings.Lines(string(page)) {
		if m := regexp.MustCompile("^\\| `(assay_[a-z_]+)` \\|").FindStringSubmatch(line); m != nil {
			documented[m[1]] = true
		}
	}
	var names []string
	for name := range documented {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff(told, names); diff != "" {
		t.Errorf("-told +documented:\n%s", diff)
	}
	// What alerts and sums name is a metric.
	for _, name := range regexp.MustCompile(`\bassay_[a-z_]+`).FindAllString(string(page), -1) {
		if !documented[name] {
			t.Errorf("the page speaks of %s, which it does not list", name)
		}
	}
}

// Both doors of a replica tell the same, and ask the database once.
func TestMetricsOfBothDoors(t *testing.T) {
	c := configIn(fresh(t))
	c.Metrics = "127.0.0.1:0"
	s := open(t, c)
	defer closed(t, s)
	everyMetric(t, s)
	for range 2 {
		w := httptest.NewRecorder()
		s.metrics.handler(s.store).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		for _, want := range []string{
			"assay_figures_up 1", `assay_target_runs{target="` + s.scope.Target("").String(), `assay_runs{state="COMPLETED_WITH_ERRORS"} 1`,
			`,template_name="weekly"} 1`, `assay_jobs_waiting{kind="preview"} 0`, `assay_jobs_waiting{kind="advance"} 1`, "go_sql_open_connections",
		} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("the metrics have no %s:\n%s", want, w.Body)
			}
		}
	}
}
