package agent_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"assay/internal/agent"
	"assay/internal/agent/credential"
	"assay/internal/agent/gatewaytest"
	"assay/internal/agent/state"
	"assay/internal/agent/uplink"
	"assay/internal/durable"
	"assay/internal/sensor"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests wait for one another's seconds, not for processors.
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// fake is a sensor of the tests.
type fake struct {
	name    string
	collect func(context.Context, sensor.Emit) (telemetry.Coverage, error)
}

func (f fake) Describe() sensor.Description {
	return sensor.Description{Name: f.name, Summary: "a test's", Reads: []string{"nothing"}}
}

func (f fake) Collect(ctx context.Context, _ *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	return f.collect(ctx, emit)
}

var complete = telemetry.Coverage{State: telemetry.Complete}

// some is a sensor that emits n records of about size bytes.
func some(name string, n, size int) fake {
	return fake{name, func(_ context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
		for i := range n {
			p := &telemetry.KernelParameter{Name: fmt.Sprintf("%s.%d", name, i), Value: strings.Repeat("x", size)}
			if err := emit(p); err != nil {
				return telemetry.Coverage{}, err
			}
		}
		return complete, nil
	}}
}

// logs is a handler that keeps what is logged.
type logs struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.String()
}

// enrolled makes a state folder of a host that has enrolled.
func enrolled(t *testing.T, g *gatewaytest.Gateway) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "state")
	if err := state.Prepare(dir); err != nil {
		t.Fatal(err)
	}
	id, err := credential.Enroll(t.Context(), request(t, g))
	if err != nil {
		t.Fatal(err)
	}
	if err := id.Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func request(t *testing.T, g *gatewaytest.Gateway) credential.Request {
	t.Helper()
	trust, err := uplink.TrustPEM(g.CA)
	if err != nil {
		t.Fatal(err)
	}
	return credential.Request{Server: g.URL, Token: gatewaytest.Token, Trust: trust, Version: "test"}
}

// start runs an agent until the test or stop ends it.
func start(t *testing.T, dir string, sensors ...sensor.Sensor) (stop func(), log *logs) {
	t.Helper()
	log = &logs{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := agent.Run(ctx, agent.Config{State: dir, Sensors: sensors, Host: &sensor.Host{}, Version: "test", Log: slog.New(slog.NewTextHandler(log, nil))})
		if err != nil {
			t.Errorf("the agent: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop, log
}

// until waits for something that the agent brings about; the test's own time
// limit ends a wait in vain.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it never came to be that %s", what)
		}
	}
}

func on(run string, sensors ...string) wire.Instruction {
	return wire.Instruction{ID: run + "-on", Action: wire.ActionOn, Run: run, Sensors: sensors, Until: time.Now().Add(time.Hour).UTC()}
}

func finished(g *gatewaytest.Gateway, run string) func() bool {
	return func() bool { return g.Run(run).Complete != nil }
}

// counts are the records of each sensor, coverage excluded, and checks that its
// coverage says the same.
func counts(t *testing.T, r gatewaytest.Run) map[string]int64 {
	t.Helper()
	records, err := r.Records()
	if err != nil {
		t.Fatal(err)
	}
	n, seen := map[string]int64{}, map[string]bool{}
	for _, rec := range records {
		name := telemetry.SensorOf(rec)
		c, ok := rec.(*telemetry.Coverage)
		if seen[name] {
			t.Errorf("there is a record of the sensor %s behind its coverage", name)
		}
		if !ok {
			n[name]++
			continue
		}
		seen[name] = true
		n[name] += 0 // a sensor without records counts too
		if c.Records != n[name] {
			t.Errorf("the coverage of %s counts %d records, %d came", name, c.Records, n[name])
		}
	}
	return n
}

