package assess

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/ledger"
	"assay/internal/rules"
	"assay/internal/rules/behavior"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// observed is a world with Runtime Behavior Analysis, and a host in an hour's run of it
// that has sent what it saw first: a telnet client.
type observed struct {
	*world
	agent    string
	template inspector.Template
	run      inspector.Run
	began    time.Time // the observation
	sent     int64
}

const telnet, ftp = "/usr/bin/telnet", "/usr/bin/ftp"

func observe(t *testing.T, seen ...string) *observed {
	t.Helper()
	w := newWorld(t, func(c *Config) { c.Packages = []rules.Package{behavior.Package{}} })
	o := &observed{world: w, agent: w.enrol()}
	target, err := w.CreateTarget(t.Context(), "all", "")
	if err != nil {
		t.Fatal(err)
	}
	o.template, err = w.CreateTemplate(t.Context(), inspector.Template{
		Target: target.ID, Name: "Hourly", Duration: time.Hour, Packages: []string{scope.PackageARN(inspector.PackageBehavior).String()},
	})
	if err != nil {
		t.Fatal(err)
	}
	o.begin(seen...)
	return o
}

// begin starts a run; the host asks what to collect and sends first sights.
func (o *observed) begin(seen ...string) {
	o.t.Helper()
	o.run, o.began, o.sent = o.start(o.template), o.clock.Now(), 0
	if got := o.ask(); len(got) != 1 || got[0].Action != wire.ActionOn || !got[0].Until.Equal(o.run.StartedAt.Add(time.Hour)) {
		o.t.Fatalf("the agent is told %+v", got)
	}
	if len(seen) > 0 {
		o.send(connections(1, seen...)...)
	}
}

// ask is a heartbeat of an agent that has the sensors of the package.
func (o *observed) ask() []wire.Instruction {
	beat := o.heartbeat()
	beat.Sensors = behavior.Package{}.Describe().Sensors
	return o.say(o.agent, beat).Instructions
}

// pass lets time pass, in which the agent is heard of and nothing else happens.
func (o *observed) pass(d time.Duration) {
	for ; d > 0; d -= time.Minute {
		o.clock.add(time.Minute)
		o.ask()
		o.mustWork()
	}
}

func (o *observed) send(records ...telemetry.Record) {
	o.t.Helper()
	o.sent++
	o.put(o.agent, o.run.ID, o.sent, segmentOf(o.t, header(o.agent, o.run.ID, o.sent, telemetry.SensorActivity), telemetry.SensorActivity, records...))
}

func connections(count uint64, paths ...string) (all []telemetry.Record) {
	for i, path := range paths {
		port := map[string]uint16{telnet: 23, ftp: 21}[path]
		all = append(all, &telemetry.Connection{Device: 1, Inode: uint64(port), NetNS: 9, Remote: "203.0.113.7", Port: port, Path: path, Name: path[9:], Package: path[9:],
			Activity: telemetry.Activity{Count: count, First: noon.Add(time.Duration(i) * time.Minute), Last: noon.Add(time.Duration(count) * time.Hour / 10)}})
	}
	return all
}

// end sends the final counts and the sensor's word; short is why it saw not all.
func (o *observed) end(short string, seen ...string) {
	o.t.Helper()
	word := &telemetry.Coverage{State: telemetry.Complete, Scope: []string{"tcp"}}
	if short != "" {
		word.State, word.Reason = telemetry.Partial, short
	}
	for _, name := range []string{"executions", "connections", "listeners"} {
		word.Parts = append(word.Parts, telemetry.Part{Name: name, State: word.State, Reason: word.Reason})
	}
	records := append(connections(3, seen...), &telemetry.Observation{Began: o.began, Ended: o.clock.Now(), Tier: "ebpf/direct", Executions: 5, Connections: 3})
	word.Records = int64(len(records) + len(seen)*min(int(o.sent), 1))
	o.send(append(records, word)...)
	if err := o.CompleteCollection(o.t.Context(), o.agent, o.run.ID, wire.CompleteRequest{Protocol: wire.Version, Segments: o.sent}); err != nil {
		o.t.Fatal(err)
	}
}

