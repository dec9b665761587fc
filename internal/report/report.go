// Package report makes the documents about an assessment run that people hand to
// one another: the finding report and the full report of Inspector's API, in HTML
// and in PDF. It is pure: what is to be told comes in as data, long parts of it as
// iterators, and the document goes out as a stream, so that a run of any size
// needs the memory of a page.
//
// What a document says, in which order, is written once (walk.go), as a sequence
// of blocks: headings, paragraphs, tables. A format is a sink for blocks (html.go,
// pdf.go). Text from hosts is made visible on its way into a block (text.go).
package report

import (
	"fmt"
	"io"
	"iter"
	"time"

	"assay/internal/inspector"
)

// Report is what a document tells. The iterators are run through at most once, in
// the order of their fields; an error of theirs ends the document with it.
type Report struct {
	Type    inspector.ReportType
	Service string    // what made it: "Assay 1.2.0"
	Made    time.Time // when it was asked for

	Run         inspector.Run
	RunARN      string
	Target      string // its name
	TargetARN   string
	Template    string // its name
	TemplateARN string

	Packages   []Package
	Hosts      int   // in the run
	Unassessed int   // of them: those that delivered nothing that could be evaluated
	Exclusions int64 // how many there are
	Verdicts   map[string]int64
	Suppressed int64 // of those that failed: they are no findings, because somebody has decided so
	MoreRules  bool  // there were more rules than Package.Rules lists

	AllHosts      iter.Seq2[Host, error]
	Groups        iter.Seq2[Group, error]
	AllExclusions iter.Seq2[inspector.Exclusion, error]
	Results       iter.Seq2[Results, error] // of a full report
}

// Package is a rules package of the run.
type Package struct {
	ID       inspector.PackageID
	Name     string
	ARN      string   // as the template has it
	Versions []string // that evaluated; several if the service was updated meanwhile
	Text     string
	Counts   map[inspector.Severity]int64 // of findings
	Rules    []Rule
}

// Rule is a check with the verdicts that it gave.
type Rule struct {
	ID, Title string
	Severity  inspector.Severity
	Verdicts  map[string]int64
}

// Host is a host of the run.
type Host struct {
	ID, Name, OS, Kernel string
	Agent                string // the agent's version
	Addresses            []string
	Health               string
	Collection           string // what became of the collection
	Detail               string // why, if it is not complete
	Coverage             []Missed
	Findings             map[inspector.Severity]int64
}

// Missed is what a sensor, or a part of one, did not see on a host.
type Missed struct{ Sensor, Part, State, Reason string }

// Group is one finding with all hosts that have it.
type Group struct {
	Package  inspector.PackageID
	Severity inspector.Severity
	ID       string // Finding.FindingID
	Count    int64  // of findings
	Hosts    int64  // that have it
	Findings iter.Seq2[inspector.Finding, error]
}

// Results are the verdicts of a rules package on a host.
type Results struct {
	Host, HostName string
	Package        inspector.PackageID
	EvaluatedAt    time.Time
	Verdicts       []Verdict
}

// Verdict is what a rule said of a host.
type Verdict struct{ Rule, Subject, Verdict, Reason, Remedy string }

// Verdicts lists the verdicts of rules in the order in which they are told.
func Verdicts() []string {
	return []string{"failed", "error", "not evaluated", "passed", "not applicable"}
}

// Write writes a document.
func Write(w io.Writer, r Report, format inspector.ReportFormat) error {
	var to sink
	switch format {
	case inspector.ReportHTML:
		to = newHTML(w)
	case inspector.ReportPDF:
		pdf, err := newPDF(w, r)
		if err != nil {
			return err
		}
		to = pdf
	default:
		return fmt.Errorf("there is no report in the format %q", format)
	}
	d := &document{Report: r, sink: to}
	if err := d.write(); err != nil {
		return err
	}
	return to.close()
}