func TestRunIsCollectedOnceAndUploadedInOrder(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	g.Orders = []any{on("0-first", "big", "small", "none")}
	sensors := []sensor.Sensor{some("big", 70, 100_000), some("small", 3, 10), some("none", 0, 0)}
	stop, log := start(t, dir, sensors...)
	until(t, "the run is complete", finished(g, "0-first"))

	r := g.Run("0-first")
	want := map[string]int64{"big": 70, "small": 3, "none": 0}
	if diff := cmp.Diff(want, counts(t, r)); diff != "" {
		t.Error(diff)
	}
	if len(r.Segments) < 5 || r.Puts != len(r.Segments) {
		t.Errorf("%d segments came in %d requests", len(r.Segments), r.Puts)
	}
	if diff := cmp.Diff(&wire.CompleteRequest{Protocol: wire.Version, Segments: int64(len(r.Segments))}, r.Complete); diff != "" {
		t.Error(diff)
	}
	// The instruction stays in force, also over a restart.
	again := func() {
		n := len(g.Beats())
		until(t, "two more beats came", func() bool { return len(g.Beats()) >= n+2 })
	}
	again()
	stop()
	start(t, dir, sensors...)
	again()
	if now := g.Run("0-first"); now.Puts != r.Puts {
		t.Errorf("a run that was complete was uploaded again: %d requests", now.Puts-r.Puts)
	}
	beat := g.Beats()[len(g.Beats())-1]
	if diff := cmp.Diff([]wire.RunProgress{{Run: "0-first", State: "complete"}}, beat.Runs, cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Sequence" }, cmp.Ignore())); diff != "" {
		t.Error(diff)
	}
	if len(beat.Health) > 0 || strings.Contains(log.String(), "level=WARN") {
		t.Errorf("something was wrong: %q\n%s", beat.Health, log)
	}
}

func TestInstructionsAreStrict(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	bad := func(id string, change func(map[string]any)) map[string]any {
		m := map[string]any{"id": id, "action": "sensors_on", "run": "0-" + id, "sensors": []string{"a"}, "until": time.Now().Add(time.Hour)}
		change(m)
		return m
	}
	g.Orders = []any{
		bad("member", func(m map[string]any) { m["exec"] = "rm -rf /" }),
		bad("action", func(m map[string]any) { m["action"] = "run_command" }),
		bad("sensor", func(m map[string]any) { m["sensors"] = []string{"a", "keylogger"} }),
		bad("twice", func(m map[string]any) { m["sensors"] = []string{"a", "a"} }),
		bad("path", func(m map[string]any) { m["run"] = "../../etc" }),
		bad("type", func(m map[string]any) { m["jitter"] = "soon" }),
		on("0-good", "a"),
	}
	_, log := start(t, dir, some("a", 1, 1))
	until(t, "the good one is complete", finished(g, "0-good"))
	n := len(g.Beats())
	until(t, "three more beats came", func() bool { return len(g.Beats()) >= n+3 })

	told := map[string]int{}
	for _, b := range g.Beats() {
		for _, r := range b.Refused {
			told[r.Instruction]++
			if r.Reason == "" {
				t.Errorf("no reason for refusing %s", r.Instruction)
			}
		}
	}
	want := map[string]int{"member": 1, "action": 1, "sensor": 1, "twice": 1, "path": 1, "type": 1}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("how often each was reported: %s", diff)
	}
	if got := strings.Count(log.String(), "an instruction is refused"); got != len(want) {
		t.Errorf("%d refusals were logged", got)
	}
	for id := range want {
		if g.Run("0-"+id).Puts > 0 {
			t.Errorf("the refused instruction %s was carried out", id)
		}
	}
}

