package migrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/store"
	"assay/internal/testpg"
)

var (
	scope = inspector.Scope{Region: "us-west-2", Account: "123456789012"}
	now   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
)

const (
	arn      = "arn:aws:inspector:us-west-2:123456789012:"
	group    = arn + "resourcegroup/0-PyGXopAI"
	target   = arn + "target/0-0kFIPusq"
	template = target + "/template/0-4r1V2mAw"
	run      = template + "/run/0-MKkpXXPE"
	pkg      = "arn:aws:inspector:us-west-2:758058086616:rulespackage/0-X1KXtawP"
)

// The objects are those of AWS's published examples (examples-1.json of the API's
// model, Apache License 2.0).
func examples() []Object {
	return []Object{
		{ResourceGroups, json.RawMessage(`{"arn":"` + group + `","createdAt":1458074191.098,"tags":[{"key":"Name","value":"example"}]}`)},
		{Targets, json.RawMessage(`{"name":"ExampleAssessmentTarget","arn":"` + target + `","createdAt":1458074191.459,"resourceGroupArn":"` + group + `","updatedAt":1458074191.459}`)},
		{Templates, json.RawMessage(`{"name":"ExampleAssessmentTemplate","arn":"` + template + `","assessmentRunCount":1,"assessmentTargetArn":"` + target + `",
			"createdAt":1458074191.844,"durationInSeconds":3600,"rulesPackageArns":["` + pkg + `"],"userAttributesForFindings":[],"lastAssessmentRunArn":"` + run + `"}`)},
		{Tags, json.RawMessage(`{"resourceArn":"` + template + `","tags":[{"key":"Name","value":"Example"}]}`)},
		{Runs, json.RawMessage(`{"name":"Run 1 for ExampleAssessmentTemplate","arn":"` + run + `","assessmentTemplateArn":"` + template + `","completedAt":1458680301.4,
			"createdAt":1458680170.035,"dataCollected":true,"durationInSeconds":3600,"findingCounts":{"High":14,"Informational":0,"Low":0,"Medium":2,"Undefined":0},
			"notifications":[{"date":1458680301,"event":"ASSESSMENT_RUN_COMPLETED","error":false}],"rulesPackageArns":["` + pkg + `"],"startedAt":1458680170.161,
			"state":"COMPLETED","stateChangedAt":1458680301.4,"stateChanges":[{"state":"CREATED","stateChangedAt":1458680170.035},{"state":"COMPLETED","stateChangedAt":1458680301.4}],
			"userAttributesForFindings":[]}`)},
		{Exclusions, json.RawMessage(`{"arn":"` + run + `/exclusion/0-HwPnsDm4","title":"t","description":"d","recommendation":"r","scopes":[{"key":"INSTANCE_ID","value":"i-1"}]}`)},
		{Findings, json.RawMessage(`{"arn":"` + run + `/finding/0-HwPnsDm4","assetAttributes":{"ipv4Addresses":[],"schemaVersion":1},"assetType":"ec2-instance","attributes":[],
			"confidence":10,"createdAt":1458680301.37,"description":"Amazon Inspector did not find any potential security issues during this assessment.",
			"indicatorOfCompromise":false,"numericSeverity":0,"recommendation":"No remediation needed.","schemaVersion":1,"service":"Inspector",
			"serviceAttributes":{"assessmentRunArn":"` + run + `","rulesPackageArn":"` + pkg + `","schemaVersion":1},"severity":"Informational",
			"title":"No potential security issues found","updatedAt":1458680301.37,"userAttributes":[]}`)},
	}
}

// change replaces a text in an object, once.
func change(o Object, old, text string) Object {
	changed := strings.Replace(string(o.Object), old, text, 1)
	if changed == string(o.Object) {
		panic("nothing is changed: " + old)
	}
	return Object{o.Kind, json.RawMessage(changed)}
}

func databases(t *testing.T, test func(t *testing.T, i Importer)) {
	for name, dsn := range map[string]func(*testing.T) string{
		"SQLite":     func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "assay.db") },
		"PostgreSQL": func(t *testing.T) string { return testpg.New(t) },
	} {
		t.Run(name, func(t *testing.T) {
			st, err := store.Open(t.Context(), dsn(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { st.Close() })
			st.Scope = scope
			test(t, Importer{Store: st, Now: func() time.Time { return now }})
		})
	}
}

func (i Importer) must(t *testing.T, b Batch) []Outcome {
	t.Helper()
	outcomes, err := i.Import(t.Context(), b)
	if err != nil || len(outcomes) != len(b.Objects) {
		t.Fatalf("%+v, %v", outcomes, err)
	}
	return outcomes
}

