package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/internal/api/model"
	"assay/internal/service"
)

// deployment is a service in this process that knows of nothing yet.
func deployment(t *testing.T) map[string]string {
	t.Helper()
	return deploymentOf(t, service.Config{})
}

func deploymentOf(t *testing.T, config service.Config) map[string]string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	config.Data, config.API, config.Gateway, config.Interval = data, "127.0.0.1:0", "127.0.0.1:0", time.Second
	s, err := service.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return map[string]string{"ASSAY_DATA": data}
}

func TestNamesThatAreUnknown(t *testing.T) {
	env := deployment(t)
	const run0 = "arn:aws:inspector:xx-local-1:111122223333:target/0-aaaaaaaa/template/0-bbbbbbbb/run/0-cccccccc"
	for _, test := range []struct{ args, want string }{
		{"assess nowhere", `no assessment target "nowhere"`},
		{"assess *", `no assessment target "*"`},
		{"assess arn:aws:inspector:xx-local-1:111122223333:target/0-aaaaaaaa", "NoSuchEntity"},
		{"findings", "no assessment run is over yet"},
		{"findings 0-cccccccc", `no assessment run "0-cccccccc"`},
		{"findings " + run0, "no assessment run"},
		{"findings " + run0 + "/finding/0-dddddddd", "something else than an assessment run"},
		{"results", "no assessment run is over yet"},
		{"results 0-cccccccc", `no assessment run "0-cccccccc"`},
		{"results " + run0, "no assessment run"},
		{"explain 0-dddddddd", "no assessment run is over yet"},
		{"explain -run " + run0 + " 0-dddddddd", "no finding"},
		{"explain -run " + run0 + " ../../etc/passwd", "passwd"},
		{"explain " + run0, "InvalidInputException"},
		{"explain " + run0 + "/finding/0-dddddddd", "no finding"},
		{"agents revoke i-0123456789abcdef0", "no agent i-0123456789abcdef0"},
		{"agents revoke nonsense", "no agent nonsense"},
	} {
		code, stdout, stderr := run(t.Context(), env, strings.Fields(test.args)...)
		if code != ExitIncomplete || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("assay %s: exit code %d, %q, want an error with %q", test.args, code, stderr, test.want)
		}
	}
}

func TestEmptyListsAndTokens(t *testing.T) {
	env := deployment(t)
	for _, args := range []string{"runs -json", "agents -json", "agents list -json"} {
		if code, stdout, stderr := run(t.Context(), env, strings.Fields(args)...); code != ExitClean || stdout != "[]\n" {
			t.Errorf("assay %s: exit code %d, %q, %q", args, code, stdout, stderr)
		}
	}
	var token struct {
		Token, Gateway string
		ExpiresAt      time.Time
	}
	_, stdout, _ := run(t.Context(), env, "agents", "token", "-valid", "2160h", "-uses", "3", "-tag", "a=b=c", "-tag", "x=", "-json")
	if err := json.Unmarshal([]byte(stdout), &token); err != nil || token.Token == "" || time.Until(token.ExpiresAt) < 2159*time.Hour {
		t.Errorf("the token is %q, %v", stdout, err)
	}
	_, stdout, stderr := run(t.Context(), env, "agents", "token")
	if !strings.HasPrefix(stdout, "assay-enroll-") || strings.Count(stdout, "\n") != 1 {
		t.Errorf("a script that wants the token gets %q", stdout)
	}
	if !strings.Contains(stderr, "assay-agent enroll -server https://localhost:") || !strings.Contains(stderr, "-ca-pin sha256:") {
		t.Errorf("a token comes with\n%s", stderr)
	}
}

// A run of no hosts is no clean one, and says so with its exit code.
func TestTargetWithoutHosts(t *testing.T) {
	env := deployment(t)
	c := &Command{Getenv: func(name string) string { return env[name] }}
	client, err := c.newClient(env["ASSAY_DATA"])
	if err != nil {
		t.Fatal(err)
	}
	defer client.http.CloseIdleConnections()
	if _, err := client.thisHost(t.Context()); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t.Context(), env, "assess", thisHost)
	if code != ExitIncomplete {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// Templates are made once for a duration and packages, whatever others there are.
func TestTemplatesAreFoundAgain(t *testing.T) {
	env := deployment(t)
	c := &Command{Getenv: func(name string) string { return env[name] }}
	client, err := c.newClient(env["ASSAY_DATA"])
	if err != nil {
		t.Fatal(err)
	}
	defer client.http.CloseIdleConnections()
	target, err := client.thisHost(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := client.thisHost(t.Context()); err != nil || again != target {
		t.Errorf("the target is made again: %s, %v", again, err)
	}
	var packages model.ListRulesPackagesResponse
	if err := client.inspector(t.Context(), "ListRulesPackages", map[string]any{}, &packages); err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for range 2 {
		for _, duration := range []time.Duration{time.Hour, 15 * time.Minute} {
			// A template that has the name and other packages, as after an update.
			if len(made) < 2 {
				other := map[string]any{"assessmentTargetArn": target, "assessmentTemplateName": fmt.Sprintf("assay assess %s %d packages", duration, len(packages.RulesPackageArns)),
					"durationInSeconds": 180, "rulesPackageArns": packages.RulesPackageArns}
				if err := client.inspector(t.Context(), "CreateAssessmentTemplate", other, nil); err != nil {
					t.Fatal(err)
				}
			}
			arn, err := client.template(t.Context(), target, duration, packages.RulesPackageArns)
			if err != nil {
				t.Fatal(err)
			}
			made[arn] = true
		}
	}
	if len(made) != 2 {
		t.Errorf("%d templates were made for two durations", len(made))
	}
}

// A service that a signal ends has exit code 0, and lets go of its folder.
func TestServeUntilSignalled(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	args := []string{"serve", "-data", data, "-api", "127.0.0.1:0", "-gateway", "127.0.0.1:0"}
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(data, "client.json")); err == nil {
					cancel()
				}
			}
		}()
		if code, _, stderr := run(ctx, nil, args...); code != ExitClean {
			t.Fatalf("exit code %d: %s", code, stderr)
		}
		cancel()
		if err := os.Remove(filepath.Join(data, "client.json")); err != nil {
			t.Fatal(err)
		}
	}
}

