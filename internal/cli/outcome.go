package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"assay/internal/assess"
	"assay/internal/export"
	"assay/internal/inspector"
	"assay/internal/operator"
	"assay/internal/rules"
)

// outcome is what an assessment came to: what is printed, for people or as JSON.
type outcome struct {
	Run      string           `json:"run,omitempty"` // its ARN; none for a snapshot file
	State    string           `json:"state,omitempty"`
	Hosts    int              `json:"hosts"`
	Counts   map[string]int64 `json:"counts"` // findings by severity
	Verdicts map[string]int   `json:"verdicts"`

	// Suppressed is how many of the verdicts that failed are no findings: somebody has
	// decided so.
	Suppressed int `json:"suppressed"`

	Findings  []finding   `json:"findings"`
	Unchecked []unchecked `json:"not_checked"`
	NotSeen   []notSeen   `json:"not_seen"`
	Telemetry []stored    `json:"telemetry,omitempty"` // of a re-match: by what each host was judged

	LeftOut []leftOut `json:"left_out,omitempty"` // what was not asked for, or could not be

	Results []operator.HostResults `json:"results,omitempty"` // where they were asked for

	// What was derived of a snapshot file, for exports.
	packages []inspector.RulesPackage
	made     []export.Finding
	excluded []inspector.Exclusion
}

// verdicts counts results.
func (o *outcome) verdicts(results []rules.Result) {
	for _, r := range results {
		o.Verdicts[string(r.Verdict)]++
		if r.Verdict == rules.Failed && r.Suppressed != nil {
			o.Suppressed++
		}
	}
}

// newOutcome is an outcome in which nothing is null.
func newOutcome() *outcome {
	return &outcome{Counts: map[string]int64{}, Verdicts: map[string]int{}, Findings: []finding{}, Unchecked: []unchecked{}, NotSeen: []notSeen{}}
}

// some is a list that JSON writes as one also if there is nothing in it.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// notSeen is what a host's sensor could not see. Where a rule needed it, the rule
// was not evaluated and stands under Unchecked, too.
type notSeen struct {
	Agent string `json:"agent"`
	assess.Coverage
}

func (o *outcome) notSeen(agent string, missed []assess.Coverage) {
	for _, c := range missed {
		o.NotSeen = append(o.NotSeen, notSeen{agent, c})
	}
}

// finding is a finding with the host and the evidence that belong to it.
type finding struct {
	ARN            string               `json:"arn,omitempty"`
	Severity       inspector.Severity   `json:"severity"`
	Agent          string               `json:"agent"`
	Host           string               `json:"host"`
	Package        string               `json:"rules_package"`
	Rule           string               `json:"rule"`
	Title          string               `json:"title"`
	Description    string               `json:"description"`
	Recommendation string               `json:"recommendation"`
	Evidence       []inspector.Evidence `json:"evidence"`
	Attributes     map[string]string    `json:"attributes"` // the finding's, by key

	operator.FindingLife
}

// unchecked is an exclusion: what could not be checked.
type unchecked struct {
	Title          string   `json:"title"`
	Description    string   `json:"description"`
	Recommendation string   `json:"recommendation"`
	Scopes         []string `json:"scopes"`
}

// complete tells whether every rule was checked, on at least one host.
func (o *outcome) complete() bool {
	return o.Hosts > 0 && len(o.Unchecked) == 0 &&
		o.Verdicts[string(rules.NotEvaluated)] == 0 && o.Verdicts[string(rules.Error)] == 0 &&
		(o.State == "" || o.State == string(inspector.Completed))
}

// exit is the outcome's exit code under a threshold; empty means that findings
// are no failure.
func (o *outcome) exit(failOn inspector.Severity) error {
	if !o.complete() {
		return exitError(ExitIncomplete)
	}
	for _, f := range o.Findings {
		if failOn != "" && f.Severity.AtLeast(failOn) {
			return exitError(ExitFindings)
		}
	}
	return nil
}

func (o *outcome) sort() {
	slices.SortStableFunc(o.Findings, func(a, b finding) int {
		return cmp.Or(
			cmp.Compare(b.Severity.Numeric(), a.Severity.Numeric()), cmp.Compare(b.priority(), a.priority()),
			strings.Compare(a.Host, b.Host), strings.Compare(a.Attributes["CONTAINER"], b.Attributes["CONTAINER"]),
			strings.Compare(a.Rule, b.Rule), strings.Compare(a.software(), b.software()), newerID(a.vulnerability(), b.vulnerability()), strings.Compare(a.ARN, b.ARN))
	})
}

