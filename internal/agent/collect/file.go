package collect

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"assay/internal/durable"
	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// Snapshot is what collecting into a file needs.
type Snapshot struct {
	Name    string           // of the file
	Header  telemetry.Header // Version, Boot, Root
	Host    *sensor.Host
	Sensors []sensor.Sensor
	Timeout time.Duration                             // of one look of a sensor; zero means the default
	Observe time.Duration                             // for which those observe that can; zero: all look once
	Begin   func(sensor string)                       // may be nil
	End     func(sensor string, c telemetry.Coverage) // may be nil
}

// File collects the sensors into one file, which appears under its name only when it
// is whole and durable: one after the other those that look once, and meanwhile, all at
// the same time, those that observe. It returns the coverages, in the order of the
// sensors.
func (s Snapshot) File(ctx context.Context) ([]telemetry.Coverage, error) {
	coverages := make([]telemetry.Coverage, len(s.Sensors))
	err := durable.Replace(s.Name, func(f *os.File) error {
		h := s.Header
		h.Started = time.Now().UTC()
		w, err := telemetry.NewWriter(f, h)
		if err != nil {
			return err
		}
		out := &shared{writer: w}
		ctx, cancel := context.WithCancel(ctx)
		watches := s.watch(ctx, out)
		defer func() {
			cancel()
			for _, done := range watches {
				<-done
			}
		}()
		for _, observing := range []bool{false, true} {
			for i, one := range s.Sensors {
				if s.observes(one) != observing {
					continue
				}
				if coverages[i], err = s.sensor(ctx, out, one, watches[i]); err != nil {
					return err
				}
			}
		}
		return w.Close()
	})
	return coverages, err
}

// observes tells whether a sensor observes where others look once.
func (s Snapshot) observes(one sensor.Sensor) bool {
	_, can := one.(sensor.Observer)
	return can && s.Observe > 0
}

// watch begins to observe with the sensors that do.
func (s Snapshot) watch(ctx context.Context, out *shared) map[int]chan telemetry.Coverage {
	watches := map[int]chan telemetry.Coverage{}
	for i, one := range s.Sensors {
		if !s.observes(one) {
			continue
		}
		done := make(chan telemetry.Coverage, 1)
		watches[i] = done
		go func() {
			defer close(done)
			done <- s.collect(ctx, out, timed{one.(sensor.Observer), s.Observe}, s.Observe)
		}()
	}
	return watches
}

// sensor collects one sensor, or waits for one that observes, and writes its coverage.
func (s Snapshot) sensor(ctx context.Context, out *shared, one sensor.Sensor, watch <-chan telemetry.Coverage) (c telemetry.Coverage, err error) {
	name := one.Describe().Name
	if s.Begin != nil {
		s.Begin(name)
	}
	if watch != nil {
		c = <-watch
	} else {
		c = s.collect(ctx, out, one, 0)
	}
	if ctx.Err() != nil {
		return c, context.Cause(ctx)
	}
	if err := out.write(name, &c); err != nil {
		return c, fmt.Errorf("write the snapshot: %w", err)
	}
	if s.End != nil {
		s.End(name, c)
	}
	return c, nil
}

// collect is the coverage of a sensor that may take so much longer than others.
func (s Snapshot) collect(ctx context.Context, out *shared, one sensor.Sensor, longer time.Duration) telemetry.Coverage {
	timeout := s.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	name := one.Describe().Name
	records := &sink{write: func(r telemetry.Record) error { return out.write(name, r) }}
	c := observe(ctx, one, s.Host, timeout+longer, records)
	c.Records, _ = records.end()
	return c
}

// shared is a writer for several sensors at once.
type shared struct {
	mu     sync.Mutex
	writer *telemetry.Writer
}

func (s *shared) write(sensor string, r telemetry.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writer.Write(sensor, r)
}