func statuses(outcomes []Outcome) (all []Status) {
	for _, o := range outcomes {
		all = append(all, o.Status)
	}
	return all
}

func repeat(s Status) (all []Status) {
	for range examples() {
		all = append(all, s)
	}
	return all
}

func TestImportTwice(t *testing.T) {
	databases(t, func(t *testing.T, i Importer) {
		outcomes := i.must(t, Batch{Objects: examples()})
		if diff := cmp.Diff(repeat(Imported), statuses(outcomes)); diff != "" {
			t.Fatalf("%s\n%+v", diff, outcomes)
		}
		if outcomes[2].ARN != template || !cmp.Equal(outcomes[4].Lost, []string{"1 notifications"}) {
			t.Errorf("%+v", outcomes)
		}
		before := i.picture(t)
		outcomes = i.must(t, Batch{Objects: examples()})
		if diff := cmp.Diff(repeat(Present), statuses(outcomes)); diff != "" {
			t.Errorf("%s\n%+v", diff, outcomes)
		}
		if diff := cmp.Diff(before, i.picture(t)); diff != "" {
			t.Errorf("a second import changes something:\n%s", diff)
		}
		// Nothing is left to do for the service, and its telemetry is gone.
		kept, err := i.Store.Runs(t.Context(), []string{"0-MKkpXXPE"})
		if r := kept["0-MKkpXXPE"]; err != nil || !r.TelemetryGoneAt.Equal(now) || r.FindingCounts[inspector.High] != 14 {
			t.Errorf("the run is %+v, %v", r, err)
		}
		if due, err := i.Store.TelemetryDue(t.Context(), now.AddDate(1, 0, 0)); err != nil || len(due) > 0 {
			t.Errorf("telemetry to delete: %v, %v", due, err)
		}
		// And it goes with its target, as if it were the service's own.
		err = i.Store.Update(t.Context(), func(tx *store.Tx) error { return tx.DeleteTarget(t.Context(), "0-0kFIPusq") })
		if left := i.picture(t); err != nil || strings.Count(left, "\n") != 1 {
			t.Errorf("after the deletion there are %v, %s", err, left)
		}
		if got := statuses(i.must(t, Batch{Objects: examples()})); !cmp.Equal(got[1:], repeat(Imported)[1:]) {
			t.Errorf("after the deletion it becomes %v", got)
		}
	})
}

// picture is all that there is.
func (i Importer) picture(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	add := func(v any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		data, _ := json.Marshal(v)
		if text := string(data); text != "null" && text != "{}" && text != "[]" {
			out.WriteString(text + "\n")
		}
	}
	ctx, page := t.Context(), inspector.Page{}
	groups, err := i.Store.ResourceGroups(ctx, []string{"0-PyGXopAI"})
	add(groups, err)
	targets, _, err := i.Store.ListTargets(ctx, inspector.TargetFilter{}, page)
	add(targets, err)
	templates, _, err := i.Store.ListTemplates(ctx, inspector.TemplateFilter{}, page)
	add(templates, err)
	tags, err := i.Store.Tags(ctx, template)
	add(tags, err)
	runs, _, err := i.Store.ListRuns(ctx, inspector.RunFilter{}, page)
	add(runs, err)
	exclusions, _, err := i.Store.ListExclusions(ctx, "0-MKkpXXPE", page)
	add(exclusions, err)
	findings, _, err := i.Store.FindingsOfRun(ctx, "0-MKkpXXPE", page)
	add(findings, err)
	return out.String()
}

// A dry run tells what an import would do, and does nothing.
func TestDryRun(t *testing.T) {
	databases(t, func(t *testing.T, i Importer) {
		for _, o := range i.must(t, Batch{Objects: examples()[1:], DryRun: true}) {
			if o.Status != Refused {
				t.Errorf("without what it needs: %+v", o)
			}
		}
		outcomes := i.must(t, Batch{Objects: append(examples(), examples()...), DryRun: true, Assume: []string{group, target, template, run}})
		if diff := cmp.Diff(append(repeat(Imported), repeat(Present)...), statuses(outcomes)); diff != "" {
			t.Errorf("%s\n%+v", diff, outcomes)
		}
		if got := i.picture(t); got != "" {
			t.Errorf("there is\n%s", got)
		}
	})
}

