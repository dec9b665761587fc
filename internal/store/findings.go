package store

import (
	"context"
	"fmt"
	"slices"

	"assay/internal/inspector"
)

const findingColumns = `SELECT r.target, r.template, r.id, f.id, f.agent, f.package, f.package_arn, f.rule, f.severity, f.created_at, f.doc
	FROM findings f JOIN runs r ON r.no = f.run WHERE r.id = ?`

func scanFinding(row scanner) (f inspector.Finding, err error) {
	var d findingDoc
	var severity int
	err = row.Scan(&f.Target, &f.Template, &f.Run, &f.ID, &f.Agent, &f.Package, &f.PackageARN, &f.FindingID, &severity, (*instant)(&f.CreatedAt), fromJSON{&d})
	if err != nil {
		return f, err
	}
	f.Severity = inspector.Severities()[severity]
	f.Rule, f.Subject, f.Title, f.Description, f.Recommendation = d.Rule, d.Subject, d.Title, d.Description, d.Recommendation
	f.Confidence, f.Attributes, f.UserAttributes, f.Asset, f.Evidence = d.Confidence, d.Attributes, d.UserAttributes, d.Asset, d.Evidence
	f.UpdatedAt = d.UpdatedAt.UTC()
	return f, nil
}

func findingID(f inspector.Finding) string { return f.ID }

// Findings returns those of the findings that exist in a run whose evaluation is
// over, by id.
func (r *Reader) Findings(ctx context.Context, run string, ids []string) (map[string]inspector.Finding, error) {
	q := r.query(findingColumns+" AND r.shown AND f.id", run).list(toAny(ids))
	findings, err := byKey(ctx, r, q, scanFinding, findingID)
	if err != nil {
		return nil, fmt.Errorf("read findings of run %s: %w", run, err)
	}
	return findings, nil
}

// FindingsOfRun returns a page of the findings of a run, worst first. It does not
// ask whether the evaluation is over: who shows them must.
func (r *Reader) FindingsOfRun(ctx context.Context, run string, p inspector.Page) ([]inspector.Finding, string, error) {
	severity, id, err := cursor(p)
	if err != nil {
		return nil, "", err
	}
	no, _, err := r.number(ctx, run)
	if err != nil {
		return nil, "", err
	}
	q := r.query(findingColumns+" AND f.run = ? AND (f.severity, f.id) > (?, ?) ORDER BY f.severity, f.id LIMIT ?", run, no, severity, id, limit(p))
	findings, err := rows(ctx, r, q, scanFinding)
	if err != nil {
		return nil, "", fmt.Errorf("list the findings of run %s: %w", run, err)
	}
	findings, next := cut(findings, p, func(f inspector.Finding) string {
		return fmt.Sprintf("%d/%s", rank(f.Severity), f.ID)
	})
	return findings, next, nil
}

// rank is the place of a severity among all, worst first.
func rank(s inspector.Severity) int {
	all := inspector.Severities()
	if i := slices.Index(all, s); i >= 0 {
		return i
	}
	return len(all) - 1 // Undefined
}

// insertFindings writes the findings of a rules package on an agent in a run.
func (tx *Tx) insertFindings(ctx context.Context, no int64, agent string, pkg inspector.PackageID, findings []inspector.Finding) error {
	if err := tx.insertRows(ctx, no, agent, pkg, findings); err != nil {
		return err
	}
	return tx.insertPart(ctx, no, agent, pkg, findings)
}

// insertRows writes findings, and nothing for the index.
func (tx *Tx) insertRows(ctx context.Context, no int64, agent string, pkg inspector.PackageID, findings []inspector.Finding) error {
	added, docs := make([][]any, len(findings)), packDocs(findings)
	for i, f := range findings {
		added[i] = []any{no, f.ID, agent, string(pkg), f.PackageARN, clean(f.Asset.AutoScalingGroup), clean(f.FindingID), rank(f.Severity),
			stamp(f.CreatedAt), docs[i]}
	}
	columns := []string{"run", "id", "agent", "package", "package_arn", "asg", "rule", "severity", "created_at", "doc"}
	return tx.bulk(ctx, "findings", columns, added)
}

// insertPart writes down what the index of the run is to be made of.
func (tx *Tx) insertPart(ctx context.Context, no int64, agent string, pkg inspector.PackageID, findings []inspector.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	data := writePart(agent, slices.SortedFunc(slices.Values(findings), before))
	return tx.insert(ctx, "finding_parts (run, agent, package, data)", [][]any{{no, agent, string(pkg), data}}, "")
}

// deleteFindings deletes the findings of a rules package on an agent in a run that
// is not over.
func (tx *Tx) deleteFindings(ctx context.Context, no int64, agent string, pkg inspector.PackageID) error {
	var data []byte
	ok, err := one(ctx, &tx.Reader, tx.query("SELECT data FROM finding_parts WHERE run = ? AND agent = ? AND package = ?", no, agent, string(pkg)), &data)
	if err != nil || !ok {
		return err
	}
	var ids []any
	if err := readPart(data, func(e entry) { ids = append(ids, e.id) }); err != nil {
		return err
	}
	for some := range slices.Chunk(ids, maxPage) {
		q := tx.query("DELETE FROM findings WHERE run = ? AND id", no).list(some)
		if _, err := tx.exec(ctx, q.text.String(), q.args...); err != nil {
			return err
		}
	}
	_, err = tx.exec(ctx, "DELETE FROM finding_parts WHERE run = $1 AND agent = $2 AND package = $3", no, agent, string(pkg))
	return err
}

// FindingsAt returns those of the findings that exist in runs whose evaluation is
// over, whatever their runs are.
func (r *Reader) FindingsAt(ctx context.Context, refs []FindingRef) (map[FindingRef]inspector.Finding, error) {
	found := map[FindingRef]inspector.Finding{}
	for some := range slices.Chunk(refs, maxPage) {
		// The first row tells PostgreSQL what the columns are. SQLite takes crossed
		// tables in this order: otherwise it would read all findings of a run.
		q := r.query(`WITH wanted (run, id) AS (VALUES (CAST(? AS TEXT), CAST(? AS TEXT))`, some[0].Run, some[0].ID)
		for _, ref := range some[1:] {
			q.add(", (?, ?)", ref.Run, ref.ID)
		}
		q.add(`) SELECT r.target, r.template, r.id, f.id, f.agent, f.package, f.package_arn, f.rule, f.severity, f.created_at, f.doc
			FROM wanted w CROSS JOIN runs r CROSS JOIN findings f WHERE r.id = w.run AND f.run = r.no AND f.id = w.id AND r.shown`)
		all, err := rows(ctx, r, q, scanFinding)
		if err != nil {
			return nil, fmt.Errorf("read findings: %w", err)
		}
		for _, f := range all {
			found[FindingRef{f.Target, f.Template, f.Run, f.ID}] = f
		}
	}
	return found, nil
}
