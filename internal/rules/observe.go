package rules

// Observation is what an evaluation says about the life of findings: which there
// are, and of which rules it can be told that there are no others.
type Observation struct {
	Failed  []Observed // in the order of the results
	Checked []string   // the ids of the rules that were evaluated completely
}

// Observed is a result that failed, with the id that its finding has or would have.
type Observed struct {
	ID string
	Result
}

// Observe tells which findings Derive makes of results, and which it would make if
// they were not suppressed. A rule that could not be evaluated, be it for one of its
// subjects, is not Checked, nor is one that the package does not have any more or did
// not have yet.
func Observe(d Description, s Subject, results []Result) Observation {
	t := deriver{description: d, subject: s, taken: map[string]bool{}}
	var o Observation
	var rules []string
	complete := map[string]bool{}
	for _, r := range t.audit(results) {
		done, seen := complete[r.Rule]
		if !seen {
			rules = append(rules, r.Rule)
		}
		complete[r.Rule] = (done || !seen) && r.Verdict != NotEvaluated && r.Verdict != Error
		if r.Verdict == Failed {
			o.Failed = append(o.Failed, Observed{t.findingID(r), r})
		}
	}
	for _, rule := range rules {
		if complete[rule] {
			o.Checked = append(o.Checked, rule)
		}
	}
	return o
}
