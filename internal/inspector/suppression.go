package inspector

import (
	"slices"
	"time"
)

// Suppression is an operator's decision that some of what fails is no finding, and
// why. It works on evaluations that happen while it is in force: runs that are over
// keep their findings. What is left empty selects nothing out: everything that is
// given has to be so.
type Suppression struct {
	ID string `json:"id"`

	// What is suppressed. One of Rule, Finding, Subject and Attributes at least is
	// given.
	Package    PackageID   `json:"package,omitempty"`
	Rule       string      `json:"rule,omitempty"`       // the rule's id in its package
	Finding    Pattern     `json:"finding,omitempty"`    // of what Inspector calls the finding's id: "CVE-2024-*"
	Subject    Pattern     `json:"subject,omitempty"`    // of what the finding is about: a rule's own words
	Attributes []Attribute `json:"attributes,omitempty"` // that the finding has: package_name=openssl

	// On which hosts: any, where none of these is given.
	Agent    string  `json:"agent,omitempty"`    // the agent's id
	Hostname Pattern `json:"hostname,omitempty"` // whatever its case
	Tags     []Tag   `json:"tags,omitempty"`     // that the host has, each of them

	Reason    string    `json:"reason"`
	Author    string    `json:"author"` // the ARN of the user who added it
	CreatedAt time.Time `json:"created_at"`
	Until     time.Time `json:"until,omitzero"` // not in force from then on; zero: it does not end
	RevokedAt time.Time `json:"revoked_at,omitzero"`
	RevokedBy string    `json:"revoked_by,omitempty"` // the ARN of a user
}

// SuppressionState is what a suppression does at a time.
type SuppressionState string

// The states.
const (
	SuppressionActive  SuppressionState = "active"
	SuppressionExpired SuppressionState = "expired"
	SuppressionRevoked SuppressionState = "revoked"
)

// State tells whether the suppression is in force at a time.
func (s Suppression) State(now time.Time) SuppressionState {
	switch {
	case !s.RevokedAt.IsZero():
		return SuppressionRevoked
	case !s.Until.IsZero() && !now.Before(s.Until):
		return SuppressionExpired
	}
	return SuppressionActive
}

// OnHost tells whether a host is one of those that the suppression is for.
func (s Suppression) OnHost(host Asset) bool {
	if s.Agent != "" && s.Agent != host.Agent || !s.Hostname.matchesFold(host.Hostname) {
		return false
	}
	return !slices.ContainsFunc(s.Tags, func(t Tag) bool { return !slices.Contains(host.Tags, t) })
}

// Of tells whether what failed is of those that are suppressed: by its rules
// package, rule, id, subject and attributes.
func (s Suppression) Of(pkg PackageID, rule, finding, subject string, attributes []Attribute) bool {
	if s.Package != "" && s.Package != pkg || s.Rule != "" && s.Rule != rule || !s.Finding.Matches(finding) || !s.Subject.Matches(subject) {
		return false
	}
	return !slices.ContainsFunc(s.Attributes, func(a Attribute) bool { return !slices.Contains(attributes, a) })
}