func TestRestartInTheMiddleOfASensor(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	g.Orders = []any{on("0-cut", "a", "b", "c")}
	reached := make(chan struct{})
	stuck := fake{"b", func(ctx context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
		for i := range 60 { // several segments are closed
			if err := emit(&telemetry.KernelParameter{Name: fmt.Sprint("lost.", i), Value: strings.Repeat("y", 100_000)}); err != nil {
				return telemetry.Coverage{}, err
			}
		}
		close(reached)
		<-ctx.Done()
		return telemetry.Coverage{}, ctx.Err()
	}}
	stop, _ := start(t, dir, some("a", 5, 5), stuck, some("c", 5, 5))
	<-reached
	until(t, "the first sensor has arrived", func() bool { return len(g.Run("0-cut").Segments) == 1 })
	stop()
	start(t, dir, some("a", 5, 5), some("b", 7, 5), some("c", 5, 5))
	until(t, "the run is complete", finished(g, "0-cut"))
	if diff := cmp.Diff(map[string]int64{"a": 5, "b": 7, "c": 5}, counts(t, g.Run("0-cut"))); diff != "" {
		t.Error(diff)
	}
}

func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	for _, how := range []string{"by an instruction", "by leaving it out", "by time"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			g := gatewaytest.New(t)
			// The host's clock is wrong by hours; only the service's counts.
			g.Skew = 5 * time.Hour
			dir := enrolled(t, g)
			order := on("0-off", "slow", "never")
			order.Until = time.Now().Add(g.Skew + time.Hour)
			reached := make(chan struct{})
			slow := fake{"slow", func(ctx context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
				if err := emit(&telemetry.KernelParameter{Name: "one"}); err != nil {
					return telemetry.Coverage{}, err
				}
				close(reached)
				<-ctx.Done()
				return telemetry.Coverage{}, ctx.Err()
			}}
			g.Orders = []any{order}
			start(t, dir, slow, some("never", 1, 1))
			<-reached
			g.Do(func() {
				switch how {
				case "by an instruction":
					g.Orders = []any{wire.Instruction{ID: "off", Action: wire.ActionOff, Run: "0-off"}}
				case "by leaving it out":
					g.Orders = nil
				case "by time":
					order.Until = time.Now().Add(g.Skew - time.Second)
					g.Orders = []any{order}
				}
			})
			until(t, "the run is complete", finished(g, "0-off"))
			records, err := g.Run("0-off").Records()
			if err != nil {
				t.Fatal(err)
			}
			states := map[string]telemetry.State{}
			for _, r := range records {
				if c, ok := r.(*telemetry.Coverage); ok {
					states[c.Sensor] = c.State
					if c.Reason == "" {
						t.Errorf("no reason for %s", c.Sensor)
					}
				}
			}
			if diff := cmp.Diff(map[string]telemetry.State{"slow": telemetry.Partial, "never": telemetry.NotCollected}, states); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSwitchedOffBeforeItBegan(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	g.Orders = []any{wire.Instruction{ID: "off", Action: wire.ActionOff, Run: "0-late"}}
	start(t, dir, some("a", 1, 1))
	until(t, "the service is told", finished(g, "0-late"))
	if c := g.Run("0-late").Complete; !c.Failed || c.Reason == "" || c.Segments != 0 {
		t.Errorf("it was told %+v", c)
	}
}

func TestOneAgentAFolderAndItsStatus(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	if _, err := agent.ReadStatus(dir, time.Now()); !errors.Is(err, agent.ErrNoContact) {
		t.Errorf("the status of an agent that does not run: %v", err)
	}
	stop, _ := start(t, dir, some("a", 1, 1))
	until(t, "it beats", func() bool { return len(g.Beats()) > 0 })
	var s agent.Status
	until(t, "its status tells of it", func() bool {
		var err error
		s, err = agent.ReadStatus(dir, time.Now())
		return err == nil && !s.LastContact.IsZero()
	})
	if s.Agent != gatewaytest.AgentID(1) || s.Server != g.URL || len(s.Health) > 0 {
		t.Errorf("the status is %+v", s)
	}
	err := agent.Run(t.Context(), agent.Config{State: dir, Host: &sensor.Host{}})
	if !errors.Is(err, durable.ErrLocked) {
		t.Errorf("a second agent: %v", err)
	}
	stop()
	if _, err := agent.ReadStatus(dir, time.Now()); !errors.Is(err, agent.ErrNoContact) {
		t.Errorf("the status after the end: %v", err)
	}
}
