// Package operator is the operator's own API: the few operations that Inspector's
// API has no place for, spoken in the same protocol (JSON 1.1, SigV4) on the same
// door under the name "AssayService". The command line uses it beside Inspector's
// operations. The types here are its wire format, shared by both ends.
package operator

import (
	"time"

	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/rules"
)

// Service is the prefix of X-Amz-Target: "AssayService.ListAgents".
const Service = "AssayService"

// The operations.
const (
	CreateEnrollmentToken = "CreateEnrollmentToken"
	ListAgents            = "ListAgents"
	RevokeAgent           = "RevokeAgent"
	ExplainFindings       = "ExplainFindings"
	ListResults           = "ListResults"
)

// TokenRequest asks for a token with which hosts enrol.
type TokenRequest struct {
	Tags    []inspector.Tag `json:"tags,omitempty"`    // that the hosts get
	Seconds int64           `json:"seconds,omitempty"` // of validity; default a day, at most 90 days
	Uses    int             `json:"uses,omitempty"`    // 0: any number
}

// TokenResponse is the only time that the token is seen.
type TokenResponse struct {
	Token     string    `json:"token"`
	ExpiresAt time.Time `json:"expiresAt"`
	Gateway   string    `json:"gateway"` // where agents call
	Pin       string    `json:"pin"`     // of the authority, for assay-agent enroll -ca-pin
	CA        string    `json:"ca"`      // the authority in PEM
}

// PageRequest asks for a page.
type PageRequest struct {
	MaxResults int    `json:"maxResults,omitempty"` // default 100, at most 500
	NextToken  string `json:"nextToken,omitempty"`
}

// AgentsResponse is a page of agents.
type AgentsResponse struct {
	Agents    []Agent `json:"agents"`
	NextToken string  `json:"nextToken,omitempty"`
}

// Agent is a host as its agent last told it.
type Agent struct {
	ID        string          `json:"agentId"`
	Hostname  string          `json:"hostname"`
	OS        string          `json:"operatingSystem"`
	Kernel    string          `json:"kernel"`
	Version   string          `json:"version"`
	Addresses []string        `json:"ipv4Addresses"`
	Tags      []inspector.Tag `json:"tags"`
	Health    string          `json:"health"`
	Problems  []string        `json:"problems"`
	Sensors   []string        `json:"sensors"`

	// Tiers are the ways by which sensors observe that have several.
	Tiers []inspector.SensorTier `json:"sensorTiers"`

	SkewSeconds float64   `json:"clockSkewSeconds"`
	EnrolledAt  time.Time `json:"enrolledAt"`
	SeenAt      time.Time `json:"seenAt,omitzero"`
	Revoked     bool      `json:"revoked"`
}

// RevokeRequest takes an agent's certificate its power.
type RevokeRequest struct {
	ID string `json:"agentId"`
}

// RevokeResponse is empty.
type RevokeResponse struct{}

// ExplainRequest names findings, at most 500.
type ExplainRequest struct {
	ARNs []string `json:"findingArns"`
}

// ExplainResponse leaves out the findings that there are not.
type ExplainResponse struct {
	Findings []Explanation `json:"findings"`
}

// Explanation is what a finding rests on.
type Explanation struct {
	ARN      string               `json:"arn"`
	Package  inspector.PackageID  `json:"rulesPackage"`
	Rule     string               `json:"rule"`
	Subject  string               `json:"subject,omitempty"`
	Reason   string               `json:"reason"`
	Evidence []inspector.Evidence `json:"evidence"`
	FindingLife
}

// ResultsRequest asks for the verdicts of a run, a page of hosts at a time.
type ResultsRequest struct {
	Run string `json:"assessmentRunArn"`
	PageRequest
}

// ResultsResponse has an entry for each host and rules package.
type ResultsResponse struct {
	Results   []HostResults `json:"results"`
	NextToken string        `json:"nextToken,omitempty"`
}

// HostResults are the verdicts of one rules package on one host.
type HostResults struct {
	Agent       string              `json:"agentId"`
	Package     inspector.PackageID `json:"rulesPackage"`
	Version     string              `json:"rulesPackageVersion"`
	EvaluatedAt time.Time           `json:"evaluatedAt"`
	CollectedAt time.Time           `json:"collectedAt,omitzero"`      // when the last of the telemetry came
	Source      string              `json:"telemetryRunArn,omitempty"` // of a re-match: the run that has collected it
	Telemetry   []assess.SegmentRef `json:"telemetry"`                 // that was evaluated
	NotSeen     []assess.Coverage   `json:"notSeen"`                   // what the host's sensors missed
	Results     []rules.Result      `json:"results"`
}
