package store

import (
	"math"
	"slices"

	"assay/internal/inspector"
)

// condition is a filter on a column of findings: the column is one of the values.
type condition struct {
	column string
	values []any
}

// conditions lists what a filter asks of single columns, the one that likely
// selects least first.
func conditions(f inspector.FindingFilter, runs []any) []condition {
	severities := make([]any, len(f.Severities))
	for i, s := range f.Severities {
		severities[i] = rank(s)
	}
	all := []condition{
		{"f.agent", toAny(f.Agents)}, {"f.rule", toAny(f.Rules)}, {"f.asg", toAny(f.AutoScalingGroups)},
		{"f.package_arn", toAny(f.PackageARNs)}, {"f.run", runs}, {"f.severity", severities},
	}
	var used []condition
	for _, c := range all {
		if len(c.values) > 0 {
			c.values = once(c.values)
			used = append(used, c)
		}
	}
	// These go by severity within their first column: it is read for each.
	if len(used) > 0 && len(severities) == 0 && slices.Contains(within(used), "f.severity") && used[0].column != "f.run" {
		used = append(used, condition{"f.severity", everySeverity()})
	}
	return used
}

// once drops values that are there already: what is read for each value would be
// found once for each.
func once(values []any) (unique []any) {
	seen := make(map[any]bool, len(values))
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			unique = append(unique, v)
		}
	}
	return unique
}

// within lists the columns that the index of the first condition's column has next.
func within(all []condition) []string {
	switch all[0].column {
	case "f.asg":
		if len(all) > 1 && all[1].column == "f.package_arn" {
			return []string{"f.package_arn", "f.run"}
		}
		return []string{"f.severity", "f.run"}
	case "f.package_arn":
		return []string{"f.severity", "f.run"}
	case "f.run":
		return []string{"f.severity"}
	}
	return nil
}

func everySeverity() (ranks []any) {
	for _, s := range inspector.Severities() {
		ranks = append(ranks, rank(s))
	}
	return ranks
}

// maxBranches bounds the parts that a query is made of; SQLite takes 500.
const maxBranches = 200

// findingQuery selects the places of findings after a place and up to a run.
func (r *Reader) findingQuery(f inspector.FindingFilter, runs []any, after place, last int64, n int) *query {
	all := conditions(f, runs)
	if len(f.Attributes) > 0 || len(all) == 0 {
		return r.query("").branch(f, all, after, last, n)
	}
	branches := split(all)
	if len(branches) == 1 {
		return r.query("").branch(f, branches[0], after, last, n)
	}
	q := r.query("SELECT run, id FROM (")
	for i, conditions := range branches {
		q.add([]string{"SELECT run, id FROM (", " UNION ALL SELECT run, id FROM ("}[min(i, 1)])
		q.branch(f, conditions, after, last, n).add([]string{") AS first", ") AS other"}[min(i, 1)])
	}
	return q.add(") AS every ORDER BY run, id LIMIT ?", n)
}

// split makes a branch for every value of the first condition, and of those that
// its index has too.
func split(all []condition) [][]condition {
	branches := [][]condition{all}
	for i, c := range all {
		if i > 0 && !slices.Contains(within(all), c.column) || len(branches)*len(c.values) > maxBranches {
			continue
		}
		var next [][]condition
		for _, branch := range branches {
			for _, v := range c.values {
				single := append([]condition(nil), branch...)
				single[i].values = []any{v}
				next = append(next, single)
			}
		}
		branches = next
	}
	return branches
}

// branch adds one ordered query.
func (q *query) branch(f inspector.FindingFilter, conditions []condition, after place, last int64, n int) *query {
	q.add("SELECT f.run, f.id FROM findings f")
	if len(f.Attributes) > 0 {
		q.add(" JOIN finding_attributes a ON a.run = f.run AND a.id = f.id WHERE a.hash = ? AND (a.run, a.id) > (?, ?)",
			attributeHash(f.Attributes[0]), after.run, after.id)
	} else {
		q.add(" WHERE (f.run, f.id) > (?, ?)", after.run, after.id)
	}
	if last != math.MaxInt64 {
		q.add(" AND f.run <= ?", last)
	}
	for _, c := range conditions {
		q.add(" AND " + c.column)
		if len(c.values) == 1 {
			q.add(" = ?", c.values[0])
		} else {
			q.list(c.values)
		}
		if c.column == "f.asg" {
			q.add(" AND f.asg <> ''")
		}
	}
	for _, a := range f.Attributes[min(1, len(f.Attributes)):] {
		q.add(" AND EXISTS (SELECT 1 FROM finding_attributes b WHERE b.hash = ? AND b.run = f.run AND b.id = f.id)", attributeHash(a))
	}
	q.within("f.created_at", f.Created)
	q.add(" AND f.run NOT IN (SELECT no FROM runs WHERE NOT shown)")
	if len(f.Attributes) > 0 {
		return q.add(" ORDER BY a.run, a.id LIMIT ?", n)
	}
	return q.add(" ORDER BY f.run, f.id LIMIT ?", n)
}
