//go:build linux

// Package activity is the sensor of what happens on a host while a run goes on: what
// is executed, where programs connect to, what listeners accept. The kernel counts
// (package bpf); the sensor names what was counted, tells of what is seen for the
// first time within seconds, and of all with its final counts at the end.
//
// Never arguments, environment or what is sent and received.
package activity

import (
	"context"
	"time"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/telemetry"
)

type activity struct{ proc proc.FS }

// New returns the sensor.
func New() sensor.Observer { return activity{proc.New("/proc")} }

func (activity) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorActivity,
		Summary: "What is executed, where programs connect to by TCP, and what listeners accept, while a run goes on; counted by eBPF programs in the kernel.",
		Reads:   []string{"eBPF: tracepoints sched_process_exec, inet_sock_set_state", "/proc/[pid]/exe", "/proc/[pid]/cgroup"},
		Never:   []string{"arguments", "environment", "what is sent or received"},
		Live:    true,
	}
}

// Collect implements sensor.Sensor: at one look there is nothing to be seen.
func (activity) Collect(_ context.Context, host *sensor.Host, _ sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	return telemetry.Coverage{State: telemetry.NotCollected, Reason: "only an observation over some time can tell, not a snapshot"}, nil
}

// Observe implements sensor.Observer.
func (a activity) Observe(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	doubts := newDoubts()
	k, err := newKernel(doubts)
	if err != nil {
		return refused(err), nil
	}
	defer k.Close()
	clock, err := newClock()
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	o := &observation{
		source: k, tier: "ebpf/" + k.Build, doubts: doubts,
		namer: newNamer(a.proc, host.FS), clock: clock, emit: emit,
		began: time.Now().UTC(), told: map[string]bool{},
	}
	if err := o.follow(ctx, func(ctx context.Context) error { return k.limit.guard(ctx, k.Programs) }); err != nil {
		return telemetry.Coverage{}, err
	}
	k.limit.doubt(doubts)
	// The end of ctx ended the observation only.
	return o.end(context.WithoutCancel(ctx))
}

// refused is the coverage where the kernel does not take the programs.
func refused(err error) telemetry.Coverage {
	c := telemetry.Coverage{State: telemetry.Failed, Reason: "the kernel does not take the eBPF programs: " + err.Error()}
	if !hostfs.Privileged() {
		c.State, c.Reason = telemetry.Denied, c.Reason+"; run the agent as root"
	}
	return c
}
