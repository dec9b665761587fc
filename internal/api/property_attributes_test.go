package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/internal/inspector"
)

// someFindings chooses findings of all runs, and such as there are not.
func (p *property) someFindings() (arns []string) {
	all := nothing(inspector.KindFinding)
	for _, r := range p.runs {
		for _, f := range r.findings {
			all = append(all, f.arn)
		}
	}
	if len(all) > 2 && p.rarely("elsewhere") {
		all = append(all, strings.Replace(all[len(all)-1], scope.Account, "000000000000", 1))
	}
	return append(subset(p, "findings", 5, all...), draw(p, "finding", all[len(all)-1], all[len(all)/2], all[0]))
}

// change has an operation change the user attributes of findings as of tells, and
// expects the failed ones that the model has.
func (p *property) change(name string, in object, of func(before []any) []any) {
	failed := object{}
	for _, arn := range unique(in["findingArns"].([]string)) {
		f := p.finding(arn)
		if f == nil || !f.run.shown {
			failed[arn] = object{"failureCode": "ITEM_DOES_NOT_EXIST", "retryable": false}
			continue
		}
		switch after := of(f.user); {
		case len(after) > 10: // a UserAttributeList holds no more
			failed[arn] = object{"failureCode": "LIMIT_EXCEEDED", "retryable": false}
		case fmt.Sprint(after) != fmt.Sprint(f.user):
			f.user, f.updatedAt = after, p.now
		}
	}
	p.expect(name, in, "", object{"failedItems": failed})
	if draw(p, "look", true, false) {
		p.lookAt(unique(in["findingArns"].([]string))[0])
	}
}

// lookAt describes a finding, and looks for it by what it has and what it has not.
func (p *property) lookAt(arn string) {
	f := p.finding(arn)
	if f == nil || !f.run.shown {
		return
	}
	p.expect("DescribeFindings", object{"findingArns": []string{arn}}, "", object{"findings": []any{f.wire()}, "failedItems": object{}})
	a := draw(p, "attribute", object{"key": "team", "value": "blue"}, object{"key": "team"}, object{"key": "team", "value": `"}`}, object{"key": "0", "value": "x"})
	want := []any{}
	for _, f := range p.shownFindings() {
		if slices.ContainsFunc(f.user, func(b any) bool { return maps.Equal(b.(object), a) }) {
			want = append(want, f.arn)
		}
	}
	p.expectPages("ListFindings", "findingArns", object{"filter": object{"userAttributes": []any{a}}}, "", func() []any { return want })
}

func (p *property) finding(arn string) *modelFinding {
	for _, r := range p.runs {
		for _, f := range r.findings {
			if f.arn == arn {
				return f
			}
		}
	}
	return nil
}

func keyed(key any) func(any) bool {
	return func(a any) bool { return a.(object)["key"] == key }
}

// with is what setting attributes makes of those before: each in its place, new ones
// behind.
func with(before, set []any) []any {
	after := slices.Clone(before)
	for _, a := range set {
		if i := slices.IndexFunc(after, keyed(a.(object)["key"])); i >= 0 {
			after[i] = a
		} else {
			after = append(after, a)
		}
	}
	return after
}

func (p *property) addAttributes() {
	in, set, outcome := object{"findingArns": p.someFindings()}, []any{}, ""
	for _, key := range subset(p, "keys", 3, "team", "cost", "ü", "Team") {
		if slices.ContainsFunc(set, keyed(key)) {
			outcome = "InvalidInputException INVALID_USER_ATTRIBUTE_KEY"
		}
		set = append(set, draw(p, "attribute", object{"key": key, "value": "blue"}, object{"key": key}, object{"key": key, "value": `"}`}))
	}
	in["attributes"] = set
	if outcome != "" {
		p.expect("AddAttributesToFindings", in, outcome, nil)
		return
	}
	p.change("AddAttributesToFindings", in, func(before []any) []any { return with(before, set) })
	if p.rarely("as many as there may be") {
		set := []any{}
		for i := range draw(p, "attributes", 10, 9, 7) {
			set = append(set, object{"key": fmt.Sprint(i), "value": "x"})
		}
		p.change("AddAttributesToFindings", object{"findingArns": in["findingArns"], "attributes": set}, func(before []any) []any { return with(before, set) })
	}
}

func (p *property) removeAttributes() {
	keys := append([]string{}, subset(p, "keys", 3, "team", "cost", "ü", "Team", "0", "none")...)
	in := object{"findingArns": p.someFindings(), "attributeKeys": keys}
	p.change("RemoveAttributesFromFindings", in, func(before []any) []any {
		return slices.DeleteFunc(slices.Clone(before), func(a any) bool { return slices.Contains(keys, a.(object)["key"].(string)) })
	})
}
