package e2e

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/internal/advisory/index"
	"assay/internal/host"
	"assay/internal/rules"
	"assay/internal/rules/catalog"
	"assay/internal/telemetry"
)

// TestHostile has the agent observe a host on which processes do their worst to whoever
// looks at them: it comes to its end, takes no more memory than it may, says what it could
// not see, and what it tells can be evaluated. Looks at /proc are part of both ways; the
// process connector does not answer within the stage.
func TestHostile(t *testing.T) {
	for _, way := range []string{"ebpf", "fanotify"} {
		t.Run(way, func(t *testing.T) {
			d := newDeeds(newStage(t))
			d.nasty()
			records, _ := d.observed(way, "2s", d.storms)
			d.toldOfNasty(way, records)
			evaluateAll(t, records)
		})
	}
}

// nastyNames are what a program's file can be called.
var nastyNames = []string{
	"line\nbreak", "\x1b[2J\x1b]0;title\a", "\xff\xfe\xfd", strings.Repeat("n", 255), strings.Repeat("\xff", 255),
	"gone (deleted)", "a b\tc", "\u202egnp.exe", `\012`, `","type":"trailer`, "%s%n%x", " ", "-rf",
}

// nasty starts what stays there.
func (d *deeds) nasty() {
	d.t.Helper()
	for i, name := range nastyNames {
		at := filepath.Join(filepath.Dir(hostile), name)
		executable(d.t, d.path(at), hostileBuilt.program)
		d.hold(d.as(at, "name", fmt.Sprint(i)))
	}
	for _, args := range [][]string{{"memfd"}, {"unlinked"}, {"deep", "20"}, {"files", "10000"}, {"map", "25000"}, {"threads", "2000"}, {"contain"}} {
		d.hold(d.command(args...))
	}
}

// storms are what the agent has to see while it observes. They fill no table of the
// kernel's programs (the tests of package activity/bpf do): those of other tests, which
// run meanwhile, see them as well.
func (d *deeds) storms() {
	tiny := filepath.Dir(hostile) + "/tiny"
	for _, args := range [][]string{
		{"storm", "300", tiny}, {"kinds", "200", tiny}, {"connects", "500"}, {"listens", "500"}, {"spaces", "200"},
	} {
		began := time.Now()
		d.run(d.command(args...))
		d.t.Logf("%s: %v", args, time.Since(began))
	}
}

// toldOfNasty checks that the agent has come by all of them, and has said what it has not
// told.
func (d *deeds) toldOfNasty(way string, records []telemetry.Record) {
	d.t.Helper()
	processes, coverages, types := map[string]bool{}, map[string]*telemetry.Coverage{}, map[telemetry.Type]int{}
	for _, r := range records {
		types[telemetry.Kind(r)]++
		switch r := r.(type) {
		case *telemetry.Process:
			processes[r.Exe] = true
		case *telemetry.Coverage:
			coverages[r.Sensor] = r
			for _, p := range append(r.Parts, telemetry.Part{State: r.State, Reason: r.Reason}) {
				d.t.Logf("%s %s: %s %q", r.Sensor, p.Name, p.State, p.Reason)
			}
		case *telemetry.Observation:
			d.t.Logf("%+v", r)
		}
	}
	d.t.Logf("%v", types)
	for _, name := range nastyNames {
		exe := filepath.Join(filepath.Dir(hostile), string([]rune(name))) // what is no UTF-8 is \uFFFD, byte by byte
		if exe = strings.TrimSuffix(exe, " (deleted)"); !processes[exe] {
			d.t.Errorf("it was not told of the process of %q: %q", exe, slices.Sorted(maps.Keys(processes)))
		}
	}
	if c := coverages[telemetry.SensorProcesses]; c == nil || c.State != telemetry.Partial || !strings.Contains(c.Reason, "mappings") {
		d.t.Errorf("that a process has more mappings than are looked at is not told: %+v", c)
	}
	if c := coverages[telemetry.SensorActivity]; c == nil || way != "ebpf" && c.State != telemetry.Partial && (way != "connector" || c.State != telemetry.Failed) { // on the stage, which has a PID namespace of its own
		d.t.Errorf("that not all was seen is not told: %+v", c)
	}
}

// evaluateAll has every rules package judge the records.
func evaluateAll(t *testing.T, records []telemetry.Record) {
	t.Helper()
	h := host.New("i-0123456789abcdef0")
	for _, r := range records {
		h.Add(r)
	}
	h.Seal()
	for _, p := range catalog.Packages(new(index.Current)) {
		results, err := p.Evaluate(t.Context(), h, rules.Input{Now: time.Now(), Collected: time.Now()})
		if err != nil {
			t.Errorf("%s: %v", p.Describe().ID, err)
			continue
		}
		findings, exclusions := rules.Derive(p.Describe(), rules.Subject{Key: []byte("k"), Now: time.Now()}, results)
		for _, r := range results {
			if r.Verdict == rules.Error {
				t.Errorf("%s: %+v", p.Describe().ID, r)
			}
		}
		t.Logf("%s: %d findings, %d exclusions", p.Describe().ID, len(findings), len(exclusions))
	}
}
