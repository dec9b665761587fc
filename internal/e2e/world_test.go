package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"assay/internal/cli"
	"assay/internal/service"
)

// The test binary is also the service's program: so a test can stand between the
// service's parts (service.Hooks) in a process that it can kill.
const (
	envServe = "ASSAY_E2E_SERVE" // the configuration, as JSON
	envCrash = "ASSAY_E2E_CRASH" // "point:n": kill yourself when that point is passed for the nth time
	envDump  = "ASSAY_E2E_DUMP"  // a folder for every request that comes to the agents' door
	envStage = "ASSAY_E2E_STAGE" // be process 1 of the stage in this folder
)

var agentProgram string

func TestMain(m *testing.M) {
	if config := os.Getenv(envServe); config != "" {
		os.Exit(serve(config, os.Getenv(envCrash)))
	}
	if os.Getenv(envIsland) != "" {
		live()
		os.Exit(0)
	}
	if root := os.Getenv(envStage); root != "" {
		fmt.Fprintln(os.Stderr, "process 1 of the stage:", first(root))
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "assay-e2e-")
	if err != nil {
		panic(err)
	}
	agentProgram = filepath.Join(dir, "assay-agent")
	build := exec.Command("go", "build", "-o", agentProgram, "assay/cmd/assay-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the agent: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// world is a service in a process of its own, and an agent in another.
type world struct {
	t      *testing.T
	config service.Config
	state  string // the agent's folder
	log    *lines // of all processes

	service, agent *process

	there func(start func()) // starts the agent elsewhere; nil: here
}

// newWorld makes a world in which nothing runs yet. The addresses stay the same
// over restarts, as a deployment's do.
func newWorld(t *testing.T, database string) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{
		t:     t,
		state: filepath.Join(dir, "agent"),
		log:   &lines{},
		config: service.Config{
			Data: filepath.Join(dir, "data"), API: freeAddress(t), Gateway: freeAddress(t), Database: database,
			Interval: time.Second, Grace: time.Minute, Lease: 3 * time.Second, Version: "e2e",
		},
	}
	t.Cleanup(func() {
		w.agent.kill()
		w.service.kill()
		if t.Failed() {
			t.Logf("what the programs said:\n%s", w.log.String())
		}
	})
	return w
}

// freeAddress is an address that nobody listens on, and that the kernel gives to nobody who
// connects: also while the service is down it stays the service's.
func freeAddress(t *testing.T) string {
	t.Helper()
	for {
		address := fmt.Sprintf("127.0.0.1:%d", 10_000+rand.IntN(10_000)) // below ip_local_port_range
		if _, taken := addresses.LoadOrStore(address, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
}

// addresses are those that tests of this process have.
var addresses sync.Map

// startService starts the service and waits until it answers. crash is "" or a
// point at which it kills itself.
func (w *world) startService(crash string) {
	w.t.Helper()
	config, err := json.Marshal(w.config)
	if err != nil {
		w.t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	w.service = w.start("service", self, nil, envServe+"="+string(config), envCrash+"="+crash)
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if code, _, _ := w.tryAssay("agents"); code == 0 {
			return
		}
		if w.service.ended() {
			break
		}
	}
	if crash == "" {
		w.t.Fatal("the service did not start")
	}
}

// startAgent starts the agent, enrolling it at the first time.
func (w *world) startAgent(tags ...string) {
	w.t.Helper()
	if _, err := os.Stat(filepath.Join(w.state, "identity.json")); err != nil {
		token := w.token(tags...)
		cmd := exec.Command(agentProgram, "enroll", "-server", "https://"+w.config.Gateway, "-ca", service.Folder(w.config.Data).CA(), "-state", w.state)
		cmd.Env = append(os.Environ(), "ASSAY_AGENT_TOKEN="+token)
		if out, err := cmd.CombinedOutput(); err != nil {
			w.t.Fatalf("enrol: %v\n%s", err, out)
		}
	}
	args := []string{"run", "-state", w.state, "-log-level", "debug"}
	if w.there == nil {
		w.agent = w.start("agent", agentProgram, args)
		return
	}
	cmd := exec.Command(agentProgram, args...)
	cmd.Env = os.Environ()
	w.there(func() { w.agent = w.run("agent", cmd) })
}

// heard waits until the service has heard of the agent.
func (w *world) heard() {
	w.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var agents []struct{ Health string }
		out, _ := w.assay(0, "agents", "-json")
		if json.Unmarshal([]byte(out), &agents) == nil && len(agents) == 1 && agents[0].Health == "HEALTHY" {
			return
		}
	}
	w.t.Fatal("the agent was not heard of")
}

func (w *world) token(tags ...string) string {
	w.t.Helper()
	args := []string{"agents", "token", "-json"}
	for _, tag := range tags {
		args = append(args, "-tag", tag)
	}
	out, _ := w.assay(0, args...)
	var token struct{ Token string }
	if err := json.Unmarshal([]byte(out), &token); err != nil || token.Token == "" {
		w.t.Fatalf("the token is %q, %v", out, err)
	}
	return token.Token
}

// assay runs the operator's command line in this process and wants its exit code
// (-1: any).
func (w *world) assay(want int, args ...string) (stdout, stderr string) {
	w.t.Helper()
	code, stdout, stderr := w.tryAssay(args...)
	if want >= 0 && code != want {
		w.t.Fatalf("assay %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), code, want, stdout, stderr)
	}
	return stdout, stderr
}

func (w *world) tryAssay(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	c := cli.Command{Args: args, Getenv: w.getenv, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	code = c.Run(w.t.Context())
	return code, out.String(), errs.String()
}

func (w *world) getenv(name string) string {
	if name == "ASSAY_DATA" {
		return w.config.Data
	}
	return ""
}

// environment is what `assay env` prints, for the real clients.
func (w *world) environment() []string {
	w.t.Helper()
	out, _ := w.assay(0, "env")
	env := []string{"PATH=/usr/bin:/bin", "HOME=" + w.t.TempDir(), "AWS_EC2_METADATA_DISABLED=true"}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		env = append(env, name+"="+strings.Trim(value, "'"))
	}
	return env
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// process is a program that was started.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func (w *world) start(name, program string, args []string, env ...string) *process {
	w.t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return w.run(name, cmd)
}

// run starts a program whose output goes to the log.
func (w *world) run(name string, cmd *exec.Cmd) *process {
	w.t.Helper()
	cmd.Stdout, cmd.Stderr = w.log.of(name), w.log.of(name)
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	p := &process{cmd, make(chan struct{})}
	go func() { cmd.Wait(); close(p.done) }()
	return p
}

// kill is kill -9.
func (p *process) kill() {
	if p == nil {
		return
	}
	p.cmd.Process.Kill()
	<-p.done
}

// end is what a service manager does first.
func (p *process) end(t *testing.T) {
	t.Helper()
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	<-p.done
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// wait waits until the program has ended by itself.
func (p *process) wait(ctx context.Context) bool {
	select {
	case <-p.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// lines collects what programs print.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) of(name string) *prefixed { return &prefixed{l, name} }

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

type prefixed struct {
	to   *lines
	name string
}

func (p *prefixed) Write(b []byte) (int, error) {
	p.to.mu.Lock()
	defer p.to.mu.Unlock()
	for line := range bytes.Lines(b) {
		fmt.Fprintf(&p.to.text, "%s: %s", p.name, line)
	}
	return len(b), nil
}
