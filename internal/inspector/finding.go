package inspector

import "time"

// Finding is what a rule found on a host in a run.
type Finding struct {
	Target, Template, Run string
	ID                    string // unique within the run, the same when derived again
	Agent                 string
	Package               PackageID
	PackageARN            string // as the template names it
	Rule                  string // the rule's id in its package
	Subject               string

	FindingID      string // what Inspector calls id: the CVE id, the rule's title
	Title          string
	Description    string
	Recommendation string
	Severity       Severity
	Confidence     int // 10
	Attributes     []Attribute
	UserAttributes []Attribute
	Asset          Asset
	Evidence       []Evidence
	CreatedAt      time.Time
	UpdatedAt      time.Time
}

// Asset is the host as it was when the finding was made.
type Asset struct {
	Agent            string   `json:"agent"`
	AutoScalingGroup string   `json:"auto_scaling_group,omitempty"`
	AMI              string   `json:"ami,omitempty"`
	Hostname         string   `json:"hostname,omitempty"`
	IPv4Addresses    []string `json:"ipv4_addresses,omitempty"`
	Tags             []Tag    `json:"tags,omitempty"`

	NetworkInterfaces []NetworkInterface `json:"network_interfaces,omitempty"`
}

// The two titles that programs look for.
const (
	TitleNoIssues    = "No potential security issues found"
	TitleUnsupported = "Unsupported Operating System or Version"
)
