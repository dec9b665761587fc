package storetest

import (
	"fmt"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

func testPreviews(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template := addTemplate(t, s)
	create := func(token string, n int) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			return tx.CreatePreview(ctx, store.Preview{Token: token, Template: template.ID, CreatedAt: at(n)})
		}
	}
	complete := func(token string, exclusions ...inspector.Exclusion) func(*store.Tx) error {
		return func(tx *store.Tx) error { return tx.CompletePreview(ctx, token, exclusions, at(100)) }
	}
	if _, ok, err := s.Preview(ctx, "none"); ok || err != nil {
		t.Errorf("a preview that was never made: %v, %v", ok, err)
	}
	refused(t, s, inspector.NoSuchEntity, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST", func(tx *store.Tx) error {
		return tx.CreatePreview(ctx, store.Preview{Token: "x", Template: "0-nonesuch"})
	})

	// One at a time of a template; of another template at once.
	update(t, s, create("first", 1))
	refused(t, s, inspector.PreviewInProgress, "", create("second", 2))
	other := addTemplate(t, s)
	update(t, s, func(tx *store.Tx) error {
		return tx.CreatePreview(ctx, store.Preview{Token: "other", Template: other.ID, CreatedAt: at(3)})
	})
	got, _, err := s.Preview(ctx, "first")
	equal(t, err, got, store.Preview{Token: "first", Template: template.ID, CreatedAt: at(1)})

	// It is completed once.
	var all []inspector.Exclusion
	for i := range 5 {
		all = append(all, inspector.Exclusion{ID: fmt.Sprintf("0-%08d", i), Kind: inspector.AgentNotFound, Title: "t", Error: true,
			Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: fmt.Sprint("i-", i)}}})
	}
	update(t, s, complete("first", all...))
	update(t, s, complete("first"))
	update(t, s, complete("never made", all...))
	got, _, err = s.Preview(ctx, "first")
	equal(t, err, got, store.Preview{Token: "first", Template: template.ID, CreatedAt: at(1), CompletedAt: at(100)})
	var listed []inspector.Exclusion
	for page := (inspector.Page{Limit: 2}); ; {
		some, next, err := s.PreviewExclusions(ctx, "first", page)
		if err != nil || len(some) > 2 {
			t.Fatalf("a page of %d, %v", len(some), err)
		}
		listed = append(listed, some...)
		if page.After = next; next == "" {
			break
		}
	}
	equal(t, nil, listed, all)

	// The oldest of many give way; the one of another template does not.
	for i := range 12 {
		update(t, s, create(fmt.Sprint("more ", i), 10+i))
		update(t, s, complete(fmt.Sprint("more ", i)))
	}
	var there []string
	for i := range 12 {
		if _, ok, err := s.Preview(ctx, fmt.Sprint("more ", i)); err != nil {
			t.Fatal(err)
		} else if ok {
			there = append(there, fmt.Sprint(i))
		}
	}
	equal(t, nil, there, []string{"2", "3", "4", "5", "6", "7", "8", "9", "10", "11"})
	if left, _, err := s.PreviewExclusions(ctx, "first", inspector.Page{}); len(left) != 0 || err != nil {
		t.Errorf("of a preview that gave way %d exclusions are left, %v", len(left), err)
	}

	// They end with time, and with their template.
	update(t, s, func(tx *store.Tx) error { return tx.DropPreviews(ctx, at(15)) })
	for token, want := range map[string]bool{"more 4": false, "more 5": true, "other": false} {
		if _, ok, err := s.Preview(ctx, token); ok != want || err != nil {
			t.Errorf("%s: there %v, want %v; %v", token, ok, want, err)
		}
	}
	update(t, s, func(tx *store.Tx) error { return tx.DeleteTarget(ctx, template.Target) })
	if _, ok, err := s.Preview(ctx, "more 5"); ok || err != nil {
		t.Errorf("a preview outlives its template: %v, %v", ok, err)
	}
}

