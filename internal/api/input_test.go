package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"assay/internal/access"
	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/store"
)

// offline is a server whose database is closed and that has no commands: what it
// answers without an InternalException, it has not asked the store for.
func offline(t testing.TB) *Server {
	t.Helper()
	db, err := store.Open(context.Background(), "sqlite:"+filepath.Join(t.TempDir(), "assay.db"))
	check(t, err)
	check(t, db.Close())
	s, err := New(Config{
		Health: func(inspector.Agent) (inspector.Health, inspector.HealthCode) {
			return inspector.Healthy, inspector.CodeIdle
		},
		Scope: scope, Commands: struct{ Commands }{}, Queries: &db.Reader, Keys: nobody{}, TokenKey: bytes.Repeat([]byte("k"), 32),
		Packages: []rules.Description{{ID: inspector.PackagePractices, Name: "Security Best Practices", Version: "1", Text: "Text."}},
	})
	check(t, err)
	return s
}

type nobody struct{}

func (nobody) Credential(context.Context, string, string) (access.Credential, bool, error) {
	return access.Credential{}, false, nil
}

// carryOut is a call without its signature.
func carryOut(s *Server, operation, body string) (int, wireError) {
	_, err := s.operations[operation](context.Background(), []byte(body), model.Operations[operation])
	if err == nil {
		return http.StatusOK, wireError{}
	}
	return describe(err)
}

