package api

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// texts lists the members of a list of strings in an answer.
func textsOf(answer object, member string) (out []string) {
	list, _ := answer[member].([]any)
	for _, text := range list {
		out = append(out, fmt.Sprint(text))
	}
	return out
}

func TestChangeAttributes(t *testing.T) {
	w := newAssessed(t)
	run := w.run
	arns := textsOf(w.do("ListFindings", object{"assessmentRunArns": []any{run}}), "findingArns")
	if len(arns) != 10 {
		t.Fatalf("there are %d findings", len(arns))
	}
	none := run + "/finding/0-none0000"
	foreign := "arn:aws:inspector:us-east-1:" + arns[0][len("arn:aws:inspector:eu-central-1:"):]
	missing := object{"failureCode": "ITEM_DOES_NOT_EXIST", "retryable": false}
	ticket := object{"key": "ticket", "value": "7"}
	same := func(what string, got, want any) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	answer := w.do("AddAttributesToFindings", object{"findingArns": []any{arns[0], none, foreign, arns[0]}, "attributes": []any{ticket}})
	same("added", answer, object{"failedItems": object{none: missing, foreign: missing}})
	filter := object{"filter": object{"userAttributes": []any{ticket}}}
	same("filtered", textsOf(w.do("ListFindings", filter), "findingArns"), arns[:1])
	described := w.do("DescribeFindings", object{"findingArns": []any{arns[0]}})["findings"].([]any)[0].(object)
	same("described", described["userAttributes"], []any{object{"key": "team", "value": "blue"}, ticket})
	if described["updatedAt"] == described["createdAt"] {
		t.Error("the finding was changed, and is as old as before")
	}
	answer = w.do("RemoveAttributesFromFindings", object{"findingArns": []any{arns[0], arns[1]}, "attributeKeys": []any{"ticket", "none"}})
	same("removed", answer, object{"failedItems": object{}})
	same("filtered", textsOf(w.do("ListFindings", filter), "findingArns"), []string(nil))

	eleven := []any{}
	for range 11 {
		eleven = append(eleven, arns[0])
	}
	w.fails("AddAttributesToFindings", object{"findingArns": []any{"x"}, "attributes": []any{ticket}}, "InvalidInputException", "INVALID_FINDING_ARN")
	w.fails("AddAttributesToFindings", object{"findingArns": []any{run}, "attributes": []any{ticket}}, "InvalidInputException", "INVALID_FINDING_ARN")
	w.fails("AddAttributesToFindings", object{"findingArns": []any{arns[0]}, "attributes": []any{ticket, ticket}}, "InvalidInputException", "INVALID_USER_ATTRIBUTE_KEY")
	w.fails("RemoveAttributesFromFindings", object{"findingArns": []any{arns[0]}, "attributeKeys": []any{""}}, "InvalidInputException", "INVALID_USER_ATTRIBUTE_KEY")
	w.fails("RemoveAttributesFromFindings", object{"findingArns": eleven, "attributeKeys": []any{"a"}}, "InvalidInputException", "INVALID_NUMBER_OF_FINDING_ARNS")
}
