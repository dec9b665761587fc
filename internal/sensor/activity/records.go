//go:build linux

package activity

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
	"assay/internal/telemetry"
)

// clock turns the kernel's times, which are those of CLOCK_MONOTONIC, into times of the
// host's clock, as it is now.
type clock struct{ boot time.Time }

func newClock() (clock, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return clock{}, fmt.Errorf("read the kernel's clock: %w", err)
	}
	return clock{time.Now().Add(-time.Duration(t.Nano()))}, nil
}

func (c clock) time(since time.Duration) time.Time {
	if since == 0 {
		return time.Time{}
	}
	return c.boot.Add(since).UTC().Truncate(time.Millisecond)
}

func (c clock) activity(n seen.Counts) telemetry.Activity {
	return telemetry.Activity{Count: n.N, First: c.time(n.First), Last: c.time(n.Last)}
}

func (o *observation) execution(e seen.Execution) *telemetry.Execution {
	r := &telemetry.Execution{
		Device: e.Device, Inode: e.Inode, Generation: e.Generation, UID: e.UID, Activity: o.clock.activity(e.Counts), Name: e.Name,
	}
	p := o.namer.name(e.Program, e.PID)
	o.uses.note(e.File, use{executed: true, root: e.Root})
	if p.path == "" && e.Path != "" {
		p = o.namer.called(e.Program, e.Path, uint64(e.MountNS))
	}
	if e.Host {
		p = o.namer.shared(e, p)
	}
	r.Path, r.Package, r.Unverified, r.Root = p.path, p.owner, p.unverified, e.Root
	r.MountNS, r.Container = o.namer.where(p, e.MountNS, e.Host)
	return r
}

func (o *observation) load(l seen.Load) *telemetry.Load {
	of, by := o.namer.name(seen.Program{File: l.File}, 0), o.namer.name(l.By, l.PID)
	if path := o.namer.noted(l.File); of.path == "" && path != "" {
		of = o.namer.called(seen.Program{File: l.File}, path, uint64(l.MountNS))
	}
	o.uses.note(l.File, use{mapped: true, root: l.Root})
	if by.unverified {
		by.path = ""
	}
	r := &telemetry.Load{
		Device: l.Device, Inode: l.Inode, Generation: l.Generation, ByDevice: l.By.Device, ByInode: l.By.Inode, ByGeneration: l.By.Generation, UID: l.By.UID,
		Activity: o.clock.activity(l.Counts), Path: of.path, Unverified: of.unverified, Package: of.owner, By: by.path, Name: l.Name,
	}
	r.MountNS, r.Container = o.namer.where(by, l.MountNS, l.Host)
	return r
}

func (o *observation) connection(f seen.Flow) *telemetry.Connection {
	p := o.namer.name(f.Program, f.PID)
	return &telemetry.Connection{
		Device: f.Device, Inode: f.Inode, Generation: f.Generation, UID: f.UID, NetNS: uint64(f.NetNS),
		Remote: f.Remote.Addr().String(), Port: f.Remote.Port(), Activity: o.clock.activity(f.Counts),
		Local: f.Local, Agent: o.namer.self == placeOf(f.File), Path: p.path, Unverified: p.unverified, Name: f.Name, Package: p.owner, Container: p.container,
	}
}

func (o *observation) accepting(l seen.Listener) *telemetry.Accepting {
	return &telemetry.Accepting{
		NetNS: uint64(l.NetNS), Family: l.Family, Port: l.Port,
		Activity: telemetry.Activity{Count: l.Accepts, Last: o.clock.time(l.LastAccept)},
		Foreign:  l.Foreign, LastForeign: o.clock.time(l.LastForeign), Listens: l.Listens.N,
	}
}
