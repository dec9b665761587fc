package export

import (
	"io"

	"assay/internal/inspector"
)

// The records of JSON lines; docs/export-jsonl.schema.json is their schema. The
// first line is the run.
type (
	runLine struct {
		Kind        string              `json:"kind"` // "run"
		ARN         string              `json:"run,omitempty"`
		Name        string              `json:"name,omitempty"`
		State       inspector.RunState  `json:"state,omitempty"`
		Complete    bool                `json:"complete"`
		StartedAt   string              `json:"started_at,omitempty"`
		CompletedAt string              `json:"completed_at,omitempty"`
		Packages    []map[string]string `json:"rules_packages"`
		Version     string              `json:"assay_version"`
	}
	findingLine struct {
		Kind            string                `json:"kind"` // "finding"
		ARN             string                `json:"arn,omitempty"`
		Run             string                `json:"run,omitempty"`
		Fingerprint     string                `json:"fingerprint"`
		Severity        inspector.Severity    `json:"severity"`
		NumericSeverity float64               `json:"numeric_severity"`
		Confidence      int                   `json:"confidence"`
		Package         inspector.PackageID   `json:"rules_package"`
		PackageName     string                `json:"rules_package_name"`
		PackageARN      string                `json:"rules_package_arn,omitempty"`
		Rule            string                `json:"rule"`
		Subject         string                `json:"subject,omitempty"`
		ID              string                `json:"id"`
		Title           string                `json:"title"`
		Description     string                `json:"description"`
		Recommendation  string                `json:"recommendation"`
		Host            string                `json:"host"`
		Asset           inspector.Asset       `json:"asset"`
		Evidence        []inspector.Evidence  `json:"evidence"`
		Attributes      []inspector.Attribute `json:"attributes"`
		UserAttributes  []inspector.Attribute `json:"user_attributes"`
		FirstSeenAt     string                `json:"first_seen_at,omitempty"`
		CreatedAt       string                `json:"created_at,omitempty"`
		UpdatedAt       string                `json:"updated_at,omitempty"`
	}
	uncheckedLine struct {
		Kind           string                     `json:"kind"` // "not_checked"
		Run            string                     `json:"run,omitempty"`
		Fingerprint    string                     `json:"fingerprint"`
		Title          string                     `json:"title"`
		Description    string                     `json:"description"`
		Recommendation string                     `json:"recommendation"`
		Scopes         []inspector.ExclusionScope `json:"scopes"`
		Attributes     []inspector.Attribute      `json:"attributes"`
	}
)

// writeLines writes JSON lines.
func writeLines(w io.Writer, r Run, _ Options) error {
	head := runLine{
		Kind: "run", ARN: r.arn(), Name: r.Name, State: r.State, Complete: r.Complete, StartedAt: instant(r.StartedAt), CompletedAt: instant(r.CompletedAt),
		Packages: []map[string]string{}, Version: r.Version,
	}
	for _, p := range r.Packages {
		head.Packages = append(head.Packages, map[string]string{"id": string(p.ID), "name": p.Name, "version": p.Version})
	}
	if err := writeJSON(w, head, "\n"); err != nil {
		return err
	}
	if err := each(r.Findings, func(f Finding) error { return writeJSON(w, lineOf(&r, &f), "\n") }); err != nil {
		return err
	}
	return each(r.Unchecked, func(e inspector.Exclusion) error {
		return writeJSON(w, uncheckedLine{
			Kind: "not_checked", Run: r.arn(), Fingerprint: fingerprintOf(e), Title: e.Title, Description: e.Description, Recommendation: e.Recommendation,
			Scopes: some(e.Scopes), Attributes: some(e.Attributes),
		}, "\n")
	})
}

func lineOf(r *Run, f *Finding) findingLine {
	return findingLine{
		Kind: "finding", ARN: f.ARN, Run: r.arn(), Fingerprint: f.fingerprint(), Severity: f.Severity, NumericSeverity: f.Severity.Numeric(), Confidence: f.Confidence,
		Package: f.Package, PackageName: r.packageOf(f.Package).Name, PackageARN: f.PackageARN, Rule: f.Rule, Subject: f.Subject,
		ID: f.FindingID, Title: f.Title, Description: f.Description, Recommendation: f.Recommendation, Host: f.host(), Asset: f.Asset,
		Evidence: some(f.Evidence), Attributes: some(f.Attributes), UserAttributes: some(f.UserAttributes),
		FirstSeenAt: instant(f.FirstSeen), CreatedAt: instant(f.CreatedAt), UpdatedAt: instant(f.UpdatedAt),
	}
}

// some is a list that JSON writes as one also if there is nothing in it.
func some[T any](list []T) []T { return append([]T{}, list...) }
