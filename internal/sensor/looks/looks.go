// Package looks makes a sensor that looks once one that observes as well: while a run
// goes on it looks again and again, at the start, about each minute and at the end, and
// tells what is new, what has changed, and what is gone. What comes and goes between two
// looks it does not see; the part "looks" of its coverage says how far apart they were.
//
// What is remembered from look to look is what was there at the last one, so that it
// does not grow with what comes and goes.
package looks

import (
	"context"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"time"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// How often there is a look: each minute, and so seldom that each of the three sensors
// that look again and again takes no more than one part in share of a processor: 1 % in
// all, with what the collector of memory takes on other threads. A look may take as long as the collection of a sensor that looks once; the last
// one less, because the agent waits ten seconds for it.
const (
	soonest = time.Minute
	share   = 400
	longest = 5 * time.Minute
	ending  = 8 * time.Second
)

// Turn is shared by sensors of which one looks at a time, so that what a look needs of
// memory is needed once.
type Turn chan struct{}

// NewTurn makes a turn that nobody has.
func NewTurn() Turn { return make(Turn, 1) }

type observer struct {
	sensor.Sensor
	turn Turn
	wait func(ctx context.Context, pause time.Duration) // until the next look, or ctx ends
}

// New makes a sensor observe. Collect stays as it is.
func New(s sensor.Sensor, t Turn) sensor.Observer { return observer{s, t, wait} }

// wait waits up to a tenth longer, so that a fleet of hosts does not look at once.
func wait(ctx context.Context, pause time.Duration) {
	select {
	case <-time.After(pause + rand.N(pause/10)):
	case <-ctx.Done():
	}
}

// Observe implements sensor.Observer.
func (o observer) Observe(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	s := newSeries(emit)
	if err := s.begin(); err != nil {
		return telemetry.Coverage{}, err
	}
	for {
		took, err := o.look(ctx, host, s, longest, false)
		if err != nil {
			return telemetry.Coverage{}, err
		}
		if o.wait(ctx, max(soonest, share*took)); ctx.Err() != nil {
			break
		}
	}
	// The end of ctx ended the observation only.
	if _, err := o.look(context.WithoutCancel(ctx), host, s, ending, true); err != nil {
		return telemetry.Coverage{}, err
	}
	return s.end()
}

// look looks once, and tells what processor time it took. An error is emit's; a look
// that failed is the series'.
func (o observer) look(ctx context.Context, host *sensor.Host, s *series, limit time.Duration, last bool) (time.Duration, error) {
	runtime.LockOSThread() // whose time is measured
	defer runtime.UnlockOSThread()
	timed, cancel := context.WithTimeoutCause(ctx, limit, errLong)
	defer cancel()
	before := spent()
	select {
	case o.turn <- struct{}{}:
		defer func() { <-o.turn }()
	case <-timed.Done():
	}
	err := s.look(time.Now(), last, func(see sensor.Emit) (telemetry.Coverage, error) {
		if timed.Err() != nil {
			return telemetry.Coverage{}, context.Cause(timed)
		}
		c, err := o.Collect(timed, host, see)
		if err != nil && timed.Err() != nil {
			err = context.Cause(timed)
		}
		return c, err
	})
	// What a look needed is not needed again for a long time.
	debug.FreeOSMemory()
	return spent() - before, err
}
