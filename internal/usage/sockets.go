package usage

import (
	"cmp"
	"net/netip"
	"slices"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// maxListens bounds the addresses that are told of a process.
const maxListens = 16

// listener is an address at which a process listens.
type listener struct {
	text    string
	exposed bool // to others than the host itself
}

// addSockets notes who listens. A holder that the sensor of processes did not see
// counts as well.
func (u *Usage) addSockets(all host.All[*telemetry.Socket]) {
	u.listeners = all.Reason
	for _, s := range all.Values {
		if !s.Listening() {
			continue
		}
		l := listenerOf(s)
		for _, o := range s.Owners {
			p := u.byPID[o.PID]
			if p == nil {
				p = u.holder(o)
			}
			p.listens = append(p.listens, l)
			p.exposed = p.exposed || l.exposed
		}
	}
	for _, p := range u.processes {
		slices.SortFunc(p.listens, func(a, b listener) int {
			return cmp.Or(-compareBool(a.exposed, b.exposed), cmp.Compare(a.text, b.text))
		})
		p.listens = slices.Compact(p.listens)
	}
}

// holder is a process that only the sensor of sockets saw.
func (u *Usage) holder(o telemetry.Owner) *process {
	r := &telemetry.Process{PID: o.PID, Name: o.Name, Exe: o.Exe, Package: o.Package}
	p := &process{Process: r, unseen: true}
	u.processes = append(u.processes, p)
	u.byPID[o.PID] = p
	return p
}

func listenerOf(s *telemetry.Socket) listener {
	address, err := netip.ParseAddr(s.Local)
	if err != nil {
		return listener{s.Protocol + " " + s.Local, true}
	}
	text := s.Protocol + " " + netip.AddrPortFrom(address, s.LocalPort).String()
	if s.Interface != "" {
		text += " on " + s.Interface
	}
	return listener{text, !address.IsLoopback() && s.Interface != "lo"}
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}
