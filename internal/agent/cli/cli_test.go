package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"assay/internal/agent"
	"assay/internal/agent/cli"
	"assay/internal/agent/gatewaytest"
	"assay/internal/sensor"
	"assay/internal/telemetry"
)

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

type fake struct {
	name     string
	live     bool
	coverage telemetry.Coverage
}

func (f fake) Describe() sensor.Description {
	return sensor.Description{Name: f.name, Summary: "A test's.", Reads: []string{"/etc/" + f.name}, Never: []string{"keys"}, Live: f.live, Optional: f.name == "asked"}
}

func (f fake) Collect(_ context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if f.live && !host.Live {
		return sensor.NotLive(), nil
	}
	return f.coverage, emit(&telemetry.KernelParameter{Name: f.name})
}

// watcher observes until it is told to stop.
type watcher struct{ fake }

func (w watcher) Describe() sensor.Description {
	d := w.fake.Describe()
	d.Observes = true
	return d
}

func (w watcher) Observe(ctx context.Context, _ *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	<-ctx.Done()
	return w.coverage, emit(&telemetry.KernelParameter{Name: w.name})
}

func sensors() []sensor.Sensor {
	return []sensor.Sensor{
		fake{"whole", false, telemetry.Coverage{State: telemetry.Complete}},
		fake{"live", true, telemetry.Coverage{State: telemetry.Complete}},
		fake{"half", false, telemetry.Coverage{State: telemetry.Denied, Reason: "it was not allowed"}},
		fake{"asked", false, telemetry.Coverage{State: telemetry.Failed, Reason: "it is asked for"}},
		watcher{fake{"watcher", true, telemetry.Coverage{State: telemetry.Complete}}},
	}
}

// buffer is safe for concurrent use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

type result struct {
	code     int
	out, err string
}

// run runs a command with an environment that has no settings of this machine.
func run(t *testing.T, ctx context.Context, env []string, stdin string, args ...string) result {
	t.Helper()
	var out, errs buffer
	c := &cli.Cmd{
		Args: args, Env: append([]string{"ASSAY_AGENT_CONFIG=" + emptyConfig(t)}, env...),
		Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs, Version: "1.2.3", Sensors: sensors(),
	}
	code := c.Run(ctx)
	return result{code, out.String(), errs.String()}
}

func emptyConfig(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "agent.cfg")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestExitCodes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "snapshot")
	tests := []struct {
		args string
		code int
		want string // in either output
	}{
		{"", 2, "usage"},
		{"-help", 0, "collect"},
		{"help", 0, "collect"},
		{"nonsense", 2, "no command"},
		{"version", 0, "1.2.3"},
		{"version more", 2, "too many"},
		{"run -help", 0, "-spool-limit"},
		{"run -nonsense", 2, "nonsense"},
		{"run -spool-limit 0", 2, "greater"},
		{"run -state " + dir + "/none", 3, "not enrolled"},
		{"status -state " + dir + "/none", 3, "cannot be contacted"},
		{"status -state " + dir + "/none -json", 3, "cannot be contacted"},
		{"sensors", 0, "never  keys"},
		{"collect", 2, "-o is missing"},
		{"collect -sensors none -o " + file, 2, `no sensor "none"`},
		{"collect -sensors whole,live -o " + file, 0, ""},
		{"collect -sensors asked -o " + file, 3, "asked: failed: it is asked for"},
		{"collect -o " + file, 3, "half: denied: it was not allowed"},
		{"collect -root " + dir + " -sensors whole,live -o " + file, 0, ""},
		{"collect -sensors watcher -o " + file, 2, "-observe"},
		{"collect -observe -1s -o " + file, 2, "-observe"},
		{"collect -observe-with bpf -o " + file, 2, "-observe-with: there is no way to observe that is called \"bpf\""},
		{"run -observe-with ebpf, -state " + dir, 2, "-observe-with: there is no way"},
		{"collect -sensors watcher -observe 1ms -json -o " + file, 0, `"records": 1`},
		{"collect -root " + dir + "/missing -o " + file, 3, "missing"},
		{"collect -o " + dir + "/missing/snapshot", 3, "missing"},
		{"enroll -state " + dir + "/s", 2, "-server"},
		{"enroll -server https://127.0.0.1:1 -state " + dir + "/s", 2, "-token"},
		{"enroll -server http://127.0.0.1:1 -token x -state " + dir + "/s", 3, "https://"},
		{"enroll -server https://127.0.0.1:1 -token x -ca a -ca-pin b -state " + dir + "/s", 2, "exclude"},
		{"enroll -server https://127.0.0.1:1 -token x -ca-pin sha256:12 -state " + dir + "/s", 2, "64 hexadecimal"},
		{"enroll -server https://127.0.0.1:1 -token x -ca " + dir + "/none -state " + dir + "/s", 3, "read the CA"},
		{"status -config " + dir + "/none.cfg", 2, "none.cfg"},
	}
	for _, test := range tests {
		r := run(t, t.Context(), nil, "", strings.Fields(test.args)...)
		if r.code != test.code || !strings.Contains(r.out+r.err, test.want) {
			t.Errorf("%q: exit %d, want %d with %q:\n%s%s", test.args, r.code, test.code, test.want, r.out, r.err)
		}
	}
}

