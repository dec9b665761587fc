package export

import (
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"assay/internal/inspector"
)

// AWS Security Finding Format, as AWS's own integration of Inspector wrote it
// (types, severities and the names of the product's fields), within the bounds
// that BatchImportFindings sets (Security Hub User Guide, "ASFF syntax" and
// "Required/Optional top-level attributes").
const (
	asffID          = 512
	asffTitle       = 256
	asffDescription = 1024
	asffText        = 512 // of a recommendation
	asffFields      = 50
	asffKey         = 128
	asffValue       = 2048
	asffTagKey      = 128
	asffTagValue    = 256
	asffTags        = 50
	asffAddresses   = 10
	asffReason      = 2048
)

type (
	asffFinding struct {
		SchemaVersion   string
		ID              string `json:"Id"`
		ProductArn      string
		GeneratorID     string `json:"GeneratorId"`
		AwsAccountID    string `json:"AwsAccountId"`
		Types           []string
		FirstObservedAt string `json:",omitempty"`
		CreatedAt       string
		UpdatedAt       string
		Severity        asffSeverity
		Confidence      int
		Title           string
		Description     string
		Remediation     *asffRemediation `json:",omitempty"`
		ProductFields   map[string]string
		Resources       []asffResource
		Compliance      *asffCompliance     `json:",omitempty"`
		Vulnerabilities []asffVulnerability `json:",omitempty"`
		WorkflowState   string
		Workflow        map[string]string
		RecordState     string
	}
	asffSeverity struct {
		Label      string
		Normalized int
		Original   string
	}
	asffRemediation struct{ Recommendation struct{ Text string } }
	asffCompliance  struct {
		Status        string
		StatusReasons []asffStatusReason
	}
	asffStatusReason struct {
		ReasonCode  string
		Description string `json:",omitempty"`
	}
	asffResource struct {
		Type      string
		ID        string `json:"Id"`
		Partition string
		Region    string
		Tags      map[string]string       `json:",omitempty"`
		Details   map[string]asffInstance `json:",omitempty"`
	}
	asffInstance struct {
		ImageID       string   `json:"ImageId,omitempty"`
		IPv4Addresses []string `json:"IpV4Addresses,omitempty"`
		VpcID         string   `json:"VpcId,omitempty"`
	}
	asffVulnerability struct {
		ID                 string        `json:"Id"`
		VulnerablePackages []asffPackage `json:",omitempty"`
		Cvss               []asffCvss    `json:",omitempty"`
	}
	asffPackage struct {
		Name    string
		Version string `json:",omitempty"`
	}
	asffCvss struct {
		Version    string
		BaseScore  float64
		BaseVector string `json:",omitempty"`
	}
)

// product is in whose name findings are imported.
type product struct {
	arn, partition, region, account string
	prefix                          string // of the product's fields: "aws/" is AWS's own
}

var productARN = regexp.MustCompile(`^arn:(aws[a-z-]*):securityhub:([a-z0-9-]+):([0-9]{12})?:product/([0-9a-zA-Z._-]+)/([0-9a-zA-Z._-]+)$`)

func parseProduct(arn string) (product, error) {
	m := productARN.FindStringSubmatch(arn)
	if m == nil || !inspector.ValidRegion(m[2]) {
		return product{}, fmt.Errorf("%q is not the ARN of a Security Hub product: arn:aws:securityhub:REGION:ACCOUNT:product/ACCOUNT/default", arn)
	}
	p := product{arn: arn, partition: m[1], region: m[2], account: m[3]}
	if p.account == "" && inspector.ValidAccount(m[4]) {
		p.account = m[4]
	}
	if m[4] == "aws" {
		p.prefix = "aws/"
	}
	return p, nil
}

// productOf is the product of the options, else Inspector's in the run's region.
func productOf(r *Run, o Options) (product, error) {
	a := r.ARN
	p := product{
		arn:       fmt.Sprintf("arn:%s:securityhub:%s::product/aws/inspector", a.Partition, a.Scope.Region),
		partition: a.Partition, region: a.Scope.Region, account: a.Scope.Account, prefix: "aws/",
	}
	if o.ProductARN == "" {
		return p, nil
	}
	named, err := parseProduct(o.ProductARN)
	if named.account == "" {
		named.account = p.account
	}
	if err == nil && named.account == "" {
		err = fmt.Errorf("%q names no account, and neither does the run", o.ProductARN)
	}
	return named, err
}

// asff makes findings of one product.
type asff struct {
	run *Run
	product
}

// writeASFF writes an array with a finding a line.
func writeASFF(w io.Writer, r Run, o Options) error {
	p, err := productOf(&r, o)
	if err != nil {
		return err
	}
	a, before := asff{&r, p}, "["
	write := func(f asffFinding) error {
		if _, err := io.WriteString(w, before+"\n"); err != nil {
			return err
		}
		before = ","
		return writeJSON(w, f, "")
	}
	if err := each(r.Findings, func(f Finding) error { return write(a.finding(&f)) }); err != nil {
		return err
	}
	if err := each(r.Unchecked, func(e inspector.Exclusion) error { return write(a.unchecked(e)) }); err != nil {
		return err
	}
	if before == "[" {
		before = "[\n"
	} else {
		before = "\n"
	}
	_, err = io.WriteString(w, before+"]\n")
	return err
}

