package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"assay/internal/inspector"
	"assay/internal/store"
)

// model is what a store should hold, in plain maps.
type model struct {
	targets   map[string]string             // id to name
	templates map[string]inspector.Template // id to target, name, last run, number of runs
	runs      map[string]modelRun
	order     []string // ids of runs as they were created
	made      int      // ids given out
}

type modelRun struct {
	inspector.Run
	agents []string
}

var modelLimits = inspector.Limits{Targets: 3, Templates: 4, Runs: 5, RunningHosts: 3}

// testModel makes random changes to a store and to a model and compares what they
// answer and hold.
func testModel(t *testing.T, s *store.Store) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{targets: map[string]string{}, templates: map[string]inspector.Template{}, runs: map[string]modelRun{}}
		m.clear(t, s)
		for range rapid.IntRange(1, 15).Draw(t, "steps") {
			m.step(t, s)
		}
		m.compare(t, s)
	})
}

// clear empties the store of what the case before has left.
func (m *model) clear(t *rapid.T, s *store.Store) {
	ctx := context.Background()
	err := s.Update(ctx, func(tx *store.Tx) error {
		runs, _, err := tx.ListRuns(ctx, inspector.RunFilter{}, inspector.Page{})
		for _, run := range runs {
			if !run.State.Final() {
				err = errors.Join(err, tx.ChangeRunState(ctx, run.ID, inspector.Canceled, at(0)))
			}
		}
		targets, _, listErr := tx.ListTargets(ctx, inspector.TargetFilter{}, inspector.Page{})
		for _, target := range targets {
			err = errors.Join(err, tx.DeleteTarget(ctx, target.ID))
		}
		return errors.Join(err, listErr)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// step makes one change; what is chosen from includes an id that does not exist.
func (m *model) step(t *rapid.T, s *store.Store) {
	ctx := context.Background()
	name := rapid.SampledFrom([]string{"a", "A", "b", "c"}).Draw(t, "name")
	choose := func(kind string, ids []string) string {
		return rapid.SampledFrom(append([]string{"0-none0000"}, slices.Sorted(slices.Values(ids))...)).Draw(t, kind)
	}
	target := choose("target", slices.Collect(maps.Keys(m.targets)))
	template := choose("template", slices.Collect(maps.Keys(m.templates)))
	run := choose("run", slices.Collect(maps.Keys(m.runs)))
	m.made++
	id := fmt.Sprintf("0-%08d", m.made)
	var want string
	var change func(tx *store.Tx) error
	switch rapid.SampledFrom([]string{"target", "rename", "template", "run", "run", "end", "delete target", "delete template", "delete run"}).Draw(t, "change") {
	case "target":
		want = m.createTarget(id, name)
		change = func(tx *store.Tx) error {
			return tx.CreateTarget(ctx, inspector.Target{ID: id, Name: name}, modelLimits)
		}
	case "rename":
		want = m.rename(target, name)
		change = func(tx *store.Tx) error { return tx.UpdateTarget(ctx, inspector.Target{ID: target, Name: name}) }
	case "template":
		want = m.createTemplate(id, target, name)
		change = func(tx *store.Tx) error {
			return tx.CreateTemplate(ctx, inspector.Template{ID: id, Target: target, Name: name}, modelLimits)
		}
	case "run":
		agents := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"i-1", "i-2", "i-3", "i-4"}), 0, 2, rapid.ID).Draw(t, "agents")
		r := inspector.Run{ID: id, Template: template, Target: m.templates[template].Target, Name: name}
		want = m.createRun(r, agents)
		change = func(tx *store.Tx) error { return tx.CreateRun(ctx, r, []byte("key"), agents, modelLimits) }
	case "end":
		want = m.end(run)
		change = func(tx *store.Tx) error { return tx.ChangeRunState(ctx, run, inspector.Canceled, at(1)) }
	case "delete target":
		want = m.delete(m.targets[target] != "", "ASSESSMENT_TARGET_DOES_NOT_EXIST", func(r modelRun) bool { return r.Target == target })
		if want == "" {
			delete(m.targets, target)
			maps.DeleteFunc(m.templates, func(_ string, t inspector.Template) bool { return t.Target == target })
		}
		change = func(tx *store.Tx) error { return tx.DeleteTarget(ctx, target) }
	case "delete template":
		want = m.delete(m.templates[template].ID != "", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", func(r modelRun) bool { return r.Template == template })
		if want == "" {
			delete(m.templates, template)
		}
		change = func(tx *store.Tx) error { return tx.DeleteTemplate(ctx, template) }
	case "delete run":
		want = m.delete(m.runs[run].ID != "", "ASSESSMENT_RUN_DOES_NOT_EXIST", func(r modelRun) bool { return r.ID == run })
		change = func(tx *store.Tx) error { return tx.DeleteRun(ctx, run) }
	}
	if got := outcome(s.Update(ctx, change)); got != want {
		t.Fatalf("the store answers %q, the model %q", got, want)
	}
}

// outcome is the code of an error, or its kind where that has no codes.
func outcome(err error) string {
	api, wrong := &inspector.Err{}, &store.StateError{}
	switch {
	case err == nil:
		return ""
	case errors.As(err, &api) && api.Code != "":
		return api.Code
	case errors.As(err, &api):
		return string(api.Kind)
	case errors.As(err, &wrong):
		return "state"
	}
	return err.Error()
}

func (m *model) createTarget(id, name string) string {
	if len(m.targets) >= modelLimits.Targets {
		return "ASSESSMENT_TARGET_LIMIT_EXCEEDED"
	}
	if slices.Contains(slices.Collect(maps.Values(m.targets)), name) {
		return "ASSESSMENT_TARGET_NAME_ALREADY_TAKEN"
	}
	m.targets[id] = name
	return ""
}

func (m *model) rename(id, name string) string {
	if m.targets[id] == "" {
		return "ASSESSMENT_TARGET_DOES_NOT_EXIST"
	}
	for other, taken := range m.targets {
		if other != id && taken == name {
			return "ASSESSMENT_TARGET_NAME_ALREADY_TAKEN"
		}
	}
	m.targets[id] = name
	return ""
}

func (m *model) createTemplate(id, target, name string) string {
	if m.targets[target] == "" {
		return "ASSESSMENT_TARGET_DOES_NOT_EXIST"
	}
	if len(m.templates) >= modelLimits.Templates {
		return "ASSESSMENT_TEMPLATE_LIMIT_EXCEEDED"
	}
	for _, t := range m.templates {
		if t.Target == target && t.Name == name {
			return "ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN"
		}
	}
	m.templates[id] = inspector.Template{ID: id, Target: target, Name: name}
	return ""
}

func (m *model) createRun(run inspector.Run, agents []string) string {
	t, ok := m.templates[run.Template]
	if !ok {
		return "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"
	}
	if len(m.runs) >= modelLimits.Runs {
		return "ASSESSMENT_RUN_LIMIT_EXCEEDED"
	}
	hosts, busy := 0, false
	for _, r := range m.runs {
		if r.Template == run.Template && r.Name == run.Name {
			return "ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN"
		}
		if !r.State.Final() {
			hosts += len(r.agents)
			busy = busy || slices.ContainsFunc(agents, func(a string) bool { return slices.Contains(r.agents, a) })
		}
	}
	if busy {
		return string(inspector.AgentsAlreadyRunning)
	}
	if hosts+len(agents) > modelLimits.RunningHosts {
		return "ASSESSMENT_RUN_LIMIT_EXCEEDED"
	}
	run.State = inspector.Created
	m.runs[run.ID] = modelRun{run, agents}
	m.order = append(m.order, run.ID)
	t.LastRun, t.Runs = run.ID, t.Runs+1
	m.templates[t.ID] = t
	return ""
}

func (m *model) end(id string) string {
	r, ok := m.runs[id]
	if !ok {
		return "ASSESSMENT_RUN_DOES_NOT_EXIST"
	}
	if r.State.Final() {
		return "state"
	}
	r.State = inspector.Canceled
	m.runs[id] = r
	return ""
}

// delete deletes the runs below something, unless one goes on.
func (m *model) delete(exists bool, missing string, below func(modelRun) bool) string {
	if !exists {
		return missing
	}
	for _, r := range m.runs {
		if below(r) && !r.State.Final() {
			return string(inspector.RunInProgress)
		}
	}
	maps.DeleteFunc(m.runs, func(_ string, r modelRun) bool { return below(r) })
	m.order = slices.DeleteFunc(m.order, func(id string) bool { return m.runs[id].ID == "" })
	for id, t := range m.templates {
		t.LastRun, t.Runs = "", 0
		for _, run := range m.order {
			if m.runs[run].Template == id {
				t.LastRun, t.Runs = run, t.Runs+1
			}
		}
		m.templates[id] = t
	}
	return ""
}

// compare checks that the store holds what the model does.
func (m *model) compare(t *rapid.T, s *store.Store) {
	ctx := context.Background()
	targets, _, err1 := s.ListTargets(ctx, inspector.TargetFilter{}, inspector.Page{})
	templates, _, err2 := s.ListTemplates(ctx, inspector.TemplateFilter{}, inspector.Page{})
	runs, _, err3 := s.ListRuns(ctx, inspector.RunFilter{}, inspector.Page{})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, target := range targets {
		names[target.ID] = target.Name
	}
	if !maps.Equal(names, m.targets) {
		t.Fatalf("targets: got %v, want %v", names, m.targets)
	}
	for _, got := range templates {
		want := m.templates[got.ID]
		if got.Target != want.Target || got.Name != want.Name || got.LastRun != want.LastRun || got.Runs != want.Runs {
			t.Fatalf("template: got %+v, want %+v", got, want)
		}
	}
	if len(templates) != len(m.templates) || len(runs) != len(m.order) {
		t.Fatalf("%d templates and %d runs, want %d and %d", len(templates), len(runs), len(m.templates), len(m.order))
	}
	for i, got := range runs {
		want := m.runs[m.order[i]]
		agents, _, err := s.RunAgents(ctx, got.ID, inspector.RunAgentFilter{}, inspector.Page{})
		if err != nil || got.ID != want.ID || got.State != want.State || got.Name != want.Name || len(agents) != len(want.agents) {
			t.Fatalf("run: got %+v with %d agents, want %+v (%v)", got, len(agents), want, err)
		}
	}
}
