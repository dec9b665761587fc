package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"
	"github.com/google/go-cmp/cmp"

	"assay/internal/api/model"
	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
	"assay/internal/testpg"
)

// makePreview does the job of a preview, as a worker would.
func (w *world) makePreview(token string) {
	w.t.Helper()
	handlers := w.api.Commands.(*assess.Service).Handlers()
	check(w.t, handlers["preview"](w.t.Context(), jobs.Job{Kind: "preview", Key: token, Payload: []byte(token)}))
}

// silent enrols hosts that were never heard of.
func (w *world) silent(n int) {
	w.t.Helper()
	check(w.t, w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		for i := range n {
			err := tx.SaveAgent(w.t.Context(), inspector.Agent{ID: fmt.Sprintf("i-%017d", i), Platform: "windows", OS: "Windows Server 2022", EnrolledAt: time.Now()})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

func TestExclusionsPreview(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { exclusionsPreview(t, newWorld(t)) })
	t.Run("PostgreSQL", func(t *testing.T) { exclusionsPreview(t, newWorldOn(t, scope, testpg.New(t))) })
}

func exclusionsPreview(t *testing.T, w *world) {
	w.silent(230)
	target := w.do("CreateAssessmentTarget", object{"assessmentTargetName": "all"})["assessmentTargetArn"].(string)
	templates := []string{}
	for _, name := range []string{"one", "two"} {
		templates = append(templates, w.do("CreateAssessmentTemplate", object{
			"assessmentTargetArn": target, "assessmentTemplateName": name, "durationInSeconds": 180, "rulesPackageArns": []string{practices},
		})["assessmentTemplateArn"].(string))
	}
	create := object{"assessmentTemplateArn": templates[0]}
	token := w.do("CreateExclusionsPreview", create)["previewToken"].(string)
	get := object{"assessmentTemplateArn": templates[0], "previewToken": token}
	if diff := cmp.Diff(object{"previewStatus": "WORK_IN_PROGRESS"}, w.do("GetExclusionsPreview", get)); diff != "" {
		t.Errorf("while it is being made (-want +got):\n%s", diff)
	}
	w.fails("CreateExclusionsPreview", create, "PreviewGenerationInProgressException", "")
	w.makePreview(token)
	w.makePreview(token) // a job may run twice

	// Whole pages, by default of 100; the tokens are of this preview only.
	seen, sizes := map[string]bool{}, []int{}
	for next, ok := "", true; ok; {
		in := object{"locale": "EN_US"}
		for k, v := range get {
			in[k] = v
		}
		if next != "" {
			in["nextToken"] = next
		}
		out := w.do("GetExclusionsPreview", in)
		if out["previewStatus"] != "COMPLETED" {
			t.Fatalf("it is %v", out["previewStatus"])
		}
		list := out["exclusionPreviews"].([]any)
		sizes = append(sizes, len(list))
		for i := range list {
			if at(list, i, "title") != "Unsupported OS version" || at(list, i, "scopes", 0, "key") != "INSTANCE_ID" {
				t.Errorf("%v", list[i])
			}
			seen[at(list, i, "scopes", 0, "value").(string)] = true
		}
		next, ok = out["nextToken"].(string)
	}
	if diff := cmp.Diff([]int{100, 100, 30}, sizes); diff != "" || len(seen) != 230 {
		t.Errorf("%d hosts on pages of %v", len(seen), sizes)
	}
	with := func(member string, value any) object {
		in := object{"assessmentTemplateArn": templates[0], "previewToken": token}
		in[member] = value
		return in
	}
	first, _ := w.api.getExclusionsPreview(t.Context(), &model.GetExclusionsPreviewRequest{AssessmentTemplateArn: templates[0], PreviewToken: token, MaxResults: aws.Int64(500)})
	if first == nil || len(first.ExclusionPreviews) != 230 || first.NextToken != "" {
		t.Errorf("a page of 500: %+v", first)
	}
	next := w.do("GetExclusionsPreview", with("maxResults", 1))["nextToken"]
	second := w.do("CreateExclusionsPreview", create)["previewToken"].(string)
	w.makePreview(second)
	for _, test := range []struct {
		in              object
		exception, code string
	}{
		{object{"assessmentTemplateArn": templates[0], "previewToken": second, "nextToken": next}, "InvalidInputException", "INVALID_PAGINATION_TOKEN"},
		{with("assessmentTemplateArn", templates[1]), "NoSuchEntityException", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
		{with("assessmentTemplateArn", templates[0][:len(templates[0])-8]+"XXXXXXXX"), "NoSuchEntityException", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
		{with("previewToken", "01234567-89ab-cdef-0123-456789abcdef"), "NoSuchEntityException", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST"},
	} {
		w.fails("GetExclusionsPreview", test.in, test.exception, test.code)
	}
	w.fails("CreateExclusionsPreview", object{"assessmentTemplateArn": templates[0][:len(templates[0])-8] + "XXXXXXXX"}, "NoSuchEntityException", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST")
	w.do("DeleteAssessmentTemplate", create)
	w.fails("GetExclusionsPreview", get, "NoSuchEntityException", "ASSESSMENT_TEMPLATE_DOES_NOT_EXIST")

	// A target that has nothing to exclude has a preview that is complete and empty.
	w.addAgents(web0)
	group := w.do("CreateResourceGroup", object{"resourceGroupTags": []object{{"key": "env", "value": "prod"}}})["resourceGroupArn"]
	target = w.do("CreateAssessmentTarget", object{"assessmentTargetName": "web", "resourceGroupArn": group})["assessmentTargetArn"].(string)
	empty := w.do("CreateAssessmentTemplate", object{
		"assessmentTargetArn": target, "assessmentTemplateName": "none", "durationInSeconds": 180, "rulesPackageArns": []string{practices},
	})["assessmentTemplateArn"].(string)
	token = w.do("CreateExclusionsPreview", object{"assessmentTemplateArn": empty})["previewToken"].(string)
	w.makePreview(token)
	if diff := cmp.Diff(object{"previewStatus": "COMPLETED", "exclusionPreviews": []any{}},
		w.do("GetExclusionsPreview", object{"assessmentTemplateArn": empty, "previewToken": token})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Malformed requests about exclusions do not reach the store.
func TestMalformedExclusionRequests(t *testing.T) {
	w := newWorld(t)
	check(t, w.store.Close())
	const template = "arn:aws:inspector:eu-central-1:210987654321:target/0-TTTTTTTT/template/0-PPPPPPPP"
	const uuid = "01234567-89ab-cdef-0123-456789abcdef"
	for _, test := range []struct{ operation, body, exception, code string }{
		{"CreateExclusionsPreview", `{}`, "ValidationException", ""},
		{"CreateExclusionsPreview", `{"assessmentTemplateArn":""}`, "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_ARN"},
		{"CreateExclusionsPreview", `{"assessmentTemplateArn":"` + template[:65] + `"}`, "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_ARN"},
		{"CreateExclusionsPreview", `{"assessmentTemplateArn":7}`, "SerializationException", ""},
		{"GetExclusionsPreview", `{"assessmentTemplateArn":"` + template + `"}`, "ValidationException", ""},
		{"GetExclusionsPreview", `{"assessmentTemplateArn":"` + template + `","previewToken":"x"}`, "ValidationException", ""},
		{"GetExclusionsPreview", `{"assessmentTemplateArn":"` + template + `","previewToken":"` + strings.ToUpper(uuid) + `"}`, "ValidationException", ""},
		{"GetExclusionsPreview", `{"assessmentTemplateArn":"x","previewToken":"` + uuid + `"}`, "InvalidInputException", "INVALID_ASSESSMENT_TEMPLATE_ARN"},
		{"GetExclusionsPreview", `{"assessmentTemplateArn":"` + template + `","previewToken":"` + uuid + `","maxResults":0}`, "InvalidInputException", "INVALID_MAX_RESULTS"},
		{"GetExclusionsPreview", `{"assessmentTemplateArn":"` + template + `","previewToken":"` + uuid + `","maxResults":501}`, "InvalidInputException", "INVALID_MAX_RESULTS"},
		{"GetExclusionsPreview", `{"assessmentTemplateArn":"` + template + `","previewToken":"` + uuid + `","nextToken":"x"}`, "InvalidInputException", "INVALID_PAGINATION_TOKEN"},
		{"GetExclusionsPreview", `{"assessmentTemplateArn":"` + template + `","previewToken":"` + uuid + `","locale":"DE_DE"}`, "InvalidInputException", "INVALID_LOCALE"},
		{"DescribeExclusions", `{"exclusionArns":["` + template + `"],"locale":"DE_DE"}`, "InvalidInputException", "INVALID_LOCALE"},
		{"DescribeExclusions", `{"exclusionArns":["` + template + `"]}`, "InvalidInputException", "INVALID_RESOURCE_ARN"},
		{"ListExclusions", `{"assessmentRunArn":"` + template + `"}`, "InvalidInputException", "INVALID_ASSESSMENT_RUN_ARN"},
		{"ListExclusions", `{"assessmentRunArn":"` + template + `/run/0-RRRRRRRR","maxResults":501}`, "InvalidInputException", "INVALID_MAX_RESULTS"},
	} {
		status, got := carryOut(w.api, test.operation, test.body)
		if status != http.StatusBadRequest || got.Type != test.exception || got.Code != test.code || got.Message == "" {
			t.Errorf("%s %s: got %d %s %s %q, want %s %s", test.operation, test.body, status, got.Type, got.Code, got.Message, test.exception, test.code)
		}
	}
}

// A page of ListExclusions is 100 by default, and at most 500; a page of
// DescribeExclusions takes 100, each with its scopes.
func TestExclusionPages(t *testing.T) {
	a := newAssessed(t)
	run, err := inspector.ParseARN(a.run)
	check(t, err)
	check(t, a.store.Update(t.Context(), func(tx *store.Tx) error {
		var more []inspector.Exclusion
		for i := range 601 {
			more = append(more, inspector.Exclusion{Run: run.ID, ID: idOf("more", i), Title: "t", Description: strings.Repeat("ü", 30_000), Recommendation: "r",
				Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeRulesPackage, Value: practices}}})
		}
		return tx.AddExclusions(context.Background(), run.ID, more)
	}))
	for _, test := range []struct {
		in   object
		want []int
	}{
		{object{}, []int{100, 100, 100, 100, 100, 100, 3}},
		{object{"maxResults": 500}, []int{500, 103}},
	} {
		var sizes []int
		for next, ok := "", true; ok; {
			in := object{"assessmentRunArn": a.run}
			for k, v := range test.in {
				in[k] = v
			}
			if next != "" {
				in["nextToken"] = next
			}
			// Not do: the model's list is of 100, as in all operations that list.
			body, err := json.Marshal(in)
			check(t, err)
			status, _, data := a.signed("ListExclusions", string(body), nil)
			out := object{}
			if err := json.Unmarshal(data, &out); err != nil || status != http.StatusOK {
				t.Fatalf("%v: %d %s", in, status, data)
			}
			arns := out["exclusionArns"].([]any)
			sizes = append(sizes, len(arns))
			if test.in["maxResults"] == nil && len(arns) == 100 {
				described := a.do("DescribeExclusions", object{"exclusionArns": arns, "locale": "EN_US"})
				if size(described["exclusions"]) != 100 || size(described["failedItems"]) != 0 {
					t.Errorf("of a whole page %d are described", size(described["exclusions"]))
				}
			}
			next, ok = out["nextToken"].(string)
		}
		if diff := cmp.Diff(test.want, sizes); diff != "" {
			t.Errorf("%v: pages of %v, want %v", test.in, sizes, test.want)
		}
	}
}

// The preview with AWS's SDK: its paginator, and its types of the exceptions.
func TestPreviewWithTheSDK(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.silent(3)
	c := w.client()
	target, err := c.CreateAssessmentTarget(ctx, &sdk.CreateAssessmentTargetInput{AssessmentTargetName: aws.String("all")})
	check(t, err)
	template, err := c.CreateAssessmentTemplate(ctx, &sdk.CreateAssessmentTemplateInput{
		AssessmentTargetArn: target.AssessmentTargetArn, AssessmentTemplateName: aws.String("t"), DurationInSeconds: aws.Int32(180), RulesPackageArns: []string{practices},
	})
	check(t, err)
	preview, err := c.CreateExclusionsPreview(ctx, &sdk.CreateExclusionsPreviewInput{AssessmentTemplateArn: template.AssessmentTemplateArn})
	check(t, err)
	_, err = c.CreateExclusionsPreview(ctx, &sdk.CreateExclusionsPreviewInput{AssessmentTemplateArn: template.AssessmentTemplateArn})
	var inProgress *types.PreviewGenerationInProgressException
	if !errors.As(err, &inProgress) {
		t.Errorf("a second preview: %v", err)
	}
	w.makePreview(*preview.PreviewToken)
	n := 0
	pages := sdk.NewGetExclusionsPreviewPaginator(c, &sdk.GetExclusionsPreviewInput{
		AssessmentTemplateArn: template.AssessmentTemplateArn, PreviewToken: preview.PreviewToken, MaxResults: aws.Int32(2),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		check(t, err)
		if page.PreviewStatus != types.PreviewStatusCompleted {
			t.Errorf("it is %s", page.PreviewStatus)
		}
		n += len(page.ExclusionPreviews)
	}
	if n != 3 {
		t.Errorf("%d exclusions", n)
	}
}
