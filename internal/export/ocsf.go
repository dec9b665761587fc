package export

import (
	"io"
	"path"
	"strings"
	"time"

	"assay/internal/inspector"
)

// OCSF 1.8.0, the newest release (2026-03): one event a line. A vulnerability is a
// Vulnerability Finding; what a benchmark or best practices check is a Compliance
// Finding, and so is everything that says that nothing was found or could be
// looked at; what was seen of a host's behaviour and network is a Detection Finding.
const (
	ocsfVersion       = "1.8.0"
	ocsfFindings      = 2 // the category
	ocsfVulnerability = 2002
	ocsfCompliance    = 2003
	ocsfDetection     = 2004
	ocsfCreate        = 1
)

type (
	ocsfEvent struct {
		ClassUID        int                 `json:"class_uid"`
		ClassName       string              `json:"class_name"`
		CategoryUID     int                 `json:"category_uid"`
		CategoryName    string              `json:"category_name"`
		ActivityID      int                 `json:"activity_id"`
		ActivityName    string              `json:"activity_name"`
		TypeUID         int                 `json:"type_uid"`
		TypeName        string              `json:"type_name"`
		SeverityID      int                 `json:"severity_id"`
		Severity        string              `json:"severity"`
		StatusID        int                 `json:"status_id"`
		Status          string              `json:"status"`
		Time            int64               `json:"time"` // milliseconds
		Message         string              `json:"message"`
		Metadata        ocsfMetadata        `json:"metadata"`
		FindingInfo     ocsfInfo            `json:"finding_info"`
		Resources       []ocsfResource      `json:"resources"`
		Vulnerabilities []ocsfVulnerable    `json:"vulnerabilities,omitempty"`
		Compliance      *ocsfComplianceInfo `json:"compliance,omitempty"`
		Evidences       []ocsfEvidence      `json:"evidences,omitempty"`
		Remediation     *ocsfRemediation    `json:"remediation,omitempty"`
		Unmapped        map[string]any      `json:"unmapped"`
	}
	ocsfMetadata struct {
		Version string      `json:"version"`
		Product ocsfProduct `json:"product"`
		UID     string      `json:"uid,omitempty"`
	}
	ocsfProduct struct {
		Name    string `json:"name"`
		Vendor  string `json:"vendor_name"`
		Version string `json:"version"`
	}
	ocsfInfo struct {
		UID      string        `json:"uid"`
		UIDAlt   string        `json:"uid_alt,omitempty"`
		Title    string        `json:"title"`
		Desc     string        `json:"desc,omitempty"`
		Types    []string      `json:"types"`
		First    int64         `json:"first_seen_time,omitempty"`
		Created  int64         `json:"created_time,omitempty"`
		Modified int64         `json:"modified_time,omitempty"`
		Analytic *ocsfAnalytic `json:"analytic,omitempty"`
	}
	ocsfAnalytic struct {
		TypeID   int    `json:"type_id"`
		Type     string `json:"type"`
		UID      string `json:"uid"`
		Name     string `json:"name"`
		Category string `json:"category"`
		Version  string `json:"version,omitempty"`
	}
	ocsfResource struct {
		UID      string    `json:"uid"`
		Name     string    `json:"name"`
		Type     string    `json:"type"`
		Hostname string    `json:"hostname,omitempty"`
		IP       string    `json:"ip,omitempty"`
		Region   string    `json:"region,omitempty"`
		Tags     []ocsfTag `json:"tags,omitempty"`
	}
	ocsfTag struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	ocsfVulnerable struct {
		Title            string           `json:"title"`
		Desc             string           `json:"desc,omitempty"`
		Severity         string           `json:"severity"`
		CVE              ocsfCVE          `json:"cve"`
		AffectedPackages []ocsfPackage    `json:"affected_packages,omitempty"`
		Remediation      *ocsfRemediation `json:"remediation,omitempty"`
	}
	ocsfCVE struct {
		UID  string     `json:"uid"`
		CVSS []ocsfCVSS `json:"cvss,omitempty"`
	}
	ocsfCVSS struct {
		Version   string  `json:"version"`
		BaseScore float64 `json:"base_score"`
		Vector    string  `json:"vector_string,omitempty"`
	}
	ocsfPackage struct {
		Name    string `json:"name"`
		Version string `json:"version"`
	}
	ocsfComplianceInfo struct {
		Control   string   `json:"control"`
		Standards []string `json:"standards"`
		StatusID  int      `json:"status_id"`
		Status    string   `json:"status"`
		Details   []string `json:"status_details,omitempty"`
	}
	ocsfEvidence struct {
		Name string             `json:"name"`
		File *ocsfFile          `json:"file,omitempty"`
		Data inspector.Evidence `json:"data"`
	}
	ocsfFile struct {
		Name   string `json:"name"`
		Path   string `json:"path"`
		TypeID int    `json:"type_id"`
		Type   string `json:"type"`
	}
	ocsfRemediation struct {
		Desc string `json:"desc"`
	}
)

