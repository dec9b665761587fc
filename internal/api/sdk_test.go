package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"
	"github.com/aws/smithy-go"
)

// client is AWS's own SDK for Go, changed in nothing but its endpoint.
func (w *world) client() *sdk.Client {
	return sdk.NewFromConfig(aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(w.server.URL), HTTPClient: w.server.Client(), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(w.key.KeyID, w.key.Secret, ""),
	})
}

// A whole assessment with AWS's SDK, from CreateResourceGroup to DescribeFindings.
func TestGoSDK(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	w.addAgents(web0, web1)
	c := w.client()
	group, err := c.CreateResourceGroup(ctx, &sdk.CreateResourceGroupInput{ResourceGroupTags: []types.ResourceGroupTag{{Key: aws.String("env"), Value: aws.String("prod")}}})
	check(t, err)
	target, err := c.CreateAssessmentTarget(ctx, &sdk.CreateAssessmentTargetInput{AssessmentTargetName: aws.String("web"), ResourceGroupArn: group.ResourceGroupArn})
	check(t, err)
	preview, err := c.PreviewAgents(ctx, &sdk.PreviewAgentsInput{PreviewAgentsArn: target.AssessmentTargetArn})
	check(t, err)
	if len(preview.AgentPreviews) != 2 || preview.AgentPreviews[1].AgentHealth != types.AgentHealthHealthy || *preview.AgentPreviews[1].Ipv4Address != "192.0.2.2" {
		t.Errorf("agents: %+v", preview.AgentPreviews)
	}
	packages, err := c.ListRulesPackages(ctx, &sdk.ListRulesPackagesInput{})
	check(t, err)
	described, err := c.DescribeRulesPackages(ctx, &sdk.DescribeRulesPackagesInput{RulesPackageArns: packages.RulesPackageArns, Locale: types.LocaleEnUs})
	check(t, err)
	if i := slices.IndexFunc(described.RulesPackages, func(p types.RulesPackage) bool { return *p.Name == "Security Best Practices" }); i < 0 {
		t.Errorf("rules packages: %+v", described)
	}
	template, err := c.CreateAssessmentTemplate(ctx, &sdk.CreateAssessmentTemplateInput{
		AssessmentTargetArn: target.AssessmentTargetArn, AssessmentTemplateName: aws.String("nightly"), DurationInSeconds: aws.Int32(3600), RulesPackageArns: packages.RulesPackageArns,
	})
	check(t, err)
	_, err = c.SetTagsForResource(ctx, &sdk.SetTagsForResourceInput{ResourceArn: template.AssessmentTemplateArn, Tags: []types.Tag{{Key: aws.String("owner"), Value: aws.String("me")}}})
	check(t, err)
	run, err := c.StartAssessmentRun(ctx, &sdk.StartAssessmentRunInput{AssessmentTemplateArn: template.AssessmentTemplateArn})
	check(t, err)

	var running *types.AgentsAlreadyRunningAssessmentException
	_, err = c.StartAssessmentRun(ctx, &sdk.StartAssessmentRunInput{AssessmentTemplateArn: template.AssessmentTemplateArn})
	if !errors.As(err, &running) || len(running.Agents) != 2 || *running.Agents[0].AssessmentRunArn != *run.AssessmentRunArn {
		t.Errorf("a second run: %v", err)
	}

	w.finish(*run.AssessmentRunArn, 300, web0, web1)
	runs, err := c.DescribeAssessmentRuns(ctx, &sdk.DescribeAssessmentRunsInput{AssessmentRunArns: []string{*run.AssessmentRunArn}})
	check(t, err)
	if r := runs.AssessmentRuns[0]; r.State != types.AssessmentRunStateCompleted || r.FindingCounts["High"] != 150 || time.Since(*r.CompletedAt) > time.Minute {
		t.Errorf("the run: %+v", r)
	}
	w.readFindings(c, *run.AssessmentRunArn, 600)
	exclusions, err := c.ListExclusions(ctx, &sdk.ListExclusionsInput{AssessmentRunArn: run.AssessmentRunArn})
	check(t, err)
	explained, err := c.DescribeExclusions(ctx, &sdk.DescribeExclusionsInput{ExclusionArns: exclusions.ExclusionArns})
	check(t, err)
	if len(explained.Exclusions) != 2 {
		t.Errorf("exclusions: %+v", explained)
	}
	telemetry, err := c.GetTelemetryMetadata(ctx, &sdk.GetTelemetryMetadataInput{AssessmentRunArn: run.AssessmentRunArn})
	check(t, err)
	if last := telemetry.TelemetryMetadata[len(telemetry.TelemetryMetadata)-1]; *last.MessageType != "Total" {
		t.Errorf("telemetry: %+v", telemetry)
	}
	_, err = c.DeleteAssessmentTarget(ctx, &sdk.DeleteAssessmentTargetInput{AssessmentTargetArn: target.AssessmentTargetArn})
	check(t, err)
}