// leaveOut leaves out findings, and counts those that remain.
func (o *outcome) leaveOut(unwanted func(*finding) bool) {
	o.Findings = slices.DeleteFunc(o.Findings, func(f finding) bool { return unwanted(&f) })
	o.Counts = map[string]int64{}
	for _, f := range o.Findings {
		o.Counts[string(f.Severity)]++
	}
}

// print prints the outcome for people: worst first, each finding with its host,
// its evidence in a line, and what to do.
func (o *outcome) print(w io.Writer) {
	w = text{w}
	o.sort()
	groups := grouped(o.Findings)
	printFirst(w, groups)
	last := inspector.Severity("")
	for _, g := range groups {
		f := g.worst()
		if f.Severity != last {
			fmt.Fprintf(w, "\n%s\n", strings.ToUpper(string(f.Severity)))
			last = f.Severity
		}
		fmt.Fprintf(w, "  %s: %s\n", f.Host, g.title())
		for _, line := range g.lines() {
			fmt.Fprintf(w, "      %s\n", line)
		}
		if do := g.recommendation(); do != "" && f.Severity != inspector.Informational {
			fmt.Fprintf(w, "      do: %s\n", do)
		}
		if f.ARN != "" && f.Severity != inspector.Informational {
			fmt.Fprintf(w, "      why: assay explain %s\n", shortID(f.ARN))
		}
	}
	if len(o.Unchecked) > 0 {
		fmt.Fprint(w, "\nNOT CHECKED\n")
	}
	for _, u := range o.Unchecked {
		fmt.Fprintf(w, "  %s\n", oneLine(u.Title))
		for line := range strings.Lines(strings.TrimSpace(u.Description)) {
			fmt.Fprintf(w, "      %s\n", brief(line))
		}
		for line := range strings.Lines(strings.TrimSpace(u.Recommendation)) {
			fmt.Fprintf(w, "      do: %s\n", oneLine(line))
		}
	}
	if len(o.NotSeen) > 0 {
		fmt.Fprint(w, "\nNOT SEEN\n")
	}
	for _, n := range o.NotSeen {
		what := strings.TrimSpace(n.Sensor + " " + n.Part)
		fmt.Fprintf(w, "  %s: %s is %s: %s\n", n.Agent, what, strings.ReplaceAll(string(n.State), "_", " "), brief(n.Reason))
	}
	o.printTelemetry(w)
	fmt.Fprintf(w, "\n%s\n", o.summary())
}

// found words the counts of findings: "1 High, 2 Medium".
func (o *outcome) found() string {
	var found []string
	for _, s := range inspector.Severities() {
		if n := o.Counts[string(s)]; n > 0 {
			found = append(found, fmt.Sprintf("%d %s", n, s))
		}
	}
	if len(found) == 0 {
		return "none"
	}
	return strings.Join(found, ", ")
}

// summary is the last line: what was found, checked and not checked.
func (o *outcome) summary() string {
	var checked []string
	for _, verdict := range []string{"passed", "failed", "not applicable", "not evaluated", "error"} {
		if n := o.Verdicts[verdict]; n > 0 {
			checked = append(checked, fmt.Sprintf("%d %s", n, verdict))
		}
	}
	line := fmt.Sprintf("%s. Findings: %s.", count(o.Hosts, "host"), o.found())
	if o.Suppressed > 0 {
		line += fmt.Sprintf(" %d suppressed.", o.Suppressed)
	}
	if len(checked) > 0 {
		line += fmt.Sprintf(" Rules: %s.", strings.Join(checked, ", "))
	}
	return line
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// evidenceLines words evidence a line each, at most so many.
func evidenceLines(all []inspector.Evidence, most int) []string {
	var lines []string
	for i, e := range all {
		if i == most {
			return append(lines, fmt.Sprintf("and %d more", len(all)-most))
		}
		lines = append(lines, e.String())
	}
	return lines
}

// firstSentence cuts a recommendation for a list; explain shows all of it.
func firstSentence(text string) string {
	text = oneLine(text)
	if i := strings.Index(text, ". "); i > 0 {
		return text[:i+1]
	}
	return text
}

// shortID is the last element of an ARN: enough to name a finding of one run.
func shortID(arn string) string { return arn[strings.LastIndex(arn, "/")+1:] }
