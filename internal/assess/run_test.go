package assess

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

var wholeHistory = []inspector.RunState{
	inspector.Created, inspector.StartDataCollectionPending, inspector.StartDataCollectionInProgress, inspector.CollectingData,
	inspector.StopDataCollectionPending, inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules,
}

func TestOneAssessment(t *testing.T) {
	w := newWorld(t)
	good, bad := w.enrol(), w.enrol()
	run := w.start(w.template(time.Hour))
	if run.Name != "Run 1 for Weekly" || run.State != inspector.CollectingData {
		t.Fatalf("the run %q is %s", run.Name, run.State)
	}

	w.clock.add(10 * time.Second)
	want := []wire.Instruction{{
		ID: "sensors_on:" + run.ID, Action: wire.ActionOn, Run: run.ID,
		Sensors: []string{telemetry.SensorConfig, telemetry.SensorKernel}, Until: run.StartedAt.Add(time.Hour),
	}}
	if diff := cmp.Diff(want, w.beat(good).Instructions); diff != "" {
		t.Error(diff)
	}
	if part := w.partOfRun(run.ID, good); part.State != inspector.CollectionStarted || part.HealthCode != inspector.CodeRunning {
		t.Errorf("the agent was told, and its part is %s, %s", part.State, part.HealthCode)
	}

	w.collect(good, run.ID, "PermitRootLogin no\n")
	if got := w.beat(good).Instructions; len(got) != 0 {
		t.Errorf("an agent that is complete is told %v", got)
	}
	if run = w.run(run.ID); run.State != inspector.CollectingData || run.DataCollected {
		t.Fatalf("one agent is complete, one is not, and the run is %s", run.State)
	}
	w.collect(bad, run.ID, "PermitRootLogin yes\n")
	if run = w.run(run.ID); run.State != inspector.EvaluatingRules || !run.DataCollected {
		t.Fatalf("all agents are complete, and the run is %s", run.State)
	}
	if found := w.findings(run.ID); len(found) != 0 {
		t.Errorf("findings before the evaluation: %v", found)
	}
	w.mustWork()

	run = w.run(run.ID)
	if diff := cmp.Diff(append(slices.Clone(wholeHistory), inspector.Completed), states(run)); diff != "" {
		t.Error(diff)
	}
	if w.clock.Now().Sub(run.StartedAt) > time.Minute {
		t.Error("the run waited although all agents were complete")
	}
	wantFound := []string{bad + " Disable root login over SSH", good + " " + inspector.TitleNoIssues}
	if diff := cmp.Diff(wantFound, w.findings(run.ID)); diff != "" {
		t.Error(diff)
	}
	if run.FindingCounts[inspector.Medium] != 1 || run.FindingCounts[inspector.Informational] != 1 || len(run.FindingCounts) != 5 {
		t.Errorf("findings are counted as %v", run.FindingCounts)
	}
	if diff := cmp.Diff([]string{}, w.exclusions(run.ID)); diff != "" {
		t.Error(diff)
	}
	w.checkResults(run.ID, bad)
	counts, err := w.Store.Telemetry(t.Context(), run.ID)
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, c := range counts {
		types = append(types, c.MessageType)
		if c.DataSize == 0 || c.Count%2 != 0 {
			t.Errorf("%d of %s with %d bytes from two hosts", c.Count, c.MessageType, c.DataSize)
		}
	}
	if diff := cmp.Diff([]string{"InspectorConfigurationInfo", "InspectorCoverage"}, types); diff != "" {
		t.Error(diff)
	}
	for _, name := range w.objects() {
		if !strings.HasPrefix(name, "runs/"+run.ID+"/i-") {
			t.Errorf("an object is named %q", name)
		}
	}
	if len(w.objects()) != 4 {
		t.Errorf("there are %d objects of 4 segments", len(w.objects()))
	}
}

func (w *world) checkResults(run, agent string) {
	w.t.Helper()
	data, ok, err := w.Store.Results(w.t.Context(), run, agent, inspector.PackagePractices)
	if err != nil || !ok {
		w.t.Fatalf("no results: %v", err)
	}
	kept, err := DecodeResults(data)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(kept.Results) != 2 || kept.Results[0].Verdict != rules.Failed || kept.Results[0].Evidence[0].Found != "PermitRootLogin yes\n" {
		w.t.Errorf("the results are %+v", kept)
	}
	if _, err := DecodeResults(data[:len(data)/2]); err == nil {
		w.t.Error("half of the results were decoded")
	}
}

