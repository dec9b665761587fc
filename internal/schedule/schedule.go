// Package schedule reads when something is to happen again and again, and tells
// the times. It is pure: no clock, no state. Three notations are taken:
//
//	every 7 days            from a start on, at its time of day in the schedule's time zone
//	rate(7 days)            CloudWatch Events: from a start on, each so many seconds
//	30 2 * * mon-fri        cron with five fields
//	cron(30 2 ? * MON-FRI *)  CloudWatch Events: cron with six fields, the last of them years
//
// Libraries for cron were looked at and left: what matters here is that no time
// is lost and none comes twice when clocks change, and the one that everybody
// uses (robfig/cron) leaves out the times that a change in spring skips.
package schedule

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // where the system has no table of time zones: containers, Windows
)

// MinInterval is the shortest time that a schedule may leave between two of its
// times.
const MinInterval = 5 * time.Minute

// maxText bounds an expression; cron lists of every minute fit.
const maxText = 512

// Schedule is a rule by which times follow one another. It is immutable.
type Schedule struct {
	text  string
	zone  *time.Location
	start time.Time
	rule  rule
}

// rule is a notation. after returns the first time of the rule that is later than
// t, or false when there is none.
type rule interface {
	after(t time.Time, s Schedule) (time.Time, bool)
}

// Parse reads an expression in one of the package's notations. zone is the name of
// an IANA time zone, empty for UTC; no time comes before start, which is rounded
// to seconds.
func Parse(text, zone string, start time.Time) (Schedule, error) {
	location, err := Zone(zone)
	if err != nil {
		return Schedule{}, err
	}
	if len(text) > maxText {
		return Schedule{}, fmt.Errorf("an expression has at most %d characters", maxText)
	}
	s := Schedule{text: text, zone: location, start: start.Truncate(time.Second)}
	if s.rule, err = parseRule(text); err != nil {
		return Schedule{}, err
	}
	return s, s.check()
}

// Zone finds a time zone by its IANA name; empty means UTC. "Local" is none: it
// would be another one on every machine.
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if name == "Local" || len(name) > 64 {
		return nil, fmt.Errorf("%.64q is not the name of a time zone: one looks like Europe/Berlin", name)
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("%q is not the name of a time zone: one looks like Europe/Berlin", name)
	}
	return location, nil
}

// String is the expression.
func (s Schedule) String() string { return s.text }

// Next returns the first time that is later than t and not before the start; false
// when there is none any more.
func (s Schedule) Next(t time.Time) (time.Time, bool) {
	if before := s.start.Add(-1); t.Before(before) {
		t = before
	}
	next, ok := s.rule.after(t, s)
	return next.UTC(), ok
}

// Since counts the times after t and up to now, and returns the last of them. It
// stops counting at most.
func (s Schedule) Since(t, now time.Time, most int) (last time.Time, n int) {
	for n < most {
		next, ok := s.Next(t)
		if !ok || next.After(now) {
			break
		}
		last, t = next, next
		n++
	}
	return last, n
}

// probes are more times than a day can have that are MinInterval apart.
const probes = 24*60/5 + 2

// check refuses a schedule without any time, and one whose times are too close. It
// looks in UTC, where no clock changes bring times together: the caller deals with
// those.
func (s Schedule) check() error {
	if _, ok := s.Next(s.start.Add(-1)); !ok {
		return fmt.Errorf("%q never comes after the start", s.text)
	}
	s.zone = time.UTC
	at, ok := s.Next(s.start.Add(-1))
	for range probes {
		var next time.Time
		if !ok {
			return nil
		}
		if next, ok = s.Next(at); ok && next.Sub(at) < MinInterval {
			return fmt.Errorf("%q comes again after %v: runs are at least %v apart", s.text, next.Sub(at), MinInterval)
		}
		at = next
	}
	return nil
}

var errNotation = errors.New(`it is not one of: "every 7 days", "rate(7 days)", "30 2 * * mon-fri" (cron: minute, hour, day of month, month, day of week), "cron(30 2 ? * MON-FRI *)" (the same with a year)`)