func testBusyAgents(t *testing.T, s *store.Store) {
	template := addTemplate(t, s)
	run := addRun(t, s, template, 1, "i-1", "i-2")
	over := addRun(t, s, template, 2, "i-3")
	advance(t, s, over.ID, inspector.Completed, 3)
	update(t, s, func(tx *store.Tx) error {
		busy, err := tx.BusyAgents(t.Context(), []string{"i-2", "i-3", "i-4"})
		path := "target/" + run.Target + "/template/" + run.Template + "/run/" + run.ID
		equal(t, err, busy, []inspector.BusyAgent{{Agent: "i-2", RunARN: path}})
		return nil
	})
}

// testFigures counts by hand.
func testFigures(t *testing.T, s *store.Store) {
	ctx := t.Context()
	agent := func(id string, seen time.Time, problems []string, tags ...inspector.Tag) inspector.Agent {
		return inspector.Agent{ID: id, Hostname: `"problems":["no"]`, EnrolledAt: at(0), SeenAt: seen, Problems: problems, Tags: tags}
	}
	web, db, odd := inspector.Tag{Key: "role", Value: "web"}, inspector.Tag{Key: "role", Value: "db"}, inspector.Tag{Key: "o'dd\x00", Value: "*?[%_"}
	groups := map[string][]inspector.Tag{"web or db": {web, db, odd}, "web": {web}, "odd": {odd}, "nobody": {{Key: "role", Value: "WEB"}}, "no tags": {}}
	targets := map[string]string{}
	update(t, s, func(tx *store.Tx) error {
		revoked := agent("i-7", at(100), nil, web)
		revoked.Revoked = true
		fresh := agent("i-6", at(1), nil, db)
		fresh.EnrolledAt = at(60)
		for _, a := range []inspector.Agent{
			agent("i-1", at(100), nil, web, db), agent("i-2", at(50), nil, web), agent("i-3", at(49), nil, web),
			agent("i-4", time.Time{}, nil, db), agent("i-5", at(100), []string{"the disk is full"}, odd), fresh, revoked,
		} {
			if err := tx.SaveAgent(ctx, a); err != nil {
				return err
			}
		}
		for name, tags := range groups {
			group := inspector.NewID()
			if err := tx.CreateResourceGroup(ctx, inspector.ResourceGroup{ID: group, Tags: tags}); err != nil {
				return err
			}
			targets[name] = inspector.NewID()
			if err := tx.CreateTarget(ctx, inspector.Target{ID: targets[name], Name: name, ResourceGroup: group}, inspector.Limits{}); err != nil {
				return err
			}
		}
		targets["all"] = inspector.NewID()
		return tx.CreateTarget(ctx, inspector.Target{ID: targets["all"], Name: "all"}, inspector.Limits{})
	})
	f, err := s.Figures(ctx, at(50))
	all := store.HealthCounts{Healthy: 3, Unhealthy: 2, Unknown: 1}
	equal(t, err, f.Agents, all)
	got := map[string]store.HealthCounts{}
	for _, target := range f.Targets {
		if targets[target.Name] != target.ID {
			t.Errorf("the target %q has the id %s", target.Name, target.ID)
		}
		got[target.Name] = target.Agents
	}
	equal(t, nil, got, map[string]store.HealthCounts{
		"all": all, "web or db": all, "web": {Healthy: 2, Unhealthy: 1}, "odd": {Unhealthy: 1}, "nobody": {}, "no tags": {},
	})
	if f, err := s.Figures(ctx, time.Time{}); err != nil || f.Agents != (store.HealthCounts{Healthy: 4, Unhealthy: 1, Unknown: 1}) {
		t.Errorf("while nobody can be silent: %+v, %v", f.Agents, err)
	}
	if f.Size < 10_000 {
		t.Errorf("the database has %d bytes", f.Size)
	}
}

