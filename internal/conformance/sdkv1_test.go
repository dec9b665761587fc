//lint:file-ignore SA1019 AWS no longer keeps this SDK; programs that were written with it go on.

package conformance

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/credentials"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/aws-sdk-go/service/inspector"
	"github.com/aws/aws-sdk-go/service/sts"
)

// v1 is AWS's first SDK for Go, with which Terraform's older providers and many
// tools were written.
type v1 struct {
	t *testing.T
	*inspector.Inspector
}

func (w *world) v1() (v1, *sts.STS) {
	w.t.Helper()
	w.t.Setenv("AWS_CA_BUNDLE", w.folder.CA()) // what the environment says wins over the client's
	s, err := session.NewSession(&aws.Config{
		Endpoint: aws.String(w.client.Endpoint), Region: aws.String(w.client.Region), HTTPClient: w.httpClient(), MaxRetries: aws.Int(0),
		Credentials: credentials.NewStaticCredentials(w.client.AccessKey, w.client.Secret, ""),
	})
	check(w.t, err)
	return v1{w.t, inspector.New(s)}, sts.New(s)
}

// refused wants the errorCode of an exception of type E.
func refused[E error](t *testing.T, err error, code string, of func(E) *string) {
	t.Helper()
	var e E
	if !errors.As(err, &e) || aws.StringValue(of(e)) != code {
		t.Errorf("the error is %v (%T), want %s", err, err, code)
	}
}

func TestGoSDKv1(t *testing.T) {
	w := newWorld(t)
	c, who := w.v1()
	me, err := who.GetCallerIdentity(&sts.GetCallerIdentityInput{})
	check(t, err)
	if aws.StringValue(me.Account) != scope.Account {
		t.Errorf("who am I: %v", me)
	}
	target := c.targets()
	template := c.templates(target)
	c.runs(target, template)
	c.findings(w.run)
	c.seldomUsed(w, template, *me.Account)
	_, err = c.DeleteAssessmentTemplate(&inspector.DeleteAssessmentTemplateInput{AssessmentTemplateArn: &template})
	check(t, err)
	_, err = c.DeleteAssessmentTarget(&inspector.DeleteAssessmentTargetInput{AssessmentTargetArn: &target})
	check(t, err)
	_, err = c.DeleteAssessmentTarget(&inspector.DeleteAssessmentTargetInput{AssessmentTargetArn: &target})
	refused(t, err, inspector.NoSuchEntityErrorCodeAssessmentTargetDoesNotExist, func(e *inspector.NoSuchEntityException) *string { return e.ErrorCode })
	w.gone()
}

// targets creates, repeats, changes and lists, and returns the target.
func (c v1) targets() string {
	c.t.Helper()
	group, err := c.CreateResourceGroup(&inspector.CreateResourceGroupInput{ResourceGroupTags: []*inspector.ResourceGroupTag{{Key: aws.String("role"), Value: aws.String("web")}}})
	check(c.t, err)
	in := &inspector.CreateAssessmentTargetInput{AssessmentTargetName: aws.String("conform"), ResourceGroupArn: group.ResourceGroupArn}
	made, err := c.CreateAssessmentTarget(in)
	check(c.t, err)
	_, err = c.CreateAssessmentTarget(in)
	refused(c.t, err, inspector.InvalidInputErrorCodeAssessmentTargetNameAlreadyTaken, func(e *inspector.InvalidInputException) *string { return e.ErrorCode })
	_, err = c.UpdateAssessmentTarget(&inspector.UpdateAssessmentTargetInput{AssessmentTargetArn: made.AssessmentTargetArn, AssessmentTargetName: aws.String("changed"), ResourceGroupArn: group.ResourceGroupArn})
	check(c.t, err)
	described, err := c.DescribeAssessmentTargets(&inspector.DescribeAssessmentTargetsInput{AssessmentTargetArns: []*string{made.AssessmentTargetArn}})
	check(c.t, err)
	if one := described.AssessmentTargets[0]; *one.Name != "changed" || *one.ResourceGroupArn != *group.ResourceGroupArn || one.CreatedAt.IsZero() {
		c.t.Errorf("the target is %v", one)
	}
	_, err = c.DescribeAssessmentTargets(&inspector.DescribeAssessmentTargetsInput{AssessmentTargetArns: aws.StringSlice([]string{"arn:nonsense"})})
	refused(c.t, err, inspector.InvalidInputErrorCodeInvalidAssessmentTargetArn, func(e *inspector.InvalidInputException) *string { return e.ErrorCode })
	return *made.AssessmentTargetArn
}

func (c v1) templates(target string) string {
	c.t.Helper()
	packages, err := c.ListRulesPackages(&inspector.ListRulesPackagesInput{})
	check(c.t, err)
	in := &inspector.CreateAssessmentTemplateInput{AssessmentTargetArn: &target, AssessmentTemplateName: aws.String("nightly"), DurationInSeconds: aws.Int64(3600), RulesPackageArns: packages.RulesPackageArns}
	made, err := c.CreateAssessmentTemplate(in)
	check(c.t, err)
	_, err = c.CreateAssessmentTemplate(in)
	refused(c.t, err, inspector.InvalidInputErrorCodeAssessmentTemplateNameAlreadyTaken, func(e *inspector.InvalidInputException) *string { return e.ErrorCode })
	_, err = c.SetTagsForResource(&inspector.SetTagsForResourceInput{ResourceArn: made.AssessmentTemplateArn, Tags: []*inspector.Tag{{Key: aws.String("team"), Value: aws.String("red")}}})
	check(c.t, err)
	tags, err := c.ListTagsForResource(&inspector.ListTagsForResourceInput{ResourceArn: made.AssessmentTemplateArn})
	check(c.t, err)
	if len(tags.Tags) != 1 || *tags.Tags[0].Value != "red" {
		c.t.Errorf("the tags are %v", tags)
	}
	return *made.AssessmentTemplateArn
}

