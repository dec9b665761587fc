package api

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/api/model"
	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/testpg"

	wire "github.com/go-json-experiment/json"
)

// TestProperty calls operations in random order, with random inputs, on a whole
// service and on a model of it in plain maps (property_model_test.go), which was
// written from AWS's documentation, and compares every answer. The clock stands
// still during a call, so that all times are known too.
//
// An operation is added by a method that draws its input, asks the model what the
// answer has to be, calls, and compares; and by its line in actions.
func TestProperty(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		testProperty(t, "sqlite:"+filepath.Join(t.TempDir(), "assay.db"), 40)
	})
	t.Run("PostgreSQL", func(t *testing.T) { testProperty(t, testpg.New(t), 10) })
}

var propertyLimits = inspector.Limits{Targets: 4, Templates: 6, Runs: 5, RunningHosts: 5}

func testProperty(t *testing.T, database string, steps int) {
	p := &property{now: time.Now().Truncate(time.Microsecond)}
	w := newWorldOn(t, scope, database, func(c *assess.Config) {
		p.queue = &notedQueue{Queue: c.Queue}
		c.Limits, c.Queue, c.Now = propertyLimits, p.queue, func() time.Time { return p.now }
	})
	p.world, p.started, p.kept, p.bob = w, p.now, kept(t), newRestricted(t, w)
	rapid.Check(t, func(t *rapid.T) {
		p.T = t
		p.begin()
		for _, do := range prelude {
			do(p)
		}
		for range draw(p, "steps", steps, steps/2, 1) {
			p.pass(time.Duration(rapid.IntRange(0, 3_000_000).Draw(t, "µs")) * time.Microsecond)
			rapid.SampledFrom(actions).Draw(t, "action").do(p)
		}
	})
}

// action is something that happens: a call, or something to hosts and runs.
type action struct {
	name string
	do   func(*property)
}

func (a action) String() string { return a.name }

// prelude is how a case begins, so that most have something of everything.
var prelude = []func(*property){
	(*property).createGroup, (*property).createTarget, (*property).createTarget, (*property).createTemplate, (*property).createTemplate,
	(*property).subscribe, (*property).subscribe, (*property).createPreview,
	(*property).startRun, (*property).startRun, (*property).conclude,
}

// actions are what a sequence is made of. What is there twice happens more often,
// and so does what comes first: rapid prefers it.
var actions = []action{
	{"time passes", func(p *property) { p.pass(100 * time.Second) }},
	{"agents are heard of", (*property).hear},
	{"a run ends", (*property).conclude},
	{"jobs run", (*property).work},
	{"jobs run", (*property).work},
	{"AddAttributesToFindings", (*property).addAttributes},
	{"AddAttributesToFindings", (*property).addAttributes},
	{"RemoveAttributesFromFindings", (*property).removeAttributes},
	{"SubscribeToEvent", (*property).subscribe},
	{"SubscribeToEvent", (*property).subscribe},
	{"UnsubscribeFromEvent", (*property).unsubscribe},
	{"ListEventSubscriptions", (*property).listSubscriptions},
	{"CreateExclusionsPreview", (*property).createPreview},
	{"GetExclusionsPreview", (*property).getPreview},
	{"GetExclusionsPreview", (*property).getPreview},
	{"GetAssessmentReport", (*property).getReport},
	{"GetAssessmentReport", (*property).getReport},
	{"a report is read", (*property).readLinks},
	{"a policy changes", (*property).changePolicy},
	{"CreateResourceGroup", (*property).createGroup},
	{"DescribeResourceGroups", (*property).describeGroups},
	{"CreateAssessmentTarget", (*property).createTarget},
	{"CreateAssessmentTarget", (*property).createTarget},
	{"UpdateAssessmentTarget", (*property).updateTarget},
	{"DeleteAssessmentTarget", (*property).deleteTarget},
	{"ListAssessmentTargets", (*property).listTargets},
	{"DescribeAssessmentTargets", (*property).describeTargets},
	{"PreviewAgents", (*property).previewAgents},
	{"CreateAssessmentTemplate", (*property).createTemplate},
	{"CreateAssessmentTemplate", (*property).createTemplate},
	{"DeleteAssessmentTemplate", (*property).deleteTemplate},
	{"ListAssessmentTemplates", (*property).listTemplates},
	{"DescribeAssessmentTemplates", (*property).describeTemplates},
	{"SetTagsForResource", (*property).setTags},
	{"ListTagsForResource", (*property).listTags},
	{"StartAssessmentRun", (*property).startRun},
	{"StartAssessmentRun", (*property).startRun},
	{"a run ends", (*property).conclude},
	{"ListAssessmentRuns", (*property).listRuns},
	{"StopAssessmentRun", (*property).stopRun},
	{"DeleteAssessmentRun", (*property).deleteRun},
	{"ListAssessmentRuns", (*property).listRuns},
	{"DescribeAssessmentRuns", (*property).describeRuns},
	{"ListAssessmentRunAgents", (*property).listRunAgents},
	{"GetTelemetryMetadata", (*property).getTelemetry},
	{"ListFindings", (*property).listFindings},
	{"ListFindings", (*property).listFindings},
	{"DescribeFindings", (*property).describeFindings},
	{"ListExclusions", (*property).listExclusions},
	{"DescribeExclusions", (*property).describeExclusions},
	{"RegisterCrossAccountAccessRole", (*property).registerRole},
	{"DescribeCrossAccountAccessRole", (*property).describeRole},
}

