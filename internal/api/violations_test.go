package api

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/api/model"
	"assay/internal/inspector"
)

var update = flag.Bool("update", false, "write testdata/violations.txt anew")

// violation is a request that fails one constraint of the model, and no other.
type violation struct {
	path       string // "filter.attributes.key"
	constraint string // "missing", "too long", ...
	body       any
}

// violationsOf walks an operation's input and makes a request for every constraint
// of every member.
func violationsOf(op model.Operation) (all []violation) {
	w := walk{add: func(v violation) { all = append(all, v) }}
	if op.Input != nil {
		w.structure(op.Input, "", func(v any) any { return v })
	}
	return all
}

// walk visits shapes. put makes a request of a value at the place that is visited.
type walk struct{ add func(violation) }

type put func(value any) any

// absent is the value of a member that is left out.
type absent struct{}

func (w walk) structure(shape *model.Shape, path string, at put) {
	for _, m := range shape.Members {
		within := func(value any) any {
			whole := minimal(shape).(object)
			whole[m.Name] = value
			if value == (absent{}) {
				delete(whole, m.Name)
			}
			return at(whole)
		}
		here := strings.TrimPrefix(path+"."+m.Name, ".")
		if m.Required {
			w.add(violation{here, "missing", within(absent{})})
			w.add(violation{here, "null", within(nil)})
		}
		w.value(m.Name, m.Shape, here, within)
	}
}

func (w walk) value(name string, shape *model.Shape, path string, at put) {
	for kind, value := range map[model.Kind]any{model.StringKind: "text", model.IntegerKind: 7, model.BoolKind: true, model.StructKind: object{}, model.ListKind: []any{}} {
		if kind != shape.Kind && !(kind == model.IntegerKind && shape.Kind == model.TimestampKind) {
			w.add(violation{path, "type", at(value)})
		}
	}
	switch shape.Kind {
	case model.StructKind:
		w.structure(shape, path, at)
	case model.ListKind:
		w.list(name, shape, path, at)
	case model.StringKind:
		w.text(name, shape, path, at)
	case model.IntegerKind:
		w.number(shape, path, at)
	case model.TimestampKind:
		w.add(violation{path, "type", at(json.Number("1e300"))})
	default:
		panic("no input has a " + shape.Kind)
	}
}

func (w walk) list(name string, shape *model.Shape, path string, at put) {
	entry := valid(name, shape.Elem)
	w.add(violation{path, "null entry", at([]any{entry, nil})})
	if shape.Min != nil && *shape.Min > 0 {
		w.add(violation{path, "too few", at(slices.Repeat([]any{entry}, int(*shape.Min)-1))})
	}
	if shape.Max != nil {
		w.add(violation{path, "too many", at(slices.Repeat([]any{entry}, int(*shape.Max)+1))})
	}
	within := func(value any) any { return at([]any{entry, value}) }
	if shape.Elem.Kind == model.StructKind {
		w.structure(shape.Elem, path, within)
	} else {
		w.value(name, shape.Elem, path, within)
	}
}

func (w walk) text(name string, shape *model.Shape, path string, at put) {
	if shape.Min != nil && *shape.Min > 0 {
		w.add(violation{path, "too short", at(strings.Repeat("x", int(*shape.Min)-1))})
	}
	if shape.Max != nil {
		w.add(violation{path, "too long", at(strings.Repeat("x", int(*shape.Max)+1))})
	}
	if shape.Enum != nil {
		w.add(violation{path, "enum", at("no such " + name)})
		w.add(violation{path, "enum", at(strings.ToLower(shape.Enum[0]) + " ")})
	}
	if shape.Pattern != nil {
		w.add(violation{path, "pattern", at("x")})
		w.add(violation{path, "pattern", at(valid(name, shape).(string) + "\n")})
	}
}

func (w walk) number(shape *model.Shape, path string, at put) {
	w.add(violation{path, "type", at(json.Number("200.5"))})
	w.add(violation{path, "type", at(json.Number("1e30"))})
	if shape.Min != nil {
		w.add(violation{path, "too small", at(*shape.Min - 1)})
	}
	if shape.Max != nil {
		w.add(violation{path, "too large", at(*shape.Max + 1)})
	}
}

// minimal is a valid value with the required members only.
func minimal(shape *model.Shape) any {
	out := object{}
	for _, m := range shape.Members {
		if m.Required {
			out[m.Name] = valid(m.Name, m.Shape)
		}
	}
	return out
}

