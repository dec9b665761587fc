package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"assay/internal/testenv"
	"assay/internal/testpg"
)

// databases runs a test on both.
func databases(t *testing.T, test func(t *testing.T, w *world)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newWorld(t, "")) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, newWorld(t, testpg.New(t))) })
}

// A whole assessment with aws-cli as Debian has it, from CreateResourceGroup to
// DescribeFindings, with nothing changed but the endpoint. (SQLite; boto3 goes on PostgreSQL.)
func TestWithAWSCLI(t *testing.T) {
	t.Parallel() // the agent is aside
	w := newWorld(t, "")
	const program = "/usr/bin/aws" // Debian's, whatever comes first in PATH
	testenv.Need(t, program, "awscli")
	w.startService("")
	w.aside()
	w.startAgent("role=web")
	w.heard()
	env := w.environment()
	aws := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("/bin/sh", append([]string{"-c", `exec ` + program + ` --endpoint-url "$ASSAY_ENDPOINT" inspector "$@"`, "aws"}, args...)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("aws inspector %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	get := func(query string, args ...string) string {
		t.Helper()
		return strings.TrimSpace(aws(append(args, "--output", "text", "--query", query)...))
	}

	group := get("resourceGroupArn", "create-resource-group", "--resource-group-tags", "key=role,value=web")
	target := get("assessmentTargetArn", "create-assessment-target", "--assessment-target-name", "web", "--resource-group-arn", group)
	packages := strings.Fields(get("rulesPackageArns", "list-rules-packages"))
	// Without the one that would take the whole hour.
	packages = strings.Fields(get("rulesPackages[?name!='"+behaviorName+"'].arn", append([]string{"describe-rules-packages", "--rules-package-arns"}, packages...)...))
	template := get("assessmentTemplateArn", append([]string{"create-assessment-template", "--assessment-target-arn", target,
		"--assessment-template-name", "hourly", "--duration-in-seconds", "3600", "--rules-package-arns"}, packages...)...)
	if got := get("agentPreviews[].agentId", "preview-agents", "--preview-agents-arn", target); !strings.HasPrefix(got, "i-") {
		t.Errorf("the target's agents are %q", got)
	}
	run := get("assessmentRunArn", "start-assessment-run", "--assessment-template-arn", template, "--assessment-run-name", "first")
	var state string
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(300 * time.Millisecond) {
		state = get("assessmentRuns[0].state", "describe-assessment-runs", "--assessment-run-arns", run)
		if strings.HasPrefix(state, "COMPLETED") || state == "FAILED" || state == "ERROR" {
			break
		}
	}
	if !strings.HasPrefix(state, "COMPLETED") {
		t.Fatalf("the run is %s", state)
	}
	findings := strings.Fields(get("findingArns", "list-findings", "--assessment-run-arns", run, "--max-items", "500"))
	if len(findings) == 0 {
		t.Fatal("there are no findings: not even one that says so")
	}
	var described struct {
		Findings []struct {
			Title, Severity, AssetType, Service string
			AssetAttributes                     struct{ AgentId string }
		}
		FailedItems map[string]any
	}
	if err := json.Unmarshal([]byte(aws(append([]string{"describe-findings", "--finding-arns"}, findings...)...)), &described); err != nil {
		t.Fatal(err)
	}
	if len(described.Findings) != len(findings) || len(described.FailedItems) != 0 {
		t.Errorf("%d of %d findings are described; failed: %v", len(described.Findings), len(findings), described.FailedItems)
	}
	for _, f := range described.Findings {
		if f.Title == "" || f.AssetType != "ec2-instance" || f.Service != "Inspector" || !strings.HasPrefix(f.AssetAttributes.AgentId, "i-") {
			t.Errorf("%+v", f)
		}
	}
	if total := get("telemetryMetadata[?messageType=='Total'].count", "get-telemetry-metadata", "--assessment-run-arn", run); len(total) < 3 {
		t.Errorf("the run has %q records", total)
	}
	aws("delete-assessment-target", "--assessment-target-arn", target)
	if left := get("assessmentRunArns", "list-assessment-runs"); left != "" {
		t.Errorf("after the target's deletion there are still the runs %q", left)
	}
}

// The same with boto3, on the other database.
func TestWithBoto3(t *testing.T) {
	t.Parallel()                      // the agent is aside
	const python = "/usr/bin/python3" // Debian's
	testenv.Need(t, python, "python3-boto3")
	if out, err := exec.Command(python, "-c", "import boto3").CombinedOutput(); err != nil {
		testenv.Missing(t, "boto3 (apt-get install python3-boto3): "+string(out))
	}
	w := newWorld(t, testpg.New(t))
	w.startService("")
	w.aside()
	w.startAgent("role=web")
	w.heard()
	script, err := os.ReadFile("testdata/assessment.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-")
	cmd.Stdin = strings.NewReader(string(script))
	cmd.Env = append(w.environment(), "PYTHONWARNINGS=ignore")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	} else {
		t.Logf("%s", out)
	}
}

// The operator's own commands, with the exit codes that a pipeline goes by.
func TestOperator(t *testing.T) {
	databases(t, func(t *testing.T, w *world) {
		w.startService("")
		w.startAgent()
		w.assay(0, "agents")
		_, stderr := w.assay(3, "assess", "no-such-target")
		if !strings.Contains(stderr, "no-such-target") {
			t.Errorf("the error is %q", stderr)
		}
		w.assay(2, "assess")
		w.assay(2, "assess", "-fail-on", "catastrophic", "x")
		w.assay(2, "nonsense")
		w.assay(0, "-help")
	})
}