func (c v1) runs(target, template string) {
	c.t.Helper()
	n := 0
	err := c.PreviewAgentsPages(&inspector.PreviewAgentsInput{PreviewAgentsArn: &target}, func(p *inspector.PreviewAgentsOutput, _ bool) bool {
		n += len(p.AgentPreviews)
		return true
	})
	check(c.t, err)
	run, err := c.StartAssessmentRun(&inspector.StartAssessmentRunInput{AssessmentTemplateArn: &template})
	check(c.t, err)
	_, err = c.StartAssessmentRun(&inspector.StartAssessmentRunInput{AssessmentTemplateArn: &template})
	var busy *inspector.AgentsAlreadyRunningAssessmentException
	if !errors.As(err, &busy) || n != 1 || len(busy.Agents) != 1 || *busy.Agents[0].AssessmentRunArn != *run.AssessmentRunArn || *busy.AgentsTruncated {
		c.t.Errorf("%d agents, a second run: %v", n, err)
	}
	_, err = c.DeleteAssessmentRun(&inspector.DeleteAssessmentRunInput{AssessmentRunArn: run.AssessmentRunArn})
	var going *inspector.AssessmentRunInProgressException
	if !errors.As(err, &going) || *going.AssessmentRunArns[0] != *run.AssessmentRunArn {
		c.t.Errorf("delete a run in progress: %v", err)
	}
	_, err = c.StopAssessmentRun(&inspector.StopAssessmentRunInput{AssessmentRunArn: run.AssessmentRunArn, StopAction: aws.String(inspector.StopActionSkipEvaluation)})
	check(c.t, err)
	described, err := c.DescribeAssessmentRuns(&inspector.DescribeAssessmentRunsInput{AssessmentRunArns: []*string{run.AssessmentRunArn}})
	check(c.t, err)
	if one := described.AssessmentRuns[0]; *one.State != inspector.AssessmentRunStateCanceled || len(one.FindingCounts) != 5 {
		c.t.Errorf("the run is %v", one)
	}
	_, err = c.DeleteAssessmentRun(&inspector.DeleteAssessmentRunInput{AssessmentRunArn: run.AssessmentRunArn})
	check(c.t, err)
}

// findings lists with default and largest pages, and describes whole pages.
func (c v1) findings(run string) {
	c.t.Helper()
	for _, size := range []*int64{nil, aws.Int64(500)} {
		n := 0
		err := c.ListFindingsPages(&inspector.ListFindingsInput{AssessmentRunArns: []*string{&run}, MaxResults: size}, func(p *inspector.ListFindingsOutput, _ bool) bool {
			n += len(p.FindingArns)
			described, err := c.DescribeFindings(&inspector.DescribeFindingsInput{FindingArns: p.FindingArns})
			check(c.t, err)
			for i, f := range described.Findings {
				if *f.Arn != *p.FindingArns[i] {
					c.t.Errorf("finding %d is %s, want %s", i, *f.Arn, *p.FindingArns[i])
				}
			}
			return len(described.Findings) == len(p.FindingArns)
		})
		check(c.t, err)
		if n != seeded {
			c.t.Errorf("%d findings, want %d", n, seeded)
		}
	}
	exclusions, err := c.ListExclusions(&inspector.ListExclusionsInput{AssessmentRunArn: &run})
	check(c.t, err)
	explained, err := c.DescribeExclusions(&inspector.DescribeExclusionsInput{ExclusionArns: exclusions.ExclusionArns})
	check(c.t, err)
	if len(explained.Exclusions) != 1 {
		c.t.Errorf("the exclusions are %v", explained)
	}
}

// seldomUsed tries what is seldom used.
func (c v1) seldomUsed(w *world, template, account string) {
	c.t.Helper()
	topic := "arn:aws:sns:" + w.client.Region + ":" + account + ":findings"
	first, err := c.ListFindings(&inspector.ListFindingsInput{AssessmentRunArns: []*string{&w.run}, MaxResults: aws.Int64(1)})
	check(c.t, err)
	for operation, call := range map[string]func() error{
		"SubscribeToEvent": func() error {
			in := &inspector.SubscribeToEventInput{ResourceArn: &template, TopicArn: &topic, Event: aws.String(inspector.EventFindingReported)}
			_, err := c.SubscribeToEvent(in)
			return err
		},
		"CreateExclusionsPreview": func() error {
			_, err := c.CreateExclusionsPreview(&inspector.CreateExclusionsPreviewInput{AssessmentTemplateArn: &template})
			return err
		},
		"AddAttributesToFindings": func() error {
			_, err := c.AddAttributesToFindings(&inspector.AddAttributesToFindingsInput{FindingArns: first.FindingArns, Attributes: []*inspector.Attribute{{Key: aws.String("a"), Value: aws.String("b")}}})
			return err
		},
		"GetAssessmentReport": func() error {
			_, err := c.GetAssessmentReport(&inspector.GetAssessmentReportInput{AssessmentRunArn: &w.run, ReportFileFormat: aws.String("PDF"), ReportType: aws.String("FULL")})
			return err
		},
		"RegisterCrossAccountAccessRole": func() error {
			_, err := c.RegisterCrossAccountAccessRole(&inspector.RegisterCrossAccountAccessRoleInput{RoleArn: aws.String("arn:aws:iam::" + account + ":role/inspector")})
			return err
		},
	} {
		if err := call(); err != nil {
			c.t.Errorf("%s: %v", operation, err)
		}
	}
}
