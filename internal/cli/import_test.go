package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/service"
)

const (
	oldGroup  = `{"resourceGroups":[{"arn":"arn:aws:inspector:us-west-2:123456789012:resourcegroup/0-PyGXopAI","createdAt":1458074191.098,"tags":[{"key":"Name","value":"example"}]}]}`
	oldTarget = `{"assessmentTargets":[{"name":"old","arn":"arn:aws:inspector:us-west-2:123456789012:target/0-0kFIPusq","createdAt":1458074191.459,"colour":"red",
		"resourceGroupArn":"arn:aws:inspector:us-west-2:123456789012:resourcegroup/0-PyGXopAI","updatedAt":1458074191.459}],"failedItems":{"a":{"failureCode":"ACCESS_DENIED"}}}`
	oldTemplates = `{"assessmentTemplates":[{"name":"old","arn":"arn:aws:inspector:us-west-2:123456789012:target/0-0kFIPusq/template/0-4r1V2mAw","assessmentRunCount":1,
		"assessmentTargetArn":"arn:aws:inspector:us-west-2:123456789012:target/0-0kFIPusq","createdAt":1458074191.844,"durationInSeconds":3600,
		"rulesPackageArns":["arn:aws:inspector:us-west-2:758058086616:rulespackage/0-X1KXtawP"],"userAttributesForFindings":[],
		"lastAssessmentRunArn":"arn:aws:inspector:us-west-2:123456789012:target/0-0kFIPusq/template/0-4r1V2mAw/run/0-MKkpXXPE"},
		{"name":"lost","arn":"arn:aws:inspector:us-west-2:123456789012:target/0-nothing1/template/0-4r1V2mAx","assessmentRunCount":0,
		"assessmentTargetArn":"arn:aws:inspector:us-west-2:123456789012:target/0-nothing1","createdAt":1458074191.844,"durationInSeconds":3600,
		"rulesPackageArns":["arn:aws:inspector:us-west-2:758058086616:rulespackage/0-X1KXtawP"],"userAttributesForFindings":[]}]}`
)

// dumpOf writes a dump whose files come in the wrong order.
func dumpOf(t *testing.T, texts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		name := filepath.Join(dir, string(rune('z'-i))+".json")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestImport(t *testing.T) {
	dir := dumpOf(t, oldGroup, oldTarget, oldTemplates, `{"subscriptions":[],"x":1}`)
	data := filepath.Join(t.TempDir(), "data")
	env := map[string]string{"ASSAY_DATA": data}
	code, out, stderr := run(t.Context(), env, "import", dir)
	want := `OBJECTS              IMPORTED  ALREADY THERE  REFUSED
resourceGroups       1         0              0
assessmentTargets    1         0              0
assessmentTemplates  1         0              1
tags                 0         0              0
assessmentRuns       0         0              0
exclusions           0         0              0
findings             0         0              0
`
	if code != ExitIncomplete || out != want {
		t.Errorf("exit code %d\n%s%s", code, out, stderr)
	}
	for _, said := range []string{
		"x.json: assessmentTemplates[1] arn:aws:inspector:us-west-2:123456789012:target/0-nothing1/template/0-4r1V2mAx: its assessment target",
		"left out, because the API does not have it: assessmentTargets: colour (1 times)",
		"could not get 1 objects",
		"subscribe again",
		`"x" is nothing that can be imported`,
		"the last run of arn:aws:inspector:us-west-2:123456789012:target/0-0kFIPusq/template/0-4r1V2mAw is not in the dump",
	} {
		if !strings.Contains(stderr, said) {
			t.Errorf("it does not say %q:\n%s", said, stderr)
		}
	}
	// The service takes over what the import has decided on.
	s, err := service.Open(t.Context(), service.Config{Data: data, API: "127.0.0.1:0", Gateway: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if c := s.Client(); c.Account != "123456789012" || c.Region != "us-west-2" {
		t.Errorf("the service is %+v", c)
	}
}

func TestImportAsJSON(t *testing.T) {
	env := map[string]string{"ASSAY_DATA": filepath.Join(t.TempDir(), "data")}
	dir := dumpOf(t, oldGroup, oldTemplates, `{"cut`)
	code, out, _ := run(t.Context(), env, "import", "-dry-run", "-json", dir)
	var report struct {
		Account, Region string
		DryRun          bool
		Kinds           []struct{ Imported, Refused int }
		Refused         []struct{ File, Where, ARN, Reason string }
	}
	if err := json.Unmarshal([]byte(out), &report); err != nil || code != ExitIncomplete {
		t.Fatalf("exit code %d, %v\n%s", code, err, out)
	}
	if report.Account != "123456789012" || report.Region != "us-west-2" || !report.DryRun || report.Kinds[0].Imported != 1 || report.Kinds[2].Refused != 2 ||
		len(report.Refused) != 3 || !strings.Contains(report.Refused[0].Reason, "cannot be read to its end") || report.Refused[1].Where != "assessmentTemplates[0]" {
		t.Errorf("the report is\n%s", out)
	}
	if _, err := os.Stat(env["ASSAY_DATA"]); err == nil {
		t.Error("a dry run makes a data folder")
	}
}

func TestImportRefuses(t *testing.T) {
	data := map[string]string{"ASSAY_DATA": filepath.Join(t.TempDir(), "data")}
	other := strings.ReplaceAll(oldTarget, "us-west-2", "eu-west-1")
	busy := deployment(t)
	for _, test := range []struct {
		env  map[string]string
		args []string
		code int
		want string
	}{
		{data, nil, ExitUsage, "at least one argument"},
		{data, []string{filepath.Join(t.TempDir(), "nothing")}, ExitIncomplete, "no such file"},
		{data, []string{t.TempDir()}, ExitIncomplete, "no file *.json"},
		{data, []string{"-"}, ExitIncomplete, "it is empty"}, // standard input
		{data, []string{dumpOf(t, `{"assessmentRunArns":[]}`)}, ExitIncomplete, "nothing in the dump"},
		{data, []string{dumpOf(t, oldGroup, other)}, ExitIncomplete, "each into a service of its own"},
		{busy, []string{dumpOf(t, oldGroup)}, ExitIncomplete, "into a new data folder"},
	} {
		code, _, stderr := run(t.Context(), test.env, append([]string{"import"}, test.args...)...)
		if code != test.code || !strings.Contains(stderr, test.want) {
			t.Errorf("assay import %v: exit code %d, %q, want %d with %q", test.args, code, stderr, test.code, test.want)
		}
	}
}