// property is the service and its model.
type property struct {
	*rapid.T
	world   *world
	now     time.Time
	started time.Time // the service
	queue   *notedQueue
	kept    []byte // results of a host, as they are kept
	bob     *restricted

	propertyModel
}

func (p *property) pass(d time.Duration) { p.now = p.now.Add(d) }

// begin clears what the case before has left, and with it tests that a target can
// always be got rid of.
func (p *property) begin() {
	arns, _ := p.pages("ListAssessmentRuns", "assessmentRunArns", object{}, nil)
	for _, arn := range arns {
		p.call("StopAssessmentRun", object{"assessmentRunArn": arn, "stopAction": "SKIP_EVALUATION"})
	}
	arns, _ = p.pages("ListAssessmentTargets", "assessmentTargetArns", object{}, nil)
	for _, arn := range arns {
		if _, e := p.call("DeleteAssessmentTarget", object{"assessmentTargetArn": arn}); e != "" {
			p.Fatalf("a target without running assessments cannot be deleted: %s", e)
		}
	}
	p.propertyModel = propertyModel{}
	p.queue.noted = nil
	p.role, _ = p.call("DescribeCrossAccountAccessRole", object{})
	p.enrol()
	for operation, member := range map[string]string{
		"ListAssessmentTemplates": "assessmentTemplateArns", "ListAssessmentRuns": "assessmentRunArns", "ListFindings": "findingArns",
		"ListEventSubscriptions": "subscriptions",
	} {
		if left, _ := p.pages(operation, member, object{}, nil); len(left) > 0 {
			p.Fatalf("%s of deleted targets: %v", operation, left)
		}
	}
}

// call calls an operation. The outcome is empty, or the exception and its code,
// which have to be ones that the model gives to the operation.
func (p *property) call(name string, in object) (out object, outcome string) {
	body, err := json.Marshal(in)
	if err != nil {
		p.Fatal(err)
	}
	shape := model.Operations[name]
	if p.rarely("the restricted user") {
		if out, outcome, done := p.asBob(shape, body); done {
			return out, outcome
		}
	}
	answer, err := p.world.api.operations[name](context.Background(), body, shape)
	if err != nil {
		return p.exception(shape, body, err)
	}
	if (answer == nil) != (shape.Output == nil) {
		p.Fatalf("%s answers with %v", name, answer)
	}
	if answer == nil {
		return nil, ""
	}
	out = p.decoded(answer)
	p.fits(shape, body, out)
	return out, ""
}