func (a *asff) finding(f *Finding) asffFinding {
	generator := f.PackageARN
	if generator == "" {
		generator = string(f.Package) + "/" + f.Rule
	}
	out := a.common(f.fingerprint(), f.Title, f.Description, f.Recommendation)
	out.GeneratorID, out.Types, out.Confidence = cut(generator, asffID), []string{asffType(f)}, f.Confidence
	out.FirstObservedAt, out.CreatedAt, out.UpdatedAt = instant(f.FirstSeen), instant(f.CreatedAt), instant(f.UpdatedAt)
	out.Severity = severityOf(f.Severity)
	out.Resources = []asffResource{a.instance(f)}
	out.Vulnerabilities = vulnerabilities(f)
	fields := []inspector.Attribute{
		{Key: a.prefix + "inspector/id", Value: f.FindingID}, {Key: a.prefix + "inspector/arn", Value: f.ARN},
		{Key: a.prefix + "inspector/RulesPackageName", Value: a.run.packageOf(f.Package).Name},
		{Key: "serviceAttributes/schemaVersion", Value: "1"}, {Key: "serviceAttributes/assessmentRunArn", Value: a.run.arn()},
		{Key: "serviceAttributes/rulesPackageArn", Value: f.PackageARN}, {Key: "assay/rule", Value: f.Rule}, {Key: "assay/subject", Value: f.Subject},
	}
	if a.prefix != "" {
		// What Security Hub itself adds to a finding that AWS's integration sends.
		fields = append(fields, inspector.Attribute{Key: "aws/securityhub/FindingId", Value: a.arn + "/" + out.ID},
			inspector.Attribute{Key: "aws/securityhub/ProductName", Value: "Inspector"}, inspector.Attribute{Key: "aws/securityhub/CompanyName", Value: "Amazon"})
	}
	for _, attribute := range f.Attributes {
		fields = append(fields, inspector.Attribute{Key: "attributes/" + attribute.Key, Value: attribute.Value})
	}
	for _, attribute := range f.UserAttributes {
		fields = append(fields, inspector.Attribute{Key: "userAttributes/" + attribute.Key, Value: attribute.Value})
	}
	for i, e := range f.Evidence {
		fields = append(fields, inspector.Attribute{Key: fmt.Sprintf("assay/evidence/%d", i+1), Value: e.String()})
	}
	out.ProductFields = bounded(fields, asffFields, asffKey, asffValue)
	return out
}

// common is what all findings have.
func (a *asff) common(fingerprint, title, description, recommendation string) asffFinding {
	f := asffFinding{
		SchemaVersion: "2018-10-08", ID: "inspector/" + a.region + "/" + a.account + "/" + fingerprint, ProductArn: a.arn, AwsAccountID: a.account,
		Title: cut(filled(title, "Finding"), asffTitle), Description: cut(filled(description, title), asffDescription),
		WorkflowState: "NEW", Workflow: map[string]string{"Status": "NEW"}, RecordState: "ACTIVE",
	}
	if strings.TrimSpace(recommendation) != "" {
		f.Remediation = &asffRemediation{}
		f.Remediation.Recommendation.Text = cut(recommendation, asffText)
	}
	return f
}

// severityOf maps a severity as AWS did for Inspector.
func severityOf(s inspector.Severity) asffSeverity {
	label, normalized := "INFORMATIONAL", 0
	switch s {
	case inspector.High:
		label, normalized = "HIGH", 70
	case inspector.Medium:
		label, normalized = "MEDIUM", 40
	case inspector.Low:
		label, normalized = "LOW", 1
	}
	return asffSeverity{label, normalized, strconv.FormatFloat(s.Numeric(), 'f', 1, 64)}
}

// asffType is a finding's place in ASFF's taxonomy.
func asffType(f *Finding) string {
	const checks = "Software and Configuration Checks/"
	switch f.Package {
	case inspector.PackageCVE:
		return checks + "Vulnerabilities/CVE"
	case inspector.PackageCIS:
		return checks + "Industry and Regulatory Standards/CIS Host Hardening Benchmarks"
	case inspector.PackageBehavior:
		return checks + "AWS Security Best Practices/Runtime Behavior Analysis"
	case inspector.PackageReachability:
		return cut(checks+"AWS Security Best Practices/Network Reachability - "+strings.ReplaceAll(f.FindingID, "/", " "), asffID)
	}
	return checks + "AWS Security Best Practices"
}

func (a *asff) resource(kind, id string) asffResource {
	return asffResource{Type: kind, ID: cut(id, asffID), Partition: a.partition, Region: a.region}
}

