package collect

import (
	"context"
	"fmt"
	"os"
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
	Timeout time.Duration                             // of one sensor; zero means the default
	Begin   func(sensor string)                       // may be nil
	End     func(sensor string, c telemetry.Coverage) // may be nil
}

// File collects the sensors one after the other into one file, which appears
// under its name only when it is whole and durable. It returns the coverages, in
// the order of the sensors.
func (s Snapshot) File(ctx context.Context) ([]telemetry.Coverage, error) {
	var coverages []telemetry.Coverage
	err := durable.Replace(s.Name, func(f *os.File) error {
		h := s.Header
		h.Started = time.Now().UTC()
		w, err := telemetry.NewWriter(f, h)
		if err != nil {
			return err
		}
		for _, one := range s.Sensors {
			c, err := s.sensor(ctx, w, one)
			if err != nil {
				return err
			}
			coverages = append(coverages, c)
		}
		return w.Close()
	})
	return coverages, err
}

func (s Snapshot) sensor(ctx context.Context, w *telemetry.Writer, one sensor.Sensor) (telemetry.Coverage, error) {
	name := one.Describe().Name
	if s.Begin != nil {
		s.Begin(name)
	}
	timeout := s.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	before := w.Records()
	c := observe(ctx, one, s.Host, timeout, &sink{write: func(r telemetry.Record) error { return w.Write(name, r) }})
	if err := ctx.Err(); err != nil {
		return c, context.Cause(ctx)
	}
	c.Records = w.Records() - before
	if err := w.Write(name, &c); err != nil {
		return c, fmt.Errorf("write the snapshot: %w", err)
	}
	if s.End != nil {
		s.End(name, c)
	}
	return c, nil
}
