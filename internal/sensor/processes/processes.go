// Package processes is the sensor of running processes: who they are, what they
// execute, which files they have mapped executable, and the packages that own
// those files, in containers too. It reads /proc; an image has no processes.
//
// A file that was deleted or replaced on disk keeps its path, without the kernel's
// " (deleted)", and has the package that owns that path now: after an update, the
// package whose old code still runs.
package processes

import (
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

// Bounds of one snapshot. Beyond them the coverage is partial.
const (
	maxProcesses = 65_536
	maxObjects   = 65_536
)

type processes struct {
	proc   proc.FS
	owners *roots.Known // of the last look
}

// New returns the sensor.
func New() sensor.Sensor { return processes{proc.New("/proc"), new(roots.Known)} }

func (processes) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorProcesses,
		Summary: "Running processes: identity, executable, executable mappings, how many of them are writable, and the packages that own them.",
		Reads: []string{"/proc/[pid]/stat", "/proc/[pid]/status", "/proc/[pid]/exe", "/proc/[pid]/maps", "/proc/[pid]/ns/net", "/proc/[pid]/ns/mnt", "/proc/[pid]/cgroup",
			"/proc/[pid]/root (what it is, and in containers the lists of files of packages)", "/proc/[pid]/mountinfo"},
		Never: []string{"arguments", "environment", "memory"},
		Live:  true,
	}
}

func (s processes) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	scan := newScan(s.proc)
	scan.owners = s.owners
	if err := scan.run(ctx, host.FS); err != nil {
		if ctx.Err() != nil {
			return telemetry.Coverage{}, ctx.Err()
		}
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	if err := scan.own(ctx, host.FS); err != nil {
		return telemetry.Coverage{}, err
	}
	for _, o := range scan.objects {
		if err := emit(o); err != nil {
			return telemetry.Coverage{}, err
		}
	}
	for _, p := range scan.processes {
		if err := emit(p); err != nil {
			return telemetry.Coverage{}, err
		}
	}
	return scan.coverage(), nil
}

// scan is one look at all processes.
type scan struct {
	proc      proc.FS
	hostMount uint64 // the agent's own mount namespace
	roots     *roots.Table
	owners    *roots.Known
	processes []*telemetry.Process
	objects   []*telemetry.Object
	holders   []int // of objects: a process that has it mapped
	ids       map[objectKey]int
	denied    int
	reasons   []string
	contained []string // what is not known of containers
}

// objectKey tells files apart: the same inode number in two mount namespaces is
// the same file, but its path may mean different things.
type objectKey struct {
	device, inode, mountNS uint64
	deleted                bool
}

func newScan(p proc.FS) *scan { return &scan{proc: p, ids: map[objectKey]int{}} }

func (s *scan) run(ctx context.Context, host *hostfs.FS) error {
	pids, err := s.proc.PIDs()
	if err != nil {
		return err
	}
	if len(pids) > maxProcesses {
		s.reasons = append(s.reasons, fmt.Sprintf("%d of %d processes were looked at", maxProcesses, len(pids)))
		pids = pids[:maxProcesses]
	}
	slices.Sort(pids)
	// What the agent's own paths mean is the host's file system.
	s.hostMount, err = s.proc.Namespace(os.Getpid(), "mnt")
	if err != nil {
		return err
	}
	if s.roots, err = roots.Scan(ctx, s.proc, host, os.Getpid(), pids); err != nil {
		return err
	}
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p := s.look(pid); p != nil {
			s.processes = append(s.processes, p)
		}
	}
	return nil
}

// look returns nil for a process that has ended.
func (s *scan) look(pid int) *telemetry.Process {
	stat, err := s.proc.Stat(pid)
	if err != nil {
		if !errors.Is(err, proc.ErrGone) {
			s.reasons = append(s.reasons, err.Error())
		}
		return nil
	}
	p := &telemetry.Process{
		PID: pid, Parent: stat.Parent, Name: stat.Name, Started: stat.Started,
		UID: stat.UID, RealUID: stat.RealUID, GID: stat.GID, Kernel: stat.Kernel,
	}
	if stat.Kernel {
		return p
	}
	p.Container = s.roots.Container(pid)
	if err := s.inside(p); errors.Is(err, proc.ErrGone) {
		// Ended meanwhile, or a zombie: it executes nothing any more.
		p.Problem = "it ended while it was looked at"
	} else if err != nil {
		p.Problem = err.Error()
		s.denied++
	}
	return p
}

// inside reads what only the owner of a process or root may.
func (s *scan) inside(p *telemetry.Process) (err error) {
	if p.MountNS, err = s.proc.Namespace(p.PID, "mnt"); err != nil {
		return err
	}
	if p.NetNS, err = s.proc.Namespace(p.PID, "net"); err != nil {
		return err
	}
	if p.Exe, p.Deleted, err = s.proc.Exe(p.PID); err != nil {
		return err
	}
	mapped, err := s.proc.Mappings(p.PID)
	p.Open = mapped.Open
	for _, m := range mapped.Files {
		if id, ok := s.object(m, p); ok {
			p.Objects = append(p.Objects, id)
		}
	}
	if mapped.More {
		s.reasons = append(s.reasons, fmt.Sprintf("process %d has more than %d mappings", p.PID, proc.MaxMappings))
	}
	return err
}

func (s *scan) object(m proc.Mapping, p *telemetry.Process) (int, bool) {
	key := objectKey{m.Device, m.Inode, p.MountNS, m.Deleted}
	if id, ok := s.ids[key]; ok {
		return id, true
	}
	if len(s.objects) == maxObjects {
		return 0, false
	}
	id := len(s.objects) + 1
	s.ids[key] = id
	o := &telemetry.Object{ID: id, Path: m.Path, Device: m.Device, Inode: m.Inode, Deleted: m.Deleted}
	if p.MountNS != s.hostMount {
		o.MountNS = p.MountNS
	}
	s.objects, s.holders = append(s.objects, o), append(s.holders, p.PID)
	return id, true
}

// own finds the packages that own the files, the host's and those of containers.
func (s *scan) own(ctx context.Context, fs *hostfs.FS) error {
	owners := roots.NewOwners(s.roots, s.proc, fs, s.owners)
	for i, o := range s.objects {
		owners.Want(s.holders[i], o.Path)
	}
	for _, p := range s.processes {
		owners.Want(p.PID, p.Exe)
	}
	host, contained, err := owners.Find(ctx)
	if err != nil {
		return err
	}
	if host != nil {
		s.reasons = append(s.reasons, "the packages that own the files are not known: "+host.Error())
	}
	s.contained = contained
	for i, o := range s.objects {
		o.Package = owners.Of(s.holders[i], o.Path)
	}
	for _, p := range s.processes {
		p.Package = owners.Of(p.PID, p.Exe)
	}
	return nil
}

func (s *scan) coverage() telemetry.Coverage {
	if len(s.objects) == maxObjects {
		s.reasons = append(s.reasons, fmt.Sprintf("only %d mapped files were kept", maxObjects))
	}
	if s.denied > 0 {
		reason := fmt.Sprintf("the kernel refused to show %d of %d processes", s.denied, len(s.processes))
		if !hostfs.Privileged() {
			reason += "; run the agent as root"
		}
		s.reasons = append(s.reasons, reason)
	}
	c := sensor.Covered(s.reasons)
	if len(s.contained) > 0 {
		part := sensor.Covered(slices.Concat(s.reasons, s.contained))
		c.Parts = []telemetry.Part{{Name: "containers", State: part.State, Reason: part.Reason}}
	}
	return c
}
