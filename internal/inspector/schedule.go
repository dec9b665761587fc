package inspector

import "time"

// Schedule starts runs of a template again and again.
type Schedule struct {
	ID               string
	Template, Target string
	Expression       string // see package schedule
	Zone             string // an IANA name; empty: UTC
	StartAt          time.Time
	CreatedAt        time.Time
	Paused           bool
	Rematch          bool // the runs are re-matches

	// DueAt is the first time that was reached, or will be, for which there is no
	// run yet; zero when no time is left. TryAt is when that run is to be started:
	// at DueAt, or later after a try that was refused; zero while there is nothing
	// to try.
	DueAt, TryAt time.Time

	Last ScheduleOutcome
}

// ScheduleOutcome is what came of a schedule's time.
type ScheduleOutcome struct {
	At       time.Time `json:"at,omitzero"`       // when it was tried; zero: never yet
	Due      time.Time `json:"due,omitzero"`      // the newest time that the try was for
	Missed   int       `json:"missed,omitempty"`  // older times that it was for, too
	Run      string    `json:"run,omitempty"`     // the id of the run; empty: it was refused
	Attempts int       `json:"attempts,omitzero"` // how often in a row it was refused
	Kind     ErrorKind `json:"kind,omitempty"`    // of the refusal
	Reason   string    `json:"reason,omitempty"`  // of the refusal
}

// Refused tells whether the last try was refused.
func (o ScheduleOutcome) Refused() bool { return o.Reason != "" }