func (a *asff) instanceARN(agent string) string {
	return fmt.Sprintf("arn:%s:ec2:%s:%s:instance/%s", a.partition, a.region, a.account, agent)
}

func (a *asff) instance(f *Finding) asffResource {
	r := a.resource("AwsEc2Instance", a.instanceARN(filled(f.Agent, "unknown")))
	var tags []inspector.Attribute
	for _, t := range f.Asset.Tags {
		tags = append(tags, inspector.Attribute(t))
	}
	if r.Tags = bounded(tags, asffTags, asffTagKey, asffTagValue); len(r.Tags) == 0 && f.Asset.Hostname != "" {
		r.Tags = bounded([]inspector.Attribute{{Key: "Name", Value: f.Asset.Hostname}}, 1, asffTagKey, asffTagValue)
	}
	details := asffInstance{ImageID: f.Asset.AMI, VpcID: f.attribute("VPC")}
	for _, address := range f.Asset.IPv4Addresses {
		if !strings.Contains(address, ":") && len(details.IPv4Addresses) < asffAddresses {
			details.IPv4Addresses = append(details.IPv4Addresses, address)
		}
	}
	r.Details = map[string]asffInstance{"AwsEc2Instance": details}
	return r
}

// bounded makes a map of at most so many pairs of at most so many characters,
// none of them blank.
func bounded(all []inspector.Attribute, most, key, value int) map[string]string {
	m := map[string]string{}
	for _, a := range all {
		if strings.TrimSpace(a.Key) == "" || strings.TrimSpace(a.Value) == "" {
			continue
		}
		if _, ok := m[cut(a.Key, key)]; !ok && len(m) < most {
			m[cut(a.Key, key)] = cut(a.Value, value)
		}
	}
	return m
}

func vulnerabilities(f *Finding) []asffVulnerability {
	id := f.attribute("CVE_ID")
	if id == "" {
		return nil
	}
	v := asffVulnerability{ID: id}
	for _, s := range scores(f) {
		v.Cvss = append(v.Cvss, asffCvss{s.version, s.score, s.vector})
	}
	if name := f.attribute("package_name"); strings.TrimSpace(name) != "" {
		v.VulnerablePackages = []asffPackage{{name, f.attribute("package_version")}}
	}
	return []asffVulnerability{v}
}

// score is a CVSS score that a finding's attributes tell.
type score struct {
	version, vector string
	score           float64
}

// scores are CVSS scores, the newest version first.
func scores(f *Finding) (all []score) {
	for _, major := range []string{"3", "2"} {
		value, err := strconv.ParseFloat(f.attribute("CVSS"+major+"_SCORE"), 64)
		if err != nil || value < 0 || value > 10 {
			continue
		}
		s := score{major + ".0", f.attribute("CVSS" + major + "_SCORE_VECTOR"), value}
		if s.vector == "" {
			s.vector = f.attribute("CVSS" + major + "_VECTOR")
		}
		if strings.HasPrefix(s.vector, "CVSS:3.1/") {
			s.version = "3.1"
		}
		all = append(all, s)
	}
	return all
}

// unchecked is a check that could not be made: no finding about the host, but
// what keeps its findings from being all.
func (a *asff) unchecked(e inspector.Exclusion) asffFinding {
	out := a.common(fingerprintOf(e), "Not checked: "+e.Title, e.Description, e.Recommendation)
	out.GeneratorID, out.Types = "assay/not-checked", []string{"Software and Configuration Checks"}
	out.Severity = severityOf(inspector.Informational)
	at := a.run.CompletedAt
	if at.IsZero() {
		at = a.run.StartedAt
	}
	out.CreatedAt, out.UpdatedAt = instant(known(at)), instant(known(at))
	out.Compliance = &asffCompliance{"NOT_AVAILABLE", []asffStatusReason{{"ASSAY_NOT_CHECKED", cut(filled(e.Description, e.Title), asffReason)}}}
	out.ProductFields = bounded([]inspector.Attribute{{Key: "serviceAttributes/assessmentRunArn", Value: a.run.arn()}}, 1, asffKey, asffValue)
	for _, s := range e.Scopes {
		if s.Type == inspector.ScopeInstance {
			out.Resources = append(out.Resources, a.resource("AwsEc2Instance", a.instanceARN(s.Value)))
		} else {
			out.ProductFields["serviceAttributes/rulesPackageArn"] = cut(filled(s.Value, ""), asffValue)
		}
	}
	if len(out.Resources) == 0 {
		out.Resources = []asffResource{a.resource("AwsAccount", "AWS::::Account:"+a.account)}
	}
	out.Resources = out.Resources[:min(len(out.Resources), 32)]
	return out
}

// known is a time that a format demands: the start of time where it is unknown.
func known(t time.Time) time.Time {
	if t.IsZero() {
		return time.Unix(0, 0)
	}
	return t
}
