package assess

import (
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/inspector"
	"assay/internal/jobs"
)

// rematchModel knows by simple means which telemetry of its hosts is there.
type rematchModel struct {
	*world
	r        *rapid.T
	template inspector.Template
	hosts    []string
	sent     map[string][]sent // by host, the oldest first
	ended    map[string]time.Time
	texts    int
}

// sent is what a host has sent for a run.
type sent struct {
	run, text string // without a text: nothing that the package needs
}

// newest is the telemetry by which a host is to be judged now.
func (m *rematchModel) newest(host string) (sent, bool) {
	for _, s := range slices.Backward(m.sent[host]) {
		if s.text != "" && m.intact(s.run) {
			return s, true
		}
	}
	return sent{}, false
}

// intact tells whether a run's telemetry is there and within its retention; whether
// the job that destroys it came by does not matter.
func (m *rematchModel) intact(run string) bool {
	end, there := m.ended[run]
	return there && !end.Before(m.clock.Now().Add(-m.Retention))
}

// assess takes a run to its end. Each host sends everything, or what is of no use
// to the package, or fails, or nothing.
func (m *rematchModel) assess() {
	for _, host := range m.hosts {
		m.beat(host)
	}
	run := m.start(m.template) // never blocked
	for _, host := range m.hosts {
		m.texts++
		text := fmt.Sprintf("text %d of the hosts", m.texts)
		switch rapid.IntRange(0, 5).Draw(m.r, "host") {
		case 0:
			m.put(host, run.ID, 1, kernelSegment(m.t, host, run.ID, 1))
			m.must(m.CompleteCollection(m.t.Context(), host, run.ID, complete(1)))
			m.sent[host] = append(m.sent[host], sent{run.ID, ""})
		case 1:
			m.put(host, run.ID, 1, configSegment(m.t, host, run.ID, 1, text))
			say := complete(1)
			say.Failed, say.Reason = true, "the disk is full"
			m.must(m.CompleteCollection(m.t.Context(), host, run.ID, say))
		case 2:
			say := complete(0)
			say.Failed, say.Reason = true, "no"
			m.must(m.CompleteCollection(m.t.Context(), host, run.ID, say))
		default:
			m.collect(host, run.ID, text)
			m.sent[host] = append(m.sent[host], sent{run.ID, text})
		}
	}
	m.mustWork()
	if got := m.run(run.ID); !got.State.Final() {
		m.r.Fatalf("the run is %s", got.State)
	}
	m.ended[run.ID] = m.clock.Now()
}

// disturb lets time pass, destroys, or deletes.
func (m *rematchModel) disturb() {
	switch rapid.IntRange(0, 3).Draw(m.r, "disturb") {
	case 0:
		m.clock.add(time.Duration(rapid.IntRange(1, 400).Draw(m.r, "hours")) * time.Hour)
	case 1:
		m.must(m.dropDue(m.t.Context()))
	case 2:
		m.must(ignoreLater(m.retain(m.t.Context(), retainJob)))
	case 3:
		var runs []string
		for run := range m.ended {
			runs = append(runs, run)
		}
		if len(runs) == 0 {
			return
		}
		slices.Sort(runs)
		run := rapid.SampledFrom(runs).Draw(m.r, "run")
		m.must(m.DeleteRun(m.t.Context(), run))
		delete(m.ended, run)
	}
}

