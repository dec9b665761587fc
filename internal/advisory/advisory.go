// Package advisory has what is published about vulnerabilities, in one form
// whatever feed it came from. Feeds are read by the packages below this one, each
// a function from a stream to records; the index is made of the records, and the
// rules package about vulnerabilities asks the index.
//
// The form is that of OSV (https://ossf.github.io/osv-schema/), with the states
// beside it that OSV cannot say: that a vendor will not fix, or has not decided.
// What is true of a vulnerability wherever it occurs (its score, whether it is
// exploited) is a Fact, and is joined to a match afterwards.
package advisory

import "time"

// Record is one advisory.
type Record struct {
	ID        string   // the publisher's: "DSA-5678-1", "ALSA-2025:10073"; a CVE's id where that is all there is
	CVEs      []string // that it is about, sorted, each once; empty if the publisher names none
	Summary   string
	Published time.Time // zero if the feed does not say
	Modified  time.Time
	Withdrawn time.Time // zero: in force. One that was withdrawn affects nothing
	Severity  Severity  // the vendor's; empty if it gives none
	Affected  []Affected
	// Facts that the advisory carries of what it is about, for CVEs that no better
	// source knows.
	CVSS       []string // vectors, any version
	References []string // addresses
}

// Affected is a package that an advisory is about, in one release of one
// ecosystem.
type Affected struct {
	Ecosystem string // as OSV names it, release included: "Debian:12", "AlmaLinux:9", "PyPI"
	Package   string // the name by which the ecosystem's advisories go: the source package of Debian, Ubuntu and Alpine, the binary of the rpm families
	Module    string // rpm: the modularity stream, "nodejs:18", for packages of which there are several; empty: outside of modules, or not told
	Arch      string // empty: every one; "src": Package names a source package, and stands for whatever is built of it
	Status    Status
	Note      string // the vendor's reason, for people: "Minor issue"
	Ranges    []Range
	Versions  []string // that are affected beside those in the ranges
	Severity  Severity // the vendor's for this package, where it says one; empty: the record's
	Binaries  []string // where Package is a source package: the binaries of it that have the fault; empty: all of them, or not told
}

// Range is a half-open or closed interval of versions in the ecosystem's order.
// At most one of Fixed and LastAffected is set; with neither, every version from
// Introduced on is affected.
type Range struct {
	Introduced   string // empty or "0": from the first version on
	Fixed        string // the first version that is not affected
	LastAffected string
}

// Status is what a vendor says of a package.
type Status string

// The states.
const (
	Fixed              Status = "fixed"    // there is a version without it
	AffectedNow        Status = "affected" // and nothing is said of a fix
	NotAffected        Status = "not affected"
	WontFix            Status = "will not fix"
	Deferred           Status = "fix deferred" // postponed, or left for a point release
	NotUrgent          Status = "not urgent"   // unimportant, negligible
	EndOfLife          Status = "end of life"  // the release gets no fixes any more
	UnderInvestigation Status = "under investigation"
)

// Severity is how bad a vendor says it is, in one vocabulary.
type Severity string

// The severities, worst first. Vendors' words for them: urgent; important;
// moderate; minor; unimportant.
const (
	Critical   Severity = "critical"
	High       Severity = "high"
	Medium     Severity = "medium"
	Low        Severity = "low"
	Negligible Severity = "negligible"
)

// Fact is what is known of a vulnerability, wherever it occurs.
type Fact struct {
	ID          string // "CVE-2024-1234"
	Summary     string
	CVSS        []string // vectors, any version
	References  []string
	Exploited   *Exploited // in CISA's catalogue; nil: not
	EPSS        float64    // the probability of exploitation within 30 days, 0 to 1; 0 if not known
	EPSSRank    float64    // the part of all CVEs with a lower one, 0 to 1
	Description string
}

// Exploited is an entry of CISA's catalogue of known exploited vulnerabilities.
type Exploited struct {
	Added      time.Time
	Due        time.Time
	Ransomware bool
	Action     string
}

// Emit takes what a feed's reader reads. The error of a function ends the
// reading, and is in the error that the reader returns. A function that is nil
// takes nothing: what it would have been given is read, checked and let go.
type Emit struct {
	Record    func(Record) error
	Fact      func(Fact) error
	Statement func(Statement) error
	// Skip is told of everything that was read and cannot be used, so that
	// nothing is lost silently.
	Skip func(Skip)
	// Edition is told, at most once a file, what a feed says of itself.
	Edition func(Edition)
}

// Skip is a part of a feed that cannot be used.
type Skip struct {
	Record string // the record it is part of, by its id
	Part   string // which part; empty: all of it
	Why    string // one of a reader's few phrases, for counting
}

// Edition is what a feed says of itself as a whole.
type Edition struct {
	Version string // "2025.08.25"; empty if it does not say
	Date    time.Time
}
