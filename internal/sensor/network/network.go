// Package network is the sensor of network interfaces and routes. On Linux it
// asks the kernel over rtnetlink (rtnetlink(7)), which is always built in and
// loads nothing.
package network

import (
	"context"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

type network struct{}

// New returns the sensor.
func New() sensor.Sensor { return network{} }

func (network) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorNetwork,
		Summary: "Network interfaces with their addresses, and the routing tables.",
		Reads:   []string{"rtnetlink: RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE"},
		Live:    true,
	}
}

func (network) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	coverage := telemetry.Coverage{State: telemetry.Complete}
	for _, part := range []struct {
		name string
		read func() ([]telemetry.Record, error)
	}{{"interfaces", interfaces}, {"routes", routes}} {
		records, err := part.read()
		p := telemetry.Part{Name: part.name, State: telemetry.Complete}
		if err != nil {
			p.State, p.Reason = telemetry.Failed, err.Error()
			coverage.State, coverage.Reason = telemetry.Partial, err.Error()
		}
		coverage.Parts = append(coverage.Parts, p)
		for _, r := range records {
			if err := emit(r); err != nil {
				return coverage, err
			}
		}
	}
	return coverage, ctx.Err()
}