// A second run gets the next name, also where names are taken; finding ids are
// the same in the next run.
func TestRunNamesAndFindingIDs(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	template := w.template(time.Hour)
	ids := map[string]bool{}
	for _, c := range []struct{ given, want string }{
		{"Run 2 for Weekly", "Run 2 for Weekly"}, {"", "Run 3 for Weekly"}, {"", "Run 4 for Weekly"}, {"mine", "mine"},
	} {
		run, err := w.StartRun(t.Context(), template.ID, c.given)
		if err != nil {
			t.Fatal(err)
		}
		if run.Name != c.want {
			t.Errorf("the run is named %q, want %q", run.Name, c.want)
		}
		w.mustWork()
		w.collect(agent, run.ID, "PermitRootLogin yes\n")
		w.mustWork()
		found, _, err := w.Store.FindingsOfRun(t.Context(), run.ID, inspector.Page{Limit: 10})
		if err != nil || len(found) != 1 {
			t.Fatalf("%d findings, %v", len(found), err)
		}
		if found[0].Run != run.ID {
			t.Errorf("the finding is of the run %s", found[0].Run)
		}
		ids[found[0].ID] = true
		if _, err := w.StartRun(t.Context(), template.ID, run.Name); err == nil {
			t.Errorf("two runs are named %q", run.Name)
		}
	}
	if len(ids) != 1 {
		t.Errorf("the same finding has the ids %v", ids)
	}
}

func TestAgentsThatAreGone(t *testing.T) {
	w := newWorld(t)
	template := w.template(time.Hour)
	w.clock.add(time.Hour)
	gone, fresh := w.enrol(), ""
	w.clock.add(time.Hour)
	fresh = w.enrol()
	w.collectRun(template, fresh, func(run inspector.Run) {
		if part := w.partOfRun(run.ID, gone); part.State != inspector.CollectionFailed || part.Health != inspector.Unhealthy || part.Reason == "" {
			t.Errorf("the agent that is gone: %+v", part)
		}
	})
	run := w.lastRun(template)
	if run.State != inspector.CompletedWithErrors {
		t.Errorf("a host was not checked, and the run is %s", run.State)
	}
	if diff := cmp.Diff([]string{inspector.AgentUnhealthy.Title()}, w.exclusions(run.ID)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{fresh + " " + inspector.TitleNoIssues}, w.findings(run.ID)); diff != "" {
		t.Error(diff)
	}
}

// collectRun does a run that one agent takes part in.
func (w *world) collectRun(template inspector.Template, agent string, meanwhile func(inspector.Run)) {
	w.t.Helper()
	run := w.start(template)
	meanwhile(run)
	w.collect(agent, run.ID, "PermitRootLogin no\n")
	w.mustWork()
}

func (w *world) lastRun(template inspector.Template) inspector.Run {
	w.t.Helper()
	templates, err := w.Store.Templates(w.t.Context(), []string{template.ID})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.run(templates[template.ID].LastRun)
}

// A service that was down has no right to call its agents silent.
func TestSilenceOfTheServiceIsNotTheAgents(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	w.clock.add(24 * time.Hour)
	w = w.replica()
	run := w.start(w.template(time.Hour))
	if part := w.partOfRun(run.ID, agent); part.State != inspector.CollectionPending {
		t.Errorf("just after the service started, an agent's part is %s: %s", part.State, part.Reason)
	}
}

func TestNobodyAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile func(w *world, agent string, run inspector.Run)
		want      string
		after     time.Duration // how long the run may have taken at most
	}{
		"the host is switched off during the run": {
			func(*world, string, inspector.Run) {}, inspector.AgentUnhealthy.Title(), 12 * time.Minute,
		},
		"the agent beats but never sends": {
			func(w *world, agent string, run inspector.Run) {
				for w.run(run.ID).State == inspector.CollectingData {
					w.beat(agent)
					w.clock.add(time.Minute)
					w.mustWork()
				}
				on := w.beat(agent).Instructions
				if len(on) != 1 || on[0].Action != wire.ActionOff || on[0].Check() != nil {
					w.t.Errorf("after the deadline the agent is told %v", on)
				}
			}, inspector.AgentTooLate.Title(), 70 * time.Minute,
		},
		"the agent refuses": {
			func(w *world, agent string, run inspector.Run) {
				on := w.beat(agent).Instructions
				beat := w.heartbeat()
				beat.Refused = []wire.Refusal{{Instruction: on[0].ID, Reason: "I do not know the sensor"}, {Instruction: "sensors_on:0-AAAAAAAA", Reason: "x"}, {Instruction: "??"}}
				for range 3 {
					if got := w.say(agent, beat).Instructions; len(got) != 0 {
						w.t.Errorf("after its refusal the agent is told %v", got)
					}
				}
			}, inspector.AgentRefused.Title(), time.Minute,
		},
		"the agent has none of the sensors": {
			func(w *world, agent string, run inspector.Run) {
				beat := w.heartbeat()
				beat.Sensors = []string{"something"}
				w.say(agent, beat)
			}, inspector.AgentRefused.Title(), time.Minute,
		},
		"the agent says that it failed": {
			func(w *world, agent string, run inspector.Run) {
				for range 2 {
					err := w.CompleteCollection(w.t.Context(), agent, run.ID, wire.CompleteRequest{Failed: true, Reason: "the disk is full"})
					if err != nil {
						w.t.Error(err)
					}
				}
			}, inspector.CollectionError.Title(), time.Minute,
		},
		"the agent sends nothing": {
			func(w *world, agent string, run inspector.Run) {
				if err := w.CompleteCollection(w.t.Context(), agent, run.ID, wire.CompleteRequest{}); err != nil {
					w.t.Error(err)
				}
			}, inspector.CollectionError.Title(), time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			agent := w.enrol()
			run := w.start(w.template(time.Hour))
			c.meanwhile(w, agent, run)
			for range 200 {
				w.mustWork()
				if run = w.run(run.ID); run.State.Final() {
					break
				}
				w.clock.add(30 * time.Second)
			}
			if run.State != inspector.CompletedWithErrors || run.CompletedAt.Sub(run.CreatedAt) > c.after {
				t.Errorf("the run is %s after %s", run.State, run.CompletedAt.Sub(run.CreatedAt))
			}
			if diff := cmp.Diff([]string{c.want}, w.exclusions(run.ID)); diff != "" {
				t.Error(diff)
			}
			if found := w.findings(run.ID); len(found) != 0 {
				t.Errorf("there are findings on a host that nobody looked at: %v", found)
			}
		})
	}
}

func TestNoHosts(t *testing.T) {
	w := newWorld(t)
	run := w.start(w.template(time.Hour))
	if run.State != inspector.CompletedWithErrors {
		t.Errorf("a run without hosts is %s", run.State)
	}
	if diff := cmp.Diff([]string{inspector.NoHosts.Title()}, w.exclusions(run.ID)); diff != "" {
		t.Error(diff)
	}
}

func TestUnsupportedSystem(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	beat := w.heartbeat()
	beat.Facts.OS, beat.Facts.OSName = "windows", "Windows Server 2022"
	w.say(agent, beat)
	run := w.start(w.template(time.Hour))
	if run.State != inspector.CompletedWithErrors {
		t.Errorf("nothing was checked, and the run is %s", run.State)
	}
	if diff := cmp.Diff([]string{inspector.SystemUnsupported.Title()}, w.exclusions(run.ID)); diff != "" {
		t.Error(diff)
	}
}

// A package that observes uses the whole duration.
func TestObservingTakesTheWholeDuration(t *testing.T) {
	w := newWorld(t)
	w.rules.observe = true
	agent := w.enrol()
	run := w.start(w.template(time.Hour))
	w.collect(agent, run.ID, "PermitRootLogin no\n")
	w.clock.add(time.Hour - time.Second)
	w.mustWork()
	if got := w.run(run.ID).State; got != inspector.CollectingData {
		t.Errorf("before the end, the run is %s", got)
	}
	w.clock.add(time.Second)
	w.mustWork()
	if got := w.run(run.ID).State; got != inspector.Completed {
		t.Errorf("after the end, the run is %s", got)
	}
}

func TestHostsInOneRunAtATime(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	template := w.template(time.Hour)
	run := w.start(template)
	_, err := w.StartRun(t.Context(), template.ID, "another")
	var e *inspector.Err
	if !errors.As(err, &e) || e.Kind != inspector.AgentsAlreadyRunning || len(e.Agents) != 1 || e.Agents[0].Agent != agent {
		t.Fatalf("error %#v", err)
	}
	if want := scope.Run(run.Target, run.Template, run.ID).String(); e.Agents[0].RunARN != want {
		t.Errorf("the other run is %s, want %s", e.Agents[0].RunARN, want)
	}
	if err := w.DeleteRun(t.Context(), run.ID); !errors.As(err, &e) || e.Kind != inspector.RunInProgress {
		t.Errorf("deleting a run that goes on: %v", err)
	}
}
