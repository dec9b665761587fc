// Package processes is the sensor of running processes: who they are, what they
// execute, which files they have mapped executable, and the packages that own
// those files. It reads /proc; an image has no processes.
package processes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/proc"
	"assay/internal/telemetry"
)

// Bounds of one snapshot. Beyond them the coverage is partial.
const (
	maxProcesses = 65_536
	maxObjects   = 65_536
)

type processes struct{ proc proc.FS }

// New returns the sensor.
func New() sensor.Sensor { return processes{proc.New("/proc")} }

func (processes) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorProcesses,
		Summary: "Running processes: identity, executable, executable mappings, and the packages that own them.",
		Reads:   []string{"/proc/[pid]/stat", "/proc/[pid]/status", "/proc/[pid]/exe", "/proc/[pid]/maps", "/proc/[pid]/ns/net", "/proc/[pid]/ns/mnt", "/proc/[pid]/cgroup"},
		Never:   []string{"arguments", "environment", "memory"},
		Live:    true,
	}
}

func (s processes) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	scan := newScan(s.proc)
	if err := scan.run(ctx); err != nil {
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
	processes []*telemetry.Process
	objects   []*telemetry.Object
	ids       map[objectKey]int
	contained map[int]bool // objects, by ID, that a process in a container has mapped
	denied    int
	reasons   []string
}

// objectKey tells files apart: the same inode number in two mount namespaces is
// the same file, but its path may mean different things.
type objectKey struct {
	device, inode, mountNS uint64
	deleted                bool
}

func newScan(p proc.FS) *scan {
	return &scan{proc: p, ids: map[objectKey]int{}, contained: map[int]bool{}}
}

func (s *scan) run(ctx context.Context) error {
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
	p.Container = s.proc.Container(pid)
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
	mappings, more, err := s.proc.Mappings(p.PID)
	for _, m := range mappings {
		if id, ok := s.object(m, p.MountNS); ok {
			p.Objects = append(p.Objects, id)
			s.contained[id] = s.contained[id] || p.Container != ""
		}
	}
	if more {
		s.reasons = append(s.reasons, fmt.Sprintf("process %d has more than %d mappings", p.PID, proc.MaxMappings))
	}
	return err
}

func (s *scan) object(m proc.Mapping, mountNS uint64) (int, bool) {
	key := objectKey{m.Device, m.Inode, mountNS, m.Deleted}
	if id, ok := s.ids[key]; ok {
		return id, true
	}
	if len(s.objects) == maxObjects {
		return 0, false
	}
	id := len(s.objects) + 1
	s.ids[key] = id
	o := &telemetry.Object{ID: id, Path: m.Path, Device: m.Device, Inode: m.Inode, Deleted: m.Deleted}
	if mountNS != s.hostMount {
		o.MountNS = mountNS
	}
	s.objects = append(s.objects, o)
	return id, true
}

// own finds the packages that own the host's files. Those of containers belong to
// packages of the container's own image.
func (s *scan) own(ctx context.Context, fs *hostfs.FS) error {
	var paths []string
	own := map[int]bool{}
	for _, o := range s.objects {
		if own[o.ID] = s.isHosts(fs, o); own[o.ID] {
			paths = append(paths, o.Path)
		}
	}
	for _, p := range s.processes {
		if p.Exe != "" && p.MountNS == s.hostMount {
			paths = append(paths, p.Exe)
		}
	}
	slices.Sort(paths)
	owners, err := packages.Owners(ctx, fs, slices.Compact(paths))
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		s.reasons = append(s.reasons, "the packages that own the files are not known: "+err.Error())
	}
	for _, o := range s.objects {
		if own[o.ID] {
			o.Package = owners[o.Path]
		}
	}
	for _, p := range s.processes {
		if p.Package = s.mapped(p); p.MountNS == s.hostMount {
			p.Package = owners[p.Exe]
		}
	}
	return nil
}

// isHosts tells whether a mapped file is one of the host's. Services have mount
// namespaces of their own (systemd's PrivateTmp=) without being containers: there a
// path is the host's if the same file is there. One that was deleted cannot be compared.
// Devices are not: those of btrfs and overlayfs in the list of mappings are not those
// that stat(2) tells.
func (s *scan) isHosts(fs *hostfs.FS, o *telemetry.Object) bool {
	switch {
	case o.MountNS == 0:
		return true
	case s.contained[o.ID]:
		return false
	case o.Deleted:
		return true
	}
	info, err := fs.Lstat(o.Path)
	return err == nil && info.Inode == o.Inode
}

// mapped is the package of a process's executable, by its mappings.
func (s *scan) mapped(p *telemetry.Process) string {
	for _, id := range p.Objects {
		if o := s.objects[id-1]; o.Path == p.Exe {
			return o.Package
		}
	}
	return ""
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
	return sensor.Covered(s.reasons)
}
