package assess

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// reachabilityPackage stands for Network Reachability: it has a rule for each way to
// a host, and says what was in its way as it is told.
type reachabilityPackage struct {
	failing func(h *host.Host, way inspector.ExclusionKind) *rules.Result
}

var ways = []inspector.ExclusionKind{
	inspector.ReachabilityInternet, inspector.ReachabilityALB, inspector.ReachabilityELB,
	inspector.ReachabilityVPN, inspector.ReachabilityDirectConnect, inspector.ReachabilityPeeredVPC,
}

func (p *reachabilityPackage) Describe() rules.Description {
	d := rules.Description{ID: inspector.PackageReachability, Name: "Network Reachability", Version: "1", Sensors: []string{telemetry.SensorConfig, telemetry.SensorKernel}}
	for _, way := range ways {
		d.Rules = append(d.Rules, rules.Rule{ID: string(way), Title: "Ports by " + string(way), Severity: inspector.Low, Description: "d", Recommendation: "r"})
	}
	return d
}

func (p *reachabilityPackage) Evaluate(_ context.Context, h *host.Host, _ rules.Input) ([]rules.Result, error) {
	var all []rules.Result
	for _, way := range ways {
		r := rules.Result{Rule: string(way), Verdict: rules.Passed, Evidence: []rules.Evidence{{Sensor: "network", Record: "r", Found: "no route"}}}
		if failed := p.failing(h, way); failed != nil {
			failed.Rule = string(way)
			r = *failed
		}
		all = append(all, r)
	}
	return all, nil
}

// kindOf is a scenario that ends with exclusions of these kinds, and how the run
// then ends.
type kindOf struct {
	change func(*Config)
	// act takes a run through, and returns it; nil: start over one host, collect.
	act   func(w *world) inspector.Run
	want  []inspector.ExclusionKind
	state inspector.RunState
}

// templateOf makes a template of other packages than the service offers.
func (w *world) templateOf(arns ...string) inspector.Template {
	w.t.Helper()
	t := w.template(time.Hour)
	w.exec("UPDATE templates SET packages = $1 WHERE id = $2", `["`+strings.Join(arns, `","`)+`"]`, t.ID)
	t.Packages = arns
	return t
}

// through takes a run over one host to its end.
func (w *world) through(template inspector.Template, agent string) inspector.Run {
	w.t.Helper()
	run := w.start(template)
	w.collect(agent, run.ID, "PermitRootLogin no\n")
	w.mustWork()
	return w.run(run.ID)
}

func (w *world) enrolWindows() string {
	agent, beat := w.enrol(), w.heartbeat()
	beat.Facts.OS, beat.Facts.OSName = "windows", "Windows Server 2022"
	w.say(agent, beat)
	return agent
}

func withReachability(failing func(h *host.Host, way inspector.ExclusionKind) *rules.Result) func(*Config) {
	return func(c *Config) { c.Packages = append(c.Packages, &reachabilityPackage{failing}) }
}

var reachabilityARN = scope.PackageARN(inspector.PackageReachability).String()

