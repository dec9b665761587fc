// Package collect runs sensors, each within a time limit and at the lowest
// priority, and writes what they emit: into a run's spool (Run), or into one
// file without any service (File). Whatever a sensor does, fail, panic, hang or
// find no room, ends as its coverage, and the others go on.
package collect

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// Limits on a sensor's work.
const (
	DefaultTimeout = 5 * time.Minute
	// grace is how long a sensor may go on after it was told to stop, before
	// it is left behind.
	grace = 10 * time.Second
	// MaxRecords bounds what one sensor may emit.
	MaxRecords = 4_000_000
)

// ErrOver is what a sensor's emit returns once nobody listens any more.
var ErrOver = errors.New("the collection is over")

var errTooMany = fmt.Errorf("there are more than %d records", MaxRecords)

// sink takes a sensor's records and refuses them once the sensor was left
// behind. It is safe for concurrent use, as a sensor may emit from several
// goroutines by mistake, and one that hangs may wake up later.
type sink struct {
	mu      sync.Mutex
	over    bool
	records int64
	err     error // the first that write returned: it, not the sensor, ended the collection
	write   func(telemetry.Record) error
}

func (s *sink) emit(ctx context.Context, r telemetry.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return ErrOver
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.err == nil && s.records >= MaxRecords {
		s.err = errTooMany
	}
	if s.err == nil {
		s.err = s.write(r)
	}
	if s.err == nil {
		s.records++
	}
	return s.err
}

// end closes the sink and returns how the writing went.
func (s *sink) end() (records int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	return s.records, s.err
}

type outcome struct {
	coverage telemetry.Coverage
	err      error
	panicked bool
}

// observe runs one sensor to its end, or until its time is over, and returns
// its coverage without counts.
func observe(ctx context.Context, s sensor.Sensor, host *sensor.Host, timeout time.Duration, out *sink) telemetry.Coverage {
	timed, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("the sensor was not done within %s", timeout))
	defer cancel()
	done := make(chan outcome, 1)
	go func() {
		// The goroutine keeps its thread, which dies with it: its
		// priority is nobody else's.
		lowPriority()
		done <- call(func() (telemetry.Coverage, error) {
			return s.Collect(timed, host, func(r telemetry.Record) error { return out.emit(timed, r) })
		})
	}()
	var o outcome
	select {
	case o = <-done:
	case <-timed.Done():
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case o = <-done:
		case <-late.C:
			o.err = fmt.Errorf("%w, and did not stop when it was told to", context.Cause(timed))
		}
	}
	records, writeErr := out.end()
	return o.judge(timed, records, writeErr)
}

// call contains a panic.
func call(work func() (telemetry.Coverage, error)) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			// The value may quote the host's data: only where it
			// happened goes further, and only to the coverage.
			o = outcome{err: fmt.Errorf("the sensor crashed (%s)", where(debug.Stack())), panicked: true}
		}
	}()
	o.coverage, o.err = work()
	return o
}

// judge makes a coverage of how the sensor ended.
func (o outcome) judge(ctx context.Context, records int64, writeErr error) telemetry.Coverage {
	cut := telemetry.Coverage{State: telemetry.Failed}
	if records > 0 && !o.panicked {
		cut.State = telemetry.Partial
	}
	switch {
	case writeErr != nil:
		cut.Reason = writeErr.Error()
	case o.panicked:
		cut.Reason = o.err.Error()
	case ctx.Err() != nil && o.err != nil && !errors.Is(o.err, context.Cause(ctx)):
		cut.Reason = context.Cause(ctx).Error()
	case o.err != nil:
		cut.Reason = o.err.Error()
	default:
		return checked(o.coverage)
	}
	return cut
}

// checked makes of a coverage that does not follow the rules one that does not
// claim to be complete.
func checked(c telemetry.Coverage) telemetry.Coverage {
	switch c.State {
	case telemetry.Complete:
	case telemetry.Partial, telemetry.Denied, telemetry.Failed, telemetry.NotCollected:
		if c.Reason == "" {
			c.Reason = "the sensor gave no reason"
		}
	default:
		c.State, c.Reason = telemetry.Failed, "the sensor did not say how far it is complete"
	}
	return c
}
