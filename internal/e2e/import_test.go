package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/inspector"
	"github.com/aws/aws-sdk-go-v2/service/inspector/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/internal/dump"
	ours "assay/internal/inspector"
	"assay/internal/migrate"
	"assay/internal/testenv"
	"assay/internal/testpg"
)

var oldAccount = ours.Scope{Region: "us-west-2", Account: "123456789012"}

const (
	oldTemplate = "arn:aws:inspector:us-west-2:123456789012:target/0-0kFIPusq/template/0-6TCPQWM0"
	oldRun      = oldTemplate + "/run/0-aBcDeF12"
)

// account is the folder of an account's dump: that of testdata, made after AWS's
// published examples, and as many more findings as make more than one page.
func account(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.CopyFS(dir, os.DirFS("testdata/account")))
	var answer struct {
		Findings []map[string]any `json:"findings"`
	}
	data, err := os.ReadFile(filepath.Join(dir, "findings.json"))
	must(err)
	must(json.NewDecoder(strings.NewReader(string(data))).Decode(&answer))
	pattern, more := answer.Findings[0], []map[string]any{}
	for i := range 15 {
		f := maps.Clone(pattern)
		f["arn"] = fmt.Sprintf("%s/finding/0-CCCCCC%02d", oldRun, i)
		f["id"], f["createdAt"] = fmt.Sprintf("CVE-2015-%04d", i), 1458700290.125+float64(i)
		more = append(more, f)
	}
	data, err = json.Marshal(map[string]any{"findings": more, "failedItems": map[string]any{}})
	must(err)
	must(os.WriteFile(filepath.Join(dir, "more-findings.json"), data, 0o600))
	return dir
}