// rematch starts a re-match, disturbs it, and looks at what became of it.
func (m *rematchModel) rematch() {
	run, err := m.StartRematch(m.t.Context(), m.template.ID)
	m.must(err)
	expected := map[string]sent{}
	for _, host := range m.hosts {
		if s, ok := m.newest(host); ok {
			expected[host] = s
		}
	}
	for range rapid.IntRange(0, 2).Draw(m.r, "disturbances") {
		m.disturb()
	}
	if rapid.Bool().Draw(m.r, "another run meanwhile") {
		m.assess() // works, and so also evaluates the re-match
	}
	m.mustWork()
	run = m.run(run.ID)
	excluded := map[string]bool{}
	for _, e := range m.allExclusions(run.ID) {
		if e.Kind != inspector.NoTelemetry || len(e.Scopes) != 1 {
			m.r.Fatalf("the exclusion %+v", e)
		}
		excluded[e.Scopes[0].Value] = true
	}
	for _, host := range m.hosts {
		m.check(run, host, expected[host], excluded[host])
	}
	if want := len(excluded) > 0; run.State.Final() && want != (run.State == inspector.CompletedWithErrors) {
		m.r.Fatalf("with %d hosts excluded the re-match is %s", len(excluded), run.State)
	}
}

// check: a host was judged by exactly the newest telemetry, or is excluded because
// there is none (any more), never both and never neither.
func (m *rematchModel) check(run inspector.Run, host string, want sent, excluded bool) {
	data, judged, err := m.Store.Results(m.t.Context(), run.ID, host, inspector.PackageCVE)
	m.must(err)
	switch {
	case !run.State.Final():
		m.r.Fatalf("the re-match is %s", run.State)
	case judged == excluded:
		m.r.Fatalf("%s is judged %v, excluded %v", host, judged, excluded)
	case !judged && want.run != "" && m.intact(want.run):
		m.r.Fatalf("%s was excluded, and its telemetry of the run %s is there", host, want.run)
	case !judged:
		return
	case want.run == "":
		m.r.Fatalf("%s was judged without any telemetry", host)
	}
	kept, err := DecodeResults(data)
	m.must(err)
	source := scope.Run(m.template.Target, m.template.ID, want.run).String()
	if kept.Source != source || len(kept.Results) != 1 || kept.Results[0].Evidence[0].Found != want.text {
		m.r.Fatalf("%s was judged by %+v of %s, want %+v", host, kept.Results, kept.Source, want)
	}
}

// Whatever was assessed, destroyed and deleted before and during a re-match: every
// host is judged by exactly its newest intact telemetry, or excluded; and no
// re-match keeps a run from starting.
func TestRematchModel(t *testing.T) {
	checks(t, "20", "4")
	onBoth(t, func(t *testing.T, w *world, _ *advisories) {
		rapid.Check(t, func(r *rapid.T) { checkRematches(r, w) })
	})
}

var retainJob = jobs.Job{Kind: jobRetain, Key: standing}

func checkRematches(r *rapid.T, w *world) {
	tag := inspector.Tag{Key: "check", Value: inspector.NewID()}
	group, err := w.CreateResourceGroup(w.t.Context(), []inspector.Tag{tag})
	w.must(err)
	target, err := w.CreateTarget(w.t.Context(), tag.Value, group.ID)
	w.must(err)
	template, err := w.CreateTemplate(w.t.Context(), inspector.Template{
		Target: target.ID, Name: "t", Duration: time.Hour, Packages: []string{practicesARN(), cveARN()},
	})
	w.must(err)
	m := &rematchModel{world: w, r: r, template: template, sent: map[string][]sent{}, ended: map[string]time.Time{}}
	m.hosts = append(m.hosts, w.enrol(tag))
	for range rapid.IntRange(3, 10).Draw(r, "steps") {
		switch rapid.IntRange(0, 4).Draw(r, "step") {
		case 0:
			if len(m.hosts) < 3 {
				m.hosts = append(m.hosts, w.enrol(tag))
			}
		case 1, 2:
			m.assess()
		case 3:
			m.disturb()
		case 4:
			m.rematch()
		}
	}
	m.rematch()
	w.must(w.DeleteTarget(w.t.Context(), target.ID))
}

// checks has rapid make so many checks, and other ones while the race detector watches,
// unless somebody has said how many.
func checks(t *testing.T, n, whileRaced string) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if f == nil || f.Value.String() != f.DefValue {
		return
	}
	if raced {
		n = whileRaced
	}
	if err := f.Value.Set(n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
}