// fits checks that an answer is what AWS's model says.
func (p *property) fits(shape model.Operation, body []byte, out object) {
	switch {
	case (out == nil) != (shape.Output == nil):
		p.Fatalf("%s %s: the answer is %v", shape.Name, body, out)
	case out != nil:
		if err := conforms(shape.Output, out, shape.Name); err != nil {
			p.Fatalf("%s %s: the answer is not the model's: %v", shape.Name, body, err)
		}
	}
}

func (p *property) exception(shape model.Operation, body []byte, err error) (object, string) {
	status, e := describe(err)
	return p.refused(shape, body, status, e.Type, p.decoded(e)), strings.TrimSpace(e.Type + " " + e.Code)
}

// refused checks that an exception is one that AWS's model gives to the operation,
// and returns its members. Nothing that is refused here can be retried at once.
func (p *property) refused(shape model.Operation, body []byte, status int, kind string, out object) object {
	delete(out, "__type")
	if status != 400 || !slices.Contains(append(shape.Errors, "ValidationException"), kind) || out["canRetry"] == true {
		p.Fatalf("%s %s: %d %s, %v", shape.Name, body, status, kind, out)
	}
	if known := model.Shapes[kind]; known != nil {
		if err := conforms(known, out, kind); err != nil {
			p.Fatalf("%s %s: the exception is not the model's: %v", shape.Name, body, err)
		}
	}
	return out
}

func (p *property) decoded(v any) object {
	text, err := wire.Marshal(v)
	if err != nil {
		p.Fatal(err)
	}
	out := object{}
	if err := json.Unmarshal(text, &out); err != nil {
		p.Fatal(err)
	}
	return out
}

// expect calls an operation and compares the outcome, and if it is none the answer.
func (p *property) expect(name string, in object, outcome string, want object) {
	got, e := p.call(name, in)
	if e != outcome {
		p.Fatalf("%s %v: got %q, want %q (%v)", name, in, e, outcome, got)
	}
	if outcome == "" {
		p.same(name, in, got, want)
	}
}

func (p *property) same(name string, in object, got, want object) {
	if want != nil {
		want = p.decoded(want)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.Fatalf("%s %v (-want +got):\n%s", name, in, diff)
	}
}

// create calls an operation that makes something below a parent. Where it is to
// succeed, it returns the new ARN.
func (p *property) create(name, member, below string, in object, outcome string) string {
	out, e := p.call(name, in)
	if e != outcome {
		p.Fatalf("%s %v: got %q, want %q (%v)", name, in, e, outcome, out)
	}
	if e != "" {
		return ""
	}
	arn := out[member].(string)
	if _, err := inspector.ParseARN(arn); err != nil || !strings.HasPrefix(arn, below) || slices.Contains(p.made, arn) {
		p.Fatalf("%s makes %s (%v), below %s", name, arn, err, below)
	}
	p.made = append(p.made, arn)
	return arn
}

// pages reads all pages of a list. between is called after each.
func (p *property) pages(name, member string, in object, between func()) (all []any, outcome string) {
	for {
		out, e := p.call(name, in)
		if e != "" {
			return nil, e
		}
		page := out[member].([]any)
		if most, ok := in["maxResults"].(int); ok && len(page) > most || !ok && len(page) > 100 {
			p.Fatalf("%s %v: a page of %d", name, in, len(page))
		}
		all = append(all, page...)
		token, more := out["nextToken"]
		if !more {
			return all, ""
		}
		if len(page) == 0 {
			p.Fatalf("%s %v: an empty page that is not the last", name, in)
		}
		in["nextToken"] = token
		if between != nil {
			between()
		}
	}
}

