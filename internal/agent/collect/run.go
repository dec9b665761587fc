package collect

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/internal/agent/spool"
	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// Job is what collecting into a run's spool needs. Its zero durations mean the
// defaults.
type Job struct {
	Spool   *spool.Spool
	Header  telemetry.Header // Agent, Version, Boot, Root, Run
	Host    *sensor.Host
	Timeout time.Duration   // of one sensor
	Wait    time.Duration   // for room in the spool; default two minutes
	Waiting func(err error) // is told why it waits, and nil when that is over; may be nil
	// Meanwhile is called while a sensor collects, and returns when over is closed. It may
	// store what other sensors have observed; may be nil.
	Meanwhile func(over <-chan struct{})
	Emitted   func() // is called when a sensor that observes has something to be stored; may be nil, and must not wait
}

// Run collects one sensor and commits its segments. stop ends the collection
// early, with what there is; its cause is the reason. ctx ends it with nothing
// committed, and Run returns its error. Every other error means that not even the
// sensor's failure could be stored.
func (j Job) Run(ctx context.Context, stop context.Context, s sensor.Sensor) error {
	both, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(stop, func() { cancel(context.Cause(stop)) })()

	name := s.Describe().Name
	out, err := j.begin(both, name)
	if err != nil {
		return j.lastWord(name, telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()})
	}
	coverage := j.observe(both, s, out)
	if ctx.Err() != nil {
		return errors.Join(ctx.Err(), out.discard(), out.stage.Abort())
	}
	if err := out.finish(coverage); err == nil {
		return nil
	} else if coverage.State == telemetry.Complete || coverage.Reason == "" {
		coverage.Reason = err.Error()
	}
	// There was no room to keep what was collected; there may be for less.
	coverage.State, coverage.Parts = telemetry.Failed, nil
	return j.lastWord(name, coverage)
}

func (j Job) observe(ctx context.Context, s sensor.Sensor, out *segments) (c telemetry.Coverage) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		c = observe(ctx, s, j.Host, j.timeout(), &sink{write: out.put})
	}()
	if j.Meanwhile != nil {
		j.Meanwhile(over)
	}
	<-over
	return c
}

// Skip commits the word that a sensor was not run, and why.
func (j Job) Skip(sensor, reason string) error {
	return j.lastWord(sensor, telemetry.Coverage{State: telemetry.NotCollected, Reason: reason})
}

// lastWord commits a sensor's coverage alone.
func (j Job) lastWord(name string, c telemetry.Coverage) error {
	out, err := j.begin(context.Background(), name)
	if err != nil {
		return fmt.Errorf("store that the sensor %s failed (%s): %w", name, c.Reason, err)
	}
	if err := out.end(c); err != nil {
		return fmt.Errorf("store that the sensor %s failed (%s): %w", name, c.Reason, errors.Join(err, out.stage.Abort()))
	}
	return nil
}

func (j Job) begin(ctx context.Context, name string) (*segments, error) {
	stage, err := j.Spool.Stage(j.Header.Run, name)
	if err != nil {
		return nil, err
	}
	h := j.Header
	h.OneSensor, h.Started = name, time.Now().UTC()
	r := room{wait: j.Wait, freed: j.Spool.Freed, waiting: j.Waiting}
	if r.wait == 0 {
		r.wait = 2 * time.Minute
	}
	return &segments{ctx: ctx, stage: stage, header: h, room: r}, nil
}

func (j Job) timeout() time.Duration {
	if j.Timeout == 0 {
		return DefaultTimeout
	}
	return j.Timeout
}

// finish ends a sensor with its coverage: in the segment that is open, else in
// one of its own that may use the spool's reserve.
func (s *segments) finish(c telemetry.Coverage) error {
	if s.writer == nil || c.State == telemetry.Failed || c.State == telemetry.Partial {
		// The open segment may be what broke. If it is sound its records
		// are kept.
		if err := s.flush(); err != nil {
			c = c.Lessened(err.Error())
		}
		return s.end(c)
	}
	c.Records = s.records + s.writer.Records()
	err := s.writer.Write(s.header.OneSensor, &c)
	if err == nil {
		err = s.close()
	} else {
		err = errors.Join(err, s.discard())
	}
	if err != nil {
		return s.end(c.Lessened(err.Error()))
	}
	return s.commit()
}

func (s *segments) flush() error {
	if s.writer == nil {
		return nil
	}
	return s.close()
}

// end writes the coverage as the last segment and commits the stage.
func (s *segments) end(c telemetry.Coverage) error {
	c.Records = s.records
	if err := s.open(true); err != nil {
		return err
	}
	if err := s.writer.Write(s.header.OneSensor, &c); err != nil {
		return errors.Join(err, s.discard())
	}
	if err := s.close(); err != nil {
		return err
	}
	return s.commit()
}
