package conformance

import (
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"assay/internal/testenv"
)

// Ansible's module for targets: present, again, changed, absent, again.
func TestAnsible(t *testing.T) {
	t.Parallel()
	playbook := testenv.Need(t, "/usr/bin/ansible-playbook", "ansible")
	python := python(t)
	w := newWorld(t)
	env := w.environment("ANSIBLE_LOCALHOST_WARNING=false", "ANSIBLE_INVENTORY_UNPARSED_WARNING=false", "ANSIBLE_NOCOLOR=1", "ANSIBLE_PYTHON_INTERPRETER="+python, "ANSIBLE_PIPELINING=1")
	out := w.program(env, playbook, "testdata/target.yml")
	if !strings.Contains(out, "failed=0") {
		t.Errorf("it says %s", out)
	}
	w.gone()
}

// Debian's aws-cli beyond what internal/api has of it: repeat, change and delete,
// its own paging, and its words for errors.
func TestAWSCLI(t *testing.T) {
	t.Parallel()
	cli := testenv.Need(t, "/usr/bin/aws", "awscli")
	w := newWorld(t)
	env := w.environment()
	aws := func(args ...string) (out map[string]any, failure string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), cli, append([]string{"--endpoint-url", w.client.Endpoint, "--output", "json", "inspector"}, args...)...)
		cmd.Env = env
		data, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return nil, string(exit.Stderr)
		}
		check(t, err)
		if len(data) > 0 {
			check(t, json.Unmarshal(data, &out))
		}
		return out, ""
	}
	made, _ := aws("create-assessment-target", "--assessment-target-name", "conform")
	target, _ := made["assessmentTargetArn"].(string)
	if _, failure := aws("create-assessment-target", "--assessment-target-name", "conform"); !strings.Contains(failure, "(InvalidInputException) when calling the CreateAssessmentTarget operation") {
		t.Errorf("the same target again: %q", failure)
	}
	if out, failure := aws("update-assessment-target", "--assessment-target-arn", target, "--assessment-target-name", "changed"); len(out) != 0 || failure != "" {
		t.Errorf("a change gives %v, %s", out, failure)
	}
	if out, failure := aws("list-assessment-targets", "--filter", "assessmentTargetNamePattern=chan*"); len(out["assessmentTargetArns"].([]any)) != 1 {
		t.Errorf("the list is %v, %s", out, failure)
	}
	// The tool follows pages by itself, stops at --max-items, and goes on from there.
	if out, _ := aws("list-findings", "--assessment-run-arns", w.run, "--page-size", "500"); len(out["findingArns"].([]any)) != seeded || out["NextToken"] != nil {
		t.Errorf("%d findings", len(out["findingArns"].([]any)))
	}
	out, _ := aws("list-findings", "--assessment-run-arns", w.run, "--max-items", "15")
	next, _ := out["NextToken"].(string)
	rest, failure := aws("list-findings", "--assessment-run-arns", w.run, "--page-size", "500", "--starting-token", next)
	if len(out["findingArns"].([]any)) != 15 || failure != "" || len(rest["findingArns"].([]any)) != seeded-15 {
		t.Errorf("15 findings and the rest: %d, %v, %s", len(out["findingArns"].([]any)), len(rest["findingArns"].([]any)), failure)
	}
	if out, failure := aws("delete-assessment-target", "--assessment-target-arn", target); len(out) != 0 || failure != "" {
		t.Errorf("a delete gives %v, %s", out, failure)
	}
	if _, failure := aws("delete-assessment-target", "--assessment-target-arn", target); !strings.Contains(failure, "(NoSuchEntityException) when calling") {
		t.Errorf("deleted again: %q", failure)
	}
	w.gone()
}