// objects reads a dump: what each kind has, by ARN.
func objects(t *testing.T, dir string) map[migrate.Kind]map[string]any {
	t.Helper()
	d, err := dump.Open([]string{dir}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Refused) > 0 || d.Failed > 0 || len(d.Ignored) > 0 {
		t.Errorf("the dump has what it should not: %+v", d)
	}
	all := map[migrate.Kind]map[string]any{}
	for _, kind := range migrate.Kinds() {
		all[kind] = map[string]any{}
		err := d.Each(kind, func(item dump.Item) error {
			var v any
			if item.Err != nil || len(item.Unknown) > 0 {
				return fmt.Errorf("%s: %v, %v", item.Where, item.Err, item.Unknown)
			}
			defer func() { all[kind][item.ARN] = v }()
			return json.Unmarshal(item.Object.Object, &v)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// dump runs the script of docs/migration.md against the service.
func (w *world) dump() (dir string) {
	w.t.Helper()
	testenv.Need(w.t, "/usr/bin/aws", "awscli")
	page, err := os.ReadFile("../../docs/migration.md")
	if err != nil {
		w.t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(page), "```sh\n")
	script, _, ok := strings.Cut(script, "```")
	if !ok {
		w.t.Fatal("the page has no script")
	}
	dir = filepath.Join(w.t.TempDir(), "dump")
	cmd := exec.Command("/bin/sh", "-c", script+"\n", "dump.sh", dir, "--endpoint-url", "https://"+strings.Replace(w.config.API, "127.0.0.1", "localhost", 1))
	cmd.Env = w.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		w.t.Fatalf("the script: %v\n%s", err, out)
	}
	return dir
}

type importTotals struct{ Imported, Present, Refused int }

func (w *world) importDump(want int, args ...string) (total importTotals) {
	w.t.Helper()
	out, stderr := w.assay(want, append([]string{"import", "-json"}, args...)...)
	var report struct {
		Kinds   []importTotals
		Refused []struct{ Reason string }
	}
	decode(w.t, out, &report)
	for _, k := range report.Kinds {
		total.Imported += k.Imported
		total.Present += k.Present
		total.Refused += k.Refused
	}
	if want == 0 && len(report.Refused) > 0 {
		w.t.Errorf("refused: %+v\n%s", report.Refused, stderr)
	}
	return total
}

// An account that was dumped with aws-cli goes into a data folder, is there for
// aws-cli and the SDK as it was, goes out of there with aws-cli again, and into a
// second service, on PostgreSQL and while it runs: object for object.
func TestImportedAccount(t *testing.T) {
	dir := account(t)
	want := objects(t, dir)
	count := 0
	for _, some := range want {
		count += len(some)
	}

	w := newWorld(t, "")
	if got := w.importDump(0, "-dry-run", dir); got != (importTotals{count - 1, 1, 0}) { // a template has no tags, and needs none
		t.Errorf("the dry run: %+v of %d", got, count)
	}
	if _, err := os.Stat(w.config.Data); err == nil {
		t.Error("the dry run has made a data folder")
	}
	if got := w.importDump(0, dir); got != (importTotals{count - 1, 1, 0}) {
		t.Errorf("the import: %+v of %d", got, count)
	}
	w.startService("")
	if got := w.importDump(0, dir); got != (importTotals{0, count, 0}) {
		t.Errorf("the second import, through the service: %+v of %d", got, count)
	}
	first := w.dump()
	if diff := cmp.Diff(want, objects(t, first)); diff != "" {
		t.Errorf("what aws-cli prints (-of the old account, +of the service):\n%s", diff)
	}
	w.filters()

	second := newWorld(t, testpg.New(t))
	second.config.Scope = oldAccount
	second.startService("")
	if got := second.importDump(0, first); got != (importTotals{count - 1, 1, 0}) {
		t.Errorf("the import into the second: %+v of %d", got, count)
	}
	if diff := cmp.Diff(w.sdk().everything(), second.sdk().everything(), cmpopts.IgnoreUnexported(
		types.ResourceGroup{}, types.ResourceGroupTag{}, types.AssessmentTarget{}, types.AssessmentTemplate{}, types.AssessmentRun{}, types.AssessmentRunStateChange{},
		types.Finding{}, types.Attribute{}, types.AssetAttributes{}, types.InspectorServiceAttributes{}, types.Tag{}, types.NetworkInterface{}, types.PrivateIp{},
		types.SecurityGroup{}, types.Exclusion{}, types.Scope{},
	)); diff != "" {
		t.Errorf("what the SDK gets (-of the first service, +of the second):\n%s", diff)
	}

	foreign := newWorld(t, "")
	foreign.config.Scope = ours.Scope{Region: "eu-central-1", Account: "210987654321"}
	foreign.startService("")
	if _, stderr := foreign.assay(3, "import", dir); !strings.Contains(stderr, "account 123456789012 in us-west-2") || !strings.Contains(stderr, "-data NEW") {
		t.Errorf("a service of another account says\n%s", stderr)
	}
	foreign.service.kill()
	if _, stderr := foreign.assay(3, "import", dir); !strings.Contains(stderr, "210987654321") || !strings.Contains(stderr, "-data NEW") {
		t.Errorf("a data folder of another account says\n%s", stderr)
	}
}

// filters asks the SDK for what was imported, and starts and deletes with it.
func (w *world) filters() {
	w.t.Helper()
	sdk, ctx := w.sdk(), w.t.Context()
	check := func(what string, got []string, err error, want ...string) {
		w.t.Helper()
		for i := range got {
			got[i] = got[i][strings.LastIndex(got[i], "/")+1:]
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			w.t.Errorf("%s: %v\n%s", what, err, diff)
		}
	}
	at := func(seconds float64) *time.Time { t := time.UnixMilli(int64(seconds * 1000)); return &t }
	runs := func(what string, f types.AssessmentRunFilter, want ...string) {
		w.t.Helper()
		out, err := sdk.ListAssessmentRuns(ctx, &inspector.ListAssessmentRunsInput{Filter: &f})
		if err != nil {
			w.t.Fatal(err)
		}
		check(what, out.AssessmentRunArns, err, want...)
	}
	runs("runs by state", types.AssessmentRunFilter{States: []types.AssessmentRunState{"FAILED", "CANCELED"}}, "0-11LMTAVe", "0-jOoroxyY")
	runs("runs by name", types.AssessmentRunFilter{NamePattern: aws.String("Run 1*")}, "0-MKkpXXPE", "0-aBcDeF12")
	runs("runs by time", types.AssessmentRunFilter{CompletionTimeRange: &types.TimestampRange{BeginDate: at(1458680301.4), EndDate: at(1458680301.4)}}, "0-MKkpXXPE")
	runs("runs by package", types.AssessmentRunFilter{RulesPackageArns: []string{"arn:aws:inspector:us-west-2:758058086616:rulespackage/0-JJOtZiqQ"}}, "0-aBcDeF12")

	findings := func(what string, f types.FindingFilter, want ...string) {
		w.t.Helper()
		out, err := sdk.ListFindings(ctx, &inspector.ListFindingsInput{Filter: &f, AssessmentRunArns: []string{oldRun}})
		if err != nil {
			w.t.Fatal(err)
		}
		check(what, out.FindingArns, err, want...)
	}
	findings("findings by severity and host", types.FindingFilter{Severities: []types.Severity{"High"}, AgentIds: []string{"i-0000000000000aaa1"}}, "0-AAAAAAA3")
	findings("findings by rule", types.FindingFilter{RuleNames: []string{"CVE-2016-0800"}}, "0-AAAAAAA1", "0-AAAAAAA2")
	findings("findings by group", types.FindingFilter{AutoScalingGroups: []string{"web-asg"}, Severities: []types.Severity{"Low"}}, "0-AAAAAAA5")
	findings("findings by attribute", types.FindingFilter{Attributes: []types.Attribute{{Key: aws.String("CVE_ID"), Value: aws.String("CVE-2016-0702")}}}, "0-AAAAAAA5")
	findings("findings by time", types.FindingFilter{CreationTimeRange: &types.TimestampRange{BeginDate: at(1458700291.5), EndDate: at(1458700291.6)}}, "0-BBBBBBB1", "0-BBBBBBB2")

	described, err := sdk.DescribeAssessmentRuns(ctx, &inspector.DescribeAssessmentRunsInput{AssessmentRunArns: []string{oldRun}})
	if err != nil || len(described.AssessmentRuns) != 1 || described.AssessmentRuns[0].FindingCounts["Medium"] != 3 || *described.AssessmentRuns[0].Name != "Run 1 for Weekly" {
		w.t.Errorf("the run is %+v, %v", described, err)
	}
	if code, out, stderr := w.tryAssay("findings", oldRun); code != 3 && code != 1 && code != 0 || !strings.Contains(out, "CVE-2016-0705") {
		w.t.Errorf("assay findings: %d\n%s%s", code, out, stderr)
	}
}

// A template of the old account goes on: it is started by its ARN, by hand and by a
// schedule; its new runs are numbered behind the old ones; and it can be deleted
// with all it had.
func TestImportedAccountGoesOn(t *testing.T) {
	w := newWorld(t, testpg.New(t))
	w.config.Scope = oldAccount
	w.startService("")
	dir := account(t)
	w.importDump(0, dir)
	sdk := w.sdk()
	run := sdk.startRun(aws.String(oldTemplate))
	if state := sdk.finish(run); !final(state) {
		t.Errorf("the run ends as %s", state)
	}
	described, err := sdk.DescribeAssessmentRuns(t.Context(), &inspector.DescribeAssessmentRunsInput{AssessmentRunArns: []string{run}})
	if err != nil || *described.AssessmentRuns[0].Name != "Run 2 for Weekly" {
		t.Errorf("the run is %+v, %v", described, err)
	}
	id, _ := w.assay(0, "schedules", "add", "-template", oldTemplate, "-every", "7")
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if out, _ := w.assay(0, "schedules"); strings.Contains(out, "run 0-") {
			break
		}
	}
	out, _ := w.assay(0, "schedules", "-json")
	var schedules []struct {
		ScheduleID string
		Last       struct{ AssessmentRunArn string }
	}
	decode(t, out, &schedules)
	if len(schedules) != 1 || schedules[0].ScheduleID != strings.TrimSpace(id) || schedules[0].Last.AssessmentRunArn == "" {
		t.Fatalf("the schedules are %s", out)
	}
	sdk.finish(schedules[0].Last.AssessmentRunArn)
	// What was imported is there already, also now that its template has more runs.
	if got := w.importDump(0, dir); got.Imported != 0 || got.Refused != 0 {
		t.Errorf("after new runs: %+v", got)
	}
	if _, err := sdk.DeleteAssessmentTarget(t.Context(), &inspector.DeleteAssessmentTargetInput{AssessmentTargetArn: aws.String(oldTemplate[:strings.Index(oldTemplate, "/template")])}); err != nil {
		t.Fatal(err)
	}
	if got := w.importDump(0, dir); got.Imported == 0 || got.Refused != 0 {
		t.Errorf("after a deletion: %+v", got)
	}
}

// everything is what the SDK can list and describe, by ARN.
func (s sdk) everything() map[string]any {
	s.t.Helper()
	ctx, all := s.t.Context(), map[string]any{}
	check := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	targets, err := s.ListAssessmentTargets(ctx, &inspector.ListAssessmentTargetsInput{MaxResults: aws.Int32(500)})
	check(err)
	described, err := s.DescribeAssessmentTargets(ctx, &inspector.DescribeAssessmentTargetsInput{AssessmentTargetArns: targets.AssessmentTargetArns})
	check(err)
	for _, t := range described.AssessmentTargets {
		all[*t.Arn] = t
		if t.ResourceGroupArn != nil {
			groups, err := s.DescribeResourceGroups(ctx, &inspector.DescribeResourceGroupsInput{ResourceGroupArns: []string{*t.ResourceGroupArn}})
			check(err)
			all[*t.ResourceGroupArn] = groups.ResourceGroups
		}
	}
	templates, err := s.ListAssessmentTemplates(ctx, &inspector.ListAssessmentTemplatesInput{MaxResults: aws.Int32(500)})
	check(err)
	for _, arn := range templates.AssessmentTemplateArns {
		described, err := s.DescribeAssessmentTemplates(ctx, &inspector.DescribeAssessmentTemplatesInput{AssessmentTemplateArns: []string{arn}})
		check(err)
		tags, err := s.ListTagsForResource(ctx, &inspector.ListTagsForResourceInput{ResourceArn: &arn})
		check(err)
		all[arn], all[arn+" tags"] = described.AssessmentTemplates, tags.Tags
	}
	runs, err := s.ListAssessmentRuns(ctx, &inspector.ListAssessmentRunsInput{MaxResults: aws.Int32(500)})
	check(err)
	all["the order of runs"] = runs.AssessmentRunArns
	for _, arn := range runs.AssessmentRunArns {
		described, err := s.DescribeAssessmentRuns(ctx, &inspector.DescribeAssessmentRunsInput{AssessmentRunArns: []string{arn}})
		check(err)
		all[arn] = described.AssessmentRuns
		exclusions, err := s.ListExclusions(ctx, &inspector.ListExclusionsInput{AssessmentRunArn: &arn})
		check(err)
		if len(exclusions.ExclusionArns) > 0 {
			described, err := s.DescribeExclusions(ctx, &inspector.DescribeExclusionsInput{ExclusionArns: exclusions.ExclusionArns})
			check(err)
			all[arn+" exclusions"] = described.Exclusions
		}
	}
	findings, err := s.ListFindings(ctx, &inspector.ListFindingsInput{MaxResults: aws.Int32(500)})
	check(err)
	found, err := s.DescribeFindings(ctx, &inspector.DescribeFindingsInput{FindingArns: findings.FindingArns})
	check(err)
	all["findings"] = found.Findings
	if len(found.Findings) < 20 || len(all) < 15 {
		s.t.Errorf("the SDK gets %d things, %d findings", len(all), len(found.Findings))
	}
	return all
}
