package assess

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/store"
	"assay/internal/telemetry"
	"assay/internal/testpg"
	"assay/internal/wire"
)

// advisories is a rules package whose answer depends on something that changes
// without the host: which texts are bad.
type advisories struct {
	mu   sync.Mutex
	bad  []string
	seen map[string]string // by agent: the text that it was evaluated with last
	in   rules.Input       // of the last evaluation
}

func (p *advisories) Describe() rules.Description {
	return rules.Description{
		ID: inspector.PackageCVE, Name: "Common Vulnerabilities and Exposures", Version: "1", Rematch: true,
		Sensors: []string{telemetry.SensorConfig, telemetry.SensorLibraries}, Needs: []string{telemetry.SensorConfig},
		Rules: []rules.Rule{{ID: "bad", Title: "Something bad", Severity: inspector.High, Description: "d", Recommendation: "r"}},
	}
}

func (p *advisories) publish(bad ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bad = bad
}

func (p *advisories) Evaluate(_ context.Context, h *host.Host, in rules.Input) ([]rules.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in = in
	t := h.Text("/etc/ssh/sshd_config")
	if !t.OK() {
		return []rules.Result{{Rule: "bad", Verdict: rules.NotEvaluated, Reason: t.Reason}}, nil
	}
	p.seen[h.ID] = t.Value.Text
	result := rules.Result{Rule: "bad", Verdict: rules.Passed, Reason: "it is fine", Evidence: []rules.Evidence{{
		Sensor: telemetry.SensorConfig, Record: telemetry.Key(t.Value), Found: t.Value.Text,
	}}}
	for _, bad := range p.bad {
		if strings.Contains(t.Value.Text, bad) {
			result.Verdict, result.Reason = rules.Failed, "it has "+bad
		}
	}
	return []rules.Result{result}, nil
}

// rematchWorld is a world with advisories.
func rematchWorld(t testing.TB, change ...func(*Config)) (*world, *advisories) {
	p := &advisories{seen: map[string]string{}}
	with := func(c *Config) { c.Packages = append(c.Packages, p) }
	return newWorld(t, append(change, with)...), p
}

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(t *testing.T, w *world, p *advisories)) {
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		w, p := rematchWorld(t)
		test(t, w, p)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		w, p := rematchWorld(t, onPostgres(t))
		w.queue = w.Config.Queue.(*queue)
		test(t, w, p)
	})
}

// onPostgres puts a world on a database of PostgreSQL.
func onPostgres(t *testing.T) func(*Config) {
	t.Helper()
	st, err := store.Open(t.Context(), testpg.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	st.Scope = scope
	if _, err := st.DB().Exec("CREATE TABLE test_jobs (kind TEXT, key TEXT, payload BYTEA, run_at BIGINT, attempt INT, PRIMARY KEY (kind, key))"); err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Store, c.Queue = st, &queue{t: t, store: st, clock: c.Queue.(*queue).clock} }
}

func cveARN() string { return scope.PackageARN(inspector.PackageCVE).String() }

