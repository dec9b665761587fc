package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"assay/internal/host/hosttest"
	"assay/internal/notify"
	"assay/internal/service"
	"assay/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run runs the command line in an environment.
func run(ctx context.Context, env map[string]string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	c := Command{Args: args, Getenv: func(name string) string { return env[name] }, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs}
	code = c.Run(ctx)
	return code, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	for _, test := range []struct {
		args string
		want string // in the error
	}{
		{"", "usage: assay"},
		{"nonsense", "no command"},
		{"version x", "no arguments"},
		{"assess", "one argument"},
		{"assess a b", "one argument"},
		{"results a b", "at most one argument"},
		{"assess -nonsense x", "assess -help"},
		{"assess -fail-on catastrophic x", "no severity"},
		{"assess -fail-on undefined x", "no severity"},
		{"assess -duration 1m x", "3m to 24h"},
		{"assess -duration 25h x", "3m to 24h"},
		{"assess -duration 3m500ms x", "whole seconds"},
		{"evaluate -fail-on bad x", "no severity"},
		{"evaluate -password-minimum-length 0 x", "1 to 64"},
		{"agents nonsense", `no action "nonsense": list, token, revoke`},
		{"events nonsense", `no action "nonsense": list, webhooks, add`},
		{"schedules nonsense", `no action "nonsense": list, add`},
		{"users nonsense", "users -help lists them"},
		{"events remove", "see assay events remove -help"},
		{"findings a b", "at most one argument"},
		{"agents revoke", "one argument"},
		{"agents token -valid 500ms", "1s to 2160h"},
		{"agents token -valid 2161h", "1s to 2160h"},
		{"agents token -valid -1h", "1s to 2160h"},
		{"agents token -uses -1", "-1 uses"},
		{"agents token -tag nonsense", "key=value"},
		{"serve -roles api,cook", `no role "cook"`},
		{"serve -roles api", "on SQLite there is one replica"},
		{"serve -region here", "cannot be a region"},
		{"serve -account 12", "12 digits"},
		{"serve -name https://assay.example", "without scheme and port"},
		{"serve -heartbeat 10ms", "1s to 1h"},
		{"serve -retention -1h", "longer than nothing"},
		{"serve -limit-runs 0", "at least 1"},
		{"serve -log-level loud", "no log level"},
		{"serve -log-format xml", "no log format"},
		{"serve -config /nonexistent", "/nonexistent"},
		{"serve -feeds-update 1m", "every 10m at most"},
		{"serve -feeds-mirror ftp://x", "no address"},
		{"feeds nonsense", `no action "nonsense": list, update, import`},
		{"serve x", "no arguments"},
		{"try -duration 1s", "3m to 24h"},
		{"try -database postgres://h/d -roles api", "all roles"},
	} {
		t.Run(test.args, func(t *testing.T) {
			code, stdout, stderr := run(t.Context(), map[string]string{"ASSAY_DATA": t.TempDir()}, strings.Fields(test.args)...)
			if code != ExitUsage || !strings.Contains(stderr, test.want) || stdout != "" {
				t.Errorf("exit code %d, want %d; the error is %q, want one with %q; the output %q", code, ExitUsage, stderr, test.want, stdout)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	for _, v := range verbs() {
		code, stdout, stderr := run(t.Context(), nil, v.name, "-help")
		if code != ExitClean || !strings.HasPrefix(stdout, "usage: assay "+v.name) || stderr != "" {
			t.Errorf("%s -help: exit code %d, %q, %q", v.name, code, stdout, stderr)
		}
		for _, a := range v.actions {
			code, help, _ := run(t.Context(), nil, v.name, a.name, "-help")
			usage := strings.TrimSpace("usage: assay "+v.name+" "+a.name+" [flags] "+a.arguments) + "\n"
			if code != ExitClean || !strings.HasPrefix(help, usage) || !strings.Contains(stdout, "  "+strings.TrimSpace(a.name+" "+a.arguments)+" ") {
				t.Errorf("%s %s -help: exit code %d, %q; the help of %[1]s is %[5]q", v.name, a.name, code, help, stdout)
			}
		}
	}
}

func TestNoService(t *testing.T) {
	absent := filepath.Join(t.TempDir(), "absent")
	worker := t.TempDir()
	if err := os.WriteFile(filepath.Join(worker, "client.json"), []byte(`{"region":"xx-local-1","access_key":"A","secret":"s"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env  map[string]string
		args string
		want string
	}{
		"no data folder":            {map[string]string{"ASSAY_DATA": absent}, "env", "assay serve -data " + absent},
		"a worker's environment":    {map[string]string{"ASSAY_DATA": worker}, "env", "without the role api"},
		"a worker's folder":         {map[string]string{"ASSAY_DATA": worker}, "runs", "without the role api"},
		"an endpoint without a key": {map[string]string{"ASSAY_ENDPOINT": "https://localhost:1"}, "runs", "assay env"},
		"an endpoint without a region": {map[string]string{"ASSAY_ENDPOINT": "https://localhost:1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"},
			"runs", "AWS_DEFAULT_REGION"},
		"a bundle that is not there": {map[string]string{"ASSAY_ENDPOINT": "https://localhost:1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s",
			"AWS_REGION": "xx-local-1", "AWS_CA_BUNDLE": absent}, "runs", "AWS_CA_BUNDLE"},
		"nobody there": {map[string]string{"ASSAY_ENDPOINT": "https://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s",
			"AWS_REGION": "xx-local-1"}, "assess x", "is it running (assay serve)"},
		"no address": {map[string]string{"ASSAY_ENDPOINT": "assay.example"}, "runs", "one looks like https://assay.example:8443"},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := run(t.Context(), test.env, strings.Fields(test.args)...)
			if code != ExitIncomplete || !strings.Contains(stderr, test.want) || stdout != "" {
				t.Errorf("exit code %d, error %q, want one with %q; output %q", code, stderr, test.want, stdout)
			}
		})
	}
}

// What `assay env` prints is for eval in any shell, in any folder.
func TestEnvironmentIsQuoted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's $HOME; `x`")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	client := `{"endpoint":"https://localhost:8443","region":"xx-local-1","access_key":"AKIA'B","secret":"a/b+c $(x)"}`
	if err := os.WriteFile(filepath.Join(dir, "client.json"), []byte(client), 0o600); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := run(t.Context(), nil, "env", "-data", dir)
	if code != 0 {
		t.Fatal(stderr)
	}
	script := stdout + `printf '%s|' "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "$AWS_CA_BUNDLE" "$ASSAY_ENDPOINT"`
	got, err := exec.Command("/bin/sh", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("AKIA'B|a/b+c $(x)|"+dir+"/ca.pem|https://localhost:8443|", string(got)); diff != "" {
		t.Error(diff)
	}
	t.Chdir(filepath.Dir(dir))
	if _, stdout, _ := run(t.Context(), nil, "env", "-data", filepath.Base(dir)); !strings.Contains(stdout, "AWS_CA_BUNDLE='/") {
		t.Errorf("the bundle of a relative folder is relative: %s", stdout)
	}
}

// A setting has one name in three places, of which the nearest wins.
func TestSettingsOfServe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "assay.conf")
	text := "# a comment\ndata = /from/file\nregion = eu-central-1\nname = a.example, b.example\nheartbeat = 5s\npassword-maximum-age = 90\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"ASSAY_CONFIG": file, "ASSAY_DATA": "/from/env", "ASSAY_HEARTBEAT": "6s", "ASSAY_DATABASE": "postgres://h/d", "ASSAY_ROLES": "api,worker", "ASSAY_KEYRING": "/k"}
	c := Command{Getenv: func(name string) string { return env[name] }, Stdout: &bytes.Buffer{}, Stderr: &bytes.Buffer{}}
	var flags serviceFlags
	set := c.flags("serve")
	flags.register(set)
	if err := c.parse(set, []string{"-heartbeat", "7s", "-objects", "/o"}, 0, 0); err != nil {
		t.Fatal(err)
	}
	got, err := c.settle(&flags)
	if err != nil {
		t.Fatal(err)
	}
	env[envEndpoint] = "https://localhost:8443"
	if beside, err := c.settle(&flags); err != nil || got.SNS != notify.SNSAuto || beside.SNS != notify.SNSOff {
		t.Errorf("SNS is %q, in a shell with keys of Assay %q, %v", got.SNS, beside.SNS, err)
	}
	type settings struct {
		Data, Region, Database, Keyring, Objects, Age string
		Names                                         []string
		Roles                                         []service.Role
		Interval, Retention                           time.Duration
	}
	want := settings{"/from/env", "eu-central-1", "postgres://h/d", "/k", "/o", "90", []string{"a.example", "b.example"},
		[]service.Role{"api", "worker"}, 7 * time.Second, 30 * 24 * time.Hour}
	if diff := cmp.Diff(want, settings{got.Data, got.Scope.Region, got.Database, got.Keyring, got.Objects, got.RulesSettings["password-maximum-age"],
		got.Names, got.Roles, got.Interval, got.Retention}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// snapshot writes a snapshot file and returns its bytes, too.
func snapshot(t *testing.T, header telemetry.Header) (string, []byte) {
	t.Helper()
	var b bytes.Buffer
	w, err := telemetry.NewWriter(&b, header)
	if err != nil {
		t.Fatal(err)
	}
	if err := hosttest.New().Write(w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "snapshot")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, b.Bytes()
}

func TestEvaluateRefuses(t *testing.T) {
	_, whole := snapshot(t, telemetry.Header{Version: "1", Root: "/", Started: time.Now()})
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"an empty file":  {nil, "read the snapshot"},
		"another format": {[]byte("#!/bin/sh\necho this is no snapshot\n"), "read the snapshot"},
		"a tail missing": {whole[:len(whole)-20], "read the snapshot"},
		"rubbish behind": {append(bytes.Clone(whole), "rubbish"...), "read the snapshot"},
		"a byte changed": {func() []byte { b := bytes.Clone(whole); b[len(b)/2] ^= 1; return b }(), "read the snapshot"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, test.data, 0o600); err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := run(t.Context(), nil, "evaluate", path)
			if code != ExitIncomplete || !strings.Contains(stderr, test.want) || stdout != "" {
				t.Errorf("exit code %d, output %q, error %q", code, stdout, stderr)
			}
		})
	}
	for _, path := range []string{"/nonexistent", t.TempDir()} {
		if code, _, stderr := run(t.Context(), nil, "evaluate", path); code != ExitIncomplete || !strings.Contains(stderr, path) {
			t.Errorf("%s: exit code %d, %q", path, code, stderr)
		}
	}
}

// A snapshot in which no sensor saw anything is no clean host.
func TestEvaluateOfNothingIsIncomplete(t *testing.T) {
	path, _ := snapshot(t, telemetry.Header{Version: "1", Root: "/", Started: time.Now()})
	code, stdout, _ := run(t.Context(), nil, "evaluate", "-json", "-results", path)
	if code != ExitIncomplete || !strings.Contains(stdout, `"results"`) {
		t.Errorf("exit code %d:\n%s", code, stdout)
	}
}
