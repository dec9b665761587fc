// Package mounts is the sensor of mounted file systems.
package mounts

import (
	"context"

	"assay/internal/sensor"
	"assay/internal/sensor/config/redact"
	"assay/internal/sensor/mountinfo"
	"assay/internal/telemetry"
)

// sources are tried in turn: process 1 sees the host's mounts, the agent under
// its unit's hardening may see other options in a mount namespace of its own.
var sources = []string{"/proc/1/mountinfo", "/proc/self/mountinfo"}

type mounts struct{}

// New returns the sensor.
func New() sensor.Sensor { return mounts{} }

func (mounts) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorMounts,
		Summary: "Mounted file systems with their options.",
		Reads:   sources,
		Never:   []string{"credentials in sources and options: redacted"},
		Live:    true,
	}
}

func (mounts) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	entries, err := read()
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	for i := range entries {
		if ctx.Err() != nil {
			return telemetry.Coverage{}, ctx.Err()
		}
		if err := emit(record(&entries[i])); err != nil {
			return telemetry.Coverage{}, err
		}
	}
	return telemetry.Coverage{State: telemetry.Complete}, nil
}

func read() (entries []mountinfo.Entry, err error) {
	for _, name := range sources {
		if entries, err = mountinfo.Read(name); err == nil && len(entries) > 0 {
			return entries, nil
		}
	}
	return nil, err
}

func record(e *mountinfo.Entry) *telemetry.Mount {
	return &telemetry.Mount{
		ID: e.ID, Parent: e.Parent, Device: e.Device, Root: e.Root, Point: e.Point,
		FileSystem: e.FileSystem, Source: redact.URL(e.Source),
		Options: redact.MountOptions(e.Options), SuperOptions: redact.MountOptions(e.SuperOptions),
	}
}