// told are the programs of which the run's findings tell.
func (o *observed) told() string {
	o.t.Helper()
	all, _, err := o.Store.FindingsOfRun(o.t.Context(), o.run.ID, inspector.Page{Limit: 100})
	if err != nil {
		o.t.Fatal(err)
	}
	var paths []string
	for _, f := range all {
		for _, e := range f.Evidence {
			paths = append(paths, e.File)
		}
	}
	slices.Sort(paths)
	return strings.Join(paths, " ")
}

// life is what is known of the finding about the telnet client.
func (o *observed) life() ledger.State {
	o.t.Helper()
	kept, err := o.Store.Ledger(o.t.Context(), o.agent, inspector.PackageBehavior)
	if err != nil {
		o.t.Fatal(err)
	}
	failed := rules.Observe(behavior.Package{}.Describe(), o.subject(o.run, inspector.Agent{ID: o.agent}, ""), []rules.Result{{
		Rule: "insecure-client-protocols-login", Verdict: rules.Failed, Subject: telnet + " tcp/23", Evidence: []rules.Evidence{{}},
	}}).Failed
	life, _ := kept.Of(failed[0].ID)
	return life.State
}

func (o *observed) is(state inspector.RunState, told string) {
	o.t.Helper()
	o.mustWork()
	if got := o.world.run(o.run.ID).State; got != state {
		o.t.Errorf("the run is %s, want %s", got, state)
	}
	if got := o.told(); got != told {
		o.t.Errorf("the findings tell of %q, want %q", got, told)
	}
}

// excluded tells whether the run says that rules were not evaluated in full.
func (o *observed) excluded(kind inspector.ExclusionKind) bool {
	return slices.Contains(o.exclusions(o.run.ID), kind.Title())
}

// TestObservedToTheEnd: nothing is told before the end, which is the template's; then
// the final counts are, and what was not seen any more in a whole run is gone.
func TestObservedToTheEnd(t *testing.T) {
	o := observe(t, telnet)
	for range 59 {
		o.clock.add(time.Minute)
		o.ask()
		o.is(inspector.CollectingData, "")
	}
	o.clock.add(time.Minute)
	o.is(inspector.StopDataCollectionPending, "")
	o.end("", telnet)
	o.is(inspector.Completed, telnet)
	if got := o.life(); got != ledger.Open {
		t.Errorf("the finding is %q", got)
	}
	o.begin()
	o.pass(time.Hour)
	o.end("")
	o.is(inspector.Completed, "")
	if got := o.life(); got != ledger.Gone {
		t.Errorf("of what was not there in a whole run is told %q", got)
	}
}

