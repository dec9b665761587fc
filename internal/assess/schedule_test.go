package assess

import (
	"context"
	"errors"
	"flag"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/schedule"
	"assay/internal/store"
	"assay/internal/testpg"
)

func (w *world) addSchedule(template, expression string) inspector.Schedule {
	w.t.Helper()
	c, err := w.AddSchedule(w.t.Context(), inspector.Schedule{Template: template, Expression: expression})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) schedule(id string) inspector.Schedule {
	w.t.Helper()
	found, err := w.Store.Schedules(w.t.Context(), []string{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return found[id]
}

// scheduledFor is the name of a run that is due so long after noon.
func scheduledFor(d time.Duration) string {
	return "Scheduled run " + noon.Add(d).UTC().Format("2006-01-02T15:04Z") + " for Weekly"
}

// runNames are those of the runs of a template, in the order in which they started.
func (w *world) runNames() []string {
	w.t.Helper()
	runs, _, err := w.Store.ListRuns(w.t.Context(), inspector.RunFilter{}, inspector.Page{})
	if err != nil {
		w.t.Fatal(err)
	}
	names := []string{}
	for _, r := range runs {
		names = append(names, r.Name)
	}
	return names
}

// elapse lets time pass, in which the service works.
func (w *world) elapse(d time.Duration, agents ...string) {
	w.t.Helper()
	for end := w.clock.Now().Add(d); w.clock.Now().Before(end); {
		w.clock.add(min(time.Minute, end.Sub(w.clock.Now())))
		for _, agent := range agents {
			w.beat(agent)
		}
		w.mustWork()
	}
}

func TestScheduleStartsRuns(t *testing.T) {
	var told []inspector.ScheduleOutcome
	w := newWorld(t, func(c *Config) {
		c.Scheduled = func(o inspector.ScheduleOutcome) { told = append(told, o) }
	})
	template := w.template(time.Hour)
	c := w.addSchedule(template.ID, "rate(6 hours)")
	if !c.DueAt.Equal(noon) || !c.TryAt.Equal(noon) {
		t.Errorf("the first run is due at %v, tried at %v", c.DueAt, c.TryAt)
	}
	w.mustWork() // starting now
	w.elapse(13 * time.Hour)
	want := []string{scheduledFor(0), scheduledFor(6 * time.Hour), scheduledFor(12 * time.Hour)}
	if diff := cmp.Diff(want, w.runNames()); diff != "" {
		t.Error(diff)
	}
	c = w.schedule(c.ID)
	if !c.DueAt.Equal(noon.Add(18*time.Hour)) || c.Last.Run != w.runs()[2].ID || c.Last.Missed != 0 || c.Last.Refused() || len(told) != 3 {
		t.Errorf("the schedule is %+v, told %v", c, told)
	}
}

func (w *world) runs() []inspector.Run {
	w.t.Helper()
	runs, _, err := w.Store.ListRuns(w.t.Context(), inspector.RunFilter{}, inspector.Page{})
	if err != nil {
		w.t.Fatal(err)
	}
	return runs
}

// What was missed while the service was down is caught up once.
func TestMissedTimesAreCaughtUpOnce(t *testing.T) {
	w := newWorld(t)
	c := w.addSchedule(w.template(time.Hour).ID, "rate(6 hours)")
	w.mustWork()
	w.clock.add(31 * time.Hour) // nobody works
	w.mustWork()
	w.mustWork()
	want := []string{scheduledFor(0), scheduledFor(30 * time.Hour)}
	if diff := cmp.Diff(want, w.runNames()); diff != "" {
		t.Error(diff)
	}
	c = w.schedule(c.ID)
	if c.Last.Missed != 4 || !c.Last.At.Equal(noon.Add(31*time.Hour)) || !c.DueAt.Equal(noon.Add(36*time.Hour)) {
		t.Errorf("the schedule is %+v", c)
	}
}

// A run that cannot start is told of, and tried again with growing pauses until it
// can, or until the schedule's next time, whose run is for both.
func TestRefusedRunsAreTriedAgain(t *testing.T) {
	var told []inspector.ScheduleOutcome
	w := newWorld(t, func(c *Config) {
		c.Scheduled = func(o inspector.ScheduleOutcome) { told = append(told, o) }
	})
	agent := w.enrol()
	template := w.template(24 * time.Hour)
	c := w.addSchedule(template.ID, "rate(1 hour)")
	w.mustWork() // the first run, which nobody ends
	first := w.runs()[0]
	w.elapse(70*time.Minute, agent)
	got := w.schedule(c.ID)
	if got.Last.Kind != inspector.AgentsAlreadyRunning || got.Last.Attempts != 4 || !strings.Contains(got.Last.Reason, "another assessment run") ||
		!got.Last.Due.Equal(noon.Add(time.Hour)) || !got.DueAt.Equal(noon.Add(time.Hour)) || !got.TryAt.Equal(noon.Add(75*time.Minute)) {
		t.Errorf("after 70 minutes the schedule is %+v", got)
	}
	if counts, err := w.Store.CountSchedules(t.Context()); err != nil || counts != (store.ScheduleCounts{Active: 1, Refused: 1}) {
		t.Errorf("the schedules are %+v, %v", counts, err)
	}
	if log := w.log.String(); !strings.Contains(log, "could not be started") || !strings.Contains(log, c.ID) {
		t.Errorf("the log has nothing of it:\n%s", log)
	}
	w.elapse(48*time.Minute, agent) // shortly before the second time
	if err := w.StopRun(t.Context(), first.ID, inspector.SkipEvaluation); err != nil {
		t.Fatal(err)
	}
	w.elapse(3*time.Minute, agent)
	got = w.schedule(c.ID)
	if got.Last.Refused() || got.Last.Attempts != 0 || got.Last.Missed != 1 || !got.Last.Due.Equal(noon.Add(2*time.Hour)) || !got.DueAt.Equal(noon.Add(3*time.Hour)) {
		t.Errorf("after two hours the schedule is %+v", got)
	}
	if n := len(w.runs()); n != 2 || len(told) < 5 {
		t.Errorf("there are %d runs; told: %+v", n, told)
	}
}

func TestPauseAndResume(t *testing.T) {
	w := newWorld(t)
	c := w.addSchedule(w.template(time.Hour).ID, "30 * * * *")
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(w.PauseSchedule(t.Context(), c.ID))
	check(w.PauseSchedule(t.Context(), c.ID))
	w.elapse(3 * time.Hour)
	if n := len(w.runs()); n != 0 {
		t.Errorf("during a pause %d runs started", n)
	}
	run, err := w.RunSchedule(t.Context(), c.ID) // may be asked for nevertheless
	check(err)
	if run.Name != scheduledFor(3*time.Hour) || !w.schedule(c.ID).Paused {
		t.Errorf("the run is %q", run.Name)
	}
	check(w.ResumeSchedule(t.Context(), c.ID))
	check(w.ResumeSchedule(t.Context(), c.ID))
	if got := w.schedule(c.ID); !got.DueAt.Equal(noon.Add(3*time.Hour + 30*time.Minute)) {
		t.Errorf("what was left out is caught up: %+v", got)
	}
	w.elapse(31 * time.Minute)
	if got := w.schedule(c.ID); len(w.runs()) != 2 || got.Last.Missed != 0 {
		t.Errorf("%d runs, %+v", len(w.runs()), got)
	}
	check(w.RemoveSchedule(t.Context(), c.ID))
	for _, err := range []error{
		w.RemoveSchedule(t.Context(), c.ID), w.PauseSchedule(t.Context(), c.ID), w.ResumeSchedule(t.Context(), c.ID),
		func() error { _, err := w.RunSchedule(t.Context(), c.ID); return err }(),
	} {
		var told *inspector.Err
		if !errors.As(err, &told) || told.Kind != inspector.NoSuchEntity {
			t.Errorf("a schedule that is not there: %v", err)
		}
	}
}

// A run that is asked for is the run of a time that waits.
func TestRunNowServesWhatWaits(t *testing.T) {
	w := newWorld(t)
	c := w.addSchedule(w.template(time.Hour).ID, "rate(6 hours)")
	w.clock.add(7 * time.Hour)
	if _, err := w.RunSchedule(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	w.mustWork()
	if got := w.schedule(c.ID); len(w.runs()) != 1 || got.Last.Missed != 1 || !got.DueAt.Equal(noon.Add(12*time.Hour)) {
		t.Errorf("%d runs, %+v", len(w.runs()), got)
	}
}

func TestSchedulesGoWithTheirTemplate(t *testing.T) {
	w := newWorld(t)
	template := w.template(time.Hour)
	c := w.addSchedule(template.ID, "rate(6 hours)")
	if _, err := w.AddSchedule(t.Context(), inspector.Schedule{Template: template.ID, Expression: "rate(6 hours)"}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("twice: %v", err)
	}
	if err := w.DeleteTarget(t.Context(), template.Target); err != nil {
		t.Fatal(err)
	}
	w.elapse(7 * time.Hour)
	if got := w.schedule(c.ID); got.ID != "" || len(w.runs()) != 0 {
		t.Errorf("the schedule is %+v", got)
	}
	if _, err := w.AddSchedule(t.Context(), inspector.Schedule{Template: template.ID, Expression: "rate(6 hours)"}); err == nil || !strings.Contains(err.Error(), "no assessment template") {
		t.Errorf("without a template: %v", err)
	}
}

func TestScheduleThatEnds(t *testing.T) {
	w := newWorld(t)
	c := w.addSchedule(w.template(time.Hour).ID, "cron(30 12 23 11 ? 2026)")
	w.elapse(2 * time.Hour)
	if got := w.schedule(c.ID); len(w.runs()) != 1 || !got.TryAt.IsZero() || !got.DueAt.IsZero() {
		t.Errorf("%d runs, %+v", len(w.runs()), got)
	}
}

// Long names are cut to what a run's may have, and one that is taken gets a number.
func TestScheduledNames(t *testing.T) {
	w := newWorld(t)
	template := w.template(time.Hour)
	long, err := w.CreateTemplate(t.Context(), inspector.Template{
		Target: template.Target, Name: strings.Repeat("ü", 140), Duration: time.Hour, Packages: template.Packages,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := w.addSchedule(long.ID, "rate(6 hours)")
	for range 2 {
		if _, err := w.RunSchedule(t.Context(), c.ID); err != nil {
			t.Fatal(err)
		}
	}
	names := w.runNames()
	if len(names) != 2 || !strings.HasSuffix(names[1], "ü (2)") || len([]rune(names[0])) > 140 || len([]rune(names[1])) > 140 {
		t.Errorf("the runs are called %q", names)
	}
}

// Several services that try at once start one run.
func TestManyReplicasStartOneRun(t *testing.T) {
	w := newWorld(t)
	t.Run("SQLite", func(t *testing.T) { oneRun(t, w.Config) })
	t.Run("PostgreSQL", func(t *testing.T) {
		st, err := store.Open(t.Context(), testpg.New(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { st.Close() })
		config := w.Config
		config.Store = st
		if _, err := st.DB().Exec("CREATE TABLE test_jobs (kind TEXT, key TEXT, payload BYTEA, run_at BIGINT, attempt INT, PRIMARY KEY (kind, key))"); err != nil {
			t.Fatal(err)
		}
		config.Queue = &queue{t: t, store: st, clock: w.clock}
		oneRun(t, config)
	})
}

func oneRun(t *testing.T, config Config) {
	var replicas []*Service
	for range 4 {
		s, err := New(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		replicas = append(replicas, s)
	}
	w := &world{t: t, Service: replicas[0]}
	c := w.addSchedule(w.template(time.Hour).ID, "rate(6 hours)")
	var group sync.WaitGroup
	for _, s := range replicas {
		for range 3 {
			group.Go(func() {
				if _, _, err := s.fire(t.Context(), c.ID, false); err != nil && !isTold(err) {
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	if got := w.schedule(c.ID); len(w.runs()) != 1 || got.Last.Run != w.runs()[0].ID || !got.DueAt.Equal(noon.Add(6*time.Hour)) {
		t.Errorf("%d runs, %+v", len(w.runs()), got)
	}
}

// Over random outages, kills at any step and replicas that work at once, every
// time of a schedule has exactly one run, its own or that of a later time which
// counts it as missed, and no run is without a time.
func TestEveryTimeHasOneRun(t *testing.T) {
	if raced {
		checks := flag.Lookup("rapid.checks").Value
		before := checks.String()
		if err := checks.Set("5"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = checks.Set(before) })
	}
	rapid.Check(t, func(r *rapid.T) {
		covered := map[int64]int{}
		var rule schedule.Schedule
		var from time.Time
		w := newWorld(t, func(c *Config) {
			c.Scheduled = func(inspector.ScheduleOutcome) {}
		})
		expression := rapid.SampledFrom([]string{"rate(6 hours)", "every 1 day", "17 */5 * * *", "cron(0/40 8-12 ? * * *)"}).Draw(r, "expression")
		template := w.template(time.Hour)
		c := w.addSchedule(template.ID, expression)
		rule, err := schedule.Parse(expression, "", c.StartAt)
		if err != nil {
			r.Fatal(err)
		}
		from = c.DueAt
		seen := ""
		// observe books what a run that was committed is for.
		observe := func() {
			got := w.schedule(c.ID)
			if got.Last.Run == "" || got.Last.Run == seen {
				return
			}
			seen = got.Last.Run
			for at, ok := from, true; ok && !at.After(got.Last.Due); at, ok = rule.Next(at) {
				covered[at.Unix()]++
				from, _ = rule.Next(at)
			}
		}
		for range rapid.IntRange(5, 25).Draw(r, "steps") {
			w.clock.add(time.Duration(rapid.IntRange(1, 2000).Draw(r, "minutes")) * time.Minute)
			killed := *w.replica()
			k := &killer{at: rapid.IntRange(0, 12).Draw(r, "kill at"), after: rapid.Bool().Draw(r, "after")}
			k.arm(killed.Service)
			if err := killed.runSchedules(context.Background(), scheduleJob); err != nil {
				if _, ok := later(err); !ok && !errors.Is(err, errKilled) {
					r.Fatal(err)
				}
			}
			observe()
			if rapid.Bool().Draw(r, "other replicas work") {
				if _, ok := later(w.replica().runSchedules(context.Background(), scheduleJob)); !ok {
					r.Fatal("a replica that nobody kills fails")
				}
				observe()
			}
		}
		if _, ok := later(w.runSchedules(context.Background(), scheduleJob)); !ok {
			r.Fatal("the service fails")
		}
		observe()
		times, ok := 0, true
		for at := c.DueAt; ok && !at.After(w.clock.Now()); at, ok = rule.Next(at) {
			times++
			if n := covered[at.Unix()]; n != 1 {
				r.Fatalf("the time %v has %d runs", at, n)
			}
		}
		if runs := len(w.runs()); runs > times || times > 0 && runs == 0 || len(covered) != times {
			r.Fatalf("%d runs for %d times, %d of them covered", runs, times, len(covered))
		}
		names := map[string]bool{}
		for _, name := range w.runNames() {
			if names[name] || strings.Contains(name, "(2)") {
				r.Fatalf("a time has two runs: %v", w.runNames())
			}
			names[name] = true
		}
	})
}

var scheduleJob = jobs.Job{Kind: jobSchedule, Key: standing}