// kinds reaches every kind of exclusion.
var kinds = map[string]kindOf{
	"no hosts": {
		act:  func(w *world) inspector.Run { return w.start(w.template(time.Hour)) },
		want: []inspector.ExclusionKind{inspector.NoHosts}, state: inspector.CompletedWithErrors,
	},
	"an agent that never called": {
		act: func(w *world) inspector.Run {
			agent := w.enrol()
			w.exec("UPDATE sightings SET seen_at = 0 WHERE agent = $1", agent)
			w.clock.add(time.Hour)
			return w.start(w.template(time.Hour))
		},
		want: []inspector.ExclusionKind{inspector.AgentNotFound}, state: inspector.CompletedWithErrors,
	},
	"an agent that fell silent": {
		act: func(w *world) inspector.Run {
			w.enrol()
			w.clock.add(time.Hour)
			return w.start(w.template(time.Hour))
		},
		want: []inspector.ExclusionKind{inspector.AgentUnhealthy}, state: inspector.CompletedWithErrors,
	},
	"a system that no package is for": {
		act: func(w *world) inspector.Run {
			w.enrolWindows()
			return w.start(w.template(time.Hour))
		},
		want: []inspector.ExclusionKind{inspector.SystemUnsupported}, state: inspector.CompletedWithErrors,
	},
	"a system that another package is for": {
		change: withReachability(func(*host.Host, inspector.ExclusionKind) *rules.Result { return nil }),
		act: func(w *world) inspector.Run {
			agent := w.enrolWindows()
			run := w.start(w.templateOf(practicesARN(), reachabilityARN))
			beat := w.heartbeat()
			beat.Facts.OS = "windows"
			w.say(agent, beat)
			w.put(agent, run.ID, 1, configSegment(w.t, agent, run.ID, 1, "PermitRootLogin no\n"))
			if err := w.CompleteCollection(w.t.Context(), agent, run.ID, wire.CompleteRequest{Protocol: wire.Version, Segments: 1}); err != nil {
				w.t.Fatal(err)
			}
			w.mustWork()
			return w.run(run.ID)
		},
		want: []inspector.ExclusionKind{inspector.PackageUnsupported}, state: inspector.Completed,
	},
	"a package that was retired": {
		act: func(w *world) inspector.Run {
			agent := w.enrol()
			return w.through(w.templateOf(practicesARN(), scope.PackageARN(inspector.PackageBehavior).String()), agent)
		},
		want: []inspector.ExclusionKind{inspector.PackageDeprecated}, state: inspector.CompletedWithErrors,
	},
	"only a package that was retired": {
		act: func(w *world) inspector.Run {
			w.enrol()
			return w.start(w.templateOf(scope.PackageARN(inspector.PackageBehavior).String()))
		},
		want: []inspector.ExclusionKind{inspector.PackageDeprecated}, state: inspector.CompletedWithErrors,
	},
	"packages that are not here": {
		act: func(w *world) inspector.Run {
			agent := w.enrol()
			return w.through(w.templateOf(practicesARN(), scope.PackageARN(inspector.PackageCVE).String(), scope.RulesPackage("0-nonesuch").String()), agent)
		},
		want: []inspector.ExclusionKind{inspector.PackageUnavailable, inspector.PackageUnavailable}, state: inspector.CompletedWithErrors,
	},
	"an agent that is too late": {
		act: func(w *world) inspector.Run {
			agent := w.enrol()
			run := w.start(w.template(time.Hour))
			for !w.run(run.ID).State.Final() {
				w.beat(agent)
				w.clock.add(time.Minute)
				w.mustWork()
			}
			return w.run(run.ID)
		},
		want: []inspector.ExclusionKind{inspector.AgentTooLate}, state: inspector.CompletedWithErrors,
	},
	"an agent that refuses": {
		act: func(w *world) inspector.Run {
			agent := w.enrol()
			run := w.start(w.template(time.Hour))
			beat := w.heartbeat()
			beat.Sensors = []string{"something"}
			w.say(agent, beat)
			w.mustWork()
			return w.run(run.ID)
		},
		want: []inspector.ExclusionKind{inspector.AgentRefused}, state: inspector.CompletedWithErrors,
	},
	"a collection that failed": {
		act: func(w *world) inspector.Run {
			agent := w.enrol()
			run := w.start(w.template(time.Hour))
			if err := w.CompleteCollection(w.t.Context(), agent, run.ID, wire.CompleteRequest{Failed: true, Reason: "the disk is full"}); err != nil {
				w.t.Fatal(err)
			}
			w.mustWork()
			return w.run(run.ID)
		},
		want: []inspector.ExclusionKind{inspector.CollectionError}, state: inspector.CompletedWithErrors,
	},
	"telemetry that does not suffice": {
		act: func(w *world) inspector.Run {
			agent := w.enrol()
			run := w.start(w.template(time.Hour))
			w.beat(agent)
			w.put(agent, run.ID, 1, kernelSegment(w.t, agent, run.ID, 1))
			if err := w.CompleteCollection(w.t.Context(), agent, run.ID, wire.CompleteRequest{Protocol: wire.Version, Segments: 1}); err != nil {
				w.t.Fatal(err)
			}
			w.mustWork()
			return w.run(run.ID)
		},
		want: []inspector.ExclusionKind{inspector.RulesNotEvaluated}, state: inspector.Completed,
	},
	"a package that crashes": {
		act: func(w *world) inspector.Run {
			w.rules.crash = true
			return w.through(w.template(time.Hour), w.enrol())
		},
		want: []inspector.ExclusionKind{inspector.HostEvaluationError}, state: inspector.CompletedWithErrors,
	},
	"each way of the network, for one host": {
		change: withReachability(func(_ *host.Host, way inspector.ExclusionKind) *rules.Result {
			return &rules.Result{Verdict: rules.Error, Exclusion: way, Reason: "the route table is not known"}
		}),
		act:  func(w *world) inspector.Run { return w.through(w.templateOf(reachabilityARN), w.enrol()) },
		want: ways, state: inspector.CompletedWithErrors,
	},
	"one way of the network, for the whole run": {
		change: withReachability(func(_ *host.Host, way inspector.ExclusionKind) *rules.Result {
			if way != inspector.ReachabilityVPN {
				return nil
			}
			return &rules.Result{Verdict: rules.Error, Exclusion: way, WholeRun: true, Reason: "the VPN gateways could not be read"}
		}),
		act:  twoHosts,
		want: []inspector.ExclusionKind{inspector.ReachabilityVPN}, state: inspector.CompletedWithErrors,
	},
	"a re-match of a host that was never assessed": {
		change: func(c *Config) { c.Packages = append(c.Packages, &advisories{}) },
		act: func(w *world) inspector.Run {
			w.enrol()
			return w.rematched("")
		},
		want: []inspector.ExclusionKind{inspector.NoTelemetry}, state: inspector.CompletedWithErrors,
	},
	"a package that cannot evaluate any host": {
		change: withReachability(func(*host.Host, inspector.ExclusionKind) *rules.Result {
			return &rules.Result{Verdict: rules.Error, WholeRun: true, Reason: "there is no description of the network"}
		}),
		act:  twoHosts,
		want: []inspector.ExclusionKind{inspector.EvaluationError}, state: inspector.CompletedWithErrors,
	},
}

