package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/internal/inspector"
)

// The titles of the exclusions that Derive makes.
const (
	TitleNotEvaluated    = "Rules not evaluated on one host"
	TitleEvaluationError = "Evaluation error for one host"
)

// maxListed bounds how many different reasons an exclusion lists in words.
const maxListed = 40

// exclusion says in one what several rules of the package could not tell.
func (t *deriver) exclusion(results []Result, failed bool) inspector.Exclusion {
	title, kind := TitleNotEvaluated, "not-evaluated"
	if failed {
		title, kind = TitleEvaluationError, "error"
	}
	e := inspector.Exclusion{
		Run:   t.subject.Run.ID,
		ID:    t.id("exclusion", kind),
		Title: title,
		Error: failed,
		Scopes: []inspector.ExclusionScope{
			{Type: inspector.ScopeInstance, Value: t.subject.Agent.Agent},
			{Type: inspector.ScopeRulesPackage, Value: t.subject.PackageARN},
		},
	}
	groups := t.group(results)
	lines := []string{fmt.Sprintf("Not all rules of %s gave a verdict on the host %s:", t.description.Name, t.subject.Agent.Agent)}
	var remedies []string
	for i, g := range groups {
		if i == maxListed {
			lines = append(lines, fmt.Sprintf("- and %d more reasons.", len(groups)-i))
			break
		}
		lines = append(lines, "- "+strings.Join(g.rules, "; ")+": "+g.reason)
		if g.remedy != "" && !slices.Contains(remedies, g.remedy) {
			remedies = append(remedies, g.remedy)
		}
		if len(e.Attributes) < maxAttributes {
			e.Attributes = append(e.Attributes, inspector.Attribute{
				Key: cut(strings.Join(g.ids, ","), maxKey), Value: cut(g.reason, maxValue)})
		}
	}
	e.Description = strings.Join(lines, "\n")
	e.Recommendation = strings.Join(remedies, "\n")
	if e.Recommendation == "" {
		e.Recommendation = "Assess the host again once its agent is healthy and can read what the rules need."
	}
	return e
}

// group is the rules that share a reason.
type group struct {
	reason, remedy string
	rules, ids     []string
}

// group puts results with the same reason together, in order of their coming.
func (t *deriver) group(results []Result) []*group {
	var groups []*group
	at := map[[2]string]*group{}
	for _, r := range results {
		key := [2]string{r.Reason, r.Remedy}
		g := at[key]
		if g == nil {
			g = &group{reason: cmp.Or(r.Reason, "no reason was given"), remedy: r.Remedy}
			at[key], groups = g, append(groups, g)
		}
		name := cmp.Or(t.rules[r.Rule].Title, r.Rule)
		if r.Subject != "" {
			name += " (" + r.Subject + ")"
		}
		g.rules = append(g.rules, name)
		if !slices.Contains(g.ids, r.Rule) {
			g.ids = append(g.ids, r.Rule)
		}
	}
	return groups
}