// TestObservedInPart: what an observation that ended early has seen is told, that it
// ended early too; what it has not seen is not gone.
func TestObservedInPart(t *testing.T) {
	for name, c := range map[string]struct {
		short func(o *observed)
		state inspector.RunState
		kind  inspector.ExclusionKind
	}{
		"the run is stopped": {func(o *observed) {
			o.stop()
			if got := o.ask(); len(got) != 1 || got[0].Action != wire.ActionOff {
				o.t.Errorf("the agent is told %+v", got)
			}
			o.end("the service switched the sensors off", ftp)
		}, inspector.Completed, inspector.RulesNotEvaluated},
		"the run is stopped, and the agent says no more": {func(o *observed) {
			o.stop()
			o.clock.add(o.Grace)
		}, inspector.CompletedWithErrors, inspector.AgentTooLate},
		"the agent is killed for good": {func(o *observed) {
			o.clock.add(o.Lost + time.Minute)
			o.mustWork()
		}, inspector.CompletedWithErrors, inspector.AgentUnhealthy},
		"the agent was started again": {func(o *observed) {
			o.pass(time.Hour)
			o.end("the agent was started again during the run", ftp)
		}, inspector.Completed, inspector.RulesNotEvaluated},
		"the kernel had no room": {func(o *observed) {
			o.pass(time.Hour)
			o.end("7 connections found no place", ftp)
		}, inspector.Completed, inspector.RulesNotEvaluated},
		"the host came late": {func(o *observed) {
			o.began = o.began.Add(10 * time.Minute)
			o.pass(time.Hour)
			o.end("", ftp)
		}, inspector.Completed, inspector.RulesNotEvaluated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := observe(t, telnet)
			o.pass(time.Hour)
			o.end("", telnet)
			o.is(inspector.Completed, telnet)
			o.begin(ftp)
			o.clock.add(time.Minute)
			o.ask()
			o.is(inspector.CollectingData, "")
			c.short(o)
			o.is(c.state, ftp)
			if !o.excluded(c.kind) || !o.excluded(inspector.RulesNotEvaluated) {
				t.Errorf("it is told as %q", o.exclusions(o.run.ID))
			}
			if got := o.life(); got != ledger.Unchecked {
				t.Errorf("of what was not seen is told %q", got)
			}
		})
	}
}

func (o *observed) stop() {
	o.t.Helper()
	if err := o.StopRun(o.t.Context(), o.run.ID, ""); err != nil {
		o.t.Fatal(err)
	}
}

// TestObservedFromAHeartbeatOn: a host that begins with one of its first heartbeats has
// seen all.
func TestObservedFromAHeartbeatOn(t *testing.T) {
	o := observe(t, telnet)
	o.began = o.began.Add(2 * o.Interval())
	o.pass(time.Hour)
	o.end("", telnet)
	o.is(inspector.Completed, telnet)
	for _, c := range o.coverage() {
		if c.Sensor == telemetry.SensorActivity {
			t.Errorf("what was not seen: %+v", c)
		}
	}
}

// coverage is what the host's sensors did not see, as its results tell.
func (o *observed) coverage() []Coverage {
	o.t.Helper()
	data, ok, err := o.Store.Results(o.t.Context(), o.run.ID, o.agent, inspector.PackageBehavior)
	if err != nil || !ok {
		o.t.Fatalf("there are no results: %v", err)
	}
	kept, err := DecodeResults(data)
	if err != nil {
		o.t.Fatal(err)
	}
	return kept.Coverage
}

// TestObservedPastARestart: another process of the service goes on with the run, and
// with its end; that nobody was heard of meanwhile proves nothing.
func TestObservedPastARestart(t *testing.T) {
	o := observe(t, telnet)
	o.clock.add(30 * time.Minute)
	o.world = o.replica() // what the first had in memory is lost
	o.is(inspector.CollectingData, "")
	if got := o.ask(); len(got) != 1 || !got[0].Until.Equal(o.run.StartedAt.Add(time.Hour)) {
		t.Errorf("the agent is told %+v", got)
	}
	o.pass(30 * time.Minute)
	o.end("", telnet)
	o.is(inspector.Completed, telnet)
}

// TestObservedBesideTheSilent: a host that never answers ends nobody's observation.
func TestObservedBesideTheSilent(t *testing.T) {
	o := observe(t)
	o.stop()
	o.end("the service switched the sensors off")
	o.mustWork()
	o.enrol()
	o.begin(telnet)
	for range 59 {
		o.clock.add(time.Minute)
		o.ask()
		o.is(inspector.CollectingData, "")
	}
	o.clock.add(time.Minute)
	o.mustWork()
	o.end("", telnet)
	o.is(inspector.CompletedWithErrors, telnet)
	if !o.excluded(inspector.AgentUnhealthy) {
		t.Errorf("the silent host is excluded as %q", o.exclusions(o.run.ID))
	}
}
