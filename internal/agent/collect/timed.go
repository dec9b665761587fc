package collect

import (
	"context"
	"time"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// timed is a sensor that observes for a time where another would look once.
type timed struct {
	sensor.Observer
	time time.Duration
}

// Collect implements sensor.Sensor.
func (t timed) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	watch, cancel := context.WithTimeout(ctx, t.time)
	defer cancel()
	c, err := t.Observe(watch, host, emit)
	if ctx.Err() != nil && err == nil {
		err = context.Cause(ctx) // it was to be longer
	}
	return c, err
}
