package inspector

import "time"

// Tag is a key and a value on a resource or host.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Attribute is a key and a value of a finding. A finding has at most 50, a value
// at most 256 characters.
type Attribute struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// ResourceGroup is a set of tags; a host belongs to it if it has any of them
// (keys are alternatives, as are the values of one key).
type ResourceGroup struct {
	ID        string
	Tags      []Tag
	CreatedAt time.Time
}

// Target is a set of hosts: those of a resource group, or all.
type Target struct {
	ID, Name             string
	ResourceGroup        string // empty: all hosts
	CreatedAt, UpdatedAt time.Time
}

// Template says how a target is assessed. It is immutable.
type Template struct {
	ID, Target, Name string
	Duration         time.Duration
	Packages         []string // ARNs, as they were given
	Attributes       []Attribute
	CreatedAt        time.Time
	LastRun          string // id of its newest run; empty if it never ran
	Runs             int64
}

// Limits of one account and region. Zero fields mean the defaults of AWS.
type Limits struct {
	Targets      int // 50
	Templates    int // 500
	Runs         int // 50,000
	RunningHosts int // 500
	Schedules    int // 500; AWS had none of its own
	Suppressions int // 1000 in force; AWS had none
}

// WithDefaults fills in what is zero.
func (l Limits) WithDefaults() Limits {
	for _, d := range []struct {
		field *int
		value int
	}{{&l.Targets, 50}, {&l.Templates, 500}, {&l.Runs, 50_000}, {&l.RunningHosts, 500}, {&l.Schedules, 500}, {&l.Suppressions, 1000}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return l
}

// Durations of a template, in AWS's bounds.
const (
	MinDuration = 180 * time.Second
	MaxDuration = 24 * time.Hour
)
