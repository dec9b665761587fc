package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"

	"assay/internal/cli"
	"assay/internal/testenv"
)

// TestWatched has somebody watch a run while programs are executed on its host: each
// shows before the run is over, and the watching ends with the run.
func TestWatched(t *testing.T) {
	testenv.NeedRoot(t)
	w := newWorld(t, "")
	w.startService("")
	w.startAgent()
	w.heard()
	sdk := w.sdk()
	run := sdk.startRun(sdk.templateOf(sdk.packages(func(name string) bool { return name == behaviorName })))
	seen := w.watch("runs", "watch", "-json", run)
	seen.until("the host collects", func(e watched) bool { return e.Status.State == "started" })
	w.until("the agent observes", func() bool { return strings.Contains(w.log.String(), "a sensor observes") })
	time.Sleep(time.Second) // it has begun to; an execution that is too early is not seen, and not the point here
	secret := "watched-" + filepath.Base(t.TempDir())
	for n := range watchedPrograms {
		program := filepath.Join(t.TempDir(), "program"+string(rune('a'+n)))
		text, err := os.ReadFile("/bin/sleep")
		must(t, err)
		must(t, os.WriteFile(program, text, 0o755))
		began := time.Now()
		must(t, exec.Command(program, "0.1", secret).Start())
		e := seen.until("an execution of "+program, func(e watched) bool {
			return e.Kind == "execution" && (e.Record.Path == program || e.Record.Name == filepath.Base(program))
		})
		t.Logf("from the execution to the service %v, to its line %v", e.Received.Sub(began).Round(10*time.Millisecond), time.Since(began).Round(10*time.Millisecond))
		if e.Host == "" || e.Agent == "" || e.Received.IsZero() {
			t.Errorf("%+v", e)
		}
		time.Sleep(time.Duration(n) * 300 * time.Millisecond)
	}
	if state := sdk.state(run); state != "COLLECTING_DATA" {
		t.Errorf("the run is %s when what happens shows", state)
	}
	_, err := sdk.StopAssessmentRun(t.Context(), &inspector.StopAssessmentRunInput{AssessmentRunArn: aws.String(run), StopAction: types.StopActionStartEvaluation})
	must(t, err)
	seen.until("activity is done", func(e watched) bool {
		return e.Kind == "sensor" && e.Sensor == "activity" && e.Record.Type == "coverage"
	})
	seen.until("the summary", func(e watched) bool { return e.Kind == "summary" && e.Counts["executions"] >= watchedPrograms })
	code := cli.ExitIncomplete
	if sdk.state(run) == "COMPLETED" {
		code = cli.ExitClean
	}
	if got := <-seen.code; got != code {
		t.Errorf("it ends with %d, want %d", got, code)
	}
	if strings.Contains(seen.all.String(), secret) {
		t.Error("an argument is told")
	}
	// Whoever comes later sees the same, as long as the telemetry is there.
	if out, _ := w.assay(code, "runs", "watch", run); !strings.Contains(out, "programa") || strings.Contains(out, "\x1b") {
		t.Errorf("afterwards it prints\n%s", out)
	}
}

const watchedPrograms = 3

// watched is a line of assay runs watch -json.
type watched struct {
	Received          time.Time
	Agent, Host, Kind string
	Sensor            string
	Record            struct{ Type, Path, Name string }
	Status            struct{ State string }
	Counts            map[string]int
}

// watching is a command that goes on.
type watching struct {
	t    *testing.T
	out  *bufio.Reader
	all  strings.Builder
	code chan int
}

// watch starts a command of the operator's.
func (w *world) watch(args ...string) *watching {
	r, out := io.Pipe()
	s := &watching{t: w.t, out: bufio.NewReader(r), code: make(chan int, 1)}
	c := cli.Command{Args: args, Getenv: w.getenv, Stdin: strings.NewReader(""), Stdout: out, Stderr: w.log.of("watch")}
	go func() {
		s.code <- c.Run(w.t.Context())
		out.Close()
	}()
	w.t.Cleanup(func() { r.Close() })
	return s
}

// until reads up to a line.
func (s *watching) until(what string, is func(watched) bool) watched {
	s.t.Helper()
	for {
		line, err := s.out.ReadString('\n')
		s.all.WriteString(line)
		if err != nil {
			s.t.Fatalf("no line that %s: %v\n%s", what, err, s.all.String())
		}
		var e watched
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			s.t.Fatalf("%v: %s", err, line)
		}
		if is(e) {
			return e
		}
	}
}
