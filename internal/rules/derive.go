package rules

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"assay/internal/inspector"
)

// Subject is what results are about: a host in a run.
type Subject struct {
	Run        inspector.Run
	Agent      inspector.Asset
	PackageARN string                // as the template names it
	Key        []byte                // of the message authentication codes that become ids
	Now        time.Time             // when the findings are made
	Attributes []inspector.Attribute // the template's userAttributesForFindings
	Origin     Origin                // of a re-match
}

// Origin is the stored telemetry that a re-match has judged. It is zero where a run
// has collected itself.
type Origin struct {
	Run       string    // the ARN of the run that has collected it
	Collected time.Time // when the last of it came
}

// The attributes by which findings tell their origin.
const (
	AttributeTelemetryDate = "TELEMETRY_DATE" // RFC 3339, in UTC
	AttributeTelemetryRun  = "TELEMETRY_RUN"
)

// attributes are what findings tell of their origin.
func (o Origin) attributes() []inspector.Attribute {
	if o == (Origin{}) {
		return nil
	}
	return []inspector.Attribute{
		{Key: AttributeTelemetryDate, Value: o.Collected.UTC().Format(time.RFC3339)}, {Key: AttributeTelemetryRun, Value: o.Run},
	}
}

// sentence begins the description of findings. It has the day only, so that reports
// tell hosts that were assessed together together.
func (o Origin) sentence() string {
	if o == (Origin{}) {
		return ""
	}
	return "The host was not looked at for this: it was judged by its telemetry of " + o.Collected.UTC().Format(time.DateOnly) + " (UTC). "
}

// Bounds of a finding's attributes, of the API.
const (
	maxAttributes = 50
	maxKey        = 128 // characters
	maxValue      = 256 // characters
)

// Derive makes findings and exclusions of a package's results on a host. It is
// pure: the same results give the same findings, with the same ids. Every
// result leaves a trace:
//
//   - each that failed is a finding, but for those that are suppressed;
//   - those that were not evaluated are one exclusion, those with an error
//     another, as are rules without any result and verdicts without evidence;
//     those with a kind of their own, or about the whole run, are one a kind;
//   - a system that the package does not know is one Informational finding;
//   - only if every rule is passed, not applicable or suppressed there is exactly
//     one Informational finding that says that nothing was found, and what was
//     suppressed.
//
// A result has the same id whether it is suppressed or not. Ids are unique among the
// findings, and among the exclusions, of one call. An exclusion about the whole run
// has the same id whichever host it is derived of.
func Derive(d Description, s Subject, results []Result) ([]inspector.Finding, []inspector.Exclusion) {
	t := deriver{description: d, subject: s, rules: map[string]Rule{}, taken: map[string]bool{}}
	for _, r := range d.Rules {
		t.rules[r.ID] = r
	}
	for _, r := range t.audit(results) {
		t.sort(r)
	}
	return t.conclude()
}

type deriver struct {
	description Description
	subject     Subject
	rules       map[string]Rule
	taken       map[string]bool // ids

	findings    []inspector.Finding
	unsupported *Result
	evidence    []Evidence     // one of each rule that found nothing
	suppressed  []*Suppression // of each result that is
	excluded    []*excluded
}

// audit turns what a package must not give into errors, so that a mistake in a
// package can't look like a host without fault.
func (t *deriver) audit(results []Result) []Result {
	audited := make([]Result, 0, len(results))
	seen := map[string]bool{}
	broken := func(rule, reason string) {
		audited = append(audited, Result{Rule: rule, Verdict: Error, Reason: reason,
			Remedy: "Report this as a bug of Assay."})
	}
	for _, r := range results {
		seen[r.Rule] = true
		switch r.Verdict {
		case Failed, Passed:
			if len(r.Evidence) == 0 {
				broken(r.Rule, "the rule gave the verdict \""+string(r.Verdict)+"\" without evidence")
				continue
			}
		case NotEvaluated, Error:
			if r.Exclusion != "" && !r.Exclusion.Cause().ByRules {
				broken(r.Rule, "the rule named the exclusion \""+string(r.Exclusion)+"\", which rules cannot report")
				continue
			}
		case NotApplicable:
		default:
			broken(r.Rule, "the rule gave the verdict \""+string(r.Verdict)+"\", which is none")
			continue
		}
		audited = append(audited, r)
	}
	for _, rule := range t.description.Rules {
		if !seen[rule.ID] {
			broken(rule.ID, "the rule gave no result")
		}
	}
	return audited
}

func (t *deriver) sort(r Result) {
	switch r.Verdict {
	case Failed:
		if r.Suppressed != nil {
			t.suppressed = append(t.suppressed, r.Suppressed)
			t.findingID(r) // is taken: the next of the same subject has another
			return
		}
		t.findings = append(t.findings, t.finding(r))
	case Passed, NotApplicable:
		if len(r.Evidence) > 0 && len(t.evidence) < maxAttributes {
			t.evidence = append(t.evidence, r.Evidence[0])
		}
	case NotEvaluated:
		if r.Unsupported {
			if t.unsupported == nil {
				t.unsupported = &r
			}
			return
		}
		t.exclude(r)
	case Error:
		t.exclude(r)
	}
}

