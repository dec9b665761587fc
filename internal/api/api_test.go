package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
)

const (
	web0 = "i-0123456789abcdef0"
	web1 = "i-0123456789abcdef1"
)

// assessed is a world with an assessment that is over: 12 findings on each of two
// hosts.
type assessed struct {
	*world
	group, target, template, run string
}

var practices = scope.PackageARN(inspector.PackagePractices).String()

func newAssessed(t *testing.T) assessed {
	w := newWorld(t)
	w.addAgents(web0, web1)
	a := assessed{world: w}
	a.group = w.do("CreateResourceGroup", object{"resourceGroupTags": []object{{"key": "env", "value": "prod"}}})["resourceGroupArn"].(string)
	a.target = w.do("CreateAssessmentTarget", object{"assessmentTargetName": "web", "resourceGroupArn": a.group})["assessmentTargetArn"].(string)
	a.template = w.do("CreateAssessmentTemplate", object{
		"assessmentTargetArn": a.target, "assessmentTemplateName": "nightly", "durationInSeconds": 180, "rulesPackageArns": []string{practices},
		"userAttributesForFindings": []object{{"key": "team", "value": "blue"}},
	})["assessmentTemplateArn"].(string)
	a.run = w.do("StartAssessmentRun", object{"assessmentTemplateArn": a.template, "assessmentRunName": "first"})["assessmentRunArn"].(string)
	w.finish(a.run, 12, web0, web1)
	return a
}

// at follows keys and positions into decoded JSON.
func at(v any, path ...any) any {
	for _, step := range path {
		switch key := step.(type) {
		case string:
			v, _ = v.(object)[key]
		case int:
			list, _ := v.([]any)
			if key >= len(list) {
				return nil
			}
			v = list[key]
		}
	}
	return v
}

