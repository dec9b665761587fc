//go:build linux

// Package activity is the sensor of what happens on a host while a run goes on: what
// is executed, where programs connect to, what listeners accept. The kernel counts
// (package bpf), or if it takes no programs /proc is looked at (package poll); the sensor
// names what was counted, tells of what is seen for the
// first time within seconds, and of all with its final counts at the end.
//
// Never arguments, environment or what is sent and received.
package activity

import (
	"context"
	"errors"

	"assay/internal/sensor"
	"assay/internal/sensor/activity/poll"
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
		Summary: "What is executed, where programs connect to by TCP, what listeners accept, and where the kernel tells what is mapped executable, while a run goes on; counted by eBPF programs in the kernel, or, where it takes none, seen at looks at /proc.",
		Reads: []string{"eBPF: tracepoints sched_process_exec, inet_sock_set_state (which file, the path by which it is executed, by whom; the addresses and ports)",
			"eBPF, if the kernel lets: the security module hook mmap_file, or the tracepoint sched_process_exit (which files are mapped executable)",
			"/proc/[pid]/maps (the paths of those files)", "the files that are executed or mapped so: their owner, mode, and headers",
			"/proc/[pid]/exe", "/proc/[pid]/cgroup", "/proc/[pid]/ns/mnt",
			"without eBPF: /proc/[pid]/stat", "/proc/[pid]/status", "/proc/[pid]/ns/net", "/proc/[pid]/net/{tcp,tcp6}", "/proc/[pid]/fd (which sockets)"},
		Never: []string{"arguments", "environment", "what is sent or received"},
		Live:  true,
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
	o := &observation{
		namer: newNamer(a.proc, host.FS), doubts: newDoubts(), emit: emit, told: map[string]bool{},
	}
	var err error
	if o.clock, err = newClock(); err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	k, err := newKernel(o.doubts)
	if err == nil {
		return o.byKernel(ctx, k)
	}
	if !hostfs.Privileged() {
		return telemetry.Coverage{State: telemetry.Denied, Reason: refused + err.Error() + "; run the agent as root"}, nil
	}
	return o.byLooks(ctx, a.proc, err)
}

const refused = telemetry.KernelRefused + ": "

// byKernel observes with the programs in the kernel.
func (o *observation) byKernel(ctx context.Context, k *kernel) (telemetry.Coverage, error) {
	defer k.Close()
	o.source, o.tier, o.loads = k, "ebpf/"+k.Build, k.Mapped()
	guard := func(ctx context.Context) error { return k.limit.guard(ctx, k.Programs) }
	return o.run(ctx, guard, func() { k.doubt(o.doubts) })
}

// byLooks observes where the kernel does not take them, and why.
func (o *observation) byLooks(ctx context.Context, files proc.FS, why error) (telemetry.Coverage, error) {
	looks, err := poll.New(files)
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: refused + errors.Join(why, err).Error()}, nil
	}
	o.source, o.tier = looks, "poll"
	guard := func(context.Context) error { return nil } // it limits itself
	return o.run(ctx, guard, func() {
		for _, reason := range looks.Shortcomings() {
			o.doubts.add(reason + " (" + refused + why.Error() + ")")
		}
	})
}