// twoHosts takes a run of the network's package over two hosts to its end.
func twoHosts(w *world) inspector.Run {
	one, other := w.enrol(), w.enrol()
	run := w.start(w.templateOf(reachabilityARN))
	w.collect(one, run.ID, "PermitRootLogin no\n")
	w.collect(other, run.ID, "PermitRootLogin no\n")
	w.mustWork()
	return w.run(run.ID)
}

func TestEveryKindIsReached(t *testing.T) {
	reached := map[inspector.ExclusionKind]bool{inspector.AgentBusy: true} // in a preview only: see TestPreviewOfBusyHosts
	for name, k := range kinds {
		for _, kind := range k.want {
			reached[kind] = true
		}
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(c *Config) {
				if k.change != nil {
					k.change(c)
				}
			})
			run := k.act(w)
			if run.State != k.state {
				t.Errorf("the run is %s, want %s", run.State, k.state)
			}
			var got []inspector.ExclusionKind
			for _, e := range w.allExclusions(run.ID) {
				got = append(got, e.Kind)
				checkExclusion(t, e)
				if e.Error != (k.state == inspector.CompletedWithErrors) {
					t.Errorf("%s: error %v in a run that is %s", e.Title, e.Error, k.state)
				}
			}
			slices.Sort(got)
			if diff := cmp.Diff(slices.Sorted(slices.Values(k.want)), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, c := range inspector.Causes() {
		if !reached[c.Kind] {
			t.Errorf("no test reaches the kind %s", c.Kind)
		}
	}
}

func (w *world) allExclusions(run string) []inspector.Exclusion {
	w.t.Helper()
	all, next, err := w.Store.ListExclusions(w.t.Context(), run, inspector.Page{Limit: 1000})
	if err != nil || next != "" {
		w.t.Fatal(err)
	}
	return all
}

// checkExclusion: what every exclusion has to be.
func checkExclusion(t *testing.T, e inspector.Exclusion) {
	t.Helper()
	cause := e.Kind.Cause()
	if e.Title != cause.Title || e.Title == "" || e.Error != cause.Error || e.Recommendation == "" || e.ID == "" || len(e.Scopes) == 0 {
		t.Errorf("the exclusion is not one of its kind: %+v", e)
	}
	if e.Description == "" || strings.Contains(e.Description, "%") || strings.Contains(e.Description, "  ") {
		t.Errorf("%s is described as %q", e.Title, e.Description)
	}
	for _, s := range e.Scopes {
		switch s.Type {
		case inspector.ScopeInstance:
			if !strings.HasPrefix(s.Value, "i-") {
				t.Errorf("%s is about the host %q", e.Title, s.Value)
			}
		case inspector.ScopeRulesPackage:
			if a, err := inspector.ParseARN(s.Value); err != nil || a.Kind != inspector.KindRulesPackage {
				t.Errorf("%s is about the rules package %q", e.Title, s.Value)
			}
		default:
			t.Errorf("%s has the scope %q", e.Title, s.Type)
		}
	}
	if strings.HasPrefix(string(e.Kind), "agent-") && (e.WholeRun() || len(e.Scopes) != 1) {
		t.Errorf("%s is about %v", e.Title, e.Scopes)
	}
}

// What is about the whole run is one exclusion, about the package, whichever host
// was evaluated last; its text has no host in it. The results tell it of each host.
func TestWholeRunExclusion(t *testing.T) {
	k := kinds["one way of the network, for the whole run"]
	w := newWorld(t, k.change)
	run := k.act(w)
	all := w.allExclusions(run.ID)
	if len(all) != 1 || !all[0].WholeRun() || strings.Contains(all[0].Description, "i-") {
		t.Fatalf("%+v", all)
	}
	if diff := cmp.Diff([]inspector.ExclusionScope{{Type: inspector.ScopeRulesPackage, Value: reachabilityARN}}, all[0].Scopes); diff != "" {
		t.Error(diff)
	}
	if want := "It could not be told which ports can be reached through a VPN."; !strings.HasPrefix(all[0].Description, want) ||
		!strings.Contains(all[0].Description, "Ports by reachability-vpn: the VPN gateways could not be read") {
		t.Errorf("%q", all[0].Description)
	}
	if found := w.findings(run.ID); len(found) != 0 {
		t.Errorf("nothing was found, but not everything was looked at: %v", found)
	}
}
