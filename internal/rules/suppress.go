package rules

import (
	"cmp"
	"fmt"
	"slices"

	"assay/internal/inspector"
)

// ByRule is Suppression.By of an operator's rule.
const ByRule = "rule"

// Suppress marks the failed results of a package on a host that an operator's
// suppression selects which is in force at s.Now. The first in the order of
// suppressions has it. A result that is suppressed already, as by a supplier's
// statement, stays as it is. It returns results of its own where it marks any.
func Suppress(d Description, s Subject, results []Result, suppressions []inspector.Suppression) []Result {
	var here []inspector.Suppression
	for _, one := range suppressions {
		if one.State(s.Now) == inspector.SuppressionActive && one.OnHost(s.Agent) && (one.Package == "" || one.Package == d.ID) {
			here = append(here, one)
		}
	}
	if len(here) == 0 {
		return results
	}
	titles := map[string]string{}
	for _, rule := range d.Rules {
		titles[rule.ID] = rule.Title
	}
	results = slices.Clone(results)
	for i, r := range results {
		if r.Verdict == Failed && r.Suppressed == nil {
			results[i].Suppressed = suppressedBy(here, d.ID, s.Agent.Agent, r, cmp.Or(r.FindingID, titles[r.Rule], r.Rule))
		}
	}
	return results
}

func suppressedBy(all []inspector.Suppression, pkg inspector.PackageID, agent string, r Result, finding string) *Suppression {
	has := attributes(agent, r.Attributes)
	for _, one := range all {
		if one.Of(pkg, r.Rule, finding, r.Subject, has) {
			return &Suppression{By: ByRule, ID: one.ID, Author: one.Author, Reason: one.Reason, Until: one.Until}
		}
	}
	return nil
}

// maxSuppressors is how many suppressions a description names.
const maxSuppressors = 10

// nothingElse describes that nothing was found, and, where that is so because of
// suppressions, which these are: whoever only reads the title must not be misled by
// what stands below it.
func (t *deriver) nothingElse() string {
	if len(t.suppressed) == 0 {
		return "Every rule of " + t.description.Name + " was evaluated on this host, and found nothing to report: " +
			"each has passed, or there is nothing on the host that it is about."
	}
	text := fmt.Sprintf("Every rule of %s was evaluated on this host, and found nothing to report beside what is suppressed, which is %s:",
		t.description.Name, countOf(len(t.suppressed), "finding"))
	count := map[Suppression]int{}
	var by []Suppression
	for _, s := range t.suppressed {
		if count[*s]++; count[*s] == 1 {
			by = append(by, *s)
		}
	}
	for _, s := range by[:min(len(by), maxSuppressors)] {
		text += fmt.Sprintf("\n%d by %s", count[s], s)
	}
	if more := len(by) - maxSuppressors; more > 0 {
		text += fmt.Sprintf("\nand more by %s", countOf(more, "other suppression"))
	}
	return text
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// String words a suppression: "the rule 0-a of alice until 2027-01-01: accepted".
func (s Suppression) String() string {
	text := "the rule " + s.ID
	if s.By != ByRule {
		text = "the statement " + s.ID
	}
	if s.Author != "" {
		text += " of " + s.Author
	}
	if !s.Until.IsZero() {
		text += " until " + s.Until.UTC().Format("2006-01-02 15:04 MST")
	}
	return text + ": " + s.Reason
}
