package e2e

import (
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/internal/service"
)

// A service that is stopped (SIGTERM) or killed and started again while the
// command line waits for a run: the command goes on waiting, and its exit code and
// output are the run's.
func TestServiceRestartsWhileAssessWaits(t *testing.T) {
	t.Parallel() // the agent is aside
	for name, signal := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "")
			w.startService("")
			w.aside()
			w.startAgent()
			w.heard()
			w.sdk().template() // and its target, "all"
			want, _ := w.assay(-1, "assess", "-json", "all")

			type result struct {
				code   int
				stdout string
				stderr string
			}
			ended := make(chan result, 1)
			go func() {
				code, stdout, stderr := w.tryAssay("assess", "-json", "all")
				ended <- result{code, stdout, stderr}
			}()
			runs := func() string { out, _ := w.assay(0, "runs"); return out }
			for deadline := time.Now().Add(time.Minute); !strings.Contains(runs(), "collecting data"); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("no run began:\n%s", runs())
				}
			}
			if err := w.service.cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			if !w.service.wait(t.Context()) {
				t.Fatal("the service did not end")
			}
			if code := w.service.cmd.ProcessState.ExitCode(); signal == syscall.SIGTERM && code != 0 {
				t.Errorf("after SIGTERM in a run the exit code is %d", code)
			}
			time.Sleep(time.Second) // longer than a try of the command line
			w.startService("")
			got := <-ended
			if titles(got.stdout) != titles(want) || got.stdout == "" {
				t.Errorf("exit code %d, %q; it found\n%s\nwant\n%s", got.code, got.stderr, titles(got.stdout), titles(want))
			}
		})
	}
}

// titles are the lines of a JSON document that have findings' titles, each once: what
// else runs on the machine decides how urgent a vulnerability is, and in how many
// containers it is.
func titles(document string) string {
	var found []string
	for line := range strings.Lines(document) {
		if strings.Contains(line, `"title"`) {
			found = append(found, line)
		}
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), "")
}

// An agent of another deployment trusts another authority, and no service trusts
// its certificate: neither talks to the other, whatever the address.
func TestAgentOfAnotherAuthority(t *testing.T) {
	home, other := newWorld(t, ""), newWorld(t, "")
	home.startService("")
	home.startAgent()
	home.heard()
	home.agent.kill()
	home.service.kill()

	// The address of the one is now the other's, as after a new installation.
	other.config.Gateway = home.config.Gateway
	other.startService("")
	home.startAgent()
	for deadline := time.Now().Add(time.Minute); !strings.Contains(home.log.String(), "certificate"); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the agent does not say that it does not trust the service")
		}
	}
	if out, _ := other.assay(0, "agents", "-json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("the other service knows the agents %s", out)
	}
	// It does not help to name the other's authority without a token of it.
	enroll := exec.Command(agentProgram, "enroll", "-force", "-server", "https://"+other.config.Gateway,
		"-ca", service.Folder(other.config.Data).CA(), "-state", t.TempDir())
	enroll.Env = []string{"ASSAY_AGENT_TOKEN=" + strings.Repeat("x", 40)}
	if out, err := enroll.CombinedOutput(); err == nil || !strings.Contains(string(out), "token") {
		t.Errorf("enrolling with a token that is none: %v\n%s", err, out)
	}
}