// both makes a template of both packages over all hosts.
func (w *world) both() inspector.Template {
	w.t.Helper()
	target, err := w.CreateTarget(w.t.Context(), "every", "")
	if err != nil {
		w.t.Fatal(err)
	}
	template, err := w.CreateTemplate(w.t.Context(), inspector.Template{
		Target: target.ID, Name: "Both", Duration: time.Hour, Packages: []string{practicesARN(), cveARN()},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return template
}

// assessed makes a run of the template to which each of the agents has sent a text.
func (w *world) assessed(template inspector.Template, texts map[string]string) inspector.Run {
	w.t.Helper()
	for agent := range texts {
		w.beat(agent)
	}
	run := w.start(template)
	for agent, text := range texts {
		w.collect(agent, run.ID, text)
	}
	w.mustWork()
	return w.run(run.ID)
}

func (w *world) rematched(template string) inspector.Run {
	w.t.Helper()
	run, err := w.StartRematch(w.t.Context(), template)
	if err != nil {
		w.t.Fatal(err)
	}
	w.mustWork()
	return w.run(run.ID)
}

func (w *world) findingsOf(run string) []inspector.Finding {
	w.t.Helper()
	all, _, err := w.Store.FindingsOfRun(w.t.Context(), run, inspector.Page{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// New advisories are matched against what the hosts have sent long ago, while they
// are away, in a run of its own; what was found before stays as it was.
func TestRematch(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, p *advisories) {
		a, b := w.enrol(), w.enrol()
		template := w.both()
		before := w.assessed(template, map[string]string{a: "openssl 1.0", b: "zlib 1.2"})
		if before.State != inspector.Completed || !p.in.Collected.Equal(noon) {
			t.Fatalf("the source is %s, collected %s", before.State, p.in.Collected)
		}
		old := w.findingsOf(before.ID)

		w.clock.add(10 * 24 * time.Hour) // in which nobody is heard of
		p.publish("openssl 1.0")
		run := w.rematched(template.ID)
		if run.State != inspector.Completed || !run.Rematch || before.Rematch || run.Name != "Re-match 2026-12-03T12:00Z for Both" {
			t.Errorf("the re-match %q is %s, %v", run.Name, run.State, w.exclusions(run.ID))
		}
		if diff := cmp.Diff(append(slices.Clone(wholeHistory), inspector.Completed), states(run)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{cveARN()}, run.Packages); diff != "" {
			t.Error("the packages of a re-match: ", diff)
		}
		want := []string{a + " Something bad", b + " " + inspector.TitleNoIssues}
		found := w.findings(run.ID)
		slices.Sort(want)
		slices.Sort(found)
		if diff := cmp.Diff(want, found); diff != "" {
			t.Error(diff)
		}
		source := scope.Run(before.Target, before.Template, before.ID).String()
		for _, f := range w.findingsOf(run.ID) {
			want := []inspector.Attribute{{Key: "INSTANCE_ID", Value: f.Agent}, {Key: "TELEMETRY_DATE", Value: "2026-11-23T12:00:00Z"}, {Key: "TELEMETRY_RUN", Value: source}}
			if diff := cmp.Diff(want, f.Attributes); diff != "" {
				t.Error(diff)
			}
			if !strings.HasPrefix(f.Description, "The host was not looked at for this: it was judged by its telemetry of 2026-11-23 (UTC). ") || !f.CreatedAt.Equal(w.clock.Now()) {
				t.Errorf("made at %s: %q", f.CreatedAt, f.Description)
			}
		}
		if !p.in.Collected.Equal(noon) || !p.in.Now.Equal(w.clock.Now()) {
			t.Errorf("the rules were told %+v", p.in)
		}
		if diff := cmp.Diff(old, w.findingsOf(before.ID)); diff != "" {
			t.Error("the source has changed: ", diff)
		}
		w.checkStored(run, a, source)
	})
}

// checkStored looks at a host's part in a re-match, and at its results.
func (w *world) checkStored(run inspector.Run, agent, source string) {
	w.t.Helper()
	part := w.partOfRun(run.ID, agent)
	if part.Segments != 0 || len(part.Telemetry) != 0 || !strings.Contains(part.Details, source) || !part.LastAt.Equal(noon) || part.Health != inspector.Unhealthy {
		w.t.Errorf("the part of a host that is away: %+v", part)
	}
	data, _, err := w.Store.Results(w.t.Context(), run.ID, agent, inspector.PackageCVE)
	if err != nil {
		w.t.Fatal(err)
	}
	kept, err := DecodeResults(data)
	if err != nil {
		w.t.Fatal(err)
	}
	// Of the two segments only one is of a sensor that the package reads.
	if kept.Source != source || !kept.Collected.Equal(noon) || len(kept.Telemetry) != 1 || kept.Telemetry[0].Sensor != telemetry.SensorConfig {
		w.t.Errorf("the results rest on %+v of %s, %s", kept.Telemetry, kept.Source, kept.Collected)
	}
	if want := (Coverage{Sensor: telemetry.SensorLibraries, State: telemetry.NotCollected, Reason: notThen}); !slices.Contains(kept.Coverage, want) {
		w.t.Errorf("not seen: %+v", kept.Coverage)
	}
	counts, err := w.Store.Telemetry(w.t.Context(), run.ID)
	if err != nil || len(counts) != 0 {
		w.t.Errorf("the re-match has telemetry of its own: %v, %v", counts, err)
	}
}

// Whatever host cannot be judged is told, with what to do.
func TestRematchExcludes(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, p *advisories) {
		template := w.both()
		p.publish("bad")
		destroyed := w.enrol()
		w.assessed(template, map[string]string{destroyed: "bad"})
		w.clock.add(w.Retention + time.Second) // nobody has destroyed it yet
		lacking, good := w.enrol(), w.enrol()
		lacks := w.start(template)
		w.beat(lacking)
		w.put(lacking, lacks.ID, 1, kernelSegment(t, lacking, lacks.ID, 1))
		if err := w.CompleteCollection(t.Context(), lacking, lacks.ID, complete(1)); err != nil {
			t.Fatal(err)
		}
		w.collect(good, lacks.ID, "bad")
		w.mustWork()
		never := w.enrol()

		run := w.rematched(template.ID)
		if run.State != inspector.CompletedWithErrors {
			t.Errorf("hosts were not checked, and the run is %s", run.State)
		}
		if diff := cmp.Diff([]string{good + " Something bad"}, w.findings(run.ID)); diff != "" {
			t.Error(diff)
		}
		why := map[string]string{destroyed: "is destroyed", lacking: "without a sensor", never: "no assessment has collected"}
		all, _, err := w.Store.ListExclusions(t.Context(), run.ID, inspector.Page{})
		if err != nil || len(all) != len(why) {
			t.Fatalf("%d exclusions: %v, %v", len(all), w.exclusions(run.ID), err)
		}
		for _, e := range all {
			agent := e.Scopes[0].Value
			if e.Kind != inspector.NoTelemetry || !strings.Contains(strings.ToLower(e.Description), why[agent]) || !strings.Contains(e.Recommendation, "Assess the host again") {
				t.Errorf("%s: %+v", agent, e)
			}
			if part := w.partOfRun(run.ID, agent); part.State != inspector.CollectionFailed || part.Reason == "" || part.Source != "" {
				t.Errorf("%s: %+v", agent, part)
			}
		}
	})
}

func complete(segments int64) wire.CompleteRequest {
	return wire.CompleteRequest{Protocol: wire.Version, Segments: segments}
}

// What is destroyed or deleted between start and evaluation is an exclusion, never
// an empty result.
func TestSourceGoesDuringARematch(t *testing.T) {
	for name, c := range map[string]struct {
		goes func(w *world, source inspector.Run)
		why  string
	}{
		"deleted": {func(w *world, source inspector.Run) { w.must(w.DeleteRun(w.t.Context(), source.ID)) }, "was deleted"},
		"destroyed": {func(w *world, source inspector.Run) {
			w.clock.add(w.Retention + time.Second)
			w.must(w.dropDue(w.t.Context()))
		}, "is kept ended"},
		"due": {func(w *world, _ inspector.Run) { w.clock.add(w.Retention + time.Second) }, "is kept ended"},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, w *world, p *advisories) {
				agent := w.enrol()
				template := w.both()
				source := w.assessed(template, map[string]string{agent: "bad"})
				run, err := w.StartRematch(t.Context(), template.ID)
				if err != nil {
					t.Fatal(err)
				}
				c.goes(w, source)
				w.mustWork()
				run = w.run(run.ID)
				if found := w.findings(run.ID); len(found) != 0 || run.State != inspector.CompletedWithErrors {
					t.Errorf("the re-match is %s and has found %v", run.State, found)
				}
				all, _, err := w.Store.ListExclusions(t.Context(), run.ID, inspector.Page{})
				if err != nil || len(all) != 1 || all[0].Kind != inspector.NoTelemetry || !strings.Contains(all[0].Description, c.why) {
					t.Errorf("the exclusions %+v, %v", all, err)
				}
			})
		})
	}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// Its telemetry may also go while it is read; what is merely damaged is an error of