func (t *deriver) conclude() ([]inspector.Finding, []inspector.Exclusion) {
	var exclusions []inspector.Exclusion
	for _, x := range t.excluded {
		exclusions = append(exclusions, t.exclusion(x))
	}
	switch {
	case t.unsupported != nil:
		t.findings = append(t.findings, t.unknownSystem(*t.unsupported))
	case len(t.findings) == 0 && len(exclusions) == 0:
		t.findings = append(t.findings, t.nothingFound())
	}
	return t.findings, exclusions
}

func (t *deriver) finding(r Result) inspector.Finding {
	return t.make(r, t.rule(r))
}

// rule is the rule of a result, which the package may not describe.
func (t *deriver) rule(r Result) Rule {
	if rule, known := t.rules[r.Rule]; known {
		return rule
	}
	return Rule{ID: r.Rule, Title: r.Rule, Severity: inspector.Undefined}
}

// make fills in a finding. What the result leaves open the rule says.
func (t *deriver) make(r Result, rule Rule) inspector.Finding {
	s := t.subject
	f := inspector.Finding{
		Target: s.Run.Target, Template: s.Run.Template, Run: s.Run.ID,
		ID:    t.findingID(r),
		Agent: s.Agent.Agent, Package: t.description.ID, PackageARN: s.PackageARN, Rule: r.Rule, Subject: r.Subject,
		FindingID: cmp.Or(r.FindingID, rule.Title), Title: t.title(r, rule),
		Description: strings.TrimSpace(s.Origin.sentence() + r.Reason + "\n\n" + rule.Description), Recommendation: cmp.Or(r.Remedy, rule.Recommendation),
		Severity: r.Severity, Confidence: 10, UserAttributes: s.Attributes, Asset: s.Agent, Evidence: r.Evidence,
		CreatedAt: s.Now, UpdatedAt: s.Now,
	}
	if f.Severity == "" {
		f.Severity = rule.Severity
	}
	f.Attributes = attributes(s.Agent.Agent, append(s.Origin.attributes(), r.Attributes...))
	return f
}

func (t *deriver) nothingFound() inspector.Finding {
	return t.make(Result{Evidence: t.evidence}, Rule{
		Title:          inspector.TitleNoIssues,
		Severity:       inspector.Informational,
		Description:    t.nothingElse(),
		Recommendation: "No remediation needed.",
	})
}

func (t *deriver) unknownSystem(r Result) inspector.Finding {
	return t.make(Result{Reason: r.Reason, Evidence: r.Evidence, Subject: "unsupported"}, Rule{
		Title:          inspector.TitleUnsupported,
		Severity:       inspector.Informational,
		Description:    "The rules package " + t.description.Name + " does not know the operating system of this host, or not this version of it. None of its rules about the system was evaluated.",
		Recommendation: cmp.Or(r.Remedy, "Leave the host out of the target, or use rules packages that know its system."),
	})
}

// attributes are a finding's, INSTANCE_ID first, within the API's bounds.
func attributes(agent string, more []inspector.Attribute) []inspector.Attribute {
	list := []inspector.Attribute{{Key: "INSTANCE_ID", Value: agent}}
	for _, a := range more {
		if a.Key == "" || a.Value == "" || a.Key == "INSTANCE_ID" {
			continue
		}
		if len(list) == maxAttributes {
			break
		}
		list = append(list, inspector.Attribute{Key: cut(a.Key, maxKey), Value: cut(a.Value, maxValue)})
	}
	return list
}

// cut shortens s to at most n characters. Bytes that are not UTF-8 become one
// U+FFFD each run.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, string(utf8.RuneError))
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

// findingID is the id of what a result says that failed.
func (t *deriver) findingID(r Result) string {
	return t.id(t.subject.Agent.Agent, "finding", r.Rule, r.Subject)
}

// id derives an id that is not taken yet. It depends on nothing but the host, the
// parts, and how often they came before.
func (t *deriver) id(agent string, parts ...string) string {
	for n := uint64(0); ; n++ {
		mac := hmac.New(sha256.New, t.subject.Key)
		for _, part := range append([]string{agent, string(t.description.ID)}, parts...) {
			// The length before each part keeps "ab", "c" and "a", "bc" apart.
			mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
			mac.Write([]byte(part))
		}
		if n > 0 {
			mac.Write(binary.BigEndian.AppendUint64(nil, n))
		}
		if id := inspector.IDFrom(mac.Sum(nil)); !t.taken[id] {
			t.taken[id] = true
			return id
		}
	}
}
