//go:build linux

package programs

import (
	"context"
	"os"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/sensor/roots"
	"assay/internal/telemetry"
)

// Looker looks at one file at a time as the sensor does, for that of activity, which
// sees programs that may be over before the next look at all processes. It belongs to one
// goroutine.
type Looker struct {
	scan    *scan
	folders *folders
	self    int
}

// Looked is a file that a Looker has looked at.
type Looked struct {
	telemetry.Program // without how it was used, and without its package
	file              *program
}

// NewLooker looks at the host's mounts. fs is the running system's own file system.
func NewLooker(p proc.FS, fs *hostfs.FS) (*Looker, error) {
	s := &scan{proc: p, fs: fs}
	self := os.Getpid()
	var err error
	if s.hostMount, err = p.Namespace(self, "mnt"); err != nil {
		return nil, err
	}
	if s.mounts, err = newMounts(p, self); err != nil {
		return nil, err
	}
	return &Looker{s, newFolders(fs, s.mounts), self}, nil
}

// Look looks at a file that a process has, which is nil if it is no regular file.
func (l *Looker) Look(ctx context.Context, o *hostfs.Object, pid int) (*Looked, error) {
	s := l.scan
	namespace, err := s.proc.Namespace(pid, "mnt")
	if err != nil {
		return nil, err
	}
	s.restart()
	s.mounts.read = map[int]bool{l.self: true} // PIDs come again
	if s.roots, err = roots.Scan(ctx, s.proc, s.fs, l.self, []int{pid}); err != nil {
		return nil, err
	}
	p, err := s.take(o, pid, namespace, nil)
	if p == nil || err != nil {
		return nil, err
	}
	p.Path = shown(p.path)
	return &Looked{p.Program, p}, nil
}

// Above tells of the folders above a file that root executes or maps, as far as it is the
// host's, and notes them in f.
func (l *Looker) Above(f *Looked, emit sensor.Emit) error {
	if !f.file.host || f.Above != nil {
		return nil
	}
	err := l.folders.above(f.file, emit)
	f.Program.Above, f.Problem = f.file.Above, f.file.Problem
	return err
}