// the evaluation.
func TestSourceGoesWhileItIsRead(t *testing.T) {
	for _, gone := range []bool{true, false} {
		w, _ := rematchWorld(t)
		agent := w.enrol()
		template := w.both()
		source := w.assessed(template, map[string]string{agent: "bad"})
		run, err := w.StartRematch(t.Context(), template.ID)
		w.must(err)
		part := w.partOfRun(run.ID, agent)
		for _, name := range w.objects() {
			w.must(w.blobs.Delete(t.Context(), name))
		}
		want := inspector.HostEvaluationError
		if gone {
			w.blobs.onGet = func() { w.must(w.DeleteRun(t.Context(), source.ID)) }
			want = inspector.NoTelemetry
		}
		_, err = w.read(t.Context(), part, []string{telemetry.SensorConfig})
		var broken *damage
		if !errors.As(err, &broken) || broken.kind != want {
			t.Errorf("gone %v: %v, want %s", gone, err, want)
		}
	}
}

// Agents hear nothing of a re-match and can send nothing to it; it may go on beside
// runs that use the same hosts, and does not keep them from starting.
func TestRematchLeavesAgentsAlone(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, p *advisories) {
		agent := w.enrol()
		template := w.both()
		source := w.assessed(template, map[string]string{agent: "fine"})
		rematch, err := w.StartRematch(t.Context(), template.ID)
		w.must(err)
		if rematch.State != inspector.StartDataCollectionPending {
			t.Fatalf("the re-match is %s", rematch.State)
		}
		if got := w.beat(agent).Instructions; len(got) != 0 {
			t.Errorf("the agent is told %v", got)
		}
		for _, err := range []error{
			func() error {
				_, err := w.AcceptSegment(t.Context(), agent, rematch.ID, 1, strings.NewReader("x"))
				return err
			}(),
			w.CompleteCollection(t.Context(), agent, rematch.ID, complete(1)),
		} {
			if !isRefusal(err) {
				t.Errorf("an upload to a re-match: %v", err)
			}
		}
		real, err := w.StartRun(t.Context(), template.ID, "")
		w.must(err)
		if _, err := w.StartRematch(t.Context(), template.ID); err != nil {
			t.Errorf("a re-match beside a run: %v", err)
		}
		w.mustWork()
		if got := w.beat(agent).Instructions; len(got) != 1 || got[0].Run != real.ID {
			t.Errorf("the agent is told %v", got)
		}
		w.must(w.StopRun(t.Context(), rematch.ID, inspector.SkipEvaluation)) // is over: nothing happens
		if got := w.run(rematch.ID).State; got != inspector.Completed {
			t.Errorf("the re-match is %s", got)
		}
		canceled, err := w.StartRematch(t.Context(), template.ID)
		w.must(err)
		w.must(w.StopRun(t.Context(), canceled.ID, inspector.SkipEvaluation))
		if got := w.run(canceled.ID).State; got != inspector.Canceled {
			t.Errorf("the canceled re-match is %s", got)
		}
		if got := w.beat(agent).Instructions; len(got) != 1 || got[0].Run != real.ID {
			t.Errorf("after a re-match was canceled the agent is told %v", got)
		}
		w.must(w.DeleteRun(t.Context(), source.ID))
		w.must(w.DeleteRun(t.Context(), canceled.ID))
		w.must(w.DeleteRun(t.Context(), rematch.ID))
	})
}