// expectPages compares a whole list, read in pages of any size. Where things are
// done between the pages that add to it, what was there from the start is listed
// once and in its order all the same, and besides it only what was added.
func (p *property) expectPages(name, member string, in object, outcome string, want func() []any, adding ...action) {
	if size := rapid.SampledFrom([]int{0, 1, 2, 3, 500}).Draw(p.T, "maxResults"); size > 0 {
		in["maxResults"] = size
	}
	before, added := want(), 0
	var between func()
	if len(adding) > 0 && draw(p, "added to", true, false) {
		in["maxResults"] = draw(p, "maxResults", 1, 1, 2)
		between = func() {
			if added++; added <= 5 {
				draw(p, "adds", adding...).do(p)
			}
		}
	}
	got, e := p.pages(name, member, in, between)
	if e != outcome {
		p.Fatalf("%s %v: got %q, want %q", name, in, e, outcome)
	}
	if outcome != "" {
		return
	}
	if added > 0 {
		got = p.without(name, in, got, before, want())
	}
	p.same(name, in, object{"all": orNone(got)}, object{"all": orNone(before)})
}

// without leaves out of a list what was added to it.
func (p *property) without(name string, in object, got, before, after []any) []any {
	known := func(list []any, item any) bool {
		return slices.ContainsFunc(list, func(other any) bool { return cmp.Equal(p.decoded(object{"": other}), object{"": item}) })
	}
	seen := []any{}
	return slices.DeleteFunc(got, func(item any) bool {
		old := known(before, item)
		if !old && (!known(after, item) || known(seen, item)) {
			p.Fatalf("%s %v: %v was neither there nor added, or was listed twice", name, in, item)
		}
		seen = append(seen, item)
		return !old
	})
}

func orNone(list []any) []any {
	if list == nil {
		return []any{}
	}
	return list
}

// draw chooses one of some, the first ones more often.
func draw[T any](p *property, what string, some ...T) T {
	return rapid.SampledFrom(some).Draw(p.T, what)
}

// subset chooses up to most of some, in any order and possibly twice the same.
func subset[T any](p *property, what string, most int, some ...T) []T {
	return rapid.SliceOfN(rapid.SampledFrom(some), 0, most).Draw(p.T, what)
}

// arn chooses one of the ARNs that there are, or now and then one of nothing.
func (p *property) arn(what string, kind inspector.Kind, some []string) string {
	if len(some) == 0 || p.rarely(what+" of nothing") {
		return draw(p, what, nothing(kind)...)
	}
	return draw(p, what, some...)
}

func (p *property) rarely(what string) bool {
	return draw(p, what, false, false, false, false, false, false, false, true)
}

// nothing are ARNs that are right and name nothing: here, and elsewhere.
func nothing(kind inspector.Kind) []string {
	run := scope.Run("0-xxxxxxxx", "0-xxxxxxxx", "0-xxxxxxxx")
	here := map[inspector.Kind]inspector.ARN{
		inspector.KindResourceGroup: scope.ResourceGroup("0-xxxxxxxx"), inspector.KindTarget: scope.Target("0-xxxxxxxx"),
		inspector.KindTemplate: scope.Template("0-xxxxxxxx", "0-xxxxxxxx"), inspector.KindRun: run,
		inspector.KindFinding: run.Finding("0-xxxxxxxx"), inspector.KindExclusion: run.Exclusion("0-xxxxxxxx"),
	}[kind]
	there := here
	there.Scope.Account = "000000000000"
	return []string{here.String(), there.String()}
}

// describe describes a few of what there is and is not, and compares. known has
// what the answer has of each.
func (p *property) describe(name, in, out string, kind inspector.Kind, known map[string]object, order []string) {
	most := 10
	asked := rapid.SliceOfN(rapid.SampledFrom(append(slices.Clone(order), nothing(kind)...)), 1, most).Draw(p.T, in)
	items, failed := []any{}, object{}
	for _, arn := range slices.Compact(unique(asked)) {
		if item, ok := known[arn]; ok {
			items = append(items, item)
		} else {
			failed[arn] = object{"failureCode": "ITEM_DOES_NOT_EXIST", "retryable": false}
		}
	}
	p.expect(name, object{in: asked}, "", object{out: items, "failedItems": failed})
}

func unique(list []string) (out []string) {
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// told is a moment as clients are told it.
func told(at time.Time) float64 { return float64(at.UnixMilli()) / 1000 }
