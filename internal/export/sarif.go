package export

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"assay/internal/inspector"
)

// SARIF 2.1.0 (OASIS). The document is written as it is made: results first, then
// the invocation with what was not checked, last the rules that were met.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// hostRoot is the base of every file in a result: the root folder of the host
// that the result's logical location names.
const hostRoot = "HOST"

type (
	sarifMessage struct {
		Text string `json:"text"`
	}
	sarifRule struct {
		ID               string         `json:"id"`
		ShortDescription sarifMessage   `json:"shortDescription"`
		Properties       map[string]any `json:"properties"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine int           `json:"startLine"`
		Snippet   *sarifMessage `json:"snippet,omitempty"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifLogical struct {
		Name               string `json:"name"`
		FullyQualifiedName string `json:"fullyQualifiedName"`
		Kind               string `json:"kind"`
	}
	sarifLocation struct {
		ID       *int           `json:"id,omitempty"`
		Physical *sarifPhysical `json:"physicalLocation,omitempty"`
		Logical  []sarifLogical `json:"logicalLocations,omitempty"`
		Message  *sarifMessage  `json:"message,omitempty"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Kind                string            `json:"kind"`
		Level               string            `json:"level"`
		Message             sarifMessage      `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		RelatedLocations    []sarifLocation   `json:"relatedLocations,omitempty"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
		Rank                float64           `json:"rank"`
		Properties          map[string]any    `json:"properties"`
	}
	sarifNotification struct {
		Level      string          `json:"level"`
		Message    sarifMessage    `json:"message"`
		Locations  []sarifLocation `json:"locations,omitempty"`
		TimeUTC    string          `json:"timeUtc,omitempty"`
		Properties map[string]any  `json:"properties"`
	}
)

// sarif writes one document. Its rules are all of a run that it keeps.
type sarif struct {
	w     io.Writer
	run   *Run
	rules []sarifRule
	index map[string]int
	err   error
}

func writeSARIF(w io.Writer, r Run, _ Options) error {
	s := &sarif{w: w, run: &r, index: map[string]int{}}
	s.text(fmt.Sprintf("{\"$schema\":%q,\"version\":\"2.1.0\",\"runs\":[{\"results\":[", sarifSchema))
	s.keep(each(r.Findings, separated(s, func(f Finding) any { return s.result(&f) })))
	s.text("\n],\"invocations\":[{")
	if start := instant(r.StartedAt); start != "" {
		s.text(fmt.Sprintf("\"startTimeUtc\":%q,", start))
	}
	if end := instant(r.CompletedAt); end != "" {
		s.text(fmt.Sprintf("\"endTimeUtc\":%q,", end))
	}
	// An invocation that was not successful is one whose results are not all.
	s.text(fmt.Sprintf("\"executionSuccessful\":%t,\"toolExecutionNotifications\":[", r.Complete))
	s.keep(each(r.Unchecked, separated(s, func(e inspector.Exclusion) any { return s.notification(e) })))
	s.text("\n]}],")
	s.value("\"originalUriBaseIds\":", map[string]any{hostRoot: map[string]any{"description": sarifMessage{"The root folder of the host that the logical location of a result names."}}}, ",")
	s.value("\"automationDetails\":", map[string]any{"id": "assay/" + filled(r.ARN.Target, "none") + "/" + filled(r.ARN.Template, "none") + "/" + filled(r.ARN.ID, "none")}, ",")
	s.value("\"properties\":", map[string]any{"assessmentRunArn": r.arn(), "assessmentRunName": r.Name, "assessmentRunState": r.State, "complete": r.Complete}, ",")
	s.value("\"tool\":", map[string]any{"driver": map[string]any{"name": "Assay", "version": r.Version, "rules": some(s.rules)}}, "}]}\n")
	return s.err
}

// keep keeps the first error.
func (s *sarif) keep(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *sarif) text(text string) {
	if s.err == nil {
		_, s.err = io.WriteString(s.w, text)
	}
}

func (s *sarif) value(before string, v any, end string) {
	s.text(before)
	if s.err == nil {
		s.err = writeJSON(s.w, v, end)
	}
}

// separated writes entries of an array, with commas between them.
func separated[T any](s *sarif, of func(T) any) func(T) error {
	comma := "\n"
	return func(entry T) error {
		s.value(comma, of(entry), "")
		comma = ",\n"
		return s.err
	}
}

// rule gives the rule of a finding its place among the rules.
func (s *sarif) rule(f *Finding) (string, int) {
	id, text := string(f.Package)+"/"+f.Rule, f.FindingID
	if f.Rule == "" {
		id = string(f.Package) + "/" + f.FindingID
	}
	if text == "" {
		text = f.Title
	}
	i, ok := s.index[id]
	if !ok {
		i = len(s.rules)
		s.index[id] = i
		p := s.run.packageOf(f.Package)
		s.rules = append(s.rules, sarifRule{id, sarifMessage{text}, map[string]any{"rulesPackage": p.Name, "rulesPackageVersion": p.Version}})
	}
	return id, i
}

func (s *sarif) result(f *Finding) sarifResult {
	id, index := s.rule(f)
	kind, level := kindOf(f)
	r := sarifResult{
		RuleID: id, RuleIndex: index, Kind: kind, Level: level, Message: sarifMessage{strings.TrimSpace(f.Title + "\n\n" + f.Description)},
		PartialFingerprints: map[string]string{"assayFinding/v1": f.fingerprint()}, Rank: f.Severity.Numeric() * 10,
		Properties: map[string]any{
			"severity": f.Severity, "numericSeverity": f.Severity.Numeric(), "confidence": f.Confidence, "host": f.host(), "agentId": f.Agent,
			"rulesPackage": s.run.packageOf(f.Package).Name, "subject": f.Subject, "recommendation": f.Recommendation,
			"findingArn": f.ARN, "attributes": pairs(f.Attributes), "userAttributes": pairs(f.UserAttributes),
		},
	}
	// The first file that is named is where the finding is; the rest is related to it.
	host := []sarifLogical{{f.host(), f.Agent, "host"}}
	main := -1
	for i, e := range f.Evidence {
		if e.File != "" {
			main = i
			r.Locations = []sarifLocation{{Physical: physical(e), Logical: host, Message: &sarifMessage{e.String()}}}
			break
		}
	}
	if main < 0 {
		r.Locations = []sarifLocation{{Logical: host}}
	}
	for i, e := range f.Evidence {
		if i != main {
			r.RelatedLocations = append(r.RelatedLocations, sarifLocation{ID: &i, Physical: physical(e), Logical: host, Message: &sarifMessage{e.String()}})
		}
	}
	return r
}

// kindOf words a severity as SARIF does. What is only informational is not a
// failure, and has no level.
func kindOf(f *Finding) (kind, level string) {
	switch {
	case f.Severity == inspector.High:
		return "fail", "error"
	case f.Severity == inspector.Medium:
		return "fail", "warning"
	case f.Severity == inspector.Low:
		return "fail", "note"
	case f.Title == inspector.TitleNoIssues:
		return "pass", "none"
	case f.Title == inspector.TitleUnsupported:
		return "notApplicable", "none"
	}
	return "informational", "none"
}

func physical(e inspector.Evidence) *sarifPhysical {
	if e.File == "" {
		return nil
	}
	p := &sarifPhysical{Artifact: sarifArtifact{relative(e.File), hostRoot}}
	if e.Line > 0 {
		p.Region = &sarifRegion{e.Line, &sarifMessage{e.Found}}
	}
	return p
}

// relative is a path as a URI that is relative to a host's root.
func relative(path string) string {
	path = strings.TrimLeft(strings.ReplaceAll(path, `\`, "/"), "/")
	return (&url.URL{Path: path}).String()
}

func (s *sarif) notification(e inspector.Exclusion) sarifNotification {
	n := sarifNotification{
		Level: "warning", Message: sarifMessage{strings.TrimSpace("Not checked: " + e.Title + "\n\n" + e.Description)}, TimeUTC: instant(s.run.CompletedAt),
		Properties: map[string]any{"recommendation": e.Recommendation, "scopes": some(e.Scopes), "attributes": pairs(e.Attributes)},
	}
	if e.Error {
		n.Level = "error"
	}
	if host := instance(e); host != "" {
		n.Locations = []sarifLocation{{Logical: []sarifLogical{{host, host, "host"}}}}
	}
	return n
}
