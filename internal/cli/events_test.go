package cli

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/operator"
)

const topic = "arn:aws:sns:us-west-2:123456789012:exampletopic"

// TestEvents goes the way of an operator: a webhook is added and tried, an event is
// not delivered, is seen, and is sent again.
func TestEvents(t *testing.T) {
	env := deployment(t)
	var fails atomic.Bool
	bodies := make(chan string, 100)
	receiver := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fails.Load() {
			w.WriteHeader(http.StatusGone)
			return
		}
		body, _ := io.ReadAll(r.Body)
		bodies <- string(body)
	}))
	defer receiver.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: receiver.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	assay := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := run(t.Context(), env, append([]string{"events"}, args...)...)
		if code != want {
			t.Fatalf("assay events %s: exit code %d, want %d: %s%s", strings.Join(args, " "), code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	next := func() string {
		t.Helper()
		select {
		case body := <-bodies:
			return body
		case <-time.After(time.Minute):
			t.Fatal("nothing comes")
			return ""
		}
	}

	secret, stderr := assay(ExitClean, "add", "-topic", topic, "-ca", ca, "-format", "raw", receiver.URL)
	if !strings.HasPrefix(secret, "whsec_") || strings.Count(secret, "\n") != 1 || strings.Contains(stderr, "whsec_") || !strings.Contains(stderr, "assay events test 0-") {
		t.Errorf("a webhook comes with %q, %q", secret, stderr)
	}
	var hooks []operator.Webhook
	out, _ := assay(ExitClean, "webhooks", "-json")
	if err := json.Unmarshal([]byte(out), &hooks); err != nil || len(hooks) != 1 || hooks[0].Topic != topic || !hooks[0].OwnCA || strings.Contains(out, "whsec_") {
		t.Fatalf("the webhooks are %s, %v", out, err)
	}
	if out, _ := assay(ExitClean, "webhooks"); !strings.Contains(out, receiver.URL) {
		t.Errorf("the webhooks are\n%s", out)
	}
	hook := hooks[0].ID
	assay(ExitClean, "test", hook)
	if body := next(); !strings.Contains(body, `"event":"TEST"`) {
		t.Errorf("a test sends %s", body)
	}
	if again, _ := assay(ExitClean, "rotate", hook); again == secret || !strings.HasPrefix(again, "whsec_") {
		t.Errorf("the new secret is %q", again)
	}

	fails.Store(true)
	if _, stderr := assay(ExitIncomplete, "test", hook); !strings.Contains(stderr, "it is gone") {
		t.Errorf("a test that fails says %s", stderr)
	}
	subscribe(t, env)
	var listed []operator.Notification
	for deadline := time.Now().Add(time.Minute); len(listed) == 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out, _ := assay(ExitClean, "list", "-undelivered", "-topic", topic, "-json")
		if err := json.Unmarshal([]byte(out), &listed); err != nil {
			t.Fatal(err)
		}
	}
	if len(listed) != 1 || listed[0].State != "dead" || !strings.Contains(listed[0].Detail, "it is gone") || len(listed[0].Deliveries) != 1 || listed[0].Deliveries[0].Attempts != 1 {
		t.Fatalf("undelivered are %+v", listed)
	}
	if out, _ := assay(ExitClean); !strings.Contains(out, "ENABLE_ASSESSMENT_NOTIFICATIONS") || !strings.Contains(out, "dead") || !strings.Contains(out, listed[0].ID) {
		t.Errorf("the events are\n%s", out)
	}
	fails.Store(false)
	if _, stderr := assay(ExitClean, "redrive", listed[0].ID); !strings.Contains(stderr, "again: 1") {
		t.Errorf("to be sent again says %s", stderr)
	}
	if body := next(); body != listed[0].Message {
		t.Errorf("sent again is %s, want %s", body, listed[0].Message)
	}
	if _, stderr := assay(ExitClean, "redrive", "-all"); !strings.Contains(stderr, "again: 0") {
		t.Errorf("to send all again says %s", stderr)
	}
	assay(ExitClean, "remove", hook)
	if out, _ := assay(ExitClean, "webhooks", "-json"); out != "[]\n" {
		t.Errorf("after the removal there are %s", out)
	}
}

// subscribe subscribes the topic to an event of a template.
func subscribe(t *testing.T, env map[string]string) {
	t.Helper()
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
	packages := struct {
		ARNs []string `json:"rulesPackageArns"`
	}{}
	if err := client.inspector(t.Context(), "ListRulesPackages", map[string]any{}, &packages); err != nil {
		t.Fatal(err)
	}
	template, err := client.template(t.Context(), target, time.Hour, packages.ARNs)
	if err != nil {
		t.Fatal(err)
	}
	request := map[string]any{"resourceArn": template, "topicArn": topic, "event": "ASSESSMENT_RUN_COMPLETED"}
	if err := client.inspector(t.Context(), "SubscribeToEvent", request, nil); err != nil {
		t.Fatal(err)
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	env := deployment(t)
	nothing := filepath.Join(t.TempDir(), "nothing.pem")
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"dance", ExitUsage, "no action"},
		{"add https://example.com/", ExitUsage, "-topic"},
		{"add -topic " + topic, ExitUsage, "one argument"},
		{"add -topic " + topic + " -ca " + nothing + " https://example.com/", ExitIncomplete, "read the certificates"},
		{"add -topic nonsense https://example.com/", ExitIncomplete, "INVALID_WEBHOOK"},
		{"add -topic * http://example.com/", ExitIncomplete, "plain http"},
		{"add -topic * -format xml https://example.com/", ExitIncomplete, "sns, lambda, raw"},
		{"remove", ExitUsage, "one argument"},
		{"remove 0-aaaaaaaa", ExitIncomplete, "no webhook 0-aaaaaaaa"},
		{"rotate 0-aaaaaaaa", ExitIncomplete, "no webhook 0-aaaaaaaa"},
		{"test 0-aaaaaaaa", ExitIncomplete, "no webhook 0-aaaaaaaa"},
		{"test \x01", ExitIncomplete, "not the id of a webhook"},
		{"redrive", ExitUsage, "-all"},
		{"redrive -all x", ExitUsage, "-all"},
		{"redrive -topic " + topic + " x", ExitUsage, "-all"},
		{"redrive nothing", ExitIncomplete, "no undelivered event nothing"},
		{"redrive -all -topic x", ExitIncomplete, "INVALID_SNS_TOPIC_ARN"},
		{"list -topic x", ExitIncomplete, "INVALID_SNS_TOPIC_ARN"},
		{"list x", ExitUsage, "no arguments"},
	} {
		code, stdout, stderr := run(t.Context(), env, append([]string{"events"}, strings.Fields(test.args)...)...)
		if code != test.code || !strings.Contains(stderr, test.want) || stdout != "" {
			t.Errorf("assay events %s: exit code %d, %q%q, want %d with %q", test.args, code, stdout, stderr, test.code, test.want)
		}
	}
	if code, _, stderr := run(t.Context(), env, "serve", "-sns", "perhaps"); code != ExitUsage || !strings.Contains(stderr, "off, auto, on") {
		t.Errorf("assay serve -sns perhaps: exit code %d, %s", code, stderr)
	}
	// The keys of `assay env` are not for AWS.
	env[envEndpoint] = "https://localhost:8443"
	if code, _, stderr := run(t.Context(), env, "serve", "-sns", "on"); code != ExitUsage || !strings.Contains(stderr, "another shell") {
		t.Errorf("assay serve -sns on in a shell with keys of Assay: exit code %d, %s", code, stderr)
	}
}
