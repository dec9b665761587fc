package advisory

import "time"

// Statement is what a supplier says of one vulnerability in one product (VEX). It
// is laid over the matches afterwards: what is not affected is not a finding, and
// the statement is on record as the reason.
type Statement struct {
	Vulnerability string   // "CVE-2024-1234"
	Aliases       []string // other names of it
	// Product is a package URL, without what the statement leaves open, or a CPE
	// (of an operating system, as a rule). With a Component the statement is about
	// that component as part of the product and says nothing of it elsewhere.
	Product       string
	Component     string // a package URL; empty: the product itself
	Status        StatementStatus
	Justification string    // why it is not affected: OpenVEX's or CSAF's label, "vulnerable_code_not_present"
	Impact        string    // the same for people
	Action        string    // what to do where it is affected
	Time          time.Time // when it was made; the later one is right
	Source        string    // the document: its id
	Author        string
}

// StatementStatus is one of the four states of VEX.
type StatementStatus string

// The states, as OpenVEX writes them.
const (
	StatedNotAffected        StatementStatus = "not_affected"
	StatedAffected           StatementStatus = "affected"
	StatedFixed              StatementStatus = "fixed"
	StatedUnderInvestigation StatementStatus = "under_investigation"
)
