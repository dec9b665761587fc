package api

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// environment is what `assay env` prints for a user: with it AWS's tools work.
func (w *world) environment() []string {
	w.t.Helper()
	dir := w.t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	check(w.t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw}), 0o600))
	return []string{
		"PATH=/usr/bin:/bin", "HOME=" + dir, "AWS_ACCESS_KEY_ID=" + w.key.KeyID, "AWS_SECRET_ACCESS_KEY=" + w.key.Secret,
		"AWS_DEFAULT_REGION=eu-central-1", "AWS_CA_BUNDLE=" + ca, "ASSAY_ENDPOINT=" + w.server.URL, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1",
	}
}

// debian returns a program that has to be Debian's, not one of the same name that
// is found earlier.
func debian(t *testing.T, program, pkg string) string {
	t.Helper()
	return testenv.Need(t, "/usr/bin/"+program, pkg)
}

func (w *world) runTool(name string, args ...string) []byte {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), name, args...)
	cmd.Env = w.environment()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		w.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// A whole assessment with aws-cli as Debian packages it.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	cli := debian(t, "aws", "awscli")
	w := newWorld(t)
	w.addAgents(web0)
	aws := func(service string, args ...string) object {
		t.Helper()
		out := w.runTool(cli, append([]string{"--endpoint-url", w.server.URL, "--output", "json", service}, args...)...)
		result := object{}
		if len(out) > 0 {
			check(t, json.Unmarshal(out, &result))
		}
		return result
	}
	if who := aws("sts", "get-caller-identity"); who["Account"] != scope.Account || who["Arn"] != "arn:aws:iam::210987654321:user/alice" {
		t.Errorf("who am I: %v", who)
	}
	group := aws("inspector", "create-resource-group", "--resource-group-tags", "key=env,value=prod")["resourceGroupArn"].(string)
	target := aws("inspector", "create-assessment-target", "--assessment-target-name", "web", "--resource-group-arn", group)["assessmentTargetArn"].(string)
	template := aws("inspector", "create-assessment-template", "--assessment-target-arn", target, "--assessment-template-name", "nightly",
		"--duration-in-seconds", "180", "--rules-package-arns", practices)["assessmentTemplateArn"].(string)
	run := aws("inspector", "start-assessment-run", "--assessment-template-arn", template)["assessmentRunArn"].(string)
	w.finish(run, 25, web0)
	// The tool follows nextToken by itself: three pages.
	findings := aws("inspector", "list-findings", "--assessment-run-arns", run)["findingArns"].([]any)
	if len(findings) != 25 {
		t.Errorf("%d findings, want 25", len(findings))
	}
	described := aws("inspector", "describe-findings", "--finding-arns", findings[0].(string), findings[1].(string))
	if at(described, "findings", 1, "arn") != findings[1] {
		t.Errorf("described: %v", described)
	}
	const role = "arn:aws:iam::123456789012:role/inspector"
	if none := aws("inspector", "describe-cross-account-access-role"); none["valid"] != false || none["roleArn"] != nil {
		t.Errorf("before a role is registered: %v", none)
	}
	aws("inspector", "register-cross-account-access-role", "--role-arn", role)
	if registered := aws("inspector", "describe-cross-account-access-role"); registered["valid"] != true || registered["roleArn"] != role {
		t.Errorf("the role: %v", registered)
	}
}

const boto3Script = `
import json, os, boto3
from botocore.exceptions import ClientError
endpoint = os.environ["ASSAY_ENDPOINT"]
c = boto3.client("inspector", endpoint_url=endpoint)
me = boto3.client("sts", endpoint_url=endpoint).get_caller_identity()
group = c.create_resource_group(resourceGroupTags=[{"key": "env", "value": "prod"}])["resourceGroupArn"]
target = c.create_assessment_target(assessmentTargetName="web", resourceGroupArn=group)["assessmentTargetArn"]
packages = c.list_rules_packages()["rulesPackageArns"]
template = c.create_assessment_template(assessmentTargetArn=target, assessmentTemplateName="nightly", durationInSeconds=180, rulesPackageArns=packages)["assessmentTemplateArn"]
run = c.start_assessment_run(assessmentTemplateArn=template)["assessmentRunArn"]
try:
    c.start_assessment_run(assessmentTemplateArn=template)
except c.exceptions.AgentsAlreadyRunningAssessmentException as e:
    busy = e.response["agents"]
c.stop_assessment_run(assessmentRunArn=run, stopAction="SKIP_EVALUATION")
try:
    c.describe_findings(findingArns=["arn:nonsense"])
except ClientError as e:
    code = e.response["Error"]["Code"] + " " + e.response["errorCode"]
`

// boto3 as Debian packages it: the calls before a run, and its errors.
func TestBoto3(t *testing.T) {
	t.Parallel()
	python := debian(t, "python3", "python3-boto3")
	w := newWorld(t)
	if err := exec.Command(python, "-c", "import boto3").Run(); err != nil {
		testenv.Missing(t, "boto3 (apt-get install python3-boto3)")
	}
	w.addAgents(web0)
	out := object{}
	script := boto3Script + "\nprint(json.dumps({'arn': me['Arn'], 'run': run, 'busy': busy, 'code': code}))\n"
	check(t, json.Unmarshal(w.runTool(python, "-c", script), &out))
	if out["arn"] != "arn:aws:iam::210987654321:user/alice" || at(out, "busy", 0, "assessmentRunArn") != out["run"] || out["code"] != "InvalidInputException INVALID_FINDING_ARN" {
		t.Errorf("boto3 got %v", out)
	}

	a := newAssessed(t)
	script = `
import json, os, boto3
c = boto3.client("inspector", endpoint_url=os.environ["ASSAY_ENDPOINT"])
arns = [a for p in c.get_paginator("list_findings").paginate(PaginationConfig={"PageSize": 7}) for a in p["findingArns"]]
findings = c.describe_findings(findingArns=arns)["findings"]
print(json.dumps({"n": len(set(f["arn"] for f in findings)), "year": findings[0]["createdAt"].year, "severity": findings[0]["numericSeverity"]}))
`
	check(t, json.Unmarshal(a.runTool(python, "-c", script), &out))
	if out["n"] != 24.0 || out["year"].(float64) < 2024 {
		t.Errorf("boto3 read %v", out)
	}
}
