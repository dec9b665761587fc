package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"assay/internal/inspector"
)

// What reports read of findings: each once with all its hosts, page by page.

// FindingGroup is a finding with how often a run has it.
type FindingGroup struct {
	Package  inspector.PackageID
	Severity inspector.Severity
	Rule     string // Finding.FindingID
	Findings int64
	Hosts    int64 // that have it
}

// FindingGroups returns a page of the different findings of a run, by rules
// package, severity (worst first) and name.
func (r *Reader) FindingGroups(ctx context.Context, run string, p inspector.Page) ([]FindingGroup, string, error) {
	no, _, err := r.number(ctx, run)
	if err != nil {
		return nil, "", err
	}
	q := r.query("SELECT package, severity, rule, count(*), count(DISTINCT agent) FROM findings WHERE run = ?", no)
	if p.After != "" {
		severity, rest, err := cursor(p)
		if err != nil {
			return nil, "", err
		}
		pkg, rule, _ := strings.Cut(rest, "/")
		q.add(" AND (package, severity, rule) > (?, ?, ?)", pkg, severity, rule)
	}
	q.add(" GROUP BY package, severity, rule ORDER BY package, severity, rule LIMIT ?", limit(p))
	groups, err := rows(ctx, r, q, func(row scanner) (g FindingGroup, err error) {
		var severity int
		err = row.Scan(&g.Package, &severity, &g.Rule, &g.Findings, &g.Hosts)
		g.Severity = severityOf(severity)
		return g, err
	})
	if err != nil {
		return nil, "", fmt.Errorf("group the findings of run %s: %w", run, err)
	}
	groups, next := cut(groups, p, func(g FindingGroup) string {
		return strconv.Itoa(rank(g.Severity)) + "/" + string(g.Package) + "/" + g.Rule
	})
	return groups, next, nil
}

func severityOf(rank int) inspector.Severity {
	all := inspector.Severities()
	if rank < 0 || rank >= len(all) {
		return inspector.Undefined
	}
	return all[rank]
}

// FindingsOfGroup returns a page of the findings of a group, by host, of a run whose
// evaluation is over. A page may be shorter than asked for, and is the last only if
// it names no next one.
func (r *Reader) FindingsOfGroup(ctx context.Context, run string, g FindingGroup, p inspector.Page) ([]inspector.Finding, string, error) {
	refs, next, err := r.ListFindings(ctx, inspector.FindingFilter{
		Runs: []string{run}, Rules: []string{g.Rule}, Severities: []inspector.Severity{g.Severity},
	}, p)
	if err != nil {
		return nil, "", err
	}
	found, err := r.FindingsAt(ctx, refs)
	if err != nil {
		return nil, "", fmt.Errorf("list the findings of a group of run %s: %w", run, err)
	}
	var findings []inspector.Finding
	for _, ref := range refs {
		if f, ok := found[ref]; ok && f.Package == g.Package {
			findings = append(findings, f)
		}
	}
	return findings, next, nil
}

// FindingCount is how many findings of a severity a rules package has; of a host
// if Agent is set.
type FindingCount struct {
	Package  inspector.PackageID
	Agent    string
	Severity inspector.Severity
	N        int64
}

// FindingCounts counts the findings of a run by rules package and severity.
func (r *Reader) FindingCounts(ctx context.Context, run string) ([]FindingCount, error) {
	q := r.query("SELECT package, '', severity, count(*) FROM findings WHERE run = (SELECT no FROM runs WHERE id = ?) GROUP BY package, severity ORDER BY package, severity", run)
	return r.counts(ctx, run, q)
}

// FindingCountsOf counts the findings of some hosts of a run by severity.
func (r *Reader) FindingCountsOf(ctx context.Context, run string, agents []string) ([]FindingCount, error) {
	q := r.query("SELECT '', agent, severity, count(*) FROM findings WHERE run = (SELECT no FROM runs WHERE id = ?) AND agent", run).list(toAny(agents))
	return r.counts(ctx, run, q.add(" GROUP BY agent, severity ORDER BY agent, severity"))
}

func (r *Reader) counts(ctx context.Context, run string, q *query) ([]FindingCount, error) {
	counts, err := rows(ctx, r, q, func(row scanner) (c FindingCount, err error) {
		var severity int
		err = row.Scan(&c.Package, &c.Agent, &severity, &c.N)
		c.Severity = severityOf(severity)
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("count the findings of run %s: %w", run, err)
	}
	return counts, nil
}

// CountExclusions counts the exclusions of a run.
func (r *Reader) CountExclusions(ctx context.Context, run string) (n int64, err error) {
	q := r.query("SELECT count(*) FROM exclusions WHERE run = (SELECT no FROM runs WHERE id = ?)", run)
	if _, err := one(ctx, r, q, &n); err != nil {
		return 0, fmt.Errorf("count the exclusions of run %s: %w", run, err)
	}
	return n, nil
}