// Who asks for all sensors does not get those that are optional.
func TestOptionalSensors(t *testing.T) {
	r := run(t, t.Context(), nil, "", "collect", "-json", "-o", filepath.Join(t.TempDir(), "snapshot"))
	if !strings.Contains(r.out, `"whole"`) || strings.Contains(r.out+r.err, "asked") {
		t.Errorf("%s%s", r.out, r.err)
	}
}

func TestSensorsAsJSON(t *testing.T) {
	r := run(t, t.Context(), nil, "", "sensors", "-json")
	var got []sensor.Description
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	var want []sensor.Description
	for _, s := range sensors() {
		want = append(want, s.Describe())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFromEnrolmentToStatus goes the way of an operator, with settings in each
// of the places where they can be.
func TestFromEnrolmentToStatus(t *testing.T) {
	g := gatewaytest.New(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", string(g.CA))
	config := write("agent.cfg", "# settings\nstate = "+dir+"/state\nserver = https://127.0.0.1:1\nca=/nonexistent\n")
	write("agent.env", "# more\nexport ASSAY_AGENT_SERVER=\""+g.URL+"\"\nASSAY_AGENT_CA="+ca+"\nhttps_proxy=http://127.0.0.1:1\nno_proxy=127.0.0.1\n")
	env := []string{"ASSAY_AGENT_CONFIG=" + config}

	r := run(t, t.Context(), env, gatewaytest.Token+"\n", "enroll", "-token-file", "-", "-json")
	if r.code != 0 || !strings.Contains(r.out, gatewaytest.AgentID(1)) || !strings.Contains(r.out, g.URL) {
		t.Fatalf("enrol: %+v", r)
	}
	if r = run(t, t.Context(), env, gatewaytest.Token, "enroll", "-token-file", "-"); r.code != 3 || !strings.Contains(r.err, "-force") {
		t.Errorf("enrolling again: %+v", r)
	}
	if r = run(t, t.Context(), env, gatewaytest.Token, "enroll", "-token-file", "-", "-force"); r.code != 0 || !strings.Contains(r.out, gatewaytest.AgentID(2)) {
		t.Errorf("enrolling again by force: %+v", r)
	}
	noSecrets(t, dir)

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan result)
	go func() { done <- run(t, ctx, env, "", "run") }()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		r = run(t, t.Context(), env, "", "status", "-json")
		if r.code == 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the status never came: %+v", r)
		}
	}
	var s agent.Status
	if err := json.Unmarshal([]byte(r.out), &s); err != nil || s.Agent != gatewaytest.AgentID(2) || s.Version != "1.2.3" {
		t.Errorf("the status is %v %+v", err, s)
	}
	if r = run(t, t.Context(), env, "", "status"); r.code != 0 || !strings.Contains(r.out, "healthy") {
		t.Errorf("the status: %+v", r)
	}
	if r = run(t, t.Context(), env, "", "enroll", "-token", "x", "-force"); r.code != 3 || !strings.Contains(r.err, "stop it") {
		t.Errorf("enrolling under a running agent: %+v", r)
	}
	if r = run(t, t.Context(), env, "", "run"); r.code != 3 || !strings.Contains(r.err, "another process uses") {
		t.Errorf("a second agent: %+v", r)
	}
	stop()
	if r := <-done; r.code != 0 {
		t.Errorf("the agent ended with %+v", r)
	}
	if r = run(t, t.Context(), env, "", "status"); r.code != 3 || !strings.HasPrefix(r.out, "Kernel ") {
		t.Errorf("the status after the end: %+v", r)
	}
}

// noSecrets checks that the token is kept nowhere, and who may read the rest.
func noSecrets(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(dir, "state"), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has the mode %s", path, info.Mode())
		}
		if d.IsDir() {
			return nil
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(gatewaytest.Token)) {
			t.Errorf("the token is in %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestRunEnrolsFirst(t *testing.T) {
	g := gatewaytest.New(t)
	dir := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan result)
	env := []string{"ASSAY_AGENT_STATE=" + dir + "/state", "ASSAY_AGENT_SERVER=" + g.URL, "ASSAY_AGENT_CA_PIN=" + g.Pin, "ASSAY_AGENT_TOKEN=" + gatewaytest.Token}
	go func() { done <- run(t, ctx, env, "", "run") }()
	for end := time.Now().Add(time.Minute); len(g.Beats()) == 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	stop()
	r := <-done
	if r.code != 0 || len(g.Beats()) == 0 || strings.Contains(r.err, gatewaytest.Token) {
		t.Errorf("it ended with %+v", r)
	}
}

func TestBadSettings(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ name, text, want string }{
		{"agent.cfg", "nonsense = 1\n", "agent.cfg:1"},
		{"agent.cfg", "server\n", "agent.cfg:1"},
		{"agent.cfg", "\n\nspool-limit = s3cret\n", "spool-limit"},
		{"agent.cfg", strings.Repeat("#\n", 40_000), "more than"},
		{"agent.env", "not a variable\n", "line 1"},
	}
	for _, test := range tests {
		config := filepath.Join(dir, "agent.cfg")
		for _, name := range []string{"agent.cfg", "agent.env"} {
			text := ""
			if name == test.name {
				text = test.text
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		r := run(t, t.Context(), nil, "", "run", "-config", config)
		if r.code != 2 || !strings.Contains(r.err, test.want) || strings.Contains(r.err, "s3cret") {
			t.Errorf("%s with %.20q: %+v", test.name, test.text, r)
		}
	}
}
