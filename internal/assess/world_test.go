package assess

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/blob"
	"assay/internal/host"
	"assay/internal/identity"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/store"
	"assay/internal/telemetry"
	"assay/internal/vault"
	"assay/internal/wire"
)

// world is a service on a real database, with a clock and a queue that the test
// drives.
type world struct {
	*Service
	t     testing.TB
	clock *clock
	queue *queue
	blobs *flakyBlobs
	rules *fakePackage
	log   *bytes.Buffer
	keys  int
}

var scope = inspector.Scope{Region: "eu-central-1", Account: "123456789012"}

func newWorld(t testing.TB, change ...func(*Config)) *world {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "assay.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	st.Scope = scope
	ring, err := vault.OpenKeyring(filepath.Join(t.TempDir(), "keyring.json"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, clock: &clock{now: noon}, blobs: &flakyBlobs{Store: blob.NewMemory()},
		rules: &fakePackage{}, log: &bytes.Buffer{},
	}
	w.queue = newQueue(t, st, w.clock)
	config := Config{
		Store: st, Blobs: w.blobs, Keys: ring, Queue: w.queue, Packages: []rules.Package{w.rules},
		Now: w.clock.Now, Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	for _, f := range change {
		f(&config)
	}
	if w.Service, err = New(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	return w
}

// replica is another service on the same database.
func (w *world) replica() *world {
	w.t.Helper()
	other := *w
	var err error
	if other.Service, err = New(w.t.Context(), w.Config); err != nil {
		w.t.Fatal(err)
	}
	return &other
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// flakyBlobs fails as it is told.
type flakyBlobs struct {
	blob.Store
	put, get, delete error
	during           func() // called once, while an object is written
	onGet            func() // called once, when an object is read
}

func (f *flakyBlobs) Put(ctx context.Context, name string, r io.Reader) error {
	if f.put != nil {
		io.CopyN(io.Discard, r, 10)
		return f.put
	}
	if during := f.during; during != nil {
		f.during = nil
		during()
	}
	return f.Store.Put(ctx, name, r)
}

func (f *flakyBlobs) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	if f.get != nil {
		return nil, f.get
	}
	if onGet := f.onGet; onGet != nil {
		f.onGet = nil
		onGet()
	}
	return f.Store.Get(ctx, name)
}

func (f *flakyBlobs) Delete(ctx context.Context, name string) error {
	if f.delete != nil {
		return f.delete
	}
	return f.Store.Delete(ctx, name)
}

func (w *world) objects() []string {
	w.t.Helper()
	var names []string
	err := w.blobs.List(w.t.Context(), "", func(e blob.Entry) error { names = append(names, e.Name); return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return names
}

// fakePackage has one rule about a file and one about a kernel parameter.
type fakePackage struct {
	crash   bool
	observe bool
	sensors []string // default config and kernel
	seen    []*host.Host
}

func (p *fakePackage) Describe() rules.Description {
	sensors := p.sensors
	if sensors == nil {
		sensors = []string{telemetry.SensorConfig, telemetry.SensorKernel}
	}
	return rules.Description{
		ID: inspector.PackagePractices, Name: "Security Best Practices", Version: "1", Observe: p.observe,
		Sensors: sensors,
		Rules: []rules.Rule{
			{ID: "root-login", Title: "Disable root login over SSH", Severity: inspector.Medium, Description: "d", Recommendation: "r"},
			{ID: "aslr", Title: "Enable ASLR", Severity: inspector.Medium, Description: "d", Recommendation: "r"},
		},
	}
}

func (p *fakePackage) Evaluate(_ context.Context, h *host.Host, _ rules.Input) ([]rules.Result, error) {
	p.seen = append(p.seen, h)
	if p.crash {
		panic("with a secret of the host")
	}
	login := rules.Result{Rule: "root-login", Verdict: rules.NotEvaluated, Reason: "sshd_config is not known"}
	if t := h.Text("/etc/ssh/sshd_config"); t.OK() {
		login = rules.Result{Rule: "root-login", Verdict: rules.Passed, Reason: "no root login", Evidence: []rules.Evidence{{
			Sensor: telemetry.SensorConfig, Record: telemetry.Key(t.Value), File: t.Value.Path, Line: 1, Found: t.Value.Text, Expected: "PermitRootLogin no",
		}}}
		if strings.Contains(t.Value.Text, "PermitRootLogin yes") {
			login.Verdict, login.Reason = rules.Failed, "root can log in"
		}
	}
	aslr := rules.Result{Rule: "aslr", Verdict: rules.NotEvaluated}
	if v := h.Parameter("kernel.randomize_va_space"); v.OK() {
		aslr = rules.Result{Rule: "aslr", Verdict: rules.Passed, Reason: "full", Evidence: []rules.Evidence{{
			Sensor: telemetry.SensorKernel, Record: telemetry.Key(v.Value), Found: v.Value.Value, Expected: "2",
		}}}
	} else {
		aslr.Reason = v.Reason
	}
	return []rules.Result{login, aslr}, nil
}

// enrol makes an agent that has been heard of.
func (w *world) enrol(tags ...inspector.Tag) string {
	w.t.Helper()
	token, hash := identity.NewToken()
	err := w.Store.Update(w.t.Context(), func(tx *store.Tx) error {
		return tx.CreateToken(w.t.Context(), store.Token{ID: inspector.NewID(), Hash: hash, Tags: tags, CreatedAt: w.clock.Now(), MaxUses: 1})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.keys++
	agent := w.AgentID(fmt.Appendf(nil, "key %d", w.keys))
	if err := w.Enroll(w.t.Context(), token, agent, facts, "1.0"); err != nil {
		w.t.Fatal(err)
	}
	w.beat(agent)
	return agent
}

var facts = wire.HostFacts{
	Hostname: "web-1", OS: "linux", OSName: "Debian GNU/Linux 12 (bookworm)", Kernel: "6.1.0", Architecture: "x86_64",
	IPv4Addresses: []string{"10.0.0.5"},
}

func (w *world) heartbeat() wire.Heartbeat {
	return wire.Heartbeat{
		Protocol: wire.Version, Version: "1.0", Now: w.clock.Now(), Facts: facts,
		Sensors: []string{telemetry.SensorConfig, telemetry.SensorKernel, telemetry.SensorAccounts, telemetry.SensorSystem, telemetry.SensorPackages},
	}
}

func (w *world) beat(agent string) wire.HeartbeatResponse {
	w.t.Helper()
	return w.say(agent, w.heartbeat())
}

func (w *world) say(agent string, beat wire.Heartbeat) wire.HeartbeatResponse {
	w.t.Helper()
	out, err := w.Heartbeat(w.t.Context(), agent, beat)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return out
}

// template makes a target of all hosts and a template for it.
func (w *world) template(duration time.Duration) inspector.Template {
	w.t.Helper()
	target, err := w.CreateTarget(w.t.Context(), "all", "")
	if err != nil {
		w.t.Fatal(err)
	}
	template, err := w.CreateTemplate(w.t.Context(), inspector.Template{
		Target: target.ID, Name: "Weekly", Duration: duration, Packages: []string{practicesARN()},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return template
}

func practicesARN() string { return scope.PackageARN(inspector.PackagePractices).String() }

// start starts a run and has it collect.
func (w *world) start(template inspector.Template) inspector.Run {
	w.t.Helper()
	run, err := w.StartRun(w.t.Context(), template.ID, "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.mustWork()
	return w.run(run.ID)
}

func (w *world) mustWork() {
	w.t.Helper()
	for _, err := range w.work(true) {
		w.t.Error(err)
	}
}

func (w *world) run(id string) inspector.Run {
	w.t.Helper()
	runs, err := w.Store.Runs(w.t.Context(), []string{id})
	if err != nil {
		w.t.Fatal(err)
	}
	return runs[id]
}

func (w *world) partOfRun(run, agent string) inspector.RunAgent {
	w.t.Helper()
	part, ok, err := w.Store.RunAgent(w.t.Context(), run, agent)
	if err != nil || !ok {
		w.t.Fatalf("the agent %s is not in the run: %v", agent, err)
	}
	return part
}

func (w *world) exclusions(run string) []string {
	w.t.Helper()
	all, _, err := w.Store.ListExclusions(w.t.Context(), run, inspector.Page{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	titles := []string{}
	for _, e := range all {
		titles = append(titles, e.Title)
		if e.Description == "" || e.Recommendation == "" || strings.Contains(e.Description, "%!") || e.ID == "" {
			w.t.Errorf("the exclusion %q is not worded: %+v", e.Title, e)
		}
	}
	return titles
}

func (w *world) findings(run string) []string {
	w.t.Helper()
	all, _, err := w.Store.FindingsOfRun(w.t.Context(), run, inspector.Page{Limit: 100})
	if err != nil {
		w.t.Fatal(err)
	}
	found := []string{}
	for _, f := range all {
		found = append(found, f.Agent+" "+f.FindingID)
	}
	return found
}

// states is the history of a run.
func states(r inspector.Run) []inspector.RunState {
	var all []inspector.RunState
	for _, c := range r.Changes {
		all = append(all, c.State)
	}
	return all
}

// segmentOf writes a segment as an agent does.
func segmentOf(t testing.TB, h telemetry.Header, sensor string, records ...telemetry.Record) []byte {
	t.Helper()
	var out bytes.Buffer
	tw, err := telemetry.NewWriter(&out, h)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := tw.Write(sensor, r); err != nil {
			t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func header(agent, run string, sequence int64, sensor string) telemetry.Header {
	return telemetry.Header{Agent: agent, Version: "1.0", Root: "/", Started: noon, Run: run, Sequence: sequence, OneSensor: sensor}
}

// configSegment and kernelSegment are the whole telemetry of a host for the fake
// package.
func configSegment(t testing.TB, agent, run string, sequence int64, text string) []byte {
	return segmentOf(t, header(agent, run, sequence, telemetry.SensorConfig), telemetry.SensorConfig,
		&telemetry.Text{Path: "/etc/ssh/sshd_config", Text: text, Size: int64(len(text))},
		&telemetry.Coverage{State: telemetry.Complete, Records: 1, Scope: []string{"/etc/**"}})
}

func kernelSegment(t testing.TB, agent, run string, sequence int64) []byte {
	return segmentOf(t, header(agent, run, sequence, telemetry.SensorKernel), telemetry.SensorKernel,
		&telemetry.KernelParameter{Name: "kernel.randomize_va_space", Value: "2"},
		&telemetry.Coverage{State: telemetry.Complete, Records: 1})
}

func (w *world) put(agent, run string, sequence int64, data []byte) {
	w.t.Helper()
	last, err := w.AcceptSegment(w.t.Context(), agent, run, sequence, bytes.NewReader(data))
	if err != nil || last != sequence {
		w.t.Fatalf("segment %d: acknowledged up to %d, %v", sequence, last, err)
	}
}

// collect does an agent's part in a run.
func (w *world) collect(agent, run, text string) {
	w.t.Helper()
	w.beat(agent)
	w.put(agent, run, 1, configSegment(w.t, agent, run, 1, text))
	w.put(agent, run, 2, kernelSegment(w.t, agent, run, 2))
	if err := w.CompleteCollection(w.t.Context(), agent, run, wire.CompleteRequest{Protocol: wire.Version, Segments: 2}); err != nil {
		w.t.Fatal(err)
	}
}
