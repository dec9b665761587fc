// Package sockets is the sensor of network sockets: listeners and conversations,
// TCP and UDP, of the host and of every network namespace that a process is in,
// with the processes that hold them.
//
// It reads the tables under /proc/PID/net. The netlink interface sock_diag tells
// a little more, but a request can load a kernel module, and it sees another
// namespace only from inside; reading a table does neither.
package sockets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/sensor/roots"
	"assay/internal/telemetry"
)

// maxSockets bounds one snapshot: beyond it conversations are left out first,
// listeners only beyond twice as many.
const maxSockets = 50_000

// errFull ends the reading of a table.
var errFull = fmt.Errorf("there are more than %d", maxSockets)

var tables = []struct {
	name, protocol string
	family         int
}{{"tcp", "tcp", 4}, {"tcp6", "tcp", 6}, {"udp", "udp", 4}, {"udp6", "udp", 6}}

type sockets struct {
	proc  proc.FS
	known *roots.Known // packages, of the last look
}

// New returns the sensor.
func New() sensor.Sensor { return sockets{proc.New("/proc"), new(roots.Known)} }

func (sockets) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorSockets,
		Summary: "TCP and UDP sockets of the host and of containers' namespaces, with the processes that hold them.",
		Reads: []string{"/proc/[pid]/net/{tcp,tcp6,udp,udp6}", "/proc/[pid]/fd (which sockets)", "/proc/[pid]/exe", "/proc/[pid]/ns/net", "/proc/[pid]/ns/mnt", "/proc/[pid]/cgroup", "/proc/[pid]/mountinfo",
			"/proc/[pid]/root (what it is, and in containers the lists of files of packages)"},
		Never: []string{"what is sent or received"},
		Live:  true,
	}
}

func (s sockets) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	scan := &scan{proc: s.proc, known: s.known, owners: map[uint64][]*telemetry.Owner{}}
	if err := scan.holders(ctx, host.FS); err != nil {
		if ctx.Err() != nil {
			return telemetry.Coverage{}, ctx.Err()
		}
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	if err := scan.own(ctx, host.FS); err != nil {
		return telemetry.Coverage{}, err
	}
	for _, ns := range scan.namespaces {
		if err := scan.emit(ctx, ns, emit); err != nil {
			return telemetry.Coverage{}, err
		}
	}
	return scan.coverage(), nil
}

type scan struct {
	proc       proc.FS
	namespaces []namespace
	owners     map[uint64][]*telemetry.Owner // by the socket's inode
	all        []*telemetry.Owner
	roots      *roots.Table
	known      *roots.Known
	denied     int
	sockets    int
	reasons    []string
	cut        []string // tables of which not all was read
	contained  []string // what is not known of containers
}

// namespace is a network namespace and a process that is in it.
type namespace struct {
	inode uint64
	pid   int
}

// holders finds who holds which socket, and the namespaces that there are.
func (s *scan) holders(ctx context.Context, host *hostfs.FS) error {
	pids, err := s.proc.PIDs()
	if err != nil {
		return err
	}
	slices.Sort(pids)
	if s.roots, err = roots.Scan(ctx, s.proc, host, os.Getpid(), pids); err != nil {
		return err
	}
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := s.holder(pid)
		if err != nil && !errors.Is(err, proc.ErrGone) {
			s.denied++
		}
	}
	return nil
}

func (s *scan) holder(pid int) error {
	ns, err := s.proc.Namespace(pid, "net")
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(s.namespaces, func(n namespace) bool { return n.inode == ns }) {
		s.namespaces = append(s.namespaces, namespace{ns, pid})
	}
	inodes, err := s.proc.SocketInodes(pid)
	if err != nil || len(inodes) == 0 {
		return err
	}
	stat, err := s.proc.Stat(pid)
	if err != nil {
		return err
	}
	owner := &telemetry.Owner{PID: pid, Name: stat.Name}
	owner.Exe, _, _ = s.proc.Exe(pid)
	s.all = append(s.all, owner)
	for _, inode := range inodes {
		s.owners[inode] = append(s.owners[inode], owner)
	}
	return nil
}

// own finds the packages of the holders' executables.
func (s *scan) own(ctx context.Context, fs *hostfs.FS) error {
	owners := roots.NewOwners(s.roots, s.proc, fs, s.known)
	for _, o := range s.all {
		owners.Want(o.PID, o.Exe)
	}
	host, contained, err := owners.Find(ctx)
	if err != nil {
		return err
	}
	if host != nil {
		s.reasons = append(s.reasons, "the packages that own the executables are not known: "+host.Error())
	}
	s.contained = contained
	for _, o := range s.all {
		o.Package = owners.Of(o.PID, o.Exe)
	}
	return nil
}

// emit emits the sockets of a namespace. The tables have their listeners first,
// so that a table which is cut off has lost conversations.
func (s *scan) emit(ctx context.Context, ns namespace, emit sensor.Emit) error {
	for _, table := range tables {
		var stop error // what ends the collection, not only the table
		err := s.proc.Sockets(ns.pid, table.name, func(k proc.Socket) error {
			rec := &telemetry.Socket{
				Protocol: table.protocol, Family: table.family, State: k.State,
				Local: k.Local.Addr().String(), LocalPort: k.Local.Port(),
				UID: k.UID, Inode: k.Inode, NetNS: ns.inode,
			}
			if !rec.Listening() {
				rec.Remote, rec.RemotePort = k.Remote.Addr().String(), k.Remote.Port()
			}
			if full := s.sockets >= maxSockets && !rec.Listening() || s.sockets >= 2*maxSockets; full {
				return errFull
			}
			for _, o := range s.owners[k.Inode] {
				rec.Owners = append(rec.Owners, *o)
			}
			s.sockets++
			stop = cmp.Or(emit(rec), ctx.Err())
			return stop
		})
		if stop != nil {
			return stop
		}
		if err != nil && !errors.Is(err, proc.ErrGone) {
			s.cut = append(s.cut, fmt.Sprintf("read the %s sockets of namespace %d: %v", table.name, ns.inode, err))
		}
	}
	return nil
}

// coverage has a part of its own for what is told of conversations: that some process does
// not show what it holds takes nothing from them.
func (s *scan) coverage() telemetry.Coverage {
	talks := sensor.Covered(s.cut)
	s.reasons = append(s.reasons, s.cut...)
	if s.denied > 0 {
		reason := fmt.Sprintf("the kernel refused to show the sockets of %d of the processes", s.denied)
		if !hostfs.Privileged() {
			reason += "; run the agent as root"
		}
		s.reasons = append(s.reasons, reason)
	}
	c := sensor.Covered(s.reasons)
	c.Parts = []telemetry.Part{{Name: "conversations", State: talks.State, Reason: talks.Reason}}
	if len(s.contained) > 0 {
		part := sensor.Covered(slices.Concat(s.reasons, s.contained))
		c.Parts = append(c.Parts, telemetry.Part{Name: "containers", State: part.State, Reason: part.Reason})
	}
	return c
}
