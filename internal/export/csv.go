package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"assay/internal/inspector"
)

// The columns of CSV. New ones are added at the end.
var columns = []string{
	"kind", "severity", "numeric_severity", "host", "agent_id", "ipv4_addresses", "rules_package", "rule", "id", "title", "description",
	"recommendation", "subject", "evidence", "attributes", "user_attributes", "tags", "created_at", "finding_arn", "run_arn", "fingerprint",
}

// writeCSV writes RFC 4180: CRLF, quotes where they are needed, a heading.
func writeCSV(w io.Writer, r Run, _ Options) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(columns); err != nil {
		return err
	}
	row := func(values map[string]string) error {
		cells := make([]string, len(columns))
		for i, column := range columns {
			cells[i] = cell(values[column])
		}
		return out.Write(cells)
	}
	err := each(r.Findings, func(f Finding) error { return row(findingRow(&r, &f)) })
	if err == nil {
		err = each(r.Unchecked, func(e inspector.Exclusion) error { return row(uncheckedRow(&r, e)) })
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

func findingRow(r *Run, f *Finding) map[string]string {
	var evidence []string
	for _, e := range f.Evidence {
		evidence = append(evidence, e.String())
	}
	var tags []inspector.Attribute
	for _, t := range f.Asset.Tags {
		tags = append(tags, inspector.Attribute(t))
	}
	return map[string]string{
		"kind": "finding", "severity": string(f.Severity), "numeric_severity": strconv.FormatFloat(f.Severity.Numeric(), 'f', 1, 64),
		"host": f.host(), "agent_id": f.Agent, "ipv4_addresses": strings.Join(f.Asset.IPv4Addresses, " "),
		"rules_package": r.packageOf(f.Package).Name, "rule": f.Rule, "id": f.FindingID,
		"title": f.Title, "description": f.Description, "recommendation": f.Recommendation, "subject": f.Subject,
		"evidence": strings.Join(evidence, "\n"), "attributes": list(f.Attributes), "user_attributes": list(f.UserAttributes), "tags": list(tags),
		"created_at": instant(f.CreatedAt), "finding_arn": f.ARN, "run_arn": r.arn(), "fingerprint": f.fingerprint(),
	}
}

func uncheckedRow(r *Run, e inspector.Exclusion) map[string]string {
	row := map[string]string{
		"kind": "not_checked", "title": e.Title, "description": e.Description, "recommendation": e.Recommendation,
		"agent_id": instance(e), "host": instance(e), "attributes": list(e.Attributes), "run_arn": r.arn(), "fingerprint": fingerprintOf(e),
	}
	for _, s := range e.Scopes {
		if id, ok := inspector.ResolvePackage(s.Value); ok && s.Type == inspector.ScopeRulesPackage {
			row["rules_package"] = r.packageOf(id).Name
		}
	}
	return row
}

// list writes attributes into one cell, a line each.
func list(attributes []inspector.Attribute) string {
	var lines []string
	for _, a := range attributes {
		lines = append(lines, a.Key+"="+a.Value)
	}
	return strings.Join(lines, "\n")
}

// formula are the characters with which a spreadsheet takes a cell for a formula,
// or may after it has stripped what is before (OWASP, "CSV Injection"). Most of
// what is in a finding comes from hosts, which nobody should have to trust.
const formula = "=+-@\t\r\n＝＋－＠'"

// cell makes a text harmless: an apostrophe stands before what would be a formula,
// and control characters that could rule a terminal are replaced. The apostrophe
// also stands before a text that begins with one, so that it can be taken away.
func cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '\r' {
			return r
		}
		return inspector.HarmlessRune(r)
	}, text)
	if i := strings.IndexAny(strings.TrimLeft(text, " \u00a0"), formula); i == 0 {
		return "'" + text
	}
	return text
}