func writeOCSF(w io.Writer, r Run, _ Options) error {
	o := ocsf{&r}
	if err := each(r.Findings, func(f Finding) error { return writeJSON(w, o.finding(&f), "\n") }); err != nil {
		return err
	}
	return each(r.Unchecked, func(e inspector.Exclusion) error { return writeJSON(w, o.unchecked(e), "\n") })
}

type ocsf struct{ run *Run }

// event is what all events have.
func (o *ocsf) event(class int, name string, at time.Time) ocsfEvent {
	return ocsfEvent{
		ClassUID: class, ClassName: name, CategoryUID: ocsfFindings, CategoryName: "Findings", ActivityID: ocsfCreate, ActivityName: "Create",
		TypeUID: class*100 + ocsfCreate, TypeName: name + ": Create", StatusID: 1, Status: "New", Time: known(at).UnixMilli(),
		Metadata: ocsfMetadata{Version: ocsfVersion, Product: ocsfProduct{"Assay", "Assay", o.run.Version}},
	}
}

func (o *ocsf) finding(f *Finding) ocsfEvent {
	p := o.run.packageOf(f.Package)
	class, name := ocsfClass(f)
	e := o.event(class, name, f.CreatedAt)
	e.SeverityID, e.Severity = ocsfSeverity(f.Severity)
	e.Message, e.Metadata.UID = f.Title, f.ARN
	e.FindingInfo = ocsfInfo{
		UID: f.fingerprint(), UIDAlt: f.ARN, Title: f.Title, Desc: f.Description, Types: []string{p.Name},
		Created: known(f.CreatedAt).UnixMilli(), Modified: known(f.UpdatedAt).UnixMilli(),
		Analytic: &ocsfAnalytic{TypeID: 1, Type: "Rule", UID: f.Rule, Name: f.FindingID, Category: p.Name, Version: p.Version},
	}
	if !f.FirstSeen.IsZero() {
		e.FindingInfo.First = f.FirstSeen.UnixMilli()
	}
	e.Resources = []ocsfResource{o.host(f)}
	e.Unmapped = map[string]any{
		"attributes": pairs(f.Attributes), "user_attributes": pairs(f.UserAttributes), "confidence": f.Confidence, "rule": f.Rule, "subject": f.Subject,
		"assessment_run_arn": o.run.arn(), "rules_package_arn": f.PackageARN,
	}
	remediation := remedy(f.Recommendation)
	switch class {
	case ocsfVulnerability:
		e.Vulnerabilities = []ocsfVulnerable{vulnerable(f, e.Severity, remediation)}
		e.Unmapped["evidence"] = some(f.Evidence)
		return e
	case ocsfCompliance:
		e.Compliance = &ocsfComplianceInfo{Control: filled(f.Rule, p.Name), Standards: []string{p.Name}, StatusID: 3, Status: "Fail"}
		switch f.Title {
		case inspector.TitleNoIssues:
			e.Compliance.StatusID, e.Compliance.Status = 1, "Pass"
		case inspector.TitleUnsupported:
			e.Compliance.StatusID, e.Compliance.Status = 2, "Warning"
		}
	}
	e.Remediation, e.Evidences = remediation, evidences(f)
	return e
}

