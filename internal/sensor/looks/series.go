package looks

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// Bounds of an observation. The first look and the last one tell all that they see; in
// between nothing new is told beyond these, and that is counted.
const (
	maxKept = 65_536  // records of what is there at once
	maxTold = 200_000 // records of all looks between
)

var errLong = errors.New("it took too long")

// series are the looks of one observation.
type series struct {
	emit             sensor.Emit
	maxKept, maxTold int
	kept             map[string]kept // what was there at the last look, by identity
	full             bool            // something was there that was not kept
	told             int             // between the first look and the last
	numbered         int             // the last number that was given to an object

	record   telemetry.Looks
	previous time.Time          // when the last look was that came to its end
	first    telemetry.Coverage // of the first look
	last     telemetry.Coverage
	failure  string // why the last look did not come to its end; empty: it did
}

// kept is what is remembered of a record.
type kept struct {
	record telemetry.Record // a copy that nobody else has
	look   int              // the last at which it was there
	seen   time.Time        // when that was
}

func newSeries(emit sensor.Emit) *series {
	return &series{emit: emit, kept: map[string]kept{}, maxKept: maxKept, maxTold: maxTold}
}

func (s *series) begin() error {
	s.record.Began = stamp(time.Now())
	began := s.record
	return s.emit(&began)
}

// stamp is a time as the records have it.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// look takes in what one look sees. An error is emit's.
func (s *series) look(began time.Time, last bool, collect func(see sensor.Emit) (telemetry.Coverage, error)) error {
	l := &look{series: s, number: s.record.Count + s.record.Failed + 1, at: stamp(began), last: last, objects: map[int]int{}}
	if l.number > 1 {
		s.record.Longest = max(s.record.Longest, l.at.Sub(s.latest()).Seconds())
	}
	c, err := collect(l.see)
	if l.err != nil {
		return l.err
	}
	if err != nil {
		c = telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}
	}
	if l.number == 1 {
		s.first = c
	}
	s.record.Ended = l.at
	if s.failure = ""; c.State == telemetry.Complete || c.State == telemetry.Partial {
		s.record.Count++
		s.last, s.previous = c, l.at
		return l.gone()
	}
	s.failure = c.Reason
	s.record.Failed++
	return nil
}

func (s *series) latest() time.Time {
	if s.record.Ended.IsZero() {
		return s.record.Began
	}
	return s.record.Ended
}

// end tells how there was looked, and how far that is all.
func (s *series) end() (telemetry.Coverage, error) {
	ended := s.record
	return s.coverage(), s.emit(&ended)
}

// coverage is that of the last look, and of the first where it was less: who was there
// from the beginning is known of that one only.
func (s *series) coverage() telemetry.Coverage {
	if s.record.Count == 0 {
		return telemetry.Coverage{State: telemetry.Failed, Reason: "no look came to its end: " + s.failure}
	}
	var less []string
	if s.failure != "" {
		less = append(less, fmt.Sprintf("the last look failed (%s): what is told is that of %s UTC", s.failure, s.previous.Format(time.DateTime)))
	}
	if s.full {
		less = append(less, fmt.Sprintf("only %d records were followed from look to look", s.maxKept))
	}
	c := s.last
	if c.State == telemetry.Partial {
		less = append(less, c.Reason)
	} else if s.first.State != telemetry.Complete {
		less = append(less, "at the first look: "+s.first.Reason)
	}
	whole := sensor.Covered(less)
	c.State, c.Reason = whole.State, whole.Reason
	c.Parts = slices.Clone(c.Parts)
	for i, p := range c.Parts {
		if s.failure != "" && p.State == telemetry.Complete {
			c.Parts[i].State, c.Parts[i].Reason = whole.State, whole.Reason
		}
	}
	c.Parts = append(c.Parts, s.between())
	return c
}

// between is the coverage of what came and went: never all.
func (s *series) between() telemetry.Part {
	reason := fmt.Sprintf("%d looks, up to %.0f s from one to the next: what came and went between two was not seen", s.record.Count, s.record.Longest)
	if s.record.Failed > 0 {
		reason += fmt.Sprintf("; %d more failed", s.record.Failed)
	}
	if s.record.Missed > 0 {
		reason += fmt.Sprintf("; what was seen %d times was not told, because there was too much", s.record.Missed)
	}
	return telemetry.Part{Name: "looks", State: telemetry.Partial, Reason: reason}
}
