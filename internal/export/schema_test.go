package export

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"assay/internal/inspector"
	"assay/internal/testenv"
)

// snapshotRun is the sample as it would be if a snapshot file had been evaluated.
func snapshotRun() Run {
	r := sample()
	var all []Finding
	for f := range r.Findings {
		f.ARN, f.PackageARN, f.UserAttributes = "", "", nil
		all = append(all, f)
	}
	r.ARN, r.State, r.Name, r.Findings = inspector.ARN{}, "", "web.snapshot", seq(all...)
	return r
}

// emptyRun found nothing, of nothing.
func emptyRun() Run {
	return Run{ARN: sample().ARN, State: inspector.FailedState, Findings: seq[Finding](), Unchecked: seq[inspector.Exclusion](), Version: "1"}
}

// longRun has longer texts than any format takes, and more of everything.
func longRun() Run {
	r := sample()
	long := strings.Repeat("ä long text ", 1000)
	f := Finding{Finding: inspector.Finding{
		Agent: "i-0123456789abcdef0", Package: inspector.PackageCIS, Severity: inspector.High, Title: long, Description: long, Recommendation: long, Rule: long, FindingID: long, Subject: long,
		CreatedAt: noon, UpdatedAt: noon, Confidence: 10,
	}}
	for range 60 {
		f.Attributes = append(f.Attributes, inspector.Attribute{Key: inspector.NewID() + long, Value: long})
		f.Asset.Tags = append(f.Asset.Tags, inspector.Tag{Key: inspector.NewID() + long, Value: long})
		f.Asset.IPv4Addresses = append(f.Asset.IPv4Addresses, "192.0.2.1")
		f.Evidence = append(f.Evidence, inspector.Evidence{Record: "r", Found: long})
	}
	scopes := []inspector.ExclusionScope{}
	for range 60 {
		scopes = append(scopes, inspector.ExclusionScope{Type: inspector.ScopeInstance, Value: long})
	}
	r.Findings, r.Unchecked = seq(f), seq(inspector.Exclusion{Title: long, Description: long, Recommendation: long, Scopes: scopes})
	return r
}

func samples() map[string]func() Run {
	return map[string]func() Run{"sample": sample, "snapshot": snapshotRun, "empty": emptyRun, "long": longRun}
}

func compile(t *testing.T, path string) *jsonschema.Schema {
	t.Helper()
	absolute, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	schema, err := jsonschema.NewCompiler().Compile(absolute)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func validate(t *testing.T, schema *jsonschema.Schema, document string) {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Errorf("%v\nin %.2000s", err, document)
	}
}

// SARIF against OASIS's schema, which an npm package of Microsoft's brings.
func TestSARIFSchema(t *testing.T) {
	schema := compile(t, filepath.Join(testenv.NodeModules(t), "@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"))
	for name, make := range samples() {
		t.Run(name, func(t *testing.T) { validate(t, schema, write(t, "sarif", make(), Options{})) })
	}
	var wrong any
	if err := json.Unmarshal([]byte(`{"version":"2.1.0","runs":[{"results":[]}]}`), &wrong); err != nil || schema.Validate(wrong) == nil {
		t.Error("the schema accepts a run without a tool")
	}
}

// What the schema cannot say: indexes point to their rules, and an incomplete run
// was not executed successfully.
func TestSARIFHolds(t *testing.T) {
	var document struct {
		Runs []struct {
			Tool struct {
				Driver struct{ Rules []struct{ ID string } }
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Kind      string
				Level     string
			}
			Invocations []struct {
				ExecutionSuccessful        bool
				ToolExecutionNotifications []struct{ Level string }
			}
		}
	}
	if err := json.Unmarshal([]byte(write(t, "sarif", sample(), Options{})), &document); err != nil {
		t.Fatal(err)
	}
	r := document.Runs[0]
	for _, result := range r.Results {
		if r.Tool.Driver.Rules[result.RuleIndex].ID != result.RuleID || (result.Kind == "fail") == (result.Level == "none") {
			t.Errorf("the result %+v", result)
		}
	}
	if i := r.Invocations[0]; len(r.Results) != 8 || i.ExecutionSuccessful || len(i.ToolExecutionNotifications) != 2 || i.ToolExecutionNotifications[1].Level != "error" {
		t.Errorf("%d results, %+v", len(r.Results), r.Invocations)
	}
}

func TestJSONLinesSchema(t *testing.T) {
	schema := compile(t, "../../docs/export-jsonl.schema.json")
	for name, make := range samples() {
		t.Run(name, func(t *testing.T) {
			lines := strings.Split(strings.TrimSuffix(write(t, "jsonl", make(), Options{}), "\n"), "\n")
			for i, line := range lines {
				validate(t, schema, line)
				if strings.HasPrefix(line, `{"kind":"run"`) != (i == 0) {
					t.Errorf("line %d is %.100s", i+1, line)
				}
			}
		})
	}
}

// ASFF as boto3 checks what it sends to Security Hub, against AWS's model in
// Debian's python3-botocore, and against the bounds of the User Guide.
func TestASFFModel(t *testing.T) {
	python := testenv.Need(t, "/usr/bin/python3", "python3")
	if err := exec.Command(python, "-c", "import botocore").Run(); err != nil {
		testenv.Missing(t, "botocore (apt-get install python3-boto3)")
	}
	for name, make := range samples() {
		t.Run(name, func(t *testing.T) {
			text := write(t, "asff", make(), Options{ProductARN: "arn:aws:securityhub:eu-central-1:111122223333:product/111122223333/default"})
			path := filepath.Join(t.TempDir(), "findings.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command(python, "testdata/asff.py", path).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			if strings.Contains(text, `"aws/`) {
				t.Error("a product that is not AWS's uses AWS's names of fields")
			}
			var findings []asffFinding
			if err := json.Unmarshal([]byte(text), &findings); err != nil {
				t.Fatal(err)
			}
			for _, f := range findings {
				asffBounds(t, f)
			}
		})
	}
}

func asffBounds(t *testing.T, f asffFinding) {
	t.Helper()
	most := func(what, text string, characters int) {
		t.Helper()
		if n := len([]rune(text)); n > characters || n == 0 {
			t.Errorf("%s has %d characters, 1 to %d are allowed", what, n, characters)
		}
	}
	most("Id", f.ID, 512)
	most("GeneratorId", f.GeneratorID, 512)
	most("Title", f.Title, 256)
	most("Description", f.Description, 1024)
	if f.Remediation != nil {
		most("Remediation", f.Remediation.Recommendation.Text, 512)
	}
	if len(f.ProductFields) > 50 || len(f.Types) > 50 || len(f.Resources) > 32 || len(f.Resources) == 0 {
		t.Errorf("%d fields, %d types, %d resources", len(f.ProductFields), len(f.Types), len(f.Resources))
	}
	for k, v := range f.ProductFields {
		most("a field's name", k, 128)
		most("a field", v, 2048)
	}
	for _, r := range f.Resources {
		most("a resource's id", r.ID, 512)
		if len(r.Tags) > 50 || len(r.Details["AwsEc2Instance"].IPv4Addresses) > 10 {
			t.Errorf("a resource has %d tags and the addresses %v", len(r.Tags), r.Details)
		}
		for k, v := range r.Tags {
			most("a tag's key", k, 128)
			most("a tag", v, 256)
		}
	}
	if (f.AwsAccountID != "111122223333") || !strings.HasSuffix(f.ProductArn, "/default") || !strings.Contains(f.ID, "/111122223333/") {
		t.Errorf("the finding belongs to %s: %s, %s", f.AwsAccountID, f.ProductArn, f.ID)
	}
}
