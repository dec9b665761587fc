package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"assay/internal/inspector"
)

// findingDoc is what no query looks at.
type findingDoc struct {
	Rule           string                `json:"rule,omitempty"`
	Subject        string                `json:"subject,omitempty"`
	Title          string                `json:"title,omitempty"`
	Description    string                `json:"description,omitempty"`
	Recommendation string                `json:"recommendation,omitempty"`
	Confidence     int                   `json:"confidence,omitempty"`
	Attributes     []inspector.Attribute `json:"attributes,omitempty"`
	UserAttributes []inspector.Attribute `json:"user_attributes,omitempty"`
	Asset          inspector.Asset       `json:"asset"`
	Evidence       []inspector.Evidence  `json:"evidence,omitempty"`
	UpdatedAt      time.Time             `json:"updated_at"`
}

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

func (tx *Tx) insertFindings(ctx context.Context, no int64, agent string, pkg inspector.PackageID, findings []inspector.Finding) error {
	var added, attributes [][]any
	for _, f := range findings {
		doc := findingDoc{f.Rule, f.Subject, f.Title, f.Description, f.Recommendation, f.Confidence, f.Attributes, f.UserAttributes, f.Asset, f.Evidence,
			f.UpdatedAt.UTC().Truncate(time.Microsecond)}
		added = append(added, []any{no, f.ID, agent, string(pkg), f.PackageARN, clean(f.Asset.AutoScalingGroup), clean(f.FindingID), rank(f.Severity),
			stamp(f.CreatedAt), toJSON(doc)})
		for _, hash := range hashes(f.Attributes) {
			attributes = append(attributes, []any{hash, no, f.ID})
		}
	}
	err := tx.insert(ctx, "findings (run, id, agent, package, package_arn, asg, rule, severity, created_at, doc)", added, "")
	if err != nil {
		return err
	}
	return tx.insert(ctx, "finding_attributes (hash, run, id)", attributes, "")
}

// hashes returns the hashes of a finding's attributes, each once.
func hashes(attributes []inspector.Attribute) []int64 {
	out := make([]int64, len(attributes))
	for i, a := range attributes {
		out[i] = attributeHash(a)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
