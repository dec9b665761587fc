package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"

	"assay/internal/dump"
	"assay/internal/migrate"
)

// importReport is what an import came to.
type importReport struct {
	Account  string          `json:"account"`
	Region   string          `json:"region"`
	DryRun   bool            `json:"dryRun"`
	Kinds    []importCount   `json:"kinds"`
	Refused  []importRefusal `json:"refused"`
	More     int             `json:"moreRefused"`    // than Refused has
	NotKept  map[string]int  `json:"notKept"`        // what there is no place for, and how often
	Unknown  map[string]int  `json:"unknownMembers"` // that the API's model does not have, and how often
	Notes    []string        `json:"notes"`
	expected map[string]*runFindings
	lastRuns map[string]string // the last run of each template
}

// importCount is what became of the objects of a kind.
type importCount struct {
	Kind     migrate.Kind `json:"kind"`
	Imported int          `json:"imported"`
	Present  int          `json:"present"`
	Refused  int          `json:"refused"`
}

// importRefusal says which object was refused, and why.
type importRefusal struct {
	File   string `json:"file"`
	Where  string `json:"where"`
	ARN    string `json:"arn,omitempty"`
	Reason string `json:"reason"`
}

// runFindings are the findings that a run says it has, and those of the dump.
type runFindings struct{ said, seen map[string]int64 }

// Bounds of what a report lists; counts go on.
const (
	maxRefusals = 1000
	maxMembers  = 100
	maxNotes    = 20
)

func newImportReport(d *dump.Dump, dry bool) *importReport {
	r := &importReport{
		Account: d.Scope.Account, Region: d.Scope.Region, DryRun: dry, Refused: []importRefusal{}, NotKept: map[string]int{}, Unknown: map[string]int{},
		Notes: []string{}, expected: map[string]*runFindings{}, lastRuns: map[string]string{},
	}
	for _, kind := range migrate.Kinds() {
		r.Kinds = append(r.Kinds, importCount{Kind: kind})
	}
	for _, item := range d.Refused {
		r.list(item, item.Err.Error())
	}
	return r
}

// read books what an object says of others, as it is read.
func (r *importReport) read(item dump.Item) {
	for _, name := range item.Unknown {
		addTo(r.Unknown, string(item.Kind)+": "+name)
	}
	switch item.Kind {
	case migrate.Templates:
		var t struct{ LastAssessmentRunArn string }
		if json.Unmarshal(item.Object.Object, &t) == nil && t.LastAssessmentRunArn != "" {
			r.lastRuns[item.ARN] = t.LastAssessmentRunArn
		}
	case migrate.Runs:
		var run struct{ FindingCounts map[string]int64 }
		if json.Unmarshal(item.Object.Object, &run) == nil {
			r.expected[item.ARN] = &runFindings{run.FindingCounts, map[string]int64{}}
		}
	case migrate.Findings:
		var f struct {
			Severity          string
			ServiceAttributes struct{ AssessmentRunArn string }
		}
		if json.Unmarshal(item.Object.Object, &f) == nil && r.expected[f.ServiceAttributes.AssessmentRunArn] != nil {
			r.expected[f.ServiceAttributes.AssessmentRunArn].seen[f.Severity]++
		}
	}
}

// addTo counts under a name, of which there are only so many.
func addTo(counts map[string]int, name string) {
	if _, ok := counts[name]; ok || len(counts) < maxMembers {
		counts[name]++
	}
}

func (r *importReport) kind(k migrate.Kind) *importCount {
	return &r.Kinds[slices.IndexFunc(r.Kinds, func(c importCount) bool { return c.Kind == k })]
}

func (r *importReport) count(item dump.Item, o migrate.Outcome) {
	switch o.Status {
	case migrate.Imported:
		r.kind(item.Kind).Imported++
	case migrate.Present:
		r.kind(item.Kind).Present++
	default:
		r.refuse(item, o.Reason)
		return
	}
	for _, lost := range o.Lost {
		addTo(r.NotKept, string(item.Kind)+": "+lost)
	}
}

func (r *importReport) refuse(item dump.Item, reason string) {
	r.kind(item.Kind).Refused++
	r.list(item, reason)
}

func (r *importReport) list(item dump.Item, reason string) {
	if len(r.Refused) == maxRefusals {
		r.More++
		return
	}
	r.Refused = append(r.Refused, importRefusal{item.File, item.Where, item.ARN, reason})
}

func (r *importReport) refused() int { return len(r.Refused) + r.More }

// elsewhere says what to do about what is not imported.
var elsewhere = map[string]string{
	`"subscriptions"`:       "event subscriptions are not imported: subscribe again (aws --endpoint-url $ASSAY_ENDPOINT inspector subscribe-to-event)",
	`"assessmentRunAgents"`: "the agents of runs are not imported: the findings name their hosts",
}

// finish writes the notes.
func (r *importReport) finish(d *dump.Dump) {
	if d.Failed > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("aws-cli itself could not get %d objects (failedItems)", d.Failed))
	}
	for _, name := range slices.Sorted(maps.Keys(d.Ignored)) {
		note := elsewhere[name]
		if note == "" {
			note = fmt.Sprintf("%s is nothing that can be imported; it was there %d times", name, d.Ignored[name])
		}
		r.Notes = append(r.Notes, note)
	}
	var notes []string
	for _, template := range slices.Sorted(maps.Keys(r.lastRuns)) {
		if run := r.lastRuns[template]; r.expected[run] == nil {
			notes = append(notes, fmt.Sprintf("the last run of %s is not in the dump: %s", template, run))
		}
	}
	for _, run := range slices.Sorted(maps.Keys(r.expected)) {
		if said, seen := total(r.expected[run].said), total(r.expected[run].seen); said != seen {
			notes = append(notes, fmt.Sprintf("the dump has %d findings of %s, which says it has %d", seen, run, said))
		}
	}
	r.Notes = append(r.Notes, notes[:min(len(notes), maxNotes)]...)
	if more := len(notes) - maxNotes; more > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("and %d more of the last kinds", more))
	}
}

func total(counts map[string]int64) (n int64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// print prints the table; what was refused, and the notes, go beside it.
func (r *importReport) print(out, beside io.Writer) error {
	beside = text{beside}
	for _, f := range r.Refused {
		fmt.Fprintf(beside, "refused: %s: %s %s: %s\n", f.File, f.Where, f.ARN, oneLine(f.Reason))
	}
	if r.More > 0 {
		fmt.Fprintf(beside, "refused: %d more\n", r.More)
	}
	printCounts(beside, "not kept", r.NotKept)
	printCounts(beside, "left out, because the API does not have it", r.Unknown)
	for _, note := range r.Notes {
		fmt.Fprintf(beside, "note: %s\n", oneLine(note))
	}
	done := "IMPORTED"
	if r.DryRun {
		done = "WOULD BE IMPORTED"
	}
	return table(out, "OBJECTS\t"+done+"\tALREADY THERE\tREFUSED", func(row func(...any)) {
		for _, k := range r.Kinds {
			row(string(k.Kind), k.Imported, k.Present, k.Refused)
		}
	})
}

func printCounts(w io.Writer, what string, counts map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(w, "%s: %s (%d times)\n", what, oneLine(name), counts[name])
	}
}