// valid is a value that satisfies the model, and where it is an ARN the handlers.
func valid(name string, shape *model.Shape) any {
	run := scope.Run("0-TTTTTTTT", "0-PPPPPPPP", "0-RRRRRRRR")
	named := map[string]string{
		"assessmentTargetArn": scope.Target("0-TTTTTTTT").String(), "previewAgentsArn": scope.Target("0-TTTTTTTT").String(),
		"assessmentTemplateArn": scope.Template("0-TTTTTTTT", "0-PPPPPPPP").String(), "resourceArn": scope.Template("0-TTTTTTTT", "0-PPPPPPPP").String(),
		"assessmentRunArn": run.String(), "findingArn": run.Finding("0-FFFFFFFF").String(), "exclusionArn": run.Exclusion("0-EEEEEEEE").String(),
		"resourceGroupArn": scope.ResourceGroup("0-GGGGGGGG").String(), "rulesPackageArn": practices,
		"topicArn": "arn:aws:sns:eu-central-1:210987654321:topic", "roleArn": "arn:aws:iam::210987654321:role/inspector",
		"previewToken": "01234567-89ab-cdef-0123-456789abcdef",
	}
	switch shape.Kind {
	case model.StructKind:
		return minimal(shape)
	case model.ListKind:
		return []any{valid(name, shape.Elem)}
	case model.IntegerKind, model.TimestampKind:
		return 300
	}
	if shape.Enum != nil {
		return shape.Enum[0]
	}
	if text, ok := named[strings.TrimSuffix(name, "s")]; ok {
		return text
	}
	return "text"
}

// answerTo decodes a request and carries it out as far as it can be without a store:
// operations without a behaviour here are only decoded.
func answerTo(t *testing.T, s *Server, operation string, body any) (int, wireError) {
	t.Helper()
	text, err := json.Marshal(body)
	check(t, err)
	if _, ok := s.operations[operation]; ok {
		return carryOut(s, operation, string(text))
	}
	if err := decode(text, model.Operations[operation], pending[operation]); err != nil {
		return describe(err)
	}
	return http.StatusOK, wireError{}
}

// pending are the inputs of operations whose behaviour may not be in routes yet.
var pending = map[string]any{
	"AddAttributesToFindings":      new(model.AddAttributesToFindingsRequest),
	"RemoveAttributesFromFindings": new(model.RemoveAttributesFromFindingsRequest),
	"SubscribeToEvent":             new(model.SubscribeToEventRequest),
	"UnsubscribeFromEvent":         new(model.UnsubscribeFromEventRequest),
	"CreateExclusionsPreview":      new(model.CreateExclusionsPreviewRequest),
	"GetExclusionsPreview":         new(model.GetExclusionsPreviewRequest),
	"GetAssessmentReport":          new(model.GetAssessmentReportRequest),
}

// Every constraint of every member of every operation: the answer is the one in
// testdata/violations.txt, which people have read, and the store is not asked for
// anything (a closed one answers with an InternalException, commands panic).
func TestEveryConstraint(t *testing.T) {
	s := offline(t)
	var got bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(model.Operations)) {
		lines := []string{}
		for _, v := range violationsOf(model.Operations[name]) {
			status, e := answerTo(t, s, name, v.body)
			if status != http.StatusBadRequest || e.Message == "" {
				t.Errorf("%s %s, %s: %d %+v", name, v.path, v.constraint, status, e)
			}
			if v.constraint == "type" {
				if e.Type != "SerializationException" || e.Code != "" {
					t.Errorf("%s %s of another type: %+v", name, v.path, e)
				}
				continue
			}
			judge(t, name, v, e)
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s: %s: %s %s", name, v.path, v.constraint, e.Type, e.Code)))
		}
		for _, line := range slices.Compact(lines) {
			fmt.Fprintln(&got, line)
		}
	}
	const file = "testdata/violations.txt"
	if *update {
		check(t, os.WriteFile(file, got.Bytes(), 0o644))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
}

// judge holds an answer against what is true of all of them.
func judge(t *testing.T, operation string, v violation, e wireError) {
	t.Helper()
	size, topLevel := strings.HasPrefix(v.constraint, "too many") || v.constraint == "too few", strings.Count(v.path, ".") == 0
	switch {
	case e.Type != "ValidationException" && e.Type != string(inspector.InvalidInput), (e.Code == "") != (e.Type == "ValidationException"):
		t.Errorf("%s %s, %s: %+v", operation, v.path, v.constraint, e)
	case e.Code != "" && !slices.Contains(model.Shapes["InvalidInputErrorCode"].Enum, e.Code):
		t.Errorf("%s %s, %s: the model has no code %s", operation, v.path, v.constraint, e.Code)
	case e.Code != "" && strings.Contains(e.Code, "_NUMBER_OF_") != size:
		t.Errorf("%s %s, %s: code %s", operation, v.path, v.constraint, e.Code)
	case e.Code != "" && topLevel && (v.constraint == "missing" || v.constraint == "null"):
		t.Errorf("%s %s is missing altogether: %s", operation, v.path, e.Code)
	case e.Code != "" && !slices.Contains(model.Operations[operation].Errors, e.Type):
		t.Errorf("%s does not answer with %s", operation, e.Type)
	case !strings.Contains(e.Message, strings.SplitN(v.path, ".", 2)[0]):
		t.Errorf("%s %s, %s: the message does not name it: %s", operation, v.path, v.constraint, e.Message)
	}
}

