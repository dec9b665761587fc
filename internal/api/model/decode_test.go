package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestDecode(t *testing.T) {
	at := Timestamp{time.UnixMilli(1458680170035).UTC()}
	tests := []struct {
		name, in string
		want     any
	}{
		{"lists of structures", `{"resourceGroupTags":[{"key":"env","value":"prod"},{"key":"web"}]}`,
			CreateResourceGroupRequest{ResourceGroupTags: []ResourceGroupTag{{Key: "env", Value: "prod"}, {Key: "web"}}}},
		{"unknown members", `{"new":{"a":[{},[1e999,null]]},"resourceGroupTags":[{"key":"k","colour":"red"}],"x":"y"}`,
			CreateResourceGroupRequest{ResourceGroupTags: []ResourceGroupTag{{Key: "k"}}}},
		{"names are case-sensitive", `{"MaxResults":"no number here"}`, ListFindingsRequest{}},
		{"null is absent", `{"filter":null,"maxResults":null,"assessmentRunArns":null}`, ListFindingsRequest{}},
		{"numbers", `{"maxResults":5e1,"filter":{"creationTimeRange":{"beginDate":1458680170.035}}}`,
			ListFindingsRequest{MaxResults: new(int64(50)), Filter: &FindingFilter{CreationTimeRange: &TimestampRange{BeginDate: at}}}},
		{"empty lists are lists", `{"assessmentRunArns":[]}`, ListFindingsRequest{AssessmentRunArns: []string{}}},
		{"characters count, not bytes", `{"assessmentTargetName":"` + strings.Repeat("ü", 140) + `"}`,
			CreateAssessmentTargetRequest{AssessmentTargetName: strings.Repeat("ü", 140)}},
		{"500 findings", `{"findingArns":["a"` + strings.Repeat(`,"a"`, 499) + `]}`,
			DescribeFindingsRequest{FindingArns: strings.Split("a"+strings.Repeat(" a", 499), " ")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := reflect.New(reflect.TypeOf(test.want))
			if err := Decode([]byte(test.in), shapeOf(test.want), got.Interface()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Elem().Interface()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func shapeOf(v any) *Shape { return Shapes[reflect.TypeOf(v).Name()] }

func TestDecodeRefusesWhatIsNoSuchJSON(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	tests := []struct{ in, want string }{
		{``, "Unexpected end of the document"},
		{`{`, "not valid JSON"},
		{`{"assessmentTargetName":`, "not valid JSON"},
		{`xml`, "not valid JSON"},
		{`{"assessmentTargetName":"a"}{}`, "Unexpected content after the end"},
		{`{"assessmentTargetName":"a"} x`, "not valid JSON"},
		{`{"assessmentTargetName":"a","assessmentTargetName":"b"}`, "not valid JSON"},
		{"{\"assessmentTargetName\":\"\xff\"}", "not valid JSON"},
		{`[]`, "Start of list found where not expected"},
		{`"text"`, "STRING_VALUE can not be converted to a Structure"},
		{`null`, "NULL_VALUE can not be converted to a Structure"},
		{`{"assessmentTargetName":7}`, "NUMBER_VALUE can not be converted to a String"},
		{`{"assessmentTargetName":true}`, "TRUE_VALUE can not be converted to a String"},
		{`{"assessmentTargetName":{}}`, "Start of structure or map found where not expected."},
		{`{"assessmentTargetName":["a"]}`, "Start of list found where not expected"},
		{`{"x":` + deep + `}`, "nested too deeply"},
		{`{"x":` + strings.Repeat("[", 1<<20), "nested too deeply"},
	}
	for _, test := range tests {
		err := Decode([]byte(test.in), Shapes["CreateAssessmentTargetRequest"], new(CreateAssessmentTargetRequest))
		var serialization *SerializationError
		if !errors.As(err, &serialization) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60s: got %v, want a serialization error with %q", test.in, err, test.want)
		}
	}
	for _, in := range []string{`"60"`, `1.5`, `1e30`, `-1e400`, `9223372036854775808`, `[60]`} {
		err := Decode([]byte(`{"maxResults":`+in+`}`), Shapes["ListFindingsRequest"], new(ListFindingsRequest))
		var serialization *SerializationError
		if !errors.As(err, &serialization) {
			t.Errorf("maxResults %s: got %v, want a serialization error", in, err)
		}
	}
	for _, in := range []string{`"2024-01-01T00:00:00Z"`, `1e300`, `-1e12`, `253402300800`, `-62135596800`} {
		err := Decode([]byte(`{"filter":{"creationTimeRange":{"endDate":`+in+`}}}`), Shapes["ListFindingsRequest"], new(ListFindingsRequest))
		var serialization *SerializationError
		if !errors.As(err, &serialization) {
			t.Errorf("endDate %s: got %v, want a serialization error", in, err)
		}
	}
}

func TestDecodeChecksConstraints(t *testing.T) {
	long := strings.Repeat("x", 141)
	tests := []struct {
		into any
		in   string
		want []string // path constraint
	}{
		{CreateAssessmentTargetRequest{}, `{}`, []string{"assessmentTargetName null"}},
		{CreateAssessmentTargetRequest{}, `{"assessmentTargetName":null}`, []string{"assessmentTargetName null"}},
		{CreateAssessmentTargetRequest{}, `{"assessmentTargetName":""}`, []string{"assessmentTargetName minimum length"}},
		{CreateAssessmentTargetRequest{}, `{"assessmentTargetName":"` + long + `"}`, []string{"assessmentTargetName maximum length"}},
		{CreateAssessmentTemplateRequest{}, `{"assessmentTargetArn":"a","assessmentTemplateName":"n","durationInSeconds":60,"rulesPackageArns":[]}`, []string{"durationInSeconds minimum value"}},
		{CreateAssessmentTemplateRequest{}, `{"assessmentTargetArn":"a","assessmentTemplateName":"n","durationInSeconds":86401,"rulesPackageArns":[""]}`,
			[]string{"durationInSeconds maximum value", "rulesPackageArns.1.member minimum length"}},
		{CreateResourceGroupRequest{}, `{"resourceGroupTags":[]}`, []string{"resourceGroupTags minimum length"}},
		{CreateResourceGroupRequest{}, `{"resourceGroupTags":[{"key":"a"},null,{"value":"v"}]}`, []string{"resourceGroupTags.2.member null", "resourceGroupTags.3.member.key null"}},
		{CreateResourceGroupRequest{}, `{"resourceGroupTags":[{"key":"a"}` + strings.Repeat(`,{"key":"a"}`, 10) + `]}`, []string{"resourceGroupTags maximum length"}},
		{StopAssessmentRunRequest{}, `{"assessmentRunArn":"a","stopAction":"EXPLODE"}`, []string{"stopAction enum"}},
		{GetExclusionsPreviewRequest{}, `{"assessmentTemplateArn":"a","previewToken":"x-00000000-0000-0000-0000-000000000000"}`, []string{"previewToken pattern"}},
		{DescribeFindingsRequest{}, `{"findingArns":["a"` + strings.Repeat(`,"a"`, 500) + `]}`, []string{"findingArns maximum length"}},
		{DescribeAssessmentRunsRequest{}, `{"assessmentRunArns":["a"` + strings.Repeat(`,"a"`, 10) + `]}`, []string{"assessmentRunArns maximum length"}},
		{ListAssessmentRunAgentsRequest{}, `{"assessmentRunArn":"a","filter":{}}`, []string{"filter.agentHealthCodes null", "filter.agentHealths null"}},
	}
	for _, test := range tests {
		err := Decode([]byte(test.in), shapeOf(test.into), reflect.New(reflect.TypeOf(test.into)).Interface())
		var validation *ValidationError
		if !errors.As(err, &validation) {
			t.Errorf("%.100s: got %v, want a validation error", test.in, err)
			continue
		}
		got := []string{}
		for _, v := range validation.Violations {
			got = append(got, v.Path+" "+string(v.Constraint))
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%.100s (-want +got):\n%s", test.in, diff)
		}
	}
}

func TestViolationsAreWordedAsAWSDoes(t *testing.T) {
	in := `{"assessmentTemplateName":"n","durationInSeconds":60,"rulesPackageArns":[]}`
	err := Decode([]byte(in), Shapes["CreateAssessmentTemplateRequest"], new(CreateAssessmentTemplateRequest))
	const want = "2 validation errors detected: Value '60' at 'durationInSeconds' failed to satisfy constraint: Member must have value greater than or equal to 180; " +
		"Value null at 'assessmentTargetArn' failed to satisfy constraint: Member must not be null"
	if fmt.Sprint(err) != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestTimestamps(t *testing.T) {
	for text, want := range map[string]string{
		"1458680170.035": "1458680170.035", "0": "0", "1.4586803014e9": "1458680301.4", "-1.5": "-1.5", "1458680170.0004": "1458680170",
	} {
		ts, err := timestamp(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(ts)
		if err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
}

// The Go types and the table have to go together: Decode relies on it.
func TestTypesFitShapes(t *testing.T) {
	for name, op := range Operations {
		if name != op.Name {
			t.Errorf("%s is called %s", name, op.Name)
		}
	}
	if len(Operations) != 37 {
		t.Errorf("%d operations, want 37", len(Operations))
	}
	empty := 0
	for _, op := range Operations {
		if op.Output == nil {
			empty++
		}
	}
	if empty != 9 {
		t.Errorf("%d operations without an answer, want 9", empty)
	}
	fits(t, reflect.TypeFor[ListFindingsRequest](), Shapes["ListFindingsRequest"])
	fits(t, reflect.TypeFor[DescribeFindingsResponse](), Shapes["DescribeFindingsResponse"])
	fits(t, reflect.TypeFor[DescribeAssessmentRunsResponse](), Shapes["DescribeAssessmentRunsResponse"])
	fits(t, reflect.TypeFor[DescribeExclusionsResponse](), Shapes["DescribeExclusionsResponse"])
}

func fits(t *testing.T, typ reflect.Type, shape *Shape) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch shape.Kind {
	case ListKind, MapKind:
		fits(t, typ.Elem(), shape.Elem)
	case StructKind:
		if typ.NumField() != len(shape.Members) {
			t.Fatalf("%s has %d fields, the shape %d members", typ, typ.NumField(), len(shape.Members))
		}
		for i, m := range shape.Members {
			if tag, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ","); tag != m.Name {
				t.Errorf("field %d of %s is %s, the shape's member %s", i, typ, tag, m.Name)
			}
			fits(t, typ.Field(i).Type, m.Shape)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"findingArns":["a","b"],"locale":"EN_US"}`, `{"filter":{"severities":["High"],"attributes":[{"key":"a","value":"b"}]},"maxResults":500}`,
		`{"filter":{"creationTimeRange":{"beginDate":1.5e9,"endDate":null}},"x":[[[{}]]]}`, `{"resourceGroupTags":[{"key":"é"},null]}`, "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, into := range []any{new(ListFindingsRequest), new(CreateResourceGroupRequest), new(DescribeFindingsRequest), new(DescribeExclusionsResponse)} {
			shape := Shapes[reflect.TypeOf(into).Elem().Name()]
			err := Decode(data, shape, into)
			var validation *ValidationError
			if err != nil && !errors.As(err, &validation) {
				continue
			}
			// What was read is written and read again as the same.
			text, marshalErr := json.Marshal(into)
			if marshalErr != nil {
				t.Fatalf("%T: %v", into, marshalErr)
			}
			again := reflect.New(reflect.TypeOf(into).Elem()).Interface()
			if second := Decode(text, shape, again); err == nil && second != nil && !errors.As(second, &validation) {
				t.Errorf("%s was accepted, but not %s: %v", data, text, second)
			}
		}
	})
}
