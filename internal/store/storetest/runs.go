package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/store"
)

func zeros() map[inspector.Severity]int64 {
	counts := map[inspector.Severity]int64{}
	for _, s := range inspector.Severities() {
		counts[s] = 0
	}
	return counts
}

func testRuns(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	run := addRun(t, s, template, 1, "i-1", "i-2")
	run.State, run.StateChangedAt, run.FindingCounts = inspector.Created, run.CreatedAt, zeros()
	run.Changes = []inspector.StateChange{{State: inspector.Created, At: run.CreatedAt}}
	got, err := s.Runs(ctx, []string{run.ID, "0-none0000"})
	equal(t, err, got, map[string]inspector.Run{run.ID: run})
	key, ok, err := s.RunKey(ctx, run.ID)
	if string(key) != "wrapped key of "+run.ID || !ok || err != nil {
		t.Errorf("RunKey = %q, %v, %v", key, ok, err)
	}
	if _, ok, err := s.RunKey(ctx, "0-none0000"); ok || err != nil {
		t.Error("a run that does not exist has a key", err)
	}
	templates, err := s.Templates(ctx, []string{template.ID})
	template.Runs, template.LastRun = 1, run.ID
	equal(t, err, templates[template.ID], template)

	update(t, s, func(tx *store.Tx) error {
		return errors.Join(tx.SetRunStop(ctx, run.ID, inspector.SkipEvaluation), tx.SetDataCollected(ctx, run.ID))
	})
	run.Stop, run.DataCollected = inspector.SkipEvaluation, true
	runs, err := s.Runs(ctx, []string{run.ID})
	equal(t, err, runs[run.ID], run)
}

