package api

import (
	"bufio"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/api/model"
)

// Each of the model's codes of InvalidInputException is given out: by the model's
// constraints (testdata/violations.txt), or by what follows.
func TestEveryInvalidInputCodeIsReached(t *testing.T) {
	a := newAssessed(t)
	template := object{"assessmentTargetArn": a.target, "assessmentTemplateName": "nightly", "durationInSeconds": 180, "rulesPackageArns": []string{practices}}
	reversed := object{"beginDate": 2, "endDate": 1}
	reached := byConstraints(t)
	for _, test := range []struct {
		code, operation string
		in              object
	}{
		{"ASSESSMENT_TARGET_NAME_ALREADY_TAKEN", "CreateAssessmentTarget", object{"assessmentTargetName": "web"}},
		{"ASSESSMENT_TEMPLATE_NAME_ALREADY_TAKEN", "CreateAssessmentTemplate", template},
		{"INVALID_MAX_RESULTS", "ListFindings", object{"maxResults": 501}},
		{"INVALID_ASSESSMENT_RUN_START_TIME_RANGE", "ListAssessmentRuns", object{"filter": object{"startTimeRange": reversed}}},
		{"INVALID_ASSESSMENT_RUN_COMPLETION_TIME_RANGE", "ListAssessmentRuns", object{"filter": object{"completionTimeRange": reversed}}},
		{"INVALID_ASSESSMENT_RUN_STATE_CHANGE_TIME_RANGE", "ListAssessmentRuns", object{"filter": object{"stateChangeTimeRange": reversed}}},
	} {
		a.fails(test.operation, test.in, "InvalidInputException", test.code)
		reached[test.code] = true
	}
	want := slices.Sorted(slices.Values(model.Shapes["InvalidInputErrorCode"].Enum))
	if len(want) != 54 {
		t.Errorf("the model has %d codes", len(want))
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(reached))); diff != "" {
		t.Errorf("codes (-the model's +given out):\n%s", diff)
	}
}

func byConstraints(t *testing.T) map[string]bool {
	file, err := os.Open("testdata/violations.txt")
	check(t, err)
	defer file.Close()
	codes := map[string]bool{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if _, code, ok := strings.Cut(lines.Text(), "InvalidInputException "); ok {
			codes[code] = true
		}
	}
	return codes
}

// The codes of the other exceptions: which test reaches them, or why nothing does.
// A code that the model has and this table has not is a question that nobody has
// answered.
func TestOtherCodes(t *testing.T) {
	for shape, codes := range map[string]map[string]string{
		"NoSuchEntityErrorCode": {
			"ASSESSMENT_TARGET_DOES_NOT_EXIST":   "TestNoSuchEntity",
			"ASSESSMENT_TEMPLATE_DOES_NOT_EXIST": "TestNoSuchEntity",
			"ASSESSMENT_RUN_DOES_NOT_EXIST":      "TestNoSuchEntity",
			"RESOURCE_GROUP_DOES_NOT_EXIST":      "TestNoSuchEntity",
			"RULES_PACKAGE_DOES_NOT_EXIST":       "TestNoSuchEntity",
			"FINDING_DOES_NOT_EXIST":             "never: every operation that takes findings takes lists, and has failedItems",
			"SNS_TOPIC_DOES_NOT_EXIST":           "never: topics that are not hosted here are accepted",
			"IAM_ROLE_DOES_NOT_EXIST":            "never: IAM is not asked when a role is registered",
		},
		"LimitExceededErrorCode": {
			"ASSESSMENT_TARGET_LIMIT_EXCEEDED":   "TestProperty",
			"ASSESSMENT_TEMPLATE_LIMIT_EXCEEDED": "TestProperty",
			"ASSESSMENT_RUN_LIMIT_EXCEEDED":      "TestProperty",
			"RESOURCE_GROUP_LIMIT_EXCEEDED":      "never: AWS documents no such limit, and groups cannot be deleted",
			"EVENT_SUBSCRIPTION_LIMIT_EXCEEDED":  "SubscribeToEvent",
		},
		"InvalidCrossAccountRoleErrorCode": {
			"ROLE_DOES_NOT_EXIST_OR_INVALID_TRUST_RELATIONSHIP": "never: IAM is not asked when a role is registered",
			"ROLE_DOES_NOT_HAVE_CORRECT_POLICY":                 "never: IAM is not asked when a role is registered",
		},
		"AccessDeniedErrorCode": {
			"ACCESS_DENIED_TO_ASSESSMENT_TARGET":   "by policies: see docs/api.md",
			"ACCESS_DENIED_TO_ASSESSMENT_TEMPLATE": "by policies",
			"ACCESS_DENIED_TO_ASSESSMENT_RUN":      "by policies",
			"ACCESS_DENIED_TO_FINDING":             "by policies",
			"ACCESS_DENIED_TO_RESOURCE_GROUP":      "by policies",
			"ACCESS_DENIED_TO_RULES_PACKAGE":       "by policies",
			"ACCESS_DENIED_TO_SNS_TOPIC":           "by policies",
			"ACCESS_DENIED_TO_IAM_ROLE":            "by policies",
		},
		"FailedItemErrorCode": {
			"ITEM_DOES_NOT_EXIST": "TestDescribeSortsOut",
			"INVALID_ARN":         "never: a malformed ARN is an InvalidInputException for the whole request",
			"DUPLICATE_ARN":       "never: an item that is named twice is described once",
			"ACCESS_DENIED":       "never: permission is given or refused for the whole request",
			"LIMIT_EXCEEDED":      "AddAttributesToFindings",
			"INTERNAL_ERROR":      "never: our own failure is an InternalException for the whole request",
		},
	} {
		want := slices.Sorted(slices.Values(model.Shapes[shape].Enum))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(codes))); diff != "" {
			t.Errorf("%s (-the model's +known):\n%s", shape, diff)
		}
	}
}