// Malformed input gets AWS's answer and never reaches the store.
func TestInvalidInput(t *testing.T) {
	s := offline(t)
	arns := func(n int) string {
		return `["` + strings.Repeat(`arn:aws:inspector:eu-central-1:210987654321:target/0-TTTTTTTT","`, n-1) + `arn:aws:inspector:eu-central-1:210987654321:target/0-TTTTTTTT"]`
	}
	const target, run = "arn:aws:inspector:eu-central-1:210987654321:target/0-TTTTTTTT", "arn:aws:inspector:eu-central-1:210987654321:target/0-TTTTTTTT/template/0-PPPPPPPP/run/0-RRRRRRRR"
	long := strings.Repeat("x", 301)
	template := func(duration, rest string) string {
		return `{"assessmentTargetArn":"` + target + `","assessmentTemplateName":"n","durationInSeconds":` + duration + `,"rulesPackageArns":[]` + rest + `}`
	}
	tests := []struct{ operation, body, exception, code string }{
		{"CreateResourceGroup", `{`, "SerializationException", ""},
		{"CreateResourceGroup", `{"resourceGroupTags":"all"}`, "SerializationException", ""},
		{"CreateResourceGroup", ``, "ValidationException", ""},
		{"CreateResourceGroup", `{}`, "ValidationException", ""},
		{"CreateResourceGroup", `{"resourceGroupTags":[]}`, "InvalidInputException", "INVALID_NUMBER_OF_RESOURCE_GROUP_TAGS"},
		{"CreateResourceGroup", `{"resourceGroupTags":[{"key":""}]}`, "InvalidInputException", "INVALID_RESOURCE_GROUP_TAG_KEY"},
		{"CreateResourceGroup", `{"resourceGroupTags":[{"key":"k","value":"` + long + `"}]}`, "InvalidInputException", "INVALID_RESOURCE_GROUP_TAG_VALUE"},
		{"CreateAssessmentTarget", `{"assessmentTargetName":""}`, "InvalidInputException", "INVALID_ASSESSMENT_TARGET_NAME"},
		{"CreateAssessmentTarget", `{"assessmentTargetName":"n","resourceGroupArn":"x"}`, "InvalidInputException", "INVALID_RESOURCE_GROUP_ARN"},
		{"CreateAssessmentTarget", `{"assessmentTargetName":"n","resourceGroupArn":"` + target + `"}`, "InvalidInputException", "INVALID_RESOURCE_GROUP_ARN"},
		{"UpdateAssessmentTarget", `{"assessmentTargetName":"n","assessmentTargetArn":"x"}`, "InvalidInputException", "INVALID_ASSESSMENT_TARGET_ARN"},
		{"DeleteAssessmentTarget", `{"assessmentTargetArn":"` + long + `"}`, "InvalidInputException", "INVALID_ASSESSMENT_TARGET_ARN"},
		{"PreviewAgents", `{"previewAgentsArn":"` + run + `"}`, "InvalidInputException", "INVALID_ASSESSMENT_TARGET_ARN"},
		{"ListAssessmentTargets", `{"filter":{"assessmentTargetNamePattern":""}}`, "InvalidInputException", "INVALID_ASSESSMENT_TARGET_NAME_PATTERN"},
		{"ListAssessmentTargets", `{"filter":[]}`, "SerializationException", ""},
		{"ListAssessmentTargets", `{"maxResults":"10"}`, "SerializationException", ""},
		{"CreateAssessmentTemplate", template("179", ""), "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_DURATION"},
		{"CreateAssessmentTemplate", template("86401", ""), "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_DURATION"},
		{"CreateAssessmentTemplate", template(`"180"`, ""), "SerializationException", ""},
		{"CreateAssessmentTemplate", template("180", `,"userAttributesForFindings":[{"value":"v"}]`), "InvalidInputException", "INVALID_USER_ATTRIBUTE"},
		{"CreateAssessmentTemplate", template("180", `,"userAttributesForFindings":[{"key":""}]`), "InvalidInputException", "INVALID_USER_ATTRIBUTE_KEY"},
		{"CreateAssessmentTemplate", template("180", `,"userAttributesForFindings":[{"key":"k"}`+strings.Repeat(`,{"key":"k"}`, 10)+`]`), "InvalidInputException", "INVALID_NUMBER_OF_USER_ATTRIBUTES"},
		{"ListAssessmentTemplates", `{"assessmentTargetArns":` + arns(51) + `}`, "InvalidInputException", "INVALID_NUMBER_OF_ASSESSMENT_TARGET_ARNS"},
		{"ListAssessmentTemplates", `{"filter":{"namePattern":""}}`, "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_NAME_PATTERN"},
		{"ListAssessmentTemplates", `{"filter":{"durationRange":{"minSeconds":1}}}`, "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_DURATION_RANGE"},
		{"ListAssessmentTemplates", `{"filter":{"durationRange":{"minSeconds":300,"maxSeconds":200}}}`, "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_DURATION_RANGE"},
		{"ListAssessmentTemplates", `{"filter":{"rulesPackageArns":["x"]}}`, "InvalidInputException", "INVALID_RULES_PACKAGE_ARN"},
		{"ListAssessmentRuns", `{"filter":{"namePattern":""}}`, "ValidationException", ""},
		{"ListAssessmentRuns", `{"filter":{"states":["RUNNING"]}}`, "InvalidInputException", "INVALID_ASSESSMENT_RUN_STATE"},
		{"ListAssessmentRuns", `{"filter":{"durationRange":{"minSeconds":300,"maxSeconds":200}}}`, "InvalidInputException", "INVALID_ASSESSMENT_RUN_DURATION_RANGE"},
		{"ListAssessmentRuns", `{"filter":{"startTimeRange":{"beginDate":2,"endDate":1}}}`, "InvalidInputException", "INVALID_ASSESSMENT_RUN_START_TIME_RANGE"},
		{"ListAssessmentRuns", `{"filter":{"completionTimeRange":{"beginDate":2,"endDate":1}}}`, "InvalidInputException", "INVALID_ASSESSMENT_RUN_COMPLETION_TIME_RANGE"},
		{"ListAssessmentRuns", `{"filter":{"stateChangeTimeRange":{"beginDate":2,"endDate":1}}}`, "InvalidInputException", "INVALID_ASSESSMENT_RUN_STATE_CHANGE_TIME_RANGE"},
		{"ListAssessmentRuns", `{"assessmentTemplateArns":["` + target + `"]}`, "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_ARN"},
		{"StartAssessmentRun", `{"assessmentTemplateArn":"` + target + `"}`, "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_ARN"},
		{"StartAssessmentRun", `{"assessmentTemplateArn":"x","assessmentRunName":""}`, "ValidationException", ""},
		{"StopAssessmentRun", `{"assessmentRunArn":"` + run + `","stopAction":"STOP"}`, "ValidationException", ""},
		{"DeleteAssessmentRun", `{"assessmentRunArn":"` + target + `"}`, "InvalidInputException", "INVALID_ASSESSMENT_RUN_ARN"},
		{"ListAssessmentRunAgents", `{"assessmentRunArn":"` + run + `","filter":{"agentHealths":[]}}`, "ValidationException", ""},
		{"ListAssessmentRunAgents", `{"assessmentRunArn":"` + run + `","filter":{"agentHealths":["WELL"],"agentHealthCodes":[]}}`, "ValidationException", ""},
		{"ListFindings", `{"filter":{"severities":["Critical"]}}`, "InvalidInputException", "INVALID_SEVERITY"},
		{"ListFindings", `{"filter":{"agentIds":[""]}}`, "InvalidInputException", "INVALID_AGENT_ID"},
		{"ListFindings", `{"filter":{"creationTimeRange":{"beginDate":2,"endDate":1}}}`, "ValidationException", ""},
		{"ListFindings", `{"filter":{"creationTimeRange":{"beginDate":"2024-01-01"}}}`, "SerializationException", ""},
		{"ListFindings", `{"nextToken":"1"}`, "InvalidInputException", "INVALID_PAGINATION_TOKEN"},
		{"ListFindings", `{"maxResults":501}`, "InvalidInputException", "INVALID_MAX_RESULTS"},
		{"DescribeFindings", `{"findingArns":` + arns(501) + `}`, "InvalidInputException", "INVALID_NUMBER_OF_FINDING_ARNS"},
		{"DescribeFindings", `{"findingArns":["x"],"locale":"DE_DE"}`, "InvalidInputException", "INVALID_LOCALE"},
		{"DescribeAssessmentTargets", `{"assessmentTargetArns":` + arns(11) + `}`, "InvalidInputException", "INVALID_NUMBER_OF_ASSESSMENT_TARGET_ARNS"},
		{"DescribeExclusions", `{"exclusionArns":` + arns(101) + `}`, "ValidationException", ""},
		{"SetTagsForResource", `{"resourceArn":"` + target + `","tags":[{"key":"` + long + `"}]}`, "InvalidInputException", "INVALID_TAG_KEY"},
		{"SetTagsForResource", `{"resourceArn":"` + target + `","tags":[{"key":"k"}` + strings.Repeat(`,{"key":"k"}`, 10) + `]}`, "InvalidInputException", "INVALID_NUMBER_OF_TAGS"},
		{"ListTagsForResource", `{"resourceArn":"` + target + `"}`, "InvalidInputException", "INVALID_RESOURCE_ARN"},
		{"ListEventSubscriptions", `{"resourceArn":"` + target + `"}`, "InvalidInputException", "INVALID_RESOURCE_ARN"},
		{"ListEventSubscriptions", `{"nextToken":"1"}`, "InvalidInputException", "INVALID_PAGINATION_TOKEN"},
		{"ListEventSubscriptions", `{"maxResults":501}`, "InvalidInputException", "INVALID_MAX_RESULTS"},
	}
	for _, test := range tests {
		status, got := carryOut(s, test.operation, test.body)
		if status != http.StatusBadRequest || got.Type != test.exception || got.Code != test.code || got.Message == "" {
			t.Errorf("%s %.120s: got %d %s %s %q, want %s %s", test.operation, test.body, status, got.Type, got.Code, got.Message, test.exception, test.code)
		}
	}
	// The server does ask the store where nothing is wrong.
	if status, got := carryOut(s, "ListFindings", `{}`); status != http.StatusInternalServerError || got.Type != "InternalException" {
		t.Errorf("with a closed database: %d %+v", status, got)
	}
}

