package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/audit"
	"assay/internal/operator"
)

// A person's way: a user for a dashboard and one for a pipeline, what they may do,
// and who did what.
func TestUsers(t *testing.T) {
	env := deployment(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "pipeline.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	as := env // whose calls the next are
	ok := func(args ...string) (string, string) {
		t.Helper()
		code, stdout, stderr := run(t.Context(), as, args...)
		if code != ExitClean {
			t.Fatalf("assay %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
		}
		return stdout, stderr
	}
	fails := func(code int, want string, args ...string) {
		t.Helper()
		got, stdout, stderr := run(t.Context(), as, args...)
		if got != code || !strings.Contains(stdout+stderr, want) {
			t.Errorf("assay %s: exit code %d, want %d; %q", strings.Join(args, " "), got, code, stdout+stderr)
		}
	}
	keyed := func(out string) map[string]string {
		t.Helper()
		var key operator.AccessKey
		if err := json.Unmarshal([]byte(out), &key); err != nil || key.Secret == "" {
			t.Fatal(out, err)
		}
		_, environment, _ := run(t.Context(), env, "env")
		out2 := map[string]string{"AWS_ACCESS_KEY_ID": key.ID, "AWS_SECRET_ACCESS_KEY": key.Secret}
		for line := range strings.SplitSeq(environment, "\n") {
			name, value, found := strings.Cut(strings.TrimPrefix(line, "export "), "=")
			if found && out2[name] == "" {
				out2[name] = strings.Trim(value, "'")
			}
		}
		return out2
	}

	stdout, stderr := ok("users", "add", "-policy", "AmazonInspectorReadOnlyAccess", "dashboard")
	if !strings.Contains(stdout, "export AWS_SECRET_ACCESS_KEY='") || !strings.Contains(stderr, "not shown again") {
		t.Errorf("%q %q", stdout, stderr)
	}
	stdout, _ = ok("users", "add-key", "-json", "dashboard")
	dashboard := keyed(stdout)
	fails(ExitIncomplete, "at most 2", "users", "add-key", "dashboard")
	fails(ExitIncomplete, "ENTITY_ALREADY_EXISTS", "users", "add", "Dashboard")
	fails(ExitIncomplete, "INVALID_NAME", "users", "add", "a b")
	fails(ExitIncomplete, "was added, but: ", "users", "add", "-policy", "nonsense", "half")
	ok("users", "remove", "half")

	write("{\n  \"Statement\": [{\"Effect\": \"Allow\", \"Action\": \"inspector:*\", \"Resource\": \"*\",\n  \"Condition\": {\"StringLike\": {\"aws:SourceIp\": \"203.*\"}}}]}")
	fails(ExitIncomplete, "line 3, column 17", "users", "put-policy", "pipeline", file)
	write(`{"Statement": [{"Effect": "Allow", "Action": "inspector:*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}]}`)
	ok("users", "put-policy", "pipeline", file)
	ok("users", "add-group", "builders")
	ok("users", "attach-group", "builders", "pipeline")
	ok("users", "add", "-group", "builders", "-no-key", "ci")
	stdout, _ = ok("users", "can", "-from", "203.0.113.9", "ci", "inspector:StartAssessmentRun")
	if stdout != "yes: statement 1 of policy pipeline allows it, and none denies it\n" {
		t.Error(stdout)
	}
	fails(ExitFindings, "no: no policy of the user", "users", "can", "-from", "198.51.100.1", "ci", "inspector:StartAssessmentRun")
	fails(ExitFindings, "implicitDeny", "users", "can", "-json", "ci", "inspector:StartAssessmentRun")
	fails(ExitIncomplete, "not an action", "users", "can", "ci", "inspector:*")
	fails(ExitUsage, "is not a time", "users", "can", "-at", "noon", "ci", "inspector:ListFindings")
	fails(ExitIncomplete, "DELETE_CONFLICT", "users", "remove-policy", "pipeline")
	fails(ExitIncomplete, "no group nowhere", "users", "join", "ci", "nowhere")
	ok("users", "leave", "ci", "builders")
	fails(ExitFindings, "no: ", "users", "can", "-from", "203.0.113.9", "ci", "inspector:StartAssessmentRun")
	ok("users", "join", "ci", "builders")
	ok("users", "attach", "ci", "AmazonInspectorReadOnlyAccess")
	ok("users", "detach", "ci", "AmazonInspectorReadOnlyAccess")
	for action, want := range map[string]string{
		"list": "dashboard", "groups": "builders", "policies": "arn:aws:iam::aws:policy/AmazonInspectorReadOnlyAccess", "policy pipeline": "203.0.113.0/24", "show ci": `"groups": [`,
		"list -json": `"userName": "administrator"`, "policy AmazonInspectorReadOnlyAccess": "inspector:Preview*",
	} {
		if stdout, _ := ok(append([]string{"users"}, strings.Fields(action)...)...); !strings.Contains(stdout, want) {
			t.Errorf("users %s: %s", action, stdout)
		}
	}

	// The dashboard's own calls.
	as = dashboard
	ok("runs")
	ok("agents")
	fails(ExitIncomplete, "is not authorized to perform: assay:CreateEnrollmentToken", "agents", "token")
	fails(ExitIncomplete, "is not authorized to perform: iam:ListUsers", "users")
	as = env
	ok("users", "disable-key", dashboard["AWS_ACCESS_KEY_ID"])
	as = dashboard
	fails(ExitIncomplete, "UnrecognizedClientException", "runs")
	as = env
	ok("users", "enable-key", dashboard["AWS_ACCESS_KEY_ID"])
	ok("users", "remove-key", dashboard["AWS_ACCESS_KEY_ID"])

	stdout, _ = ok("audit", "-errors", "-user", "dashboard")
	if !strings.Contains(stdout, "CreateEnrollmentToken AccessDeniedException") || strings.Count(stdout, "\n") != 2 {
		t.Error(stdout)
	}
	stdout, _ = ok("audit", "-json", "-event", "CreateAccessKey", "-since", "1h")
	var e audit.Event
	first, _, _ := strings.Cut(stdout, "\n")
	if err := json.Unmarshal([]byte(first), &e); err != nil || e.Name != "CreateAccessKey" || strings.Contains(stdout, dashboard["AWS_SECRET_ACCESS_KEY"]) {
		t.Error(stdout, err)
	}
	if stdout, _ := ok("audit", "-until", "1h"); stdout != "" {
		t.Error(stdout)
	}
	fails(ExitUsage, "is not a time", "audit", "-since", "yesterday")
	fails(ExitIncomplete, "no record of calls", "audit", "-data", dir)

	// Locked out, and in again, while the service runs.
	ok("users", "remove", "administrator")
	fails(ExitIncomplete, "UnrecognizedClientException", "users", "list")
	stdout, stderr = ok("users", "recover")
	if !strings.HasPrefix(stdout, "export AWS_ACCESS_KEY_ID='AKIA") || !strings.Contains(stderr, "client.json has the new key") {
		t.Errorf("%q %q", stdout, stderr)
	}
	ok("users", "list")
	fails(ExitIncomplete, "not the data folder", "users", "recover", "-data", dir)
}

func TestUsageOfUsers(t *testing.T) {
	for args, want := range map[string]string{
		"users nonsense": "no action", "users add": "one argument", "users join a": "takes 2 arguments, not 1", "users can a b c": "takes 2 arguments, not 3", "users list x": "no arguments",
		"audit x": "no arguments", "serve -trusted-proxy nonsense": "no address or range", "serve -audit-retention 1h": "a day at least",
	} {
		if code, _, stderr := run(t.Context(), map[string]string{"ASSAY_DATA": t.TempDir()}, strings.Fields(args)...); code != ExitUsage || !strings.Contains(stderr, want) {
			t.Errorf("assay %s: exit code %d, %q", args, code, stderr)
		}
	}
	code, stdout, _ := run(t.Context(), nil, "users", "-help")
	for _, a := range userActions() {
		if code != ExitClean || !strings.Contains(stdout, "  "+a.name+" ") {
			t.Errorf("the help does not have %s", a.name)
		}
	}
}
