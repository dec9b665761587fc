package cli_test

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/agent/gatewaytest"
	"assay/internal/telemetry"
	"assay/internal/testenv"
	"assay/internal/wire"
)

// TestKill kills the real program again and again while it collects this host
// and uploads: what was acknowledged stays, and every record comes once.
func TestKill(t *testing.T) {
	g := gatewaytest.New(t)
	g.Hook = func(w http.ResponseWriter, r *http.Request) bool {
		time.Sleep(5 * time.Millisecond) // so that kills hit between the requests, too
		return false
	}
	command := victim(t, g)
	kills := 0
	for ; kills < 60 && g.Run("0-killed").Complete == nil; kills++ {
		var out bytes.Buffer
		c := command()
		c.Stderr = &out
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// Ever longer, so that it comes to its end.
		time.Sleep(time.Duration(rand.IntN(20*(kills+2))) * time.Millisecond)
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := c.Wait(); err == nil || c.ProcessState.ExitCode() >= 0 {
			t.Fatalf("the agent ended by itself: %v\n%s", err, out.String())
		}
	}
	r := g.Run("0-killed")
	if r.Complete == nil || r.Complete.Failed || kills < 2 {
		t.Fatalf("after %d kills the end is %+v", kills, r.Complete)
	}
	t.Logf("complete after %d kills: %d segments in %d requests", kills, len(r.Segments), r.Puts)
	once(t, r)
}

// TestKillBetweenEachDurablePair kills the real program at every request of a
// run twice: before the service has done anything, and when it has and the
// agent does not know.
func TestKillBetweenEachDurablePair(t *testing.T) {
	g := gatewaytest.New(t)
	command := victim(t, g)
	var mu sync.Mutex
	var running *exec.Cmd
	met := map[string]int{}
	g.Hook = func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.Contains(r.URL.Path, "/runs/") {
			return false
		}
		mu.Lock()
		defer mu.Unlock()
		met[r.URL.Path]++
		switch met[r.URL.Path] {
		case 1:
			running.Process.Kill()
			return true
		case 2:
			g.Answer(httptest.NewRecorder(), r)
			running.Process.Kill()
			return true
		}
		return false
	}
	kills := 0
	for ; kills < 100 && g.Run("0-killed").Complete == nil; kills++ {
		mu.Lock()
		running = command()
		err := running.Start()
		mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		if err := running.Wait(); err == nil {
			t.Fatal("the agent ended by itself")
		}
	}
	r := g.Run("0-killed")
	if want := 2 * (len(r.Segments) + 1); kills != want {
		t.Errorf("there were %d kills for %d segments, want %d", kills, len(r.Segments), want)
	}
	once(t, r)
}

// ordered are the sensors that a killed run collects.
func ordered() []string {
	return []string{telemetry.SensorSystem, telemetry.SensorKernel, telemetry.SensorAccounts, telemetry.SensorPackages, telemetry.SensorNetwork}
}

// victim enrols the real program and orders a run, and returns what makes the
// command that runs it.
func victim(t *testing.T, g *gatewaytest.Gateway) func() *exec.Cmd {
	t.Helper()
	program, dir := build(t), t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, g.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	command := func(args ...string) *exec.Cmd {
		c := exec.Command(program, append(args, "-state", filepath.Join(dir, "state"))...)
		c.Env = []string{"ASSAY_AGENT_CA=" + ca, "ASSAY_AGENT_SERVER=" + g.URL}
		return c
	}
	enroll := command("enroll", "-token-file", "-")
	enroll.Stdin = strings.NewReader(gatewaytest.Token + "\n")
	if out, err := enroll.CombinedOutput(); err != nil {
		t.Fatalf("enrol: %v\n%s", err, out)
	}
	g.Do(func() {
		g.Orders = []any{wire.Instruction{ID: "on", Action: wire.ActionOn, Run: "0-killed", Sensors: ordered(), Until: time.Now().Add(time.Hour).UTC()}}
	})
	return func() *exec.Cmd { return command("run") }
}

// build builds the agent as it is shipped.
func build(t testing.TB) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "assay-agent")
	c := exec.Command(testenv.Need(t, "go", "golang-go"), "build", "-trimpath", "-ldflags", "-s -w", "-o", program, "assay/cmd/assay-agent")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build the agent: %v\n%s", err, out)
	}
	return program
}

// once checks that every sensor has said its last word once, and that its
// records are those that it counted.
func once(t *testing.T, r gatewaytest.Run) {
	t.Helper()
	records, err := r.Records()
	if err != nil {
		t.Fatal(err)
	}
	count, words := map[string]int64{}, map[string]int{}
	for _, rec := range records {
		name := telemetry.SensorOf(rec)
		c, ok := rec.(*telemetry.Coverage)
		if !ok {
			count[name]++
			continue
		}
		if words[name]++; c.Records != count[name] {
			t.Errorf("the coverage of %s counts %d records, %d came", name, c.Records, count[name])
		}
	}
	for _, name := range ordered() {
		if words[name] != 1 {
			t.Errorf("the sensor %s has said %d times how it fared", name, words[name])
		}
	}
}
