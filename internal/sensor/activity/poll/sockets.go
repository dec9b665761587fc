//go:build linux

package poll

import (
	"errors"
	"net/netip"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/proc"
)

// space is a network namespace as it was at a look.
type space struct {
	talks     map[talk]bool
	listening map[port]bool
	ever      map[port]bool // was listened on at any look
}

// talk is a conversation.
type talk struct{ local, remote netip.AddrPort }

var errCut = errors.New("there are too many sockets")

// lookAtSockets notes new listeners and conversations in each network namespace that a
// process is in.
func (l *looking) lookAtSockets() {
	holders := map[uint64]int{}
	for pid, p := range l.processes {
		// Who came first most likely stays until its tables are read.
		if first, ok := holders[p.netNS]; !ok || pid < first {
			holders[p.netNS] = pid
		}
	}
	for ns := range l.spaces {
		if _, ok := holders[ns]; !ok {
			delete(l.spaces, ns)
		}
	}
	for ns, pid := range holders {
		before, known := l.spaces[ns]
		if !known {
			before = &space{talks: map[talk]bool{}, ever: map[port]bool{}}
		}
		sockets, err := l.sockets(pid)
		switch {
		case errors.Is(err, errCut):
			l.cut = true
			continue
		case err != nil && !errors.Is(err, proc.ErrGone):
			l.denied = true
			continue
		case err != nil:
			continue // another process is asked at the next look
		}
		l.spaces[ns] = l.compare(ns, before, sockets)
	}
}

// socket is an entry of a table of one of the families.
type socket struct {
	proc.Socket
	family int
}

func (l *looking) sockets(pid int) (all []socket, err error) {
	for table, family := range map[string]int{"tcp": 4, "tcp6": 6} {
		err := l.proc.Sockets(pid, table, func(s proc.Socket) error {
			if len(all) == maxSockets {
				return errCut
			}
			all = append(all, socket{s, family})
			return nil
		})
		if err != nil && !errors.Is(err, proc.ErrGone) {
			return nil, err
		}
	}
	if _, err := l.proc.Namespace(pid, "net"); err != nil {
		return nil, err // it ended: the tables may not have been read at all
	}
	return all, nil
}

// compare notes what was not there before. Listeners come first: a conversation at the
// port of one was accepted.
func (l *looking) compare(ns uint64, before *space, sockets []socket) *space {
	after := &space{talks: map[talk]bool{}, listening: map[port]bool{}, ever: before.ever}
	for _, s := range sockets {
		if s.State != "listen" {
			continue
		}
		at := port{ns, s.family, s.Local.Port()}
		if !after.listening[at] && !before.listening[at] && !l.first {
			l.listen(at)
		}
		after.listening[at], after.ever[at] = true, true
	}
	for _, s := range sockets {
		t := talk{s.Local, s.Remote}
		if s.State == "listen" || s.State == "close" || s.State == "syn_recv" || s.State == "new_syn_recv" {
			continue
		}
		after.talks[t] = true
		if l.first || before.talks[t] {
			continue
		}
		if at := (port{ns, s.family, s.Local.Port()}); after.ever[at] {
			l.accept(at, within(s.Socket))
		} else {
			l.connect(ns, s.Socket)
		}
	}
	return after
}

// within tells whether both ends of a conversation are on this host.
func within(s proc.Socket) bool {
	remote := s.Remote.Addr().Unmap()
	return remote.IsLoopback() || remote == s.Local.Addr().Unmap()
}

func (l *looking) listener(at port) *seen.Listener {
	found := l.listeners[at]
	if found == nil {
		if len(l.listeners) == maxListeners {
			l.totals.ListenersFull++
			return nil
		}
		found = &seen.Listener{NetNS: uint32(at.netNS), Family: at.family, Port: at.number}
		l.listeners[at] = found
		l.see(seen.SawListener, 0)
	}
	return found
}

func (l *looking) listen(at port) {
	l.totals.Listens++
	if found := l.listener(at); found != nil {
		l.touch(&found.Listens)
	}
}

func (l *looking) accept(at port, local bool) {
	l.totals.Accepts++
	found := l.listener(at)
	if found == nil {
		return
	}
	found.Accepts++
	found.LastAccept = l.now
	if !local {
		found.Foreign++
		found.LastForeign = l.now
	}
}

func (l *looking) connect(ns uint64, s proc.Socket) {
	l.totals.Flows++
	remote := netip.AddrPortFrom(s.Remote.Addr().Unmap(), s.Remote.Port())
	p, pid := process{program: seen.Program{UID: seen.UnknownUID}}, 0
	if s.Inode != 0 { // else it has ended, and the table does not tell whose it was
		p.program.UID = s.UID
		if pid = l.owner(s.Inode); pid != 0 {
			p = l.processes[pid]
		}
	}
	key := flow{p.program, ns, remote.String()}
	f := l.flows[key]
	if f == nil {
		if len(l.flows) == maxFlows {
			l.totals.FlowsFull++
			return
		}
		f = &seen.Flow{Program: p.program, Remote: remote, NetNS: uint32(ns), Name: p.name, Local: within(s)}
		l.flows[key] = f
		l.see(seen.SawFlow, pid)
	}
	f.PID = pid
	l.touch(&f.Counts)
}

// owner is a process that holds a socket; 0: none was found.
func (l *looking) owner(inode uint64) int {
	if l.owners == nil {
		l.owners = map[uint64]int{}
		for pid := range l.processes {
			inodes, err := l.proc.SocketInodes(pid)
			if err != nil {
				continue
			}
			for _, i := range inodes {
				l.owners[i] = pid
			}
		}
	}
	return l.owners[inode]
}