func testRunFigures(t *testing.T, s *store.Store) {
	ctx := t.Context()
	template, idle := addTemplate(t, s), addTemplate(t, s)
	save := func(run inspector.Run, findings, exclusions int) {
		update(t, s, func(tx *store.Tx) error {
			var found []inspector.Finding
			for i := range findings {
				found = append(found, inspector.Finding{ID: fmt.Sprintf("0-%08d", i), Severity: inspector.Severities()[i%2]})
			}
			var missed []inspector.Exclusion
			for i := range exclusions {
				missed = append(missed, inspector.Exclusion{ID: fmt.Sprintf("0-%08d", i)})
			}
			return tx.SaveResults(ctx, run.ID, "i-1", inspector.PackagePractices, nil, found, missed)
		})
	}
	old := addRun(t, s, template, 1, "i-1")
	save(old, 7, 1)
	advance(t, s, old.ID, inspector.Completed, 2)
	last := addRun(t, s, template, 3, "i-1")
	save(last, 3, 2)
	advance(t, s, last.ID, inspector.Completed, 4)
	going := addRun(t, s, template, 5, "i-1")
	advance(t, s, going.ID, inspector.CollectingData, 6)
	save(going, 9, 9) // not over: they do not count

	f, err := s.Figures(ctx, at(0))
	equal(t, err, f.Runs, map[inspector.RunState]int64{inspector.Completed: 2, inspector.CollectingData: 1})
	for _, got := range f.Templates {
		want := store.TemplateFigures{ID: idle.ID, Target: idle.Target, Name: idle.Name}
		if got.ID == template.ID {
			want = store.TemplateFigures{ID: template.ID, Target: template.Target, Name: template.Name, Runs: 3, Findings: 10, Last: &store.LastRun{
				State: inspector.Completed, CompletedAt: at(4), Exclusions: 2,
				Findings: map[inspector.Severity]int64{inspector.High: 2, inspector.Medium: 1, inspector.Low: 0, inspector.Informational: 0, inspector.Undefined: 0},
			}}
		}
		equal(t, nil, got, want)
	}
	for _, got := range f.Targets {
		if got.ID == template.Target && (got.Runs != 3 || got.Findings != 10) || got.ID == idle.Target && got.Runs+got.Findings != 0 {
			t.Errorf("%+v", got)
		}
	}
	if len(f.Templates) != 2 || len(f.Targets) != 2 {
		t.Errorf("there are %d templates and %d targets", len(f.Templates), len(f.Targets))
	}
	// What is deleted does not count any more.
	update(t, s, func(tx *store.Tx) error { return tx.DeleteRun(ctx, last.ID) })
	f, err = s.Figures(ctx, at(0))
	equal(t, err, f.Runs, map[inspector.RunState]int64{inspector.Completed: 1, inspector.CollectingData: 1})
	for _, got := range f.Templates {
		if got.ID == template.ID && (got.Findings != 7 || !got.Last.CompletedAt.Equal(at(2))) {
			t.Errorf("%+v", got)
		}
	}
}

// testManyTags counts in both ways: asking the database for the tags by name, and
// looking at all of them.
func testManyTags(t *testing.T, s *store.Store) {
	ctx := t.Context()
	tag := func(i int) inspector.Tag { return inspector.Tag{Key: "k", Value: fmt.Sprint(i)} }
	update(t, s, func(tx *store.Tx) error {
		for i := range 3 {
			a := inspector.Agent{ID: fmt.Sprint("i-", i), SeenAt: at(1), Tags: []inspector.Tag{tag(0), tag(i), tag(i + 2)}}
			if err := tx.SaveAgent(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
	const groups, each = 6, 1000
	for i := range groups {
		update(t, s, func(tx *store.Tx) error {
			id, group := fmt.Sprintf("0-%08d", i), inspector.ResourceGroup{ID: inspector.NewID()}
			for j := range each {
				group.Tags = append(group.Tags, tag(i*each+j+1))
			}
			if err := tx.CreateResourceGroup(ctx, group); err != nil {
				return err
			}
			return tx.CreateTarget(ctx, inspector.Target{ID: id, Name: id, ResourceGroup: group.ID}, inspector.Limits{})
		})
		f, err := s.Figures(ctx, time.Time{})
		if err != nil || len(f.Targets) != i+1 {
			t.Fatalf("with %d tags: %d targets, %v", (i+1)*each, len(f.Targets), err)
		}
		for n, target := range f.Targets {
			want := store.HealthCounts{}
			if n == 0 {
				want.Healthy = 3 // each has one of the first thousand tags, or two
			}
			equal(t, nil, target.Agents, want)
		}
	}
}