func testRunFilters(t *testing.T, s *store.Store) {
	ctx := t.Context()
	first, second := addTemplate(t, s), addTemplate(t, s)
	second.Duration, second.Packages = 2*time.Hour, []string{"arn:a", "arn:b"}
	var ids []string
	for i, template := range []inspector.Template{first, second, first, second} {
		ids = append(ids, addRun(t, s, template, i).ID)
	}
	advance(t, s, ids[0], inspector.Completed, 100)
	advance(t, s, ids[1], inspector.Completed, 200)
	advance(t, s, ids[2], inspector.CollectingData, 300)
	for name, c := range map[string]struct {
		filter inspector.RunFilter
		want   []int
	}{
		"all":        {inspector.RunFilter{}, []int{0, 1, 2, 3}},
		"template":   {inspector.RunFilter{Templates: []string{second.ID}}, []int{1, 3}},
		"name":       {inspector.RunFilter{NamePattern: "*n 3"}, []int{3}},
		"states":     {inspector.RunFilter{States: []inspector.RunState{inspector.Created, inspector.CollectingData}}, []int{2, 3}},
		"duration":   {inspector.RunFilter{Durations: inspector.DurationRange{Min: 2 * time.Hour}}, []int{1, 3}},
		"package":    {inspector.RunFilter{PackageARNs: []string{"arn:b"}}, []int{1, 3}},
		"part of it": {inspector.RunFilter{PackageARNs: []string{"arn"}}, nil},
		"started":    {inspector.RunFilter{Started: inspector.TimeRange{Begin: at(200)}}, []int{1, 2}},
		"until":      {inspector.RunFilter{Started: inspector.TimeRange{End: at(200)}}, []int{0, 1}},
		"no start":   {inspector.RunFilter{Started: inspector.TimeRange{Begin: time.Unix(-1, 0)}}, []int{0, 1, 2}},
		"epoch":      {inspector.RunFilter{Started: inspector.TimeRange{End: time.Unix(0, 0)}}, []int{}},
		"completed":  {inspector.RunFilter{Completed: inspector.TimeRange{Begin: at(100), End: at(100)}}, []int{0}},
		"changed":    {inspector.RunFilter{StateChanged: inspector.TimeRange{Begin: at(250)}}, []int{2}},
		"and":        {inspector.RunFilter{StateChanged: inspector.TimeRange{Begin: at(150)}, Templates: []string{second.ID}}, []int{1}},
	} {
		var got []string
		page := inspector.Page{Limit: 1}
		for {
			runs, next, err := s.ListRuns(ctx, c.filter, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, run := range runs {
				got = append(got, run.ID)
			}
			if page.After = next; next == "" {
				break
			}
		}
		if diff := cmp.Diff(pick(ids, c.want), got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	_, _, err := s.ListRuns(ctx, inspector.RunFilter{}, inspector.Page{After: "nonsense"})
	e := &inspector.Err{}
	if !errors.As(err, &e) || e.Code != "INVALID_PAGINATION_TOKEN" {
		t.Errorf("a page that was not given out: %v", err)
	}
}

func testRunRefusals(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	addRun(t, s, template, 1, "i-1")
	create := func(run inspector.Run, limits inspector.Limits, agents ...string) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.CreateRun(ctx, run, []byte("key"), agents, limits) }
	}
	refused(t, s, inspector.InvalidInput, "ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN", create(newRun(template, 1), inspector.Limits{}))
	refused(t, s, inspector.LimitExceeded, "ASSESSMENT_RUN_LIMIT_EXCEEDED", create(newRun(template, 2), inspector.Limits{Runs: 1}))
	refused(t, s, inspector.LimitExceeded, "ASSESSMENT_RUN_LIMIT_EXCEEDED", create(newRun(template, 2), inspector.Limits{RunningHosts: 2}, "i-2", "i-3"))
	stray := newRun(template, 2)
	stray.Template = "0-none0000"
	refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", create(stray, inspector.Limits{}))
	// Nothing of a run that was refused is left.
	runs, _, err := s.ListRuns(ctx, inspector.RunFilter{}, inspector.Page{})
	equal(t, err, len(runs), 1)
	for name, fn := range map[string]func(*store.Tx) error{
		"change": func(tx *store.Tx) error { return tx.ChangeRunState(ctx, "0-none0000", inspector.Canceled, at(1)) },
		"stop":   func(tx *store.Tx) error { return tx.SetRunStop(ctx, "0-none0000", inspector.SkipEvaluation) },
		"delete": func(tx *store.Tx) error { return tx.DeleteRun(ctx, "0-none0000") },
		"drop":   func(tx *store.Tx) error { _, err := tx.DropTelemetry(ctx, "0-none0000", at(1)); return err },
		"agent": func(tx *store.Tx) error {
			return tx.SaveRunAgent(ctx, inspector.RunAgent{Run: "0-none0000", Agent: "i-1"})
		},
	} {
		t.Run(name, func(t *testing.T) { refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_RUN_DOES_NOT_EXIST", fn) })
	}
}

func testBusy(t *testing.T, s *store.Store) {
	ctx := t.Context()
	s.Scope = scope
	template := addTemplate(t, s)
	var agents []string
	for i := range 12 {
		agents = append(agents, fmt.Sprintf("i-%02d", i))
	}
	going := addRun(t, s, template, 1, agents...)
	arn := scope.Run(template.Target, template.ID, going.ID).String()
	start := func(agents ...string) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.CreateRun(ctx, newRun(template, 2), []byte("key"), agents, inspector.Limits{})
		}
	}
	e := refused(t, s, inspector.AgentsAlreadyRunning, "", start("i-99", "i-03"))
	equal(t, nil, e.Agents, []inspector.BusyAgent{{Agent: "i-03", RunARN: arn}})
	e = refused(t, s, inspector.AgentsAlreadyRunning, "", start(agents...))
	if len(e.Agents) != 10 || !e.Truncated {
		t.Errorf("named %d agents, truncated %v; want 10, true", len(e.Agents), e.Truncated)
	}
	update(t, s, start("i-50")) // no host in common: both go on
	e = refused(t, s, inspector.RunInProgress, "", func(tx *store.Tx) error { return tx.DeleteRun(ctx, going.ID) })
	equal(t, nil, e.Runs, []string{arn})
	for _, fn := range []func(*store.Tx) error{
		func(tx *store.Tx) error { return tx.DeleteTarget(ctx, template.Target) },
		func(tx *store.Tx) error { return tx.DeleteTemplate(ctx, template.ID) },
	} {
		if e := refused(t, s, inspector.RunInProgress, "", fn); len(e.Runs) != 2 {
			t.Errorf("named %v", e.Runs)
		}
	}
	refused(t, s, inspector.RunInProgress, "", func(tx *store.Tx) error { _, err := tx.DropTelemetry(ctx, going.ID, at(1)); return err })
	advance(t, s, going.ID, inspector.Completed, 5)
	addRun(t, s, template, 3, "i-03")
}

func testStates(t *testing.T, s *store.Store) {
	ctx := t.Context()
	run := addRun(t, s, addTemplate(t, s), 1, "i-1")
	err := s.Update(ctx, func(tx *store.Tx) error { return tx.ChangeRunState(ctx, run.ID, inspector.Completed, at(1)) })
	wrong := &store.StateError{}
	if !errors.As(err, &wrong) || wrong.From != inspector.Created {
		t.Fatalf("from Created to Completed: %v", err)
	}
	want := []inspector.StateChange{{State: inspector.Created, At: at(1)}}
	for i, state := range path {
		update(t, s, func(tx *store.Tx) error { return tx.ChangeRunState(ctx, run.ID, state, at(10+i)) })
		want = append(want, inspector.StateChange{State: state, At: at(10 + i)})
	}
	runs, err := s.Runs(ctx, []string{run.ID})
	got := runs[run.ID]
	equal(t, err, got.Changes, want)
	if !got.StartedAt.Equal(at(12)) || !got.CompletedAt.Equal(at(17)) || !got.StateChangedAt.Equal(at(17)) || got.State != inspector.Completed {
		t.Errorf("got %+v", got)
	}
	if err := s.Update(ctx, func(tx *store.Tx) error { return tx.ChangeRunState(ctx, run.ID, inspector.Canceled, at(1)) }); !errors.As(err, &wrong) {
		t.Errorf("a run that was over became canceled: %v", err)
	}
}