func TestDescribe(t *testing.T) {
	a := newAssessed(t)
	group := a.do("DescribeResourceGroups", object{"resourceGroupArns": []string{a.group}})
	target := a.do("DescribeAssessmentTargets", object{"assessmentTargetArns": []string{a.target}})
	template := a.do("DescribeAssessmentTemplates", object{"assessmentTemplateArns": []string{a.template}})
	run := a.do("DescribeAssessmentRuns", object{"assessmentRunArns": []string{a.run}})
	packages := a.do("DescribeRulesPackages", object{"rulesPackageArns": []string{practices, "arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ"}})
	counts := object{"High": 6.0, "Medium": 6.0, "Low": 6.0, "Informational": 6.0, "Undefined": 0.0}
	for _, test := range []struct {
		name      string
		got, want any
	}{
		{"group", at(group, "resourceGroups", 0, "tags"), []any{object{"key": "env", "value": "prod"}}},
		{"target", at(target, "assessmentTargets", 0, "resourceGroupArn"), a.group},
		{"template's packages", at(template, "assessmentTemplates", 0, "rulesPackageArns"), []any{practices}},
		{"template's runs", at(template, "assessmentTemplates", 0, "assessmentRunCount"), 1.0},
		{"template's last run", at(template, "assessmentTemplates", 0, "lastAssessmentRunArn"), a.run},
		{"template's attributes", at(template, "assessmentTemplates", 0, "userAttributesForFindings"), []any{object{"key": "team", "value": "blue"}}},
		{"run's name", at(run, "assessmentRuns", 0, "name"), "first"},
		{"run's state", at(run, "assessmentRuns", 0, "state"), "COMPLETED"},
		{"run's counts", at(run, "assessmentRuns", 0, "findingCounts"), counts},
		{"run's history", len(at(run, "assessmentRuns", 0, "stateChanges").([]any)), 9},
		{"run's notifications", at(run, "assessmentRuns", 0, "notifications"), []any{}},
		{"failed items", at(run, "failedItems"), object{}},
		{"package", at(packages, "rulesPackages", 0, "name"), "Security Best Practices"},
		{"package under another region's ARN", at(packages, "rulesPackages", 1, "arn"), "arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ"},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// What is well-formed but names nothing fails alone; what is malformed fails all.
func TestDescribeSortsOut(t *testing.T) {
	a := newAssessed(t)
	finding := a.do("ListFindings", object{})["findingArns"].([]any)[0].(string)
	exclusion := a.do("ListExclusions", object{"assessmentRunArn": a.run})["exclusionArns"].([]any)[0].(string)
	tests := []struct{ operation, member, arn, code string }{
		{"DescribeResourceGroups", "resourceGroupArns", a.group, "INVALID_RESOURCE_GROUP_ARN"},
		{"DescribeAssessmentTargets", "assessmentTargetArns", a.target, "INVALID_ASSESSMENT_TARGET_ARN"},
		{"DescribeAssessmentTemplates", "assessmentTemplateArns", a.template, "INVALID_ASSESSMENT_TEMPLATE_ARN"},
		{"DescribeAssessmentRuns", "assessmentRunArns", a.run, "INVALID_ASSESSMENT_RUN_ARN"},
		{"DescribeFindings", "findingArns", finding, "INVALID_FINDING_ARN"},
		{"DescribeExclusions", "exclusionArns", exclusion, "INVALID_RESOURCE_ARN"},
		{"DescribeRulesPackages", "rulesPackageArns", practices, "INVALID_RULES_PACKAGE_ARN"},
	}
	for _, test := range tests {
		other := test.arn[:len(test.arn)-8] + "XXXXXXXX"
		foreign := strings.Replace(test.arn, ":inspector:eu-", ":inspector:ap-", 1)
		out := a.do(test.operation, object{test.member: []string{test.arn, other, foreign, test.arn}})
		failed := object{"failureCode": "ITEM_DOES_NOT_EXIST", "retryable": false}
		if diff := cmp.Diff(object{other: failed, foreign: failed}, out["failedItems"].(object)); diff != "" {
			t.Errorf("%s: failed items (-want +got):\n%s", test.operation, diff)
		}
		for member, items := range out {
			if n := size(items); member != "failedItems" && n != 1 {
				t.Errorf("%s: %d items, want 1", test.operation, n)
			}
		}
		a.fails(test.operation, object{test.member: []string{test.arn, "arn:nonsense"}}, "InvalidInputException", test.code)
		exception, code := number(test.code)
		a.fails(test.operation, object{test.member: []string{}}, exception, code)
		a.fails(test.operation, object{}, "ValidationException", "")
		for _, kind := range tests {
			if kind.operation != test.operation {
				a.fails(test.operation, object{test.member: []string{kind.arn}}, "InvalidInputException", test.code)
			}
		}
	}
	// An id below another parent is nothing either.
	wrong := strings.Replace(finding, a.template, a.target+"/template/0-XXXXXXXX", 1)
	if out := a.do("DescribeFindings", object{"findingArns": []string{wrong}}); size(out["findings"]) != 0 || size(out["failedItems"]) != 1 {
		t.Errorf("%s was found: %v", wrong, out)
	}
}

func size(v any) int {
	switch list := v.(type) {
	case []any:
		return len(list)
	case object:
		return len(list)
	}
	return -1
}

// number is the exception and code for a list of the wrong length.
func number(code string) (string, string) {
	kind := strings.TrimPrefix(code, "INVALID_")
	if kind == "RESOURCE_ARN" {
		return "ValidationException", ""
	}
	return "InvalidInputException", "INVALID_NUMBER_OF_" + kind + "S"
}

func TestFindingOnTheWire(t *testing.T) {
	a := newAssessed(t)
	arns := a.do("ListFindings", object{"filter": object{"agentIds": []string{web0}, "severities": []string{"Informational"}}})["findingArns"].([]any)
	got := at(a.do("DescribeFindings", object{"findingArns": arns[:1], "locale": "EN_US"}), "findings", 0).(object)
	created, updated := got["createdAt"], got["updatedAt"]
	if n, ok := created.(float64); !ok || n < 1e9 || updated == nil {
		t.Errorf("createdAt %v, updatedAt %v", created, updated)
	}
	delete(got, "createdAt")
	delete(got, "updatedAt")
	delete(got, "title")
	want := object{
		"arn": arns[0], "schemaVersion": 1.0, "service": "Inspector", "assetType": "ec2-instance", "id": "Disable root login over SSH",
		"serviceAttributes": object{"schemaVersion": 1.0, "assessmentRunArn": a.run, "rulesPackageArn": practices},
		"assetAttributes": object{
			"schemaVersion": 1.0, "agentId": web0, "hostname": "web.example", "ipv4Addresses": []any{"192.0.2.1"}, "tags": []any{}, "networkInterfaces": []any{},
		},
		"description": "Root can log in.", "recommendation": "Set PermitRootLogin no.", "severity": "Informational", "numericSeverity": 0.0, "confidence": 10.0,
		"indicatorOfCompromise": false, "attributes": []any{object{"key": "INSTANCE_ID", "value": web0}}, "userAttributes": []any{object{"key": "team", "value": "blue"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestListFilters(t *testing.T) {
	a := newAssessed(t)
	w := a.world
	alias := "arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ"
	tests := []struct {
		operation string
		in        object
		want      int
	}{
		{"ListAssessmentTargets", object{}, 1},
		{"ListAssessmentTargets", object{"filter": object{"assessmentTargetNamePattern": "w*"}}, 1},
		{"ListAssessmentTargets", object{"filter": object{"assessmentTargetNamePattern": "x*"}}, 0},
		{"ListAssessmentTemplates", object{"assessmentTargetArns": []string{a.target}}, 1},
		{"ListAssessmentTemplates", object{"filter": object{"durationRange": object{"minSeconds": 181}}}, 0},
		{"ListAssessmentTemplates", object{"filter": object{"rulesPackageArns": []string{alias}}}, 1},
		{"ListAssessmentRuns", object{"assessmentTemplateArns": []string{a.template}, "filter": object{"states": []string{"COMPLETED"}}}, 1},
		{"ListAssessmentRuns", object{"filter": object{"states": []string{"FAILED"}}}, 0},
		{"ListAssessmentRuns", object{"filter": object{"namePattern": "first", "startTimeRange": object{"beginDate": 1e9}, "rulesPackageArns": []string{alias}}}, 1},
		{"ListAssessmentRuns", object{"filter": object{"completionTimeRange": object{"endDate": 1e9}}}, 0},
		{"ListAssessmentRunAgents", object{"assessmentRunArn": a.run}, 2},
		{"ListFindings", object{"assessmentRunArns": []string{a.run}, "maxResults": 500}, 24},
		{"ListFindings", object{"filter": object{"agentIds": []string{web1}}, "maxResults": 500}, 12},
		{"ListFindings", object{"filter": object{"severities": []string{"High", "Low"}}, "maxResults": 500}, 12},
		{"ListFindings", object{"filter": object{"rulesPackageArns": []string{alias}}, "maxResults": 500}, 24},
		{"ListFindings", object{"filter": object{"rulesPackageArns": []string{"arn:aws:inspector:us-west-2:758058086616:rulespackage/0-XXXXXXXX"}}}, 0},
		{"ListFindings", object{"filter": object{"attributes": []object{{"key": "INSTANCE_ID", "value": web0}}, "userAttributes": []object{{"key": "team", "value": "blue"}}}, "maxResults": 500}, 12},
		{"ListFindings", object{"filter": object{"creationTimeRange": object{"endDate": 1e9}}}, 0},
		{"ListExclusions", object{"assessmentRunArn": a.run}, 2},
		{"ListRulesPackages", object{}, len(w.api.Packages)},
		{"PreviewAgents", object{"previewAgentsArn": a.target}, 2},
		{"GetTelemetryMetadata", object{"assessmentRunArn": a.run}, 1},
	}
	for _, test := range tests {
		out := w.do(test.operation, test.in)
		delete(out, "nextToken")
		for member, list := range out {
			if size(list) != test.want {
				t.Errorf("%s %v: %d %s, want %d", test.operation, test.in, size(list), member, test.want)
			}
		}
	}
}

func TestPages(t *testing.T) {
	a := newAssessed(t)
	seen, token, sizes := map[string]bool{}, any(nil), []int{}
	for {
		in := object{"assessmentRunArns": []string{a.run}}
		if token != nil {
			in["nextToken"] = token
		}
		out := a.do("ListFindings", in)
		sizes = append(sizes, size(out["findingArns"]))
		for _, arn := range out["findingArns"].([]any) {
			if seen[arn.(string)] {
				t.Errorf("%s is there twice", arn)
			}
			seen[arn.(string)] = true
		}
		if token = out["nextToken"]; token == nil {
			if _, there := out["nextToken"]; there {
				t.Error("the last page has a nextToken")
			}
			break
		}
	}
	if diff := cmp.Diff([]int{10, 10, 4}, sizes); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}

	token = a.do("ListFindings", object{"maxResults": 1})["nextToken"]
	a.do("ListFindings", object{"nextToken": token, "maxResults": 500})
	changed := []byte(token.(string))
	changed[len(changed)/2] ^= 1
	for _, in := range []object{
		{"nextToken": string(changed)},
		{"nextToken": "1"},
		{"nextToken": strings.Repeat("A", 300)},
		{"nextToken": token, "assessmentRunArns": []string{a.run}},
		{"nextToken": token, "filter": object{"agentIds": []string{web0}}},
	} {
		a.fails("ListFindings", in, "InvalidInputException", "INVALID_PAGINATION_TOKEN")
	}
	a.fails("ListAssessmentTargets", object{"nextToken": token}, "InvalidInputException", "INVALID_PAGINATION_TOKEN")
	a.fails("ListFindings", object{"nextToken": strings.Repeat("A", 301)}, "InvalidInputException", "INVALID_PAGINATION_TOKEN")
	a.fails("ListFindings", object{"nextToken": ""}, "InvalidInputException", "INVALID_PAGINATION_TOKEN")
	for _, n := range []int{0, -1, 501} {
		a.fails("ListFindings", object{"maxResults": n}, "InvalidInputException", "INVALID_MAX_RESULTS")
	}
}

// The whole life of targets, templates and runs, and what is refused on the way.
func TestCommands(t *testing.T) {
	a := newAssessed(t)
	a.fails("CreateAssessmentTarget", object{"assessmentTargetName": "web"}, "InvalidInputException", "ASSESSMENT_TARGET_NAME_ALREADY_TAKEN")
	everything := a.do("CreateAssessmentTarget", object{"assessmentTargetName": "all hosts"})["assessmentTargetArn"].(string)
	if out := a.do("DescribeAssessmentTargets", object{"assessmentTargetArns": []string{everything}}); at(out, "assessmentTargets", 0, "resourceGroupArn") != nil {
		t.Errorf("a target of all hosts has a resource group: %v", out)
	}
	a.do("UpdateAssessmentTarget", object{"assessmentTargetArn": a.target, "assessmentTargetName": "renamed"})
	updated := at(a.do("DescribeAssessmentTargets", object{"assessmentTargetArns": []string{a.target}}), "assessmentTargets", 0)
	if at(updated, "name") != "renamed" || at(updated, "resourceGroupArn") != nil {
		t.Errorf("after an update without a group: %v", updated)
	}

	a.do("SetTagsForResource", object{"resourceArn": a.template, "tags": []object{{"key": "a", "value": "1"}, {"key": "b"}}})
	a.do("SetTagsForResource", object{"resourceArn": a.template, "tags": []object{{"key": "c", "value": "3"}}})
	tags := a.do("ListTagsForResource", object{"resourceArn": a.template})
	if diff := cmp.Diff([]any{object{"key": "c", "value": "3"}}, tags["tags"]); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	a.fails("SetTagsForResource", object{"resourceArn": a.template, "tags": []object{{"key": "a"}, {"key": "a"}}}, "InvalidInputException", "INVALID_TAG_KEY")
	a.fails("SetTagsForResource", object{"resourceArn": a.run}, "InvalidInputException", "INVALID_RESOURCE_ARN")

	for _, in := range []object{{}, {"resourceArn": a.template}} {
		if diff := cmp.Diff(object{"subscriptions": []any{}}, a.do("ListEventSubscriptions", in)); diff != "" {
			t.Errorf("event subscriptions with %v (-want +got):\n%s", in, diff)
		}
	}

	run := a.do("StartAssessmentRun", object{"assessmentTemplateArn": a.template})["assessmentRunArn"].(string)
	busy := a.fails("StartAssessmentRun", object{"assessmentTemplateArn": a.template}, "AgentsAlreadyRunningAssessmentException", "")
	if at(busy, "agents", 0, "assessmentRunArn") != run || busy["agentsTruncated"] != false {
		t.Errorf("busy agents: %v", busy)
	}
	inProgress := a.fails("DeleteAssessmentTarget", object{"assessmentTargetArn": a.target}, "AssessmentRunInProgressException", "")
	if at(inProgress, "assessmentRunArns", 0) != run {
		t.Errorf("runs in progress: %v", inProgress)
	}
	a.fails("DeleteAssessmentRun", object{"assessmentRunArn": run}, "AssessmentRunInProgressException", "")
	a.do("StopAssessmentRun", object{"assessmentRunArn": run, "stopAction": "SKIP_EVALUATION"})
	a.do("DeleteAssessmentRun", object{"assessmentRunArn": a.run})
	if out := a.do("ListFindings", object{}); size(out["findingArns"]) != 0 {
		t.Errorf("findings of a deleted run: %v", out)
	}
}

// What does not exist, for the operations that name one thing.
func TestNoSuchEntity(t *testing.T) {
	a := newAssessed(t)
	none := func(arn string) string { return arn[:len(arn)-8] + "XXXXXXXX" }
	template := object{"assessmentTargetArn": a.target, "assessmentTemplateName": "n", "durationInSeconds": 180, "rulesPackageArns": []string{practices}}
	with := func(member string, value any) object {
		out := object{}
		for k, v := range template {
			out[k] = v
		}
		out[member] = value
		return out
	}
	tests := []struct {
		operation string
		in        object
		code      string
	}{
		{"CreateAssessmentTarget", object{"assessmentTargetName": "n", "resourceGroupArn": none(a.group)}, "RESOURCE_GROUP_DOES_NOT_EXIST"},
		{"UpdateAssessmentTarget", object{"assessmentTargetName": "n", "assessmentTargetArn": none(a.target)}, "ASSESSMENT_TARGET_DOES_NOT_EXIST"},
		{"UpdateAssessmentTarget", object{"assessmentTargetName": "n", "assessmentTargetArn": a.target, "resourceGroupArn": none(a.group)}, "RESOURCE_GROUP_DOES_NOT_EXIST"},
		{"DeleteAssessmentTarget", object{"assessmentTargetArn": none(a.target)}, "ASSESSMENT_TARGET_DOES_NOT_EXIST"},
		{"PreviewAgents", object{"previewAgentsArn": none(a.target)}, "ASSESSMENT_TARGET_DOES_NOT_EXIST"},
		{"CreateAssessmentTemplate", with("assessmentTargetArn", none(a.target)), "ASSESSMENT_TARGET_DOES_NOT_EXIST"},
		{"CreateAssessmentTemplate", with("rulesPackageArns", []string{none(practices)}), "RULES_PACKAGE_DOES_NOT_EXIST"},
		{"DeleteAssessmentTemplate", object{"assessmentTemplateArn": none(a.template)}, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
		{"ListAssessmentTemplates", object{"assessmentTargetArns": []string{none(a.target)}}, "ASSESSMENT_TARGET_DOES_NOT_EXIST"},
		{"SetTagsForResource", object{"resourceArn": none(a.template)}, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
		{"ListTagsForResource", object{"resourceArn": none(a.template)}, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
		{"ListEventSubscriptions", object{"resourceArn": none(a.template)}, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
		{"StartAssessmentRun", object{"assessmentTemplateArn": none(a.template)}, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
		{"StopAssessmentRun", object{"assessmentRunArn": none(a.run)}, "ASSESSMENT_RUN_DOES_NOT_EXIST"},
		{"DeleteAssessmentRun", object{"assessmentRunArn": none(a.run)}, "ASSESSMENT_RUN_DOES_NOT_EXIST"},
		{"ListAssessmentRuns", object{"assessmentTemplateArns": []string{none(a.template)}}, "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
		{"ListAssessmentRunAgents", object{"assessmentRunArn": none(a.run)}, "ASSESSMENT_RUN_DOES_NOT_EXIST"},
		{"GetTelemetryMetadata", object{"assessmentRunArn": none(a.run)}, "ASSESSMENT_RUN_DOES_NOT_EXIST"},
		{"ListFindings", object{"assessmentRunArns": []string{none(a.run)}}, "ASSESSMENT_RUN_DOES_NOT_EXIST"},
		{"ListExclusions", object{"assessmentRunArn": none(a.run)}, "ASSESSMENT_RUN_DOES_NOT_EXIST"},
	}
	for _, test := range tests {
		a.fails(test.operation, test.in, "NoSuchEntityException", test.code)
	}
	// The parent is part of the name.
	a.fails("StartAssessmentRun", object{"assessmentTemplateArn": none(a.target) + strings.TrimPrefix(a.template, a.target)}, "NoSuchEntityException", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST")
}

func TestUnknownOperations(t *testing.T) {
	w := newWorld(t)
	for _, operation := range []string{"Nonsense", "", "listfindings", "ListFindings/"} {
		status, _, data := w.signed(operation, "{}", nil)
		out := object{}
		if err := json.Unmarshal(data, &out); err != nil || status != http.StatusBadRequest || out["__type"] != "UnknownOperationException" {
			t.Errorf("%q: %d %s", operation, status, data)
		}
	}
}