// agentScript is an agent program: what it does for enroll, and for run.
func agentScript(t *testing.T, enroll, run string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent")
	text := "#!/bin/sh\nverb=$1; shift\nwhile [ $# -gt 0 ]; do case $1 in -state) state=$2;; -server) server=$2;; esac; shift; done\n" +
		"case $verb in\nenroll) " + enroll + ";;\nrun) " + run + ";;\nesac\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

const enrols = `mkdir -p "$state"; printf '{"agent":"i-0123456789abcdef0","server":"%s"}' "$server" >"$state/identity.json"`

// However the agent fails, try ends at once, says so, and leaves nothing running.
func TestTryWithBadAgents(t *testing.T) {
	for name, test := range map[string]struct{ enroll, run, want string }{
		"it cannot enrol":       {`echo no luck; exit 3`, "exit 0", "enrol this host: exit status 3: no luck"},
		"it ends at once":       {enrols, "exit 4", "the agent has ended (exit status 4)"},
		"its identity is wrong": {`mkdir -p "$state"; echo nonsense >"$state/identity.json"`, "exit 0", "read who the agent of this host is"},
	} {
		t.Run(name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			code, stdout, stderr := run(t.Context(), nil, "try", "-data", data, "-agent", agentScript(t, test.enroll, test.run))
			if code != ExitIncomplete || !strings.Contains(stderr, test.want) || stdout != "" {
				t.Errorf("exit code %d, output %q, error %q, want one with %q", code, stdout, stderr, test.want)
			}
		})
	}
	code, _, stderr := run(t.Context(), nil, "try", "-data", filepath.Join(t.TempDir(), "data"), "-agent", "/nonexistent/agent")
	if code != ExitIncomplete || !strings.Contains(stderr, "/nonexistent/agent") {
		t.Errorf("exit code %d, %q", code, stderr)
	}
}

// Ctrl-C stops the agent with a signal that it can catch, and then the service.
func TestTryInterrupted(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	agent := agentScript(t, enrols, `trap 'echo stopped >"$state/stopped"; exit 0' INT; echo on >"$state/on"; while :; do sleep 0.05; done`)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ; ctx.Err() == nil; time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(filepath.Join(data, "agent", "on")); err == nil {
				cancel()
			}
		}
	}()
	code, _, stderr := run(ctx, nil, "try", "-data", data, "-agent", agent)
	if code != ExitIncomplete {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	if _, err := os.Stat(filepath.Join(data, "agent", "stopped")); err != nil {
		t.Errorf("the agent was not stopped: %v; %s", err, stderr)
	}
}

// The address of the last time is taken again, so that the agent finds the service.
func TestAddressesOfTry(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	was, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(was.Addr().String())
	was.Close()
	for _, test := range []struct{ last, usual, want string }{
		{"https://localhost:" + port, "127.0.0.1:0", "127.0.0.1:" + port},
		{"https://assay.example:" + port, was.Addr().String(), was.Addr().String()},
		{"", was.Addr().String(), was.Addr().String()},
		{"", taken.Addr().String(), "127.0.0.1:0"},
		{"nonsense", taken.Addr().String(), "127.0.0.1:0"},
	} {
		if got := freeAddress(test.last, test.usual); got != test.want {
			t.Errorf("after %q, usually %q: %q, want %q", test.last, test.usual, got, test.want)
		}
	}
}

// A result that could not be printed is no success.
func TestLostOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	env := deployment(t)
	for _, args := range []string{"env", "runs", "agents token"} {
		var stderr bytes.Buffer
		c := &Command{Args: strings.Fields(args), Getenv: func(name string) string { return env[name] }, Stdout: full, Stderr: &stderr}
		if code := c.Run(t.Context()); code != ExitIncomplete || !strings.Contains(stderr.String(), "print the result") {
			t.Errorf("assay %s to a full disk: exit code %d, %q", args, code, stderr.String())
		}
	}
}
