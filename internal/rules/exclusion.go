package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/internal/inspector"
)

// Bounds of what an exclusion says in words.
const (
	maxListed = 40     // different reasons
	maxNamed  = 40     // rules of one reason
	maxText   = 20_000 // characters: the API's bound
)

// excluded is what several rules could not tell, for one kind of exclusion.
type excluded struct {
	kind     inspector.ExclusionKind
	wholeRun bool
	results  []Result
}

// exclude puts a result to those of its kind.
func (t *deriver) exclude(r Result) {
	kind := r.Exclusion
	switch {
	case kind != "":
	case r.Verdict == NotEvaluated:
		kind = inspector.RulesNotEvaluated
	case r.WholeRun:
		kind = inspector.EvaluationError
	default:
		kind = inspector.HostEvaluationError
	}
	i := slices.IndexFunc(t.excluded, func(x *excluded) bool { return x.kind == kind && x.wholeRun == r.WholeRun })
	if i < 0 {
		i = len(t.excluded)
		t.excluded = append(t.excluded, &excluded{kind: kind, wholeRun: r.WholeRun})
	}
	t.excluded[i].results = append(t.excluded[i].results, r)
}

// exclusion says in one what several rules of the package could not tell.
func (t *deriver) exclusion(x *excluded) inspector.Exclusion {
	cause := x.kind.Cause()
	e := inspector.Exclusion{Run: t.subject.Run.ID, Kind: x.kind, Title: cause.Title, Error: cause.Error}
	agent := t.subject.Agent.Agent
	if x.wholeRun {
		agent = "" // the id and the scopes are about no host
	} else {
		e.Scopes = []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: agent}}
	}
	e.Scopes = append(e.Scopes, inspector.ExclusionScope{Type: inspector.ScopeRulesPackage, Value: t.subject.PackageARN})
	e.ID = t.id(agent, "exclusion", string(x.kind))
	lines, remedies := []string{t.opening(x, cause)}, []string(nil)
	groups := t.group(x.results)
	for i, g := range groups {
		if i == maxListed {
			lines = append(lines, fmt.Sprintf("- and %d more reasons.", len(groups)-i))
			break
		}
		lines = append(lines, "- "+g.named()+": "+g.reason)
		if g.remedy != "" && !slices.Contains(remedies, g.remedy) {
			remedies = append(remedies, g.remedy)
		}
		if len(e.Attributes) < maxAttributes {
			e.Attributes = append(e.Attributes, inspector.Attribute{
				Key: cut(strings.Join(g.ids, ","), maxKey), Value: cut(g.reason, maxValue)})
		}
	}
	e.Description = cut(strings.Join(lines, "\n"), maxText)
	e.Recommendation = cut(cmp.Or(strings.Join(remedies, "\n"), cause.Recommendation), maxText)
	return e
}

// opening is the sentence before the list of rules.
func (t *deriver) opening(x *excluded, cause inspector.Cause) string {
	switch {
	case x.kind == inspector.EvaluationError:
		return fmt.Sprintf(cause.Description, t.description.Name)
	case x.kind != inspector.RulesNotEvaluated && x.kind != inspector.HostEvaluationError:
		return cause.Description
	case x.wholeRun:
		return fmt.Sprintf("Not all rules of %s gave a verdict in this run:", t.description.Name)
	}
	return fmt.Sprintf("Not all rules of %s gave a verdict on the host %s:", t.description.Name, t.subject.Agent.Agent)
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

// named lists the rules of a group, and how many there are more.
func (g *group) named() string {
	if more := len(g.rules) - maxNamed; more > 0 {
		return fmt.Sprintf("%s; and %d more rules", strings.Join(g.rules[:maxNamed], "; "), more)
	}
	return strings.Join(g.rules, "; ")
}
