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
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"assay/internal/sensor"
	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/telemetry"
)

// pause is how long the sensor waits after something was seen first, so that what
// comes together is told together.
const pause = time.Second

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
	programs, err := bpf.Load()
	if err != nil {
		return refused(err), nil
	}
	defer programs.Close()
	clock, err := newClock()
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	o := &observation{
		programs: programs, namer: newNamer(a.proc, host.FS), clock: clock, emit: emit,
		began: time.Now().UTC(), told: map[string]bool{},
	}
	if err := o.follow(ctx); err != nil {
		return telemetry.Coverage{}, err
	}
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

// observation is one at work. What is in it belongs to one goroutine.
type observation struct {
	programs *bpf.Programs
	namer    *namer
	clock    clock
	emit     sensor.Emit
	began    time.Time
	told     map[string]bool // records, by their keys
}

// follow tells of first sights until ctx ends.
func (o *observation) follow(ctx context.Context) error {
	fresh := make(chan struct{}, 1)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return o.programs.Watch(ctx, func(s seen.Sight) {
			o.namer.see(s.PID)
			select {
			case fresh <- struct{}{}:
			default:
			}
		})
	})
	group.Go(func() error {
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-fresh:
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
			if err := o.tell(func(key string) bool { return !o.told[key] }); err != nil {
				return err
			}
		}
	})
	return group.Wait()
}

// tell emits the records of what the kernel has counted so far, if wanted.
func (o *observation) tell(wanted func(key string) bool) error {
	put := func(r telemetry.Record) error {
		key := telemetry.Key(r)
		if !wanted(key) {
			return nil
		}
		o.told[key] = true
		return o.emit(r)
	}
	for e, err := range o.programs.Executions() {
		if err = errors.Join(err, put(o.execution(e))); err != nil {
			return err
		}
	}
	for f, err := range o.programs.Flows() {
		if err = errors.Join(err, put(o.connection(f))); err != nil {
			return err
		}
	}
	for l, err := range o.programs.Listeners() {
		if err = errors.Join(err, put(o.accepting(l))); err != nil {
			return err
		}
	}
	return nil
}

// end tells of everything with its final counts, and how much of all it is.
func (o *observation) end(ctx context.Context) (telemetry.Coverage, error) {
	totals, err := o.programs.Totals()
	if err != nil {
		return telemetry.Coverage{}, err
	}
	// All are asked for by name once, so that what is not known can be searched.
	if err := o.tell(func(key string) bool { return !o.told[key] }); err != nil {
		return telemetry.Coverage{}, err
	}
	missing := o.namer.own(ctx)
	if err := o.tell(func(string) bool { return true }); err != nil {
		return telemetry.Coverage{}, err
	}
	err = o.emit(&telemetry.Observation{
		Began: o.began, Ended: time.Now().UTC(), Tier: "ebpf/" + o.programs.Build,
		Executions: totals.Executions, Connections: totals.Flows, Accepted: totals.Accepts,
		MissedExecutions: totals.ExecutionsFull, MissedConnections: totals.FlowsFull, MissedListeners: totals.ListenersFull,
	})
	return coverage(totals, missing), err
}

// coverage has a part for each kind: that a table was full says nothing of the others.
func coverage(t seen.Totals, missing []string) telemetry.Coverage {
	c := sensor.Covered(missing)
	for _, k := range []struct {
		name   string
		missed uint64
	}{{"executions", t.ExecutionsFull}, {"connections", t.FlowsFull}, {"listeners", t.ListenersFull}} {
		p := telemetry.Part{Name: k.name, State: telemetry.Complete}
		if k.missed > 0 {
			p.State, p.Reason = telemetry.Partial, fmt.Sprintf("%d %s found no place in the kernel's table", k.missed, k.name)
			if c.State == telemetry.Complete {
				c.State, c.Reason = p.State, p.Reason
			}
		}
		c.Parts = append(c.Parts, p)
	}
	return c
}
