// Package kernel is the sensor of the running kernel: its parameters by their
// sysctl names, and its loaded modules.
package kernel

import (
	"context"
	"fmt"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

type kernel struct{}

// New returns the sensor.
func New() sensor.Sensor { return kernel{} }

func (kernel) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorKernel,
		Summary: "Parameters of the running kernel, and loaded modules.",
		Reads:   []string{tree + "/**", modulesFile},
		Never:   leftOut,
		Live:    true,
	}
}

func (kernel) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	p := parameters{ctx: ctx, fs: host.FS, emit: emit}
	if err := p.all(); err != nil {
		return telemetry.Coverage{}, err
	}
	modules, err := collectModules(host.FS, emit)
	if err != nil {
		return telemetry.Coverage{}, err
	}
	parts := []telemetry.Part{part("parameters", sensor.Covered(p.missing)), part("modules", modules)}
	c := sensor.Covered(shortcomings(parts))
	c.Parts = parts
	return c, nil
}

func part(name string, c telemetry.Coverage) telemetry.Part {
	return telemetry.Part{Name: name, State: c.State, Reason: c.Reason}
}

func shortcomings(parts []telemetry.Part) (missing []string) {
	for _, p := range parts {
		if p.State != telemetry.Complete {
			missing = append(missing, fmt.Sprintf("%s: %s", p.Name, p.Reason))
		}
	}
	return missing
}