// Every code that is given out is one of the model's.
func TestCodesAreTheModels(t *testing.T) {
	known := model.Shapes["InvalidInputErrorCode"].Enum
	for _, table := range []map[string]string{numberCodes, valueCodes} {
		for member, code := range table {
			if !slices.Contains(known, code) {
				t.Errorf("%s: the model has no code %s", member, code)
			}
		}
	}
	for _, k := range []resource{groupResource, targetResource, templateResource, runResource, findingResource, packageResource, taggedResource} {
		if !slices.Contains(known, k.invalid) || !slices.Contains(model.Shapes["NoSuchEntityErrorCode"].Enum, k.missing) {
			t.Errorf("%s: codes %s, %s", k.what, k.invalid, k.missing)
		}
	}
}

// Each kind of error has the members that the model gives to it, and its status.
func TestErrorsOnTheWire(t *testing.T) {
	many := make([]inspector.BusyAgent, 12)
	for i := range many {
		many[i] = inspector.BusyAgent{Agent: "i-0", RunARN: "arn"}
	}
	tests := []struct {
		err    error
		status int
	}{
		{&inspector.Err{Kind: inspector.AccessDenied, Code: "ACCESS_DENIED_TO_FINDING", Message: "no"}, 400},
		{&inspector.Err{Kind: inspector.InvalidInput, Code: "INVALID_TAG", Message: strings.Repeat("long ", 1000)}, 400},
		{&inspector.Err{Kind: inspector.LimitExceeded, Code: "ASSESSMENT_RUN_LIMIT_EXCEEDED", Message: "too many"}, 400},
		{&inspector.Err{Kind: inspector.NoSuchEntity, Code: "FINDING_DOES_NOT_EXIST", Message: "none"}, 400},
		{&inspector.Err{Kind: inspector.AgentsAlreadyRunning, Message: "busy", Agents: many}, 400},
		{&inspector.Err{Kind: inspector.RunInProgress, Message: "busy", Runs: strings.Split(strings.Repeat("arn ", 12), " ")}, 400},
		{&inspector.Err{Kind: inspector.InvalidCrossAccount, Code: "ROLE_DOES_NOT_HAVE_CORRECT_POLICY", Message: "role"}, 400},
		{&inspector.Err{Kind: inspector.UnsupportedFeature, Message: "no"}, 400},
		{&inspector.Err{Kind: inspector.PreviewInProgress, Message: "wait"}, 400},
		{&inspector.Err{Kind: inspector.Unavailable, Message: "wait", Retry: true}, 400},
		{&inspector.Err{Kind: inspector.Internal, Message: "secret detail"}, 500},
		{errors.New("secret detail"), 500},
		{&panicked{"secret detail", nil}, 500},
	}
	for _, test := range tests {
		var call Call
		a := jsonError(test.err, &call)
		body := object{}
		check(t, json.Unmarshal(a.body, &body))
		name, _ := body["__type"].(string)
		delete(body, "__type")
		if a.status != test.status || name != call.Error || model.Shapes[name] == nil {
			t.Errorf("%v: %d %s", test.err, a.status, a.body)
			continue
		}
		if err := conforms(model.Shapes[name], body, name); err != nil {
			t.Errorf("%v: %v: %s", test.err, err, a.body)
		}
		if strings.Contains(string(a.body), "secret") || test.status == 500 && call.cause == nil {
			t.Errorf("%v: the caller gets %s, the log %v", test.err, a.body, call.cause)
		}
	}
}

func FuzzOperations(f *testing.F) {
	s := offline(f)
	names := []string{}
	for name := range s.operations {
		names = append(names, name)
	}
	slices.Sort(names)
	const arn = `"arn:aws:inspector:eu-central-1:210987654321:target/0-TTTTTTTT/template/0-PPPPPPPP/run/0-RRRRRRRR/finding/0-FFFFFFFF"`
	for i := range names {
		f.Add(byte(i), []byte(`{}`))
	}
	f.Add(byte(slices.Index(names, "DescribeFindings")), []byte(`{"findingArns":[`+arn+`]}`))
	f.Add(byte(slices.Index(names, "ListFindings")), []byte(`{"filter":{"severities":["High"],"attributes":[{"key":"a"}]},"maxResults":3,"nextToken":"AAAAAAAAAAAAAAAAAAAAAAAA"}`))
	f.Add(byte(slices.Index(names, "DescribeRulesPackages")), []byte(`{"rulesPackageArns":["arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ"]}`))
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		name := names[int(which)%len(names)]
		status, e := carryOut(s, name, string(body))
		if status == http.StatusInternalServerError && !json.Valid(body) && len(body) > 0 {
			t.Errorf("%s %q reached the store: %+v", name, body, e)
		}
	})
}