func TestRematchRefusals(t *testing.T) {
	w, _ := rematchWorld(t)
	template := w.template(time.Hour) // of practices only
	for name, c := range map[string]struct {
		template string
		code     string
	}{
		"nothing changes": {template.ID, "NOTHING_TO_REMATCH"}, "no template": {"0-none0000", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
	} {
		_, err := w.StartRematch(t.Context(), c.template)
		var told *inspector.Err
		if !errors.As(err, &told) || told.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	bare := newWorld(t)
	_, err := bare.StartRematch(t.Context(), "")
	var told *inspector.Err
	if !errors.As(err, &told) || told.Code != "NOTHING_TO_REMATCH" {
		t.Errorf("a service without advisories: %v", err)
	}
	if targets, _, err := bare.Store.ListTargets(t.Context(), inspector.TargetFilter{}, inspector.Page{}); err != nil || len(targets) != 0 {
		t.Errorf("it has made %v, %v", targets, err)
	}
}

// The standing template is made once, is like any other, and gives way to names that
// users have given.
func TestStandingTemplate(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, p *advisories) {
		if _, err := w.CreateTarget(t.Context(), standingName, ""); err != nil {
			t.Fatal(err)
		}
		agent := w.enrol(inspector.Tag{Key: "env", Value: "test"})
		w.assessed(w.both(), map[string]string{agent: "fine"})
		first := w.rematched("")
		w.clock.add(time.Hour)
		second := w.rematched("")
		if first.Template != second.Template || first.State != inspector.Completed || second.Name == first.Name {
			t.Errorf("%q is %s, %q of %s", first.Name, first.State, second.Name, second.Template)
		}
		targets, err := w.Store.Targets(t.Context(), []string{first.Target})
		w.must(err)
		templates, err := w.Store.Templates(t.Context(), []string{first.Template})
		w.must(err)
		target, template := targets[first.Target], templates[first.Template]
		if target.Name != "Stored inventories (2)" || target.ResourceGroup != "" || template.Name != "Stored inventories" || !slices.Equal(template.Packages, []string{cveARN()}) {
			t.Errorf("%+v, %+v", target, template)
		}
		w.must(w.Subscribe(t.Context(), template, "arn:aws:sns:eu-central-1:123456789012:topic", inspector.RunCompleted))
		w.clock.add(time.Hour)
		told, err := w.Store.NotificationsOfRun(t.Context(), w.rematched("").ID, 10)
		if err != nil || len(told) != 1 || told[0].Event != inspector.RunCompleted {
			t.Errorf("subscribers are told %v, %v", told, err)
		}

		// Deleted, it is made anew.
		w.must(w.DeleteTemplate(t.Context(), template.ID))
		third := w.rematched("")
		if third.Template == first.Template || third.Target != first.Target {
			t.Errorf("the new template is %s of %s", third.Template, third.Target)
		}
		w.must(w.DeleteTarget(t.Context(), first.Target))
		if fourth := w.rematched(""); fourth.Target == first.Target || fourth.State != inspector.Completed {
			t.Errorf("the new target is %s", fourth.Target)
		}
	})
}

