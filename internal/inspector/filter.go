package inspector

import "time"

// Filters of the list operations. Members are combined with AND, the values of
// one member with OR; an empty member matches all. NamePattern is a glob with
// "*" for any characters and nothing else.

// TimeRange is inclusive at both ends; a zero end is open.
type TimeRange struct{ Begin, End time.Time }

// TargetFilter selects targets.
type TargetFilter struct{ NamePattern string }

// TemplateFilter selects templates.
type TemplateFilter struct {
	Targets     []string // ids
	NamePattern string
	Durations   DurationRange
	PackageARNs []string // any of them
}

// DurationRange is inclusive; a zero end is open.
type DurationRange struct{ Min, Max time.Duration }

// RunFilter selects runs.
type RunFilter struct {
	Templates    []string // ids
	NamePattern  string
	States       []RunState
	Durations    DurationRange
	PackageARNs  []string
	Started      TimeRange
	Completed    TimeRange
	StateChanged TimeRange
}

// RunAgentFilter selects the agents of a run.
type RunAgentFilter struct {
	Healths []Health
	Codes   []HealthCode
}

// FindingFilter selects findings. Findings of a run are not shown before its
// evaluation is over.
type FindingFilter struct {
	Runs              []string // ids
	Agents            []string
	AutoScalingGroups []string
	Rules             []string // rule names: Finding.FindingID
	Severities        []Severity
	PackageARNs       []string
	Attributes        []Attribute // every one of them is on the finding
	UserAttributes    []Attribute
	Created           TimeRange
}

// Page asks for one page of a list. After is the Next of the page before, empty
// for the first.
type Page struct {
	Limit int
	After string
}