// What is refused is refused alone, says why, and leaves nothing behind.
func TestRefused(t *testing.T) {
	e := examples()
	own := strings.NewReplacer("0-MKkpXXPE", "0-OWNrun01")
	databases(t, func(t *testing.T, i Importer) {
		for _, o := range i.must(t, Batch{Objects: e[1:]}) {
			if o.Status != Refused || !strings.Contains(o.Reason, "is not there: import that, too") {
				t.Errorf("without what it needs: %+v", o)
			}
		}
		i.must(t, Batch{Objects: e})
		err := i.Store.Update(t.Context(), func(tx *store.Tx) error {
			return tx.CreateRun(t.Context(), inspector.Run{ID: "0-OWNrun01", Target: "0-0kFIPusq", Template: "0-4r1V2mAw", Name: "own", State: inspector.Created,
				CreatedAt: now, StateChangedAt: now, Packages: []string{pkg}}, []byte("key"), nil, inspector.Limits{})
		})
		if err != nil {
			t.Fatal(err)
		}
		before := i.picture(t)
		for _, test := range []struct {
			object Object
			want   string
		}{
			{Object{"colours", json.RawMessage(`{}`)}, "not a kind"},
			{Object{Targets, json.RawMessage(`{}`)}, "must not be null"},
			{Object{Targets, json.RawMessage(`7`)}, "can not be converted"},
			{Object{Targets, json.RawMessage(`null`)}, "can not be converted"},
			{change(e[0], `"tags":[{"key":"Name","value":"example"}]`, `"tags":[]`), "length greater than or equal to 1"},
			{change(e[0], `"example"`, `"other"`), "differs in Tags"},
			{change(e[1], target, template), "not the ARN of a target"},
			{change(e[1], `"ExampleAssessmentTarget"`, `"Renamed"`), "differs in Name"},
			{change(e[1], "0-0kFIPusq", "0-other001"), `an assessment target named "ExampleAssessmentTarget" already`},
			{change(e[1], group, arn+"resourcegroup/0-nothing1"), "resource group " + arn + "resourcegroup/0-nothing1 is not there"},
			{change(e[1], group, target), "not the ARN of a resourcegroup"},
			{change(e[1], `1458074191.459`, `"yesterday"`), "can not be converted"},
			{change(e[1], `1458074191.459`, `1e300`), "not a time"},
			{change(e[1], `1458074191.459`, `0`), "1970"},
			{change(e[4], `1458680170.161`, `-7`), "1970"},
			{change(e[4], `"Run 1 for`, `"Run\u0000 1 for`), "NUL"},
			{change(e[6], `"ipv4Addresses":[]`, `"agentId":"i\u0000","ipv4Addresses":[]`), "NUL"},
			{change(e[2], `"durationInSeconds":3600`, `"durationInSeconds":60`), "value greater than or equal to 180"},
			{change(e[2], `"assessmentRunCount":1`, `"assessmentRunCount":-1`), "-1 runs"},
			{change(e[2], `"assessmentTargetArn":"`+target, `"assessmentTargetArn":"`+arn+"target/0-nvgVhaxX"), "its ARN is below"},
			{change(e[2], run, group), "not one of its own"},
			{change(e[2], pkg, target), "not the ARN of a rules package"},
			{change(e[2], "0-4r1V2mAw", "0-other001"), "not one of its own"},
			{change(e[3], `"Example"`, `"Other"`), "differs in tags"},
			{change(e[3], `[{"key"`, `[{"key":"Name","value":"x"},{"key"`), "is there twice"},
			{change(e[3], "0-4r1V2mAw", "0-nothing1"), "is not there"},
			{change(e[4], `"state":"COMPLETED","stateChangedAt"`, `"state":"EVALUATING_RULES","stateChangedAt"`), "nobody can end it"},
			{change(e[4], `"High":14`, `"High":13`), "differs in FindingCounts"},
			{change(e[4], `"High":14`, `"Terrible":14`), `the severity "Terrible"`},
			{change(e[4], `"High":14`, `"High":-14`), "-14 findings"},
			{change(e[4], "0-MKkpXXPE", "0-other001"), `a run named "Run 1 for ExampleAssessmentTemplate" already`},
			{change(e[4], `"dataCollected":true,`, ``), "must not be null"},
			{change(e[5], "0-MKkpXXPE", "0-nothing1"), "is not there"},
			{change(e[5], `"INSTANCE_ID"`, `"COLOUR"`), "enum"},
			{change(e[6], `"severity":"Informational",`, ``), "no serviceAttributes"},
			{change(e[6], `"severity":"Informational"`, `"severity":"Bad"`), "enum"},
			{change(e[6], `"title":"No`, `"title":"Some`), "differs in Title"},
			{change(e[6], `"assessmentRunArn":"`+run, `"assessmentRunArn":"`+run+"x"), "its ARN is below"},
			{Object{Findings, json.RawMessage(own.Replace(string(e[6].Object)))}, "takes nothing from elsewhere"},
			{Object{Exclusions, json.RawMessage(own.Replace(string(e[5].Object)))}, "takes nothing from elsewhere"},
		} {
			got := i.must(t, Batch{Objects: []Object{e[0], test.object, e[1]}})
			if got[1].Status != Refused || !strings.Contains(strings.ToLower(got[1].Reason), strings.ToLower(test.want)) || got[0].Status != Present || got[2].Status != Present {
				t.Errorf("%s %.150s: %+v, want a refusal with %q", test.object.Kind, test.object.Object, got, test.want)
			}
		}
		if diff := cmp.Diff(before, i.picture(t)); diff != "" {
			t.Errorf("what is refused leaves something:\n%s", diff)
		}
	})
}