// ocsfClass chooses a finding's class.
func ocsfClass(f *Finding) (uid int, name string) {
	switch {
	case f.attribute("CVE_ID") != "":
		return ocsfVulnerability, "Vulnerability Finding"
	case f.Title != inspector.TitleNoIssues && f.Title != inspector.TitleUnsupported && (f.Package == inspector.PackageBehavior || f.Package == inspector.PackageReachability):
		return ocsfDetection, "Detection Finding"
	}
	return ocsfCompliance, "Compliance Finding"
}

func ocsfSeverity(s inspector.Severity) (id int, caption string) {
	switch s {
	case inspector.High:
		return 4, "High"
	case inspector.Medium:
		return 3, "Medium"
	case inspector.Low:
		return 2, "Low"
	case inspector.Informational:
		return 1, "Informational"
	}
	return 0, "Unknown"
}

func (o *ocsf) host(f *Finding) ocsfResource {
	r := ocsfResource{UID: f.Agent, Name: f.host(), Type: "Host", Hostname: f.Asset.Hostname, Region: o.run.ARN.Scope.Region}
	if len(f.Asset.IPv4Addresses) > 0 {
		r.IP = f.Asset.IPv4Addresses[0]
	}
	for _, t := range f.Asset.Tags {
		r.Tags = append(r.Tags, ocsfTag{t.Key, t.Value})
	}
	return r
}

func vulnerable(f *Finding, severity string, remediation *ocsfRemediation) ocsfVulnerable {
	v := ocsfVulnerable{Title: f.Title, Desc: f.Description, Severity: severity, CVE: ocsfCVE{UID: f.attribute("CVE_ID")}, Remediation: remediation}
	for _, s := range scores(f) {
		v.CVE.CVSS = append(v.CVE.CVSS, ocsfCVSS{s.version, s.score, s.vector})
	}
	// OCSF has no package without a version.
	if name, version := f.attribute("package_name"), f.attribute("package_version"); name != "" && version != "" {
		v.AffectedPackages = []ocsfPackage{{name, version}}
	}
	return v
}

func remedy(recommendation string) *ocsfRemediation {
	if strings.TrimSpace(recommendation) == "" {
		return nil
	}
	return &ocsfRemediation{recommendation}
}

func evidences(f *Finding) (all []ocsfEvidence) {
	for _, e := range f.Evidence {
		out := ocsfEvidence{Name: e.Record, Data: e}
		if e.File != "" {
			out.File = &ocsfFile{path.Base(strings.ReplaceAll(e.File, `\`, "/")), e.File, 1, "Regular File"}
		}
		all = append(all, out)
	}
	return all
}

// unchecked is a check whose result is that there is none.
func (o *ocsf) unchecked(x inspector.Exclusion) ocsfEvent {
	e := o.event(ocsfCompliance, "Compliance Finding", o.run.CompletedAt)
	e.SeverityID, e.Severity = ocsfSeverity(inspector.Informational)
	e.Message = "Not checked: " + x.Title
	e.FindingInfo = ocsfInfo{UID: fingerprintOf(x), Title: e.Message, Desc: x.Description, Types: []string{"Exclusion"}}
	e.Compliance = &ocsfComplianceInfo{Control: filled(x.Title, ""), Standards: []string{}, StatusID: 99, Status: "Not checked", Details: []string{filled(x.Description, x.Title)}}
	e.Resources, e.Remediation = []ocsfResource{}, remedy(x.Recommendation)
	for _, s := range x.Scopes {
		if s.Type == inspector.ScopeInstance {
			e.Resources = append(e.Resources, ocsfResource{UID: s.Value, Name: s.Value, Type: "Host", Region: o.run.ARN.Scope.Region})
		} else if id, ok := inspector.ResolvePackage(s.Value); ok {
			e.Compliance.Standards = append(e.Compliance.Standards, o.run.packageOf(id).Name)
		}
	}
	e.Unmapped = map[string]any{"assessment_run_arn": o.run.arn(), "scopes": some(x.Scopes), "attributes": pairs(x.Attributes)}
	return e
}
