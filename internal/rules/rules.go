// Package rules says what a rules package is: a pure function from a host, as
// its telemetry shows it, to a verdict for every rule. Packages live below this
// one (practices, ...). They read no file, no clock and no database.
//
// From the results of a package on a host this package derives what Inspector
// calls findings and exclusions (Derive).
package rules

import (
	"context"
	"time"

	"assay/internal/host"
	"assay/internal/inspector"
)

// Package is a rules package.
type Package interface {
	Describe() Description
	// Evaluate gives at least one result for every rule of the package. It
	// returns an error only where ctx ended; what it could not tell is a
	// result that says so (see Result.Exclusion and Result.WholeRun for what
	// is more than a rule that met a gap in the telemetry).
	Evaluate(ctx context.Context, h *host.Host, in Input) ([]Result, error)
}

// Description is what is known of a package without a host.
type Description struct {
	ID      inspector.PackageID
	Name    string // as Inspector names it
	Version string
	Text    string   // one paragraph
	Sensors []string // whose telemetry the rules read
	Also    []string // whose they read, too, where another package of the run has asked for it
	Observe bool     // needs the whole duration, not only a snapshot
	Rules   []Rule

	// Rematch is set where the package judges by data that changes without the
	// host, such as advisories: stored telemetry is then worth judging again. A
	// package that observes is never judged again.
	Rematch bool
	// Needs are those of the Sensors without which stored telemetry is not judged
	// again: an exclusion asks for another assessment of the host instead. What
	// the others have missed is a matter of the rules.
	Needs []string
}

// Rule is one check.
type Rule struct {
	ID             string // unique in its package, stable for ever: "root-login-over-ssh"
	Title          string // "Disable root login over SSH"
	Finding        string // a finding's title where the result has none: "Instance <id> ..."; default Title
	Severity       inspector.Severity
	Description    string // why it matters
	Recommendation string // what to do
}

// Input is what a package needs beside the host.
type Input struct {
	Now time.Time // when the evaluation happens, for rules about age
	// Collected is when the last of the host's telemetry came, by the service's
	// clock; of a snapshot file when it was made, by the host's. It may lie weeks
	// before Now where stored telemetry is judged again.
	Collected time.Time
	Settings  map[string]string // limits that an operator may set: "password-maximum-age"
}

// Verdict is the answer to a rule.
type Verdict string

// The verdicts.
const (
	Passed        Verdict = "passed"
	Failed        Verdict = "failed"
	NotApplicable Verdict = "not applicable" // there is nothing on this host that the rule is about
	NotEvaluated  Verdict = "not evaluated"  // the telemetry does not allow an answer
	Error         Verdict = "error"          // the rule itself failed
)

// Result is a rule's verdict on one host, or on one subject of it.
type Result struct {
	Rule     string     `json:"rule"`
	Subject  string     `json:"subject,omitempty"` // where a rule has several results: what this one is about
	Verdict  Verdict    `json:"verdict"`
	Reason   string     `json:"reason"`             // a sentence for people; for NotEvaluated what is missing
	Remedy   string     `json:"remedy,omitempty"`   // for NotEvaluated and Error: what to do so that it can be told; for Failed: what to do in place of the rule's recommendation
	Evidence []Evidence `json:"evidence,omitempty"` // required for Failed and Passed

	// Unsupported is set with NotEvaluated where the package does not know
	// the host's system or its version at all: one finding says so, no
	// exclusion.
	Unsupported bool `json:"unsupported,omitempty"`

	// Exclusion may be set with NotEvaluated and Error where what stood in
	// the way has a kind of its own, such as ReachabilityVPN, that rules may
	// report (inspector.Cause.ByRules).
	Exclusion inspector.ExclusionKind `json:"exclusion,omitempty"`

	// WholeRun is set with them where the reason is not this host's but the
	// same on all hosts of the run: the run then has one exclusion for it,
	// about the rules package. Reason and Remedy must not speak of a host.
	WholeRun bool `json:"whole_run,omitempty"`

	// Suppressed is set on a Failed result that is no finding: somebody has decided
	// so, or a statement (VEX) says that it does not apply. The result stays, with the
	// reason, for whoever asks for results.
	Suppressed *Suppression `json:"suppressed,omitempty"`

	// Hidden may be set with NotApplicable: what else the rule would have failed on. It
	// makes no findings, and what was a finding before is not mended.
	Hidden *Hidden `json:"hidden,omitempty"`

	// Where the finding differs from what the rule says:
	Severity   inspector.Severity    `json:"severity,omitempty"`
	Title      string                `json:"title,omitempty"`      // "<id>" in it becomes the agent's id
	FindingID  string                `json:"finding_id,omitempty"` // Finding.ID, by default the rule's title
	Attributes []inspector.Attribute `json:"attributes,omitempty"`
}

// Hidden are subjects about which a rule does not fail although it could: because a
// setting says so, or because they are another rule's now.
type Hidden struct {
	Subjects []string `json:"subjects"`
	Reason   string   `json:"reason"` // a sentence
}

// Evidence is one thing that was seen: enough to find it on the host and to
// understand the verdict once the telemetry is gone.
type Evidence = inspector.Evidence

// Suppression is why a result is no finding.
type Suppression struct {
	By     string    `json:"by"`             // "rule" (an operator's) or "vex" (a supplier's statement)
	ID     string    `json:"id"`             // the suppression rule's, or the document's
	Author string    `json:"author"`         // who said so
	Reason string    `json:"reason"`         // a justification, for people
	Until  time.Time `json:"until,omitzero"` // when it ends; zero: never
}