// readFindings reads all findings of a run in whole pages.
func (w *world) readFindings(c *sdk.Client, run string, want int) {
	w.t.Helper()
	n := 0
	pages := sdk.NewListFindingsPaginator(c, &sdk.ListFindingsInput{AssessmentRunArns: []string{run}, MaxResults: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.t.Context())
		check(w.t, err)
		found, err := c.DescribeFindings(w.t.Context(), &sdk.DescribeFindingsInput{FindingArns: page.FindingArns})
		check(w.t, err)
		n += len(found.Findings)
		for i, f := range found.Findings {
			if *f.Arn != page.FindingArns[i] || f.AssetType != types.AssetTypeEc2Instance || !strings.HasPrefix(*f.AssetAttributes.AgentId, "i-") || f.CreatedAt == nil {
				w.t.Errorf("finding %d: %+v", i, f)
			}
		}
	}
	if n != want {
		w.t.Errorf("%d findings, want %d", n, want)
	}
}

// Over HTTP/2 the host and the length of the body are pseudo-headers or frames,
// and signed nevertheless.
func TestGoSDKOverHTTP2(t *testing.T) {
	w := newWorld(t)
	w.server.Close()
	w.server = httptest.NewUnstartedServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("the client speaks %s", r.Proto)
		}
		w.api.ServeHTTP(out, r)
	}))
	w.server.EnableHTTP2 = true
	w.server.StartTLS()
	t.Cleanup(w.server.Close)
	_, err := w.client().ListFindings(t.Context(), &sdk.ListFindingsInput{MaxResults: aws.Int32(5)})
	check(t, err)
}

func TestGoSDKErrors(t *testing.T) {
	w := newWorld(t)
	c := w.client()
	_, err := c.CreateAssessmentTarget(t.Context(), &sdk.CreateAssessmentTargetInput{AssessmentTargetName: aws.String(strings.Repeat("x", 141))})
	var invalid *types.InvalidInputException
	if !errors.As(err, &invalid) || invalid.ErrorCode_ != types.InvalidInputErrorCodeInvalidAssessmentTargetName || invalid.CanRetry == nil || *invalid.CanRetry {
		t.Errorf("a long name: %v", err)
	}
	_, err = c.DeleteAssessmentRun(t.Context(), &sdk.DeleteAssessmentRunInput{AssessmentRunArn: aws.String(scope.Run("0-aaaaaaaa", "0-bbbbbbbb", "0-cccccccc").String())})
	var none *types.NoSuchEntityException
	if !errors.As(err, &none) || none.ErrorCode_ != types.NoSuchEntityErrorCodeAssessmentRunDoesNotExist {
		t.Errorf("no such run: %v", err)
	}
	_, err = c.GetAssessmentReport(t.Context(), &sdk.GetAssessmentReportInput{AssessmentRunArn: aws.String("x"), ReportFileFormat: "HTML", ReportType: "FULL"})
	if !errors.As(err, &invalid) || invalid.ErrorCode_ != types.InvalidInputErrorCodeInvalidAssessmentRunArn {
		t.Errorf("a report of no run: %v", err)
	}
	var apiError smithy.APIError
	w.key.Secret = "wrong"
	_, err = w.client().ListFindings(t.Context(), &sdk.ListFindingsInput{})
	if !errors.As(err, &apiError) || apiError.ErrorCode() != "InvalidSignatureException" {
		t.Errorf("a wrong secret: %v", err)
	}
}
