//go:build linux

package activity

import (
	"assay/internal/sensor/activity/seen"
	"assay/internal/telemetry"
)

func (o *observation) activity(n seen.Counts) telemetry.Activity {
	return telemetry.Activity{Count: n.N, First: o.clock.Time(n.First), Last: o.clock.Time(n.Last)}
}

func (o *observation) execution(e seen.Execution) *telemetry.Execution {
	r := &telemetry.Execution{
		Device: e.Device, Inode: e.Inode, Generation: e.Generation, UID: e.UID, Activity: o.activity(e.Counts), Name: e.Name,
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
		Activity: o.activity(l.Counts), Path: of.path, Unverified: of.unverified, Package: of.owner, By: by.path, Name: l.Name,
	}
	r.MountNS, r.Container = o.namer.where(by, l.MountNS, l.Host)
	return r
}

func (o *observation) connection(f seen.Flow) *telemetry.Connection {
	p := o.namer.name(f.Program, f.PID)
	return &telemetry.Connection{
		Device: f.Device, Inode: f.Inode, Generation: f.Generation, UID: f.UID, NetNS: uint64(f.NetNS),
		Remote: f.Remote.Addr().String(), Port: f.Remote.Port(), Activity: o.activity(f.Counts),
		Local: f.Local, Agent: o.namer.self == placeOf(f.File), Path: p.path, Unverified: p.unverified, Name: f.Name, Package: p.owner, Container: p.container,
	}
}

func (o *observation) accepting(l seen.Listener) *telemetry.Accepting {
	return &telemetry.Accepting{
		NetNS: uint64(l.NetNS), Family: l.Family, Port: l.Port,
		Activity: telemetry.Activity{Count: l.Accepts, Last: o.clock.Time(l.LastAccept)},
		Foreign:  l.Foreign, LastForeign: o.clock.Time(l.LastForeign), Listens: l.Listens.N,
	}
}
