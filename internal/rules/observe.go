package rules

import (
	"cmp"
	"strings"

	"assay/internal/inspector"
)

// Observation is what an evaluation says about the life of findings: which there
// are, and of which rules it can be told that there are no others.
type Observation struct {
	Failed    []Observed           // in the order of the results
	Checked   []string             // the ids of the rules that were evaluated completely
	Unchecked map[string]string    // those that were not, or not completely, with the reason
	Hidden    map[string]Concealed // what would be findings, by id
}

// Concealed is what would be a finding.
type Concealed struct{ Rule, Reason string }

// Observed is a result that failed, with what its finding has, or would have if it
// were not suppressed.
type Observed struct {
	ID       string
	Finding  string // Finding.FindingID
	Title    string
	Severity inspector.Severity
	Result   Result
}

// Observe tells which findings Derive makes of results, and which it would make if
// they were not suppressed. A rule that could not be evaluated, be it for one of its
// subjects, is Unchecked, as is one without a result.
func Observe(d Description, s Subject, results []Result) Observation {
	t := deriver{description: d, subject: s, rules: map[string]Rule{}, taken: map[string]bool{}}
	for _, r := range d.Rules {
		t.rules[r.ID] = r
	}
	o := Observation{Unchecked: map[string]string{}, Hidden: map[string]Concealed{}}
	seen := map[string]bool{}
	audited := t.audit(results)
	for _, r := range audited {
		switch r.Verdict {
		case Failed:
			o.Failed = append(o.Failed, t.observed(r))
		case NotEvaluated, Error:
			if _, known := o.Unchecked[r.Rule]; !known {
				o.Unchecked[r.Rule] = r.Reason
			}
		}
	}
	// After those that failed, which have the ids that findings have.
	for _, r := range audited {
		if r.Hidden == nil || r.Verdict != NotApplicable {
			continue
		}
		for _, subject := range r.Hidden.Subjects {
			id := t.findingID(Result{Rule: r.Rule, Subject: subject})
			o.Hidden[id] = Concealed{r.Rule, r.Hidden.Reason}
		}
	}
	for _, r := range audited {
		if _, not := o.Unchecked[r.Rule]; !not && !seen[r.Rule] {
			seen[r.Rule] = true
			o.Checked = append(o.Checked, r.Rule)
		}
	}
	return o
}

func (t *deriver) observed(r Result) Observed {
	rule := t.rule(r)
	return Observed{
		ID: t.findingID(r), Finding: cmp.Or(r.FindingID, rule.Title), Result: r, Severity: cmp.Or(r.Severity, rule.Severity),
		Title: t.title(r, rule),
	}
}

// title is a finding's.
func (t *deriver) title(r Result, rule Rule) string {
	return strings.ReplaceAll(cmp.Or(r.Title, rule.Finding, rule.Title), "<id>", t.subject.Agent.Agent)
}