// What the model lets pass and is malformed nevertheless, with everything else in
// the request valid and there: ARNs of nothing or of another kind, tokens, sizes
// of pages, and ranges that end before they begin. Nothing reaches the store.
func TestMalformedBeyondTheModel(t *testing.T) {
	s, tried := offline(t), 0
	for name := range s.operations {
		input := model.Operations[name].Input
		if input == nil {
			continue
		}
		for path, bad := range malformed(input, "") {
			code := codeFor(name, path)
			for _, value := range bad {
				tried++
				status, e := answerTo(t, s, name, value)
				want := string(inspector.InvalidInput)
				if code == "" {
					want = "ValidationException"
				}
				if status != http.StatusBadRequest || e.Type != want || e.Code != code || e.Message == "" {
					t.Errorf("%s %s: %d %+v, want %s %s\n%v", name, path, status, e, want, code, value)
				}
			}
		}
	}
	if tried < 150 {
		t.Errorf("only %d requests were tried", tried)
	}
}

// codeFor is the code of a member's values. Of ranges it is written out here.
func codeFor(operation, path string) string {
	ranges := map[string]string{
		"ListAssessmentTemplates:filter.durationRange":   "INVALID_ASSESSMENT_TEMPLATE_DURATION_RANGE",
		"ListAssessmentRuns:filter.durationRange":        "INVALID_ASSESSMENT_RUN_DURATION_RANGE",
		"ListAssessmentRuns:filter.startTimeRange":       "INVALID_ASSESSMENT_RUN_START_TIME_RANGE",
		"ListAssessmentRuns:filter.completionTimeRange":  "INVALID_ASSESSMENT_RUN_COMPLETION_TIME_RANGE",
		"ListAssessmentRuns:filter.stateChangeTimeRange": "INVALID_ASSESSMENT_RUN_STATE_CHANGE_TIME_RANGE",
	}
	if code, ok := ranges[operation+":"+path]; ok {
		return code
	}
	return valueCodes[path]
}

// malformed makes whole requests, by the member that is malformed in them.
func malformed(shape *model.Shape, path string) map[string][]any {
	out := map[string][]any{}
	for _, m := range shape.Members {
		here := strings.TrimPrefix(path+"."+m.Name, ".")
		for _, value := range badValues(m) {
			whole := full(shape)
			whole[m.Name] = value
			out[here] = append(out[here], whole)
		}
		if m.Shape.Kind != model.StructKind {
			continue
		}
		for inner, values := range malformed(m.Shape, here) {
			for _, value := range values {
				whole := full(shape)
				whole[m.Name] = value
				out[inner] = append(out[inner], whole)
			}
		}
	}
	return out
}

func badValues(m model.Member) (bad []any) {
	switch {
	case m.Name == "nextToken":
		return []any{"1", "AAAAAAAAAAAAAAAAAAAAAAAA", "\x00", strings.Repeat("é", 300)}
	case m.Name == "maxResults":
		return []any{0, -1, 501, -1 << 62, 1 << 62}
	case m.Shape.Name == "DurationRange":
		return []any{object{"minSeconds": 300, "maxSeconds": 299}}
	case m.Shape.Name == "TimestampRange":
		return []any{object{"beginDate": 1.001, "endDate": 1}, object{"beginDate": 0, "endDate": -1}}
	case !strings.HasSuffix(m.Name, "Arn") && !strings.HasSuffix(m.Name, "Arns"):
		return nil
	}
	for _, text := range []string{
		"x", "arn:aws:s3:::bucket", "arn:aws:inspector:eu-central-1:210987654321:target/0-TTTTTTTT/", "arn:aws:inspector:eu-central-1:210987654321:agent/0-TTTTTTTT",
		"arn:aws:inspector::210987654321:target/0-TTTTTTTT", "arn:aws:inspector:eu-central-1:21098765432:target/0-TTTTTTTT", strings.Repeat("é", 300),
	} {
		if m.Shape.Kind == model.ListKind {
			bad = append(bad, []any{valid(m.Name, m.Shape.Elem), text})
		} else {
			bad = append(bad, text)
		}
	}
	return bad
}

// full is a valid value with all members but a page token, which is bound to what
// it goes on with.
func full(shape *model.Shape) object {
	out := object{}
	for _, m := range shape.Members {
		switch {
		case m.Name == "nextToken":
		case m.Shape.Kind == model.StructKind:
			out[m.Name] = full(m.Shape)
		default:
			out[m.Name] = valid(m.Name, m.Shape)
		}
	}
	return out
}

// The requests that the tests spoil are right as they are: they reach the store.
func TestSpoiledRequestsAreRightBefore(t *testing.T) {
	s := offline(t)
	s.Commands = nil
	for name, op := range model.Operations {
		if op.Input == nil {
			continue
		}
		for _, body := range []any{minimal(op.Input), full(op.Input)} {
			text, err := json.Marshal(body)
			check(t, err)
			if do, ok := s.operations[name]; ok {
				err = reaches(do, text, op)
			} else {
				err = decode(text, op, pending[name])
			}
			if status, e := describe(err); err != nil && status != http.StatusInternalServerError {
				t.Errorf("%s %s: %+v", name, text, e)
			}
		}
	}
}

// reaches carries out an operation whose commands are not there.
func reaches(do operation, body []byte, shape model.Operation) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &panicked{value: p}
		}
	}()
	_, err = do(context.Background(), body, shape)
	return err
}