func TestRefusedBatches(t *testing.T) {
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "assay.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	st.Scope = scope
	i := Importer{Store: st}
	for want, b := range map[string]Batch{
		"only a dry run":      {Objects: examples()[2:3], Assume: []string{target}},
		"at most 500 objects": {Objects: make([]Object, MaxBatch+1)},
		"into a new data folder": {Objects: []Object{examples()[0], change(change(change(examples()[1], "us-west-2", "eu-west-1"), "us-west-2", "eu-west-1"),
			`,"updatedAt"`, `,"updatedAt"  `)}},
	} {
		_, err := i.Import(t.Context(), b)
		var told *inspector.Err
		if !errors.As(err, &told) || told.Kind != inspector.InvalidInput || !strings.Contains(told.Message, want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if got := i.picture(t); got != "" {
		t.Errorf("there is\n%s", got)
	}
}

// Findings of one batch go together, however many runs, hosts and packages.
func TestManyFindings(t *testing.T) {
	databases(t, func(t *testing.T, i Importer) {
		i.must(t, Batch{Objects: examples()[:5]})
		b := Batch{}
		for n := range MaxBatch {
			f := change(examples()[6], "0-HwPnsDm4", fmt.Sprintf("0-%08d", n))
			f = change(f, `"ipv4Addresses":[]`, fmt.Sprintf(`"agentId":"i-%d","ipv4Addresses":[]`, n%7))
			b.Objects = append(b.Objects, change(f, `"attributes":[]`, `"attributes":[{"key":"k","value":"v"},{"key":"k","value":"v"}]`))
		}
		b.Objects[MaxBatch-1] = b.Objects[0]
		got := statuses(i.must(t, b))
		if got[0] != Imported || got[MaxBatch-2] != Imported || got[MaxBatch-1] != Present {
			t.Errorf("%v", got)
		}
		found, _, err := i.Store.ListFindings(t.Context(), inspector.FindingFilter{Agents: []string{"i-3"}, Attributes: []inspector.Attribute{{Key: "k", Value: "v"}}}, inspector.Page{})
		if err != nil || len(found) != 71 {
			t.Errorf("%d findings, %v", len(found), err)
		}
	})
}

func FuzzImport(f *testing.F) {
	for _, o := range examples() {
		f.Add(string(o.Kind), []byte(o.Object))
	}
	st, err := store.Open(f.Context(), "sqlite:"+filepath.Join(f.TempDir(), "assay.db"))
	if err != nil {
		f.Fatal(err)
	}
	st.Scope = scope
	i := Importer{Store: st}
	if _, err := i.Import(f.Context(), Batch{Objects: examples()}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, kind string, object []byte) {
		outcomes, err := i.Import(t.Context(), Batch{Objects: []Object{{Kind(kind), object}}})
		var told *inspector.Err
		if err != nil && !errors.As(err, &told) {
			t.Fatal(err)
		}
		if err == nil && outcomes[0].Status == Imported {
			again, err := i.Import(t.Context(), Batch{Objects: []Object{{Kind(kind), object}}})
			if err != nil || again[0].Status != Present {
				t.Fatalf("imported, but then %+v, %v", again, err)
			}
		}
	})
}

// Sums of what an importer says do not overflow.
func TestHugeCounts(t *testing.T) {
	for n, o := range []Object{
		change(examples()[2], `"assessmentRunCount":1`, `"assessmentRunCount":9223372036854775807`),
		change(examples()[4], `"High":14`, `"High":9223372036854775807`),
	} {
		if _, err := read(o); err == nil {
			t.Errorf("%d is taken", n)
		}
	}
}
