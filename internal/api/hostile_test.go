package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"assay/internal/testpg"
)

// onBoth runs a test on both databases.
func onBoth(t *testing.T, test func(*testing.T, *world)) {
	t.Run("SQLite", func(t *testing.T) { test(t, newWorldOn(t, scope, "sqlite:"+filepath.Join(t.TempDir(), "assay.db"))) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, newWorldOn(t, scope, testpg.New(t))) })
}

// TestForeignText puts text that PostgreSQL refuses into all that takes text: none
// of it is the service's fault.
func TestForeignText(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		const nul = `"a\u0000b"`
		target := w.do("CreateAssessmentTarget", object{"assessmentTargetName": "t"})["assessmentTargetArn"].(string)
		for _, call := range [][2]string{
			{"CreateResourceGroup", `{"resourceGroupTags":[{"key":` + nul + `,"value":` + nul + `}]}`},
			{"CreateAssessmentTarget", `{"assessmentTargetName":` + nul + `}`},
			{"CreateAssessmentTarget", `{"assessmentTargetName":` + nul + `}`},
			{"UpdateAssessmentTarget", `{"assessmentTargetArn":"` + target + `","assessmentTargetName":` + nul + `}`},
			{"ListAssessmentTargets", `{"filter":{"assessmentTargetNamePattern":` + nul + `},"nextToken":` + nul + `}`},
			{"ListAssessmentTargets", `{"filter":{"assessmentTargetNamePattern":` + nul + `}}`},
			{"CreateAssessmentTemplate", `{"assessmentTargetArn":"` + target + `","assessmentTemplateName":` + nul + `,"durationInSeconds":180,"rulesPackageArns":[` + nul + `],"userAttributesForFindings":[{"key":` + nul + `,"value":` + nul + `}]}`},
			{"ListAssessmentTemplates", `{"filter":{"namePattern":` + nul + `,"rulesPackageArns":[` + nul + `]}}`},
			{"ListAssessmentRuns", `{"filter":{"namePattern":` + nul + `,"rulesPackageArns":[` + nul + `]}}`},
			{"ListFindings", `{"filter":{"agentIds":[` + nul + `],"autoScalingGroups":[` + nul + `],"ruleNames":[` + nul + `],"attributes":[{"key":` + nul + `,"value":` + nul + `}]}}`},
			{"DescribeFindings", `{"findingArns":[` + nul + `]}`},
			{"StartAssessmentRun", `{"assessmentTemplateArn":` + nul + `,"assessmentRunName":` + nul + `}`},
			{"SetTagsForResource", `{"resourceArn":` + nul + `,"tags":[{"key":` + nul + `,"value":` + nul + `}]}`},
		} {
			status, _, data := w.signed(call[0], call[1], nil)
			if status >= http.StatusInternalServerError {
				t.Errorf("%s %s: %d %s (%v)", call[0], call[1], status, data, w.calls[len(w.calls)-1].cause)
			}
		}
		for _, key := range []string{"AKIA\xff\xfe567890123456", strings.Repeat("\x80", 20)} {
			w.key.KeyID = key
			if status, _, data := w.signed("ListFindings", "{}", nil); status != http.StatusBadRequest {
				t.Errorf("the key %q: %d %s", key, status, data)
			}
		}
	})
}

// TestRunsAtOnce starts runs over the same host at once, and deletes the template
// under them: one run at most goes on, and nothing is left half.
func TestRunsAtOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.addAgents("i-00000000000000001")
		target := w.do("CreateAssessmentTarget", object{"assessmentTargetName": "t"})["assessmentTargetArn"]
		template := w.do("CreateAssessmentTemplate", object{
			"assessmentTargetArn": target, "assessmentTemplateName": "n", "durationInSeconds": 180,
			"rulesPackageArns": []string{scope.PackageARN(practicesPackage{}.Describe().ID).String()},
		})["assessmentTemplateArn"]
		var mu sync.Mutex
		outcomes := map[string]int{}
		call := func(operation string, in object) {
			body, err := json.Marshal(in)
			if err != nil {
				t.Error(err)
				return
			}
			status, _, data := w.signed(operation, string(body), nil)
			var answer struct {
				Type string `json:"__type"`
			}
			json.Unmarshal(data, &answer)
			mu.Lock()
			defer mu.Unlock()
			outcomes[fmt.Sprintf("%s %d %s", operation, status, answer.Type)]++
			if status >= http.StatusInternalServerError {
				t.Errorf("%s: %d %s", operation, status, data)
			}
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() { call("StartAssessmentRun", object{"assessmentTemplateArn": template}) })
		}
		group.Go(func() { call("DeleteAssessmentTemplate", object{"assessmentTemplateArn": template}) })
		group.Go(func() { call("DeleteAssessmentTarget", object{"assessmentTargetArn": target}) })
		group.Wait()
		runs := w.do("ListAssessmentRuns", object{})["assessmentRunArns"].([]any)
		if len(runs) > 1 || outcomes["StartAssessmentRun 200 "] > 1 {
			t.Errorf("there are %d runs: %v", len(runs), outcomes)
		}
	})
}
