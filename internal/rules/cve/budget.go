package cve

import (
	"fmt"

	"assay/internal/rules"
)

// A host decides what it says that it has. The bounds are far above what real ones
// have: a hundred containers with three hundred vulnerabilities each.
const (
	maxMatches  = 200_000  // of components and advisories; of these about 2 KiB are in memory
	maxFindings = 96 << 20 // bytes; what is kept of a host has 256 MiB at most (package assess)
	together    = 16       // components that are compared between two looks at the bound
)

// budget is what a host may still have.
type budget struct {
	matches  int
	findings int        // bytes
	left     [areas]int // components that were not compared
}

// leave notes what is not compared, since what was fills the bound.
func (e *evaluation) leave(comparisons []comparison) {
	for n := range comparisons {
		if c := &comparisons[n]; !c.runs {
			e.budget.left[areaOf(c.component)]++
		}
	}
}

// leftOf is the result for what of an area was not compared.
func (e *evaluation) leftOf(a area) []rules.Result {
	n := e.budget.left[a]
	if n == 0 {
		return nil
	}
	return []rules.Result{{Verdict: rules.NotEvaluated, Subject: "bound",
		Reason: fmt.Sprintf("not compared: %s: advisories apply to the others more than %d times, which is the most that is kept of a host", count(n, "component"), maxMatches),
		Remedy: "Update what is on the host, remove what is not needed, and collect again: no usual host has so much."}}
}

// overflow is the result for vulnerabilities that are not told one by one.
func overflow(n int) rules.Result {
	return rules.Result{Verdict: rules.NotEvaluated, Subject: "overflow",
		Reason: fmt.Sprintf("not told: %s beside those that are findings, which come first by their priority: the results of a host have %d MiB at most", count(n, "vulnerability"), maxFindings>>20),
		Remedy: "Repair what is told, remove what is not needed, and assess again."}
}

// spend takes a result's size off the budget; false if it is used up.
func (b *budget) spend(r *rules.Result) bool {
	size := 512 + len(r.Subject) + len(r.Title) + len(r.Reason) + len(r.Remedy)
	for i := range r.Evidence {
		v := &r.Evidence[i]
		size += 128 + len(v.Record) + len(v.File) + len(v.Found) + len(v.Expected)
	}
	for _, a := range r.Attributes {
		size += 32 + len(a.Key) + len(a.Value)
	}
	b.findings -= size
	return b.findings >= 0
}

// room takes a subject's size off the budget; false if it is used up.
func (b *budget) room(subject string) bool {
	b.findings -= len(subject) + 8
	return b.findings >= 0
}