// A schedule of re-matches starts them also while the hosts are in another run.
func TestScheduledRematches(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world, p *advisories) {
		agent := w.enrol()
		template := w.both()
		w.assessed(template, map[string]string{agent: "fine"})
		none := w.template(time.Hour)
		var told *inspector.Err
		if _, err := w.AddSchedule(t.Context(), inspector.Schedule{Template: none.ID, Expression: "rate(6 hours)", Rematch: true}); !errors.As(err, &told) || told.Code != "NOTHING_TO_REMATCH" {
			t.Errorf("re-matches of nothing: %v", err)
		}
		c, err := w.AddSchedule(t.Context(), inspector.Schedule{Template: template.ID, Expression: "rate(6 hours)", Rematch: true})
		w.must(err)
		busy := w.start(template)
		w.elapse(13*time.Hour, agent)
		rematches := w.rematches()
		if len(rematches) != 3 || rematches[1].Name != "Re-match 2026-11-23T18:00Z for Both" || rematches[2].State != inspector.Completed {
			t.Errorf("the runs are %v", w.runNames())
		}
		if got := w.schedule(c.ID); !got.Rematch || got.Last.Run != rematches[2].ID || got.Last.Refused() {
			t.Errorf("the schedule is %+v", got)
		}
		if got := w.run(busy.ID); got.Rematch {
			t.Errorf("the other run is %+v", got)
		}
	})
}

// beside is advisories that read what other packages have had collected, too.
type beside struct {
	*advisories
	kernels []telemetry.State // the coverage of the sensor, of each evaluation
}

func (p *beside) Describe() rules.Description {
	d := p.advisories.Describe()
	d.Also = []string{telemetry.SensorKernel}
	return d
}

func (p *beside) Evaluate(ctx context.Context, h *host.Host, in rules.Input) ([]rules.Result, error) {
	p.kernels = append(p.kernels, h.Coverage(telemetry.SensorKernel).State)
	return p.advisories.Evaluate(ctx, h, in)
}

// A re-match reads what the other packages of the run had collected, as the run did, and
// where there was nothing of it, nothing is missed.
func TestRematchReadsBeside(t *testing.T) {
	p := &beside{advisories: &advisories{seen: map[string]string{}}}
	w := newWorld(t, func(c *Config) { c.Packages = append(c.Packages, p) })
	template, a := w.both(), w.enrol()
	w.assessed(template, map[string]string{a: "openssl 1.0"})
	w.rematched(template.ID)
	if diff := cmp.Diff([]telemetry.State{telemetry.Complete, telemetry.Complete}, p.kernels); diff != "" {
		t.Error("in the run and in the re-match: ", diff)
	}
	b := w.enrol()
	w.beat(b)
	run := w.start(template)
	w.put(b, run.ID, 1, configSegment(t, b, run.ID, 1, "openssl 1.0"))
	if err := w.CompleteCollection(t.Context(), b, run.ID, complete(1)); err != nil {
		t.Fatal(err)
	}
	w.clock.add(time.Hour)
	w.mustWork()
	again := w.rematched(template.ID)
	data, _, err := w.Store.Results(t.Context(), again.ID, b, inspector.PackageCVE)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := DecodeResults(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range kept.Coverage {
		if c.Sensor == telemetry.SensorKernel {
			t.Errorf("what nobody has asked for is missed: %+v", c)
		}
	}
}
