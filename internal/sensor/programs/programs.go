//go:build linux

// Package programs is the sensor of the files that processes execute or have mapped
// executable: what protects each against attacks, which package owns it, and who can
// change it. Where root executes or maps a file, the folders above it are told, too:
// who can write to one of them decides what is loaded next time.
//
// A file is read through the kernel's own links to it (/proc/PID/exe, map_files), so
// that it is the very file that runs, be it deleted or in a container. Nothing is
// asked of a file before it is known to be on a file system that answers.
package programs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/sensor/roots"
	"assay/internal/telemetry"
)

// Bounds of one look. Beyond them the coverage is partial.
const (
	maxProcesses = 65_536
	maxPrograms  = 65_536
	maxNames     = 64 << 20 // bytes of all paths, those of the folders above included
	maxDepth     = 128      // folders above a file
	maxReading   = 2 * time.Minute
)

type programs struct {
	proc   proc.FS
	owners *roots.Known // of the last look
}

// New returns the sensor.
func New() sensor.Sensor { return programs{proc.New("/proc"), new(roots.Known)} }

func (programs) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorPrograms,
		Summary: "Files that processes execute or have mapped executable: protections, owner, mode and package; where root has them, the folders above.",
		Reads: []string{"/proc/[pid]/stat", "/proc/[pid]/status", "/proc/[pid]/exe", "/proc/[pid]/maps", "/proc/[pid]/map_files", "/proc/[pid]/mountinfo", "/proc/[pid]/ns/mnt", "/proc/[pid]/cgroup",
			"/proc/[pid]/root (what it is, and in containers the lists of files of packages)", "the headers, sections and names of those files, if they are ELF", "owner, mode and ACL of the folders above them"},
		Never: []string{"arguments", "environment", "memory", "the code and data of programs", "what is on remote file systems"},
		Live:  true,
	}
}

func (s programs) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	scan, err := newScan(ctx, s.proc, host.FS)
	if err == nil {
		scan.owners = s.owners
		err = scan.run(ctx)
	}
	if ctx.Err() != nil {
		return telemetry.Coverage{}, ctx.Err()
	} else if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	if err := scan.own(ctx); err != nil {
		return telemetry.Coverage{}, err
	}
	if err := scan.emit(ctx, emit); err != nil {
		return telemetry.Coverage{}, err
	}
	return scan.coverage(), nil
}

// scan is one look at all processes. What is told of files is gathered first, because
// the last process may be the one of root's.
type scan struct {
	proc      proc.FS
	fs        *hostfs.FS
	hostMount uint64 // the agent's own mount namespace
	pids      []int
	roots     *roots.Table
	owners    *roots.Known
	mounts    *mounts
	end       time.Time // of the reading of files

	seen     map[mapped]*program // by what the kernel tells of a mapping
	known    map[identity]*program
	programs []*program
	names    int // bytes of their paths
	full     bool

	looked, denied, failed int
	failure                string // the first of the failed
	reasons                []string
	contained              []string // what is not known of containers
}

// program is a file, and a process that has it.
type program struct {
	telemetry.Program
	pid  int
	path string // its bytes as they are
	host bool   // path is the host's
}

// mapped is what the kernel tells of a mapping without opening it; identity what makes
// two the same file by the same name.
type (
	mapped struct {
		device, inode, mountNS uint64
		path                   string
		deleted                bool
	}
	identity struct {
		device, inode, mountNS uint64
		path                   string
	}
)

func newScan(ctx context.Context, p proc.FS, fs *hostfs.FS) (*scan, error) {
	s := &scan{proc: p, fs: fs}
	s.restart()
	var err error
	if s.pids, err = p.PIDs(); err != nil {
		return nil, err
	}
	slices.Sort(s.pids)
	if len(s.pids) > maxProcesses {
		s.reasons = append(s.reasons, fmt.Sprintf("%d of %d processes were looked at", maxProcesses, len(s.pids)))
		s.pids = s.pids[:maxProcesses]
	}
	self := os.Getpid()
	if s.hostMount, err = p.Namespace(self, "mnt"); err != nil {
		return nil, err
	}
	if s.mounts, err = newMounts(p, self); err != nil {
		return nil, err
	}
	s.roots, err = roots.Scan(ctx, p, fs, self, s.pids)
	return s, err
}

// restart forgets what was kept.
func (s *scan) restart() {
	s.seen, s.known, s.programs, s.names = map[mapped]*program{}, map[identity]*program{}, nil, 0
	s.end = time.Now().Add(maxReading)
}

func (s *scan) run(ctx context.Context) error {
	for _, pid := range s.pids {
		if err := ctx.Err(); err != nil {
			return err
		}
		stat, err := s.proc.Stat(pid)
		if errors.Is(err, proc.ErrGone) || err == nil && stat.Kernel {
			continue
		}
		s.looked++
		if err == nil {
			err = s.look(ctx, pid, stat.UID == 0)
		}
		if err != nil && !proc.Gone(err) {
			s.denied++
		}
	}
	return nil
}

// own finds the packages that own the files.
func (s *scan) own(ctx context.Context) error {
	owners := roots.NewOwners(s.roots, s.proc, s.fs, s.owners)
	for _, p := range s.programs {
		owners.Want(p.pid, p.path)
	}
	host, contained, err := owners.Find(ctx)
	if err != nil {
		return err
	}
	if host != nil {
		s.reasons = append(s.reasons, "the packages that own the files are not known: "+host.Error())
	}
	s.contained = contained
	for _, p := range s.programs {
		p.Package = owners.Of(p.pid, p.path)
	}
	return nil
}

// emit tells of the folders before the files below them.
func (s *scan) emit(ctx context.Context, emit sensor.Emit) error {
	f := newFolders(s.fs, s.mounts)
	for _, p := range s.programs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if p.Root && p.host {
			if err := f.above(p, emit); err != nil {
				return err
			}
		}
		p.Path = shown(p.path)
		if err := emit(&p.Program); err != nil {
			return err
		}
	}
	return nil
}

func (s *scan) coverage() telemetry.Coverage {
	if s.full {
		s.reasons = append(s.reasons, fmt.Sprintf("only %d files were kept", len(s.programs)))
	}
	if s.denied > 0 {
		reason := fmt.Sprintf("the kernel refused to show %d of %d processes", s.denied, s.looked)
		if !hostfs.Privileged() {
			reason += "; run the agent as root"
		}
		s.reasons = append(s.reasons, reason)
	}
	if s.failed > 0 {
		s.reasons = append(s.reasons, fmt.Sprintf("%d mapped files were not looked at; the first is %s", s.failed, s.failure))
	}
	c := sensor.Covered(s.reasons)
	if len(s.contained) > 0 {
		part := sensor.Covered(slices.Concat(s.reasons, s.contained))
		c.Parts = []telemetry.Part{{Name: "containers", State: part.State, Reason: part.Reason}}
	}
	return c
}
