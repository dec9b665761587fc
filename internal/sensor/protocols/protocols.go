//go:build linux

// Package protocols is the sensor of what connections are spoken by, where an operator
// has asked for it: the kernel compares the first bytes of each TCP connection with those
// that protocols begin with (packages bpf and firstbytes), and the sensor tells the names
// of what was recognised, by listener and by server. Never what is sent and received.
//
// It is an optional one: a run has it only if it is named.
package protocols

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/protocols/bpf"
	"assay/internal/telemetry"
)

type protocols struct{ mounts string }

// New returns the sensor.
func New() sensor.Observer { return protocols{"/proc/self/mountinfo"} }

func (protocols) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorProtocols,
		Summary: "By what protocols TCP connections begin, while a run goes on; recognised by eBPF programs in the kernel, by at most 16 bytes of each direction, of which nothing but the protocol's name is told.",
		Reads:   []string{"eBPF: control groups' hooks cgroup_skb and sock_ops, the first 16 bytes of each direction of TCP connections that begin meanwhile", "/proc/self/mountinfo"},
		Never:   []string{"the bytes themselves", "anything after them"},
		Live:    true, Optional: true, Observes: true,
	}
}

// Collect implements sensor.Sensor: at one look there is nothing to be seen.
func (protocols) Collect(_ context.Context, host *sensor.Host, _ sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	return telemetry.Coverage{State: telemetry.NotCollected, Reason: "only an observation over some time can tell, not a snapshot"}, nil
}

// Observe implements sensor.Observer.
func (p protocols) Observe(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	group, whole, err := root(p.mounts)
	if err != nil {
		return telemetry.Coverage{State: telemetry.NotCollected, Reason: err.Error()}, nil
	}
	programs, err := bpf.Load(group)
	switch {
	case err != nil && !hostfs.Privileged():
		return telemetry.Coverage{State: telemetry.Denied, Reason: refused + err.Error() + "; run the agent as root"}, nil
	case err != nil:
		return telemetry.Coverage{State: telemetry.Failed, Reason: refused + err.Error()}, nil
	}
	defer programs.Close()
	o := &observation{programs: programs, limit: newLimit(), emit: emit, told: map[string]uint64{}}
	if !whole {
		o.doubt("%s is not the root of the control groups, but that of the agent's own: connections of others are not looked at", group)
	}
	// What cannot be measured cannot be limited.
	if _, err := o.limit.measure(ctx, programs, 0); err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	switch err := programs.Canary(); {
	case errors.Is(err, bpf.ErrDeaf):
		return telemetry.Coverage{State: telemetry.Failed, Reason: "a connection that the agent made to see whether connections are looked at was not: " + err.Error()}, nil
	case err != nil:
		o.doubt("that connections are looked at is not proven: %v", err)
	}
	return o.run(ctx)
}

const refused = telemetry.KernelRefused + ": "

// pause is how often the sensor looks whether something new was recognised.
const pause = 2 * time.Second

// observation is one at work. What is in it belongs to one goroutine.
type observation struct {
	programs *bpf.Programs
	limit    *limit
	emit     sensor.Emit
	told     map[string]uint64 // connections, by the key of the record
	doubts   []string
}

func (o *observation) doubt(format string, args ...any) {
	o.doubts = append(o.doubts, fmt.Sprintf(format, args...))
}

// run observes until ctx ends.
func (o *observation) run(ctx context.Context) (telemetry.Coverage, error) {
	group, during := errgroup.WithContext(ctx)
	group.Go(func() error { return o.limit.guard(during, o.programs) })
	group.Go(func() error { return o.follow(during) })
	if err := group.Wait(); err != nil {
		return telemetry.Coverage{}, err
	}
	if err := o.tell(func(string, uint64) bool { return true }); err != nil {
		return telemetry.Coverage{}, err
	}
	if reason := o.limit.doubt(); reason != "" {
		o.doubt("%s", reason)
	}
	totals, err := o.programs.Totals()
	o.count(totals)
	return sensor.Covered(o.doubts), err
}

// follow tells of what is recognised first until ctx ends.
func (o *observation) follow(ctx context.Context) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := o.tell(func(key string, _ uint64) bool { return o.told[key] == 0 }); err != nil {
			return err
		}
	}
}

// tell emits the records of what was counted so far, if wanted.
func (o *observation) tell(wanted func(key string, n uint64) bool) error {
	records, err := o.records()
	if err != nil {
		return err
	}
	for _, r := range records {
		key := telemetry.Key(r)
		if !wanted(key, r.Count) {
			continue
		}
		o.told[key] = r.Count
		if err := o.emit(r); err != nil {
			return err
		}
	}
	return nil
}

// count adds what was not looked at, or found no place.
func (o *observation) count(t bpf.Totals) {
	for _, missed := range []struct {
		n    uint64
		what string
	}{
		{t.Full, "that were recognised found no place in the table"},
		{t.Untracked, "were not looked at: the kernel had no place for what it has to know of them"},
		{t.Multipath, "were not looked at: they were made by MPTCP"},
	} {
		if missed.n > 0 {
			o.doubt("%d connections %s", missed.n, missed.what)
		}
	}
}
