package behavior

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/internal/inspector"
	"assay/internal/rules"
)

// Bounds of what a rule says of one host; real hosts stay far below.
const (
	maxSubjects = 500 // findings; the others are one more
	maxEvidence = 20  // of a finding
)

// answer is what a rule has found on a host: each subject that failed, what was looked
// at, and what could not be.
type answer struct {
	failed  map[string]*fault // by subject
	passed  string            // the sentence where none failed
	seen    []rules.Evidence  // what was looked at; none: there is nothing that the rule is about
	unknown []string          // why there may be more
	remedy  string            // so that it would be known
	blind   bool              // nobody has looked: that is all there is to say of gaps
}

// fault is a subject that failed. What is said of it depends on nothing but the host.
type fault struct {
	reason     string
	severity   inspector.Severity // empty: the rule's
	title      string             // empty: the rule's
	evidence   []rules.Evidence
	attributes []inspector.Attribute
}

// results are sorted by subject. A gap in what is known keeps what failed, and is told
// beside it: what was found before may still be there.
func (a answer) results() []rules.Result {
	var results []rules.Result
	subjects := slices.Sorted(maps.Keys(a.failed))
	for _, subject := range subjects[:min(len(subjects), maxSubjects)] {
		f := a.failed[subject]
		results = append(results, rules.Result{
			Verdict: rules.Failed, Subject: subject, Reason: f.reason, Severity: f.severity, Title: f.title,
			Evidence: f.evidence[:min(len(f.evidence), maxEvidence)], Attributes: f.attributes,
		})
	}
	if more := len(subjects) - maxSubjects; more > 0 {
		results = append(results, rules.Result{
			Verdict: rules.Failed, Subject: "more", Reason: fmt.Sprintf("There are %d more of these findings on the host, which has too many to be told one by one.", more),
			Evidence: a.failed[subjects[maxSubjects]].evidence[:1],
		})
	}
	switch {
	case len(a.unknown) > 0:
		slices.Sort(a.unknown)
		unknown := slices.Compact(a.unknown)
		results = append(results, rules.Result{
			Verdict: rules.NotEvaluated, Reason: "It cannot be told in full: " + strings.Join(unknown[:min(len(unknown), 5)], "; ") + ".",
			Remedy: cmp.Or(a.remedy, "Assess the host again, with its agent run as root."),
		})
	case len(results) > 0:
	case len(a.seen) == 0:
		results = append(results, rules.Result{Verdict: rules.NotApplicable, Reason: a.passed})
	default:
		results = append(results, rules.Result{Verdict: rules.Passed, Reason: a.passed, Evidence: a.seen[:min(len(a.seen), maxEvidence)]})
	}
	return results
}

// fail is the fault of a subject, made if it is the first.
func (a *answer) fail(subject string) *fault {
	if a.failed == nil {
		a.failed = map[string]*fault{}
	}
	if a.failed[subject] == nil {
		a.failed[subject] = &fault{}
	}
	return a.failed[subject]
}

// saw adds to what was looked at, as far as it is told.
func (a *answer) saw(evidence ...rules.Evidence) {
	a.seen = append(a.seen, evidence[:min(len(evidence), max(0, maxEvidence-len(a.seen)))]...)
}

// add adds evidence, as far as it is told.
func (f *fault) add(evidence ...rules.Evidence) {
	f.evidence = append(f.evidence, evidence[:min(len(evidence), max(0, maxEvidence-len(f.evidence)))]...)
}

// gap notes that a look-up was not complete.
func (a *answer) gap(complete bool, reason string) {
	if !complete && !a.blind && len(a.unknown) < maxSubjects {
		a.unknown = append(a.unknown, reason)
	}
}

// owned words a program with the package that owns it.
func owned(path, pkg string) string {
	if pkg == "" {
		return path + " (of no known package)"
	}
	return path + " (package " + pkg + ")"
}
