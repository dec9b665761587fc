package inspector

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestAttributeChange(t *testing.T) {
	before := []Attribute{{"a", "1"}, {"b", "2"}}
	for _, test := range []struct {
		name   string
		change AttributeChange
		want   []Attribute
	}{
		{"nothing", AttributeChange{}, before},
		{"set a new one", AttributeChange{Set: []Attribute{{"c", "3"}}}, []Attribute{{"a", "1"}, {"b", "2"}, {"c", "3"}}},
		{"set again", AttributeChange{Set: []Attribute{{"a", "4"}}}, []Attribute{{"a", "4"}, {"b", "2"}}},
		{"remove", AttributeChange{Remove: []string{"a", "none"}}, []Attribute{{"b", "2"}}},
		{"keys differ by case", AttributeChange{Remove: []string{"A"}}, before},
		{"remove all", AttributeChange{Remove: []string{"b", "a", "a"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.change.Of(before), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]Attribute{{"a", "1"}, {"b", "2"}}, before); diff != "" {
				t.Error("the attributes before were changed", diff)
			}
		})
	}
}
