package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"

	"assay/internal/service"
)

// sdk is AWS's own Go SDK for the service, which may be killed while it is used.
type sdk struct {
	t *testing.T
	*inspector.Client
}

func (w *world) sdk() sdk {
	w.t.Helper()
	use, err := service.Folder(w.config.Data).Client()
	if err != nil {
		w.t.Fatal(err)
	}
	ca, err := os.ReadFile(service.Folder(w.config.Data).CA())
	if err != nil {
		w.t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return sdk{w.t, inspector.NewFromConfig(aws.Config{
		Region:       use.Region,
		Credentials:  credentials.NewStaticCredentialsProvider(use.AccessKey, use.Secret, ""),
		BaseEndpoint: aws.String(use.Endpoint),
		HTTPClient: awshttp.NewBuildableClient().WithTimeout(10 * time.Second).WithTransportOptions(func(tr *http.Transport) {
			tr.TLSClientConfig = &tls.Config{RootCAs: roots}
		}),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	})}
}

// template makes a target of all hosts and a template with every rules package that is
// done when it has looked.
func (s sdk) template() *string {
	s.t.Helper()
	return s.templateOf(s.packages(func(name string) bool { return name != behaviorName }))
}

// quick is a template with the rules package whose sensors go over no whole disk, for
// tests that have everything collected again and again.
func (s sdk) quick() *string {
	s.t.Helper()
	return s.templateOf(s.packages(func(name string) bool { return name == "Security Best Practices" }))
}

const behaviorName = "Runtime Behavior Analysis"

// packages are the ARNs of some of the service's rules packages, at least one, by name.
func (s sdk) packages(wanted func(name string) bool) (arns []string) {
	s.t.Helper()
	all, err := s.ListRulesPackages(s.t.Context(), &inspector.ListRulesPackagesInput{})
	must(s.t, err)
	described, err := s.DescribeRulesPackages(s.t.Context(), &inspector.DescribeRulesPackagesInput{RulesPackageArns: all.RulesPackageArns})
	must(s.t, err)
	for _, p := range described.RulesPackages {
		if wanted(*p.Name) {
			arns = append(arns, *p.Arn)
		}
	}
	if len(arns) == 0 {
		s.t.Fatal("the service has none of the rules packages")
	}
	return arns
}

func (s sdk) templateOf(packages []string) *string {
	s.t.Helper()
	ctx := s.t.Context()
	target, err := s.CreateAssessmentTarget(ctx, &inspector.CreateAssessmentTargetInput{AssessmentTargetName: aws.String("all")})
	if err != nil {
		s.t.Fatal(err)
	}
	template, err := s.CreateAssessmentTemplate(ctx, &inspector.CreateAssessmentTemplateInput{
		AssessmentTargetArn: target.AssessmentTargetArn, AssessmentTemplateName: aws.String("all"),
		DurationInSeconds: aws.Int32(3600), RulesPackageArns: packages,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return template.AssessmentTemplateArn
}

func (s sdk) startRun(template *string) string {
	s.t.Helper()
	run, err := s.StartAssessmentRun(s.t.Context(), &inspector.StartAssessmentRunInput{AssessmentTemplateArn: template})
	if err != nil {
		s.t.Fatal(err)
	}
	return *run.AssessmentRunArn
}

// newestRun is the run of a template that was begun last.
func (s sdk) newestRun(template *string) string {
	s.t.Helper()
	listed, err := s.ListAssessmentRuns(s.t.Context(), &inspector.ListAssessmentRunsInput{AssessmentTemplateArns: []string{*template}, MaxResults: aws.Int32(500)})
	if err != nil {
		s.t.Fatal(err)
	}
	newest, begun := "", time.Time{}
	for some := range slices.Chunk(listed.AssessmentRunArns, 10) {
		described, err := s.DescribeAssessmentRuns(s.t.Context(), &inspector.DescribeAssessmentRunsInput{AssessmentRunArns: some})
		if err != nil {
			s.t.Fatal(err)
		}
		for _, r := range described.AssessmentRuns {
			if r.CreatedAt.After(begun) {
				newest, begun = *r.Arn, *r.CreatedAt
			}
		}
	}
	return newest
}

// state is the run's state, or "" while the service does not answer.
func (s sdk) state(run string) string {
	described, err := s.DescribeAssessmentRuns(s.t.Context(), &inspector.DescribeAssessmentRunsInput{AssessmentRunArns: []string{run}})
	if err != nil || len(described.AssessmentRuns) == 0 {
		return ""
	}
	return string(described.AssessmentRuns[0].State)
}

func final(state string) bool {
	return strings.HasPrefix(state, "COMPLETED") || slices.Contains([]string{"FAILED", "ERROR", "CANCELED"}, state)
}

// finish waits until a run is over and returns its state.
func (s sdk) finish(run string) string {
	s.t.Helper()
	for deadline := time.Now().Add(5 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if state := s.state(run); final(state) {
			return state
		}
	}
	s.t.Fatalf("the run is still %s", s.state(run))
	return ""
}

// described are the findings of a run.
func (s sdk) described(run string) (all []types.Finding) {
	s.t.Helper()
	pages := inspector.NewListFindingsPaginator(s.Client, &inspector.ListFindingsInput{AssessmentRunArns: []string{run}, MaxResults: aws.Int32(500)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if len(page.FindingArns) == 0 {
			break
		}
		described, err := s.DescribeFindings(s.t.Context(), &inspector.DescribeFindingsInput{FindingArns: page.FindingArns})
		if err != nil {
			s.t.Fatal(err)
		}
		all = append(all, described.Findings...)
	}
	return all
}

// findings are the findings of a run as "severity title rule", sorted.
func (s sdk) findings(run string) []string {
	s.t.Helper()
	var all []string
	for _, f := range s.described(run) {
		text := string(f.Severity) + " " + *f.Title + " " + *f.Id + " " + *f.AssetAttributes.AgentId
		for _, a := range f.Attributes {
			if slices.Contains([]string{"SOURCE_PACKAGE", "package_version", "CONTAINER"}, *a.Key) { // of one vulnerability in several packages, or places
				text += " " + aws.ToString(a.Value)
			}
		}
		all = append(all, text)
	}
	slices.Sort(all)
	return all
}
