//go:build linux

// Package activity is the sensor of what happens on a host while a run goes on: what
// is executed, where programs connect to, what listeners accept, and where the kernel lets
// what is mapped executable. It observes by the best tier that can be had: the kernel counts
// (package bpf); it tells of executions (packages fanotify, connector) and /proc is looked
// at for the rest; or only that (package poll). The sensor names what was counted, tells of
// what is seen for the first time within seconds, and of all with its final counts at the end.
//
// What a tier does not see is in doubt, part by part, and becomes the coverage. Why there
// is no better one is a refusal: by the kernel, or by how the agent stands to it.
//
// Never arguments, environment or what is sent and received.
package activity

import (
	"context"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/kerneltime"
	"assay/internal/sensor/proc"
	"assay/internal/telemetry"
)

type activity struct {
	proc  proc.FS
	tiers []Tier
	now   *atWork
}

// New returns the sensor, which observes by the first of the tiers that can be had; of none
// named, all are tried, the best first.
func New(tiers ...Tier) sensor.Observer {
	if len(tiers) == 0 {
		tiers = Tiers()
	}
	return activity{proc.New("/proc"), tiers, new(atWork)}
}

func (activity) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorActivity,
		Summary: "What is executed, where programs connect to by TCP, what listeners accept, and where the kernel tells what is mapped executable, while a run goes on; counted by eBPF programs in the kernel, or, where it takes none, told by fanotify or the process connector, or seen at looks at /proc.",
		Reads: []string{"eBPF: tracepoints sched_process_exec, inet_sock_set_state (which file, the path by which it is executed, by whom; the addresses and ports)",
			"eBPF, if the kernel lets: the security module hook mmap_file, or the tracepoint sched_process_exit (which files are mapped executable)",
			"/proc/[pid]/maps (the paths of those files)", "the files that are executed or mapped so: their owner, mode, and headers",
			"/proc/[pid]/exe", "/proc/[pid]/cgroup", "/proc/[pid]/ns/mnt",
			"without eBPF, executions: fanotify (FAN_OPEN_EXEC), headers of what is executed, /proc/[pid]/mountinfo; or the process connector",
			"without eBPF: /proc/[pid]/stat", "/proc/[pid]/status", "/proc/[pid]/ns/net", "/proc/[pid]/net/{tcp,tcp6}", "/proc/[pid]/fd (which sockets)"},
		Never: []string{"arguments", "environment", "what is sent or received"},
		Live:  true, Observes: true,
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
		namer: newNamer(a.proc, host.FS), doubts: newDoubts(), emit: emit, told: newTellings(),
	}
	var err error
	if o.clock, err = kerneltime.New(); err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	w, refused := a.open(o.doubts)
	switch {
	case w == nil && !hostfs.Privileged():
		return telemetry.Coverage{State: telemetry.Denied, Reason: words(refused) + "; run the agent as root"}, nil
	case w == nil:
		return telemetry.Coverage{State: telemetry.Failed, Reason: words(refused)}, nil
	}
	defer w.Close()
	o.unsupported = unsupported(refused)
	defer a.now.begin(w, refused, o.doubts)()
	return o.run(ctx, w, because(refused))
}
