// Package roots tells which root file system each process sees, for the sensors of
// containers, processes and sockets: the host's own, however private the mount
// namespace is in which a service sees it; that of a container; or that of a folder
// into which the process was shut (chroot(2)). What the kernel tells of the files of
// a process, it tells as paths below the top of the process's mount namespace, so
// whoever wants to know more of such a file has to look there.
package roots

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
)

// Root is a root file system that processes see.
type Root struct {
	Host bool // the host's own

	// Container is the id of the container whose root it is: what its control group
	// is called or, where no manager of containers has named one, "mnt-<number of the
	// mount namespace>", or "chroot-<device>-<inode>" where another root has that
	// namespace. It is empty for the host, and for folders without a system of their
	// own, into which daemons shut themselves.
	Container string
	Runtime   string // of the container; empty: not known
	MountNS   uint64
	PIDs      []int // the processes that see it, sorted

	// Problem says why the files below it must not be looked at; empty: they may.
	Problem string

	device, inode uint64
	top           string // where the first process has it: "/", or the folder of a chroot
}

// maxTries bounds the processes through which a root is tried.
const maxTries = 16

// ErrEnded says that all the processes that saw a root have ended.
var ErrEnded = errors.New("its processes have ended")

// Open opens the root, as far as its own mount, and returns a process that sees it.
// The files stay readable when that process ends. A PID that meanwhile belongs to
// another process is found out by the root that it has.
func (r *Root) Open(p proc.FS) (*hostfs.FS, int, error) {
	last := ErrEnded
	for _, pid := range r.PIDs[:min(len(r.PIDs), maxTries)] {
		fs, err := r.openBy(p, pid)
		if err == nil {
			return fs, pid, nil
		}
		if !proc.Gone(err) {
			last = err
		}
	}
	return nil, 0, last
}

func (r *Root) openBy(p proc.FS, pid int) (*hostfs.FS, error) {
	if r.Problem != "" {
		return nil, errors.New(r.Problem)
	}
	fs, err := hostfs.OpenMount(p.Path(pid, "root"))
	if err != nil {
		return nil, err
	}
	info, err := fs.Lstat("/")
	if err == nil && (info.Device != r.device || info.Inode != r.inode) {
		err = proc.ErrGone // the number is another process's now, or this one has moved
	}
	if err != nil {
		fs.Close()
		return nil, err
	}
	return fs, nil
}

// Table is what one look at all processes has found.
type Table struct {
	// Containers are the roots of containers, one of each: first those that a manager
	// of containers has named, then those that any user can make, each by the first of
	// their processes. A container's other roots are not among them.
	Containers []*Root
	Denied     int // processes of which the kernel does not show what they see

	host   *Root
	seen   map[int]view       // by PID
	unseen map[int]string     // the containers of processes that are not shown, by PID
	tops   map[uint64]*Root   // by mount namespace: what is at its top
	other  map[view]*Root     // by what processes see
	known  map[identity]*Root // by what that is
}

// view is what a process sees, as cheaply as the kernel tells it.
type view struct {
	mountNS uint64
	root    string // as seen from the top of the mount namespace
	group   proc.Container
}

// identity is what makes two views the same root. Containers can share a folder.
type identity struct {
	device, inode uint64
	container     string
}

// Scan looks at the processes. host is the running system's own file system, and
// self a process that sees it: this one.
func Scan(ctx context.Context, p proc.FS, host *hostfs.FS, self int, pids []int) (*Table, error) {
	s, err := newScan(p, host, self)
	if err != nil {
		return nil, fmt.Errorf("find the root file systems of processes: %w", err)
	}
	for _, pid := range pids {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.look(pid)
	}
	s.name()
	return s.table, nil
}

// Of is the root that a process sees; nil if that is not known.
func (t *Table) Of(pid int) *Root {
	v, ok := t.seen[pid]
	if !ok {
		return nil
	}
	return t.other[v]
}

// Container is the id of the container that a process is in; empty: the host. A
// process that a manager of containers has started with the host's own root is on
// the host: what it runs is the host's.
func (t *Table) Container(pid int) string {
	v, ok := t.seen[pid]
	if !ok {
		return t.unseen[pid]
	}
	r := t.other[v]
	if r.Host {
		return ""
	}
	if v.group.ID != "" {
		return v.group.ID
	}
	if top := t.tops[v.mountNS]; r.Container == "" && top != nil {
		r = top
	}
	return r.Container
}

// Place tells on which root a file of a process is, and its path below that root,
// by the path that the kernel tells. root is nil if that is not known.
func (t *Table) Place(pid int, path string) (root *Root, inside string) {
	v, ok := t.seen[pid]
	if !ok {
		return nil, ""
	}
	if r := t.other[v]; r.Container != "" || r.Host {
		if v.root == "/" {
			return r, path
		}
		if rest, ok := strings.CutPrefix(path, v.root+"/"); ok {
			return r, "/" + rest
		}
	}
	return t.tops[v.mountNS], path
}

// name gives the roots of containers their names, and finds which of a container's
// roots is its own.
func (s *scan) name() {
	byID := map[string]*Root{}
	slices.SortFunc(s.roots, order)
	for _, r := range s.roots {
		switch {
		case r.Host:
		case r.group.ID != "":
			r.Container, r.Runtime = r.group.ID, r.group.Runtime
		case r.system && r.top == "/":
			r.Container = fmt.Sprintf("mnt-%d", r.MountNS)
		case r.system:
			r.Container = fmt.Sprintf("chroot-%x-%d", r.device, r.inode)
		}
		if r.Container == "" {
			continue
		}
		if first := byID[r.Container]; first == nil || first.top != "/" && r.top == "/" {
			byID[r.Container] = &r.Root
		}
	}
	for _, r := range s.roots {
		// A folder inside of the container is not its root.
		if r.Container != "" && byID[r.Container] != &r.Root {
			r.Container = ""
		} else if r.Container != "" {
			s.table.Containers = append(s.table.Containers, &r.Root)
		}
	}
}

// order puts the roots of named containers first.
func order(a, b *found) int {
	if named := a.group.ID != ""; named != (b.group.ID != "") {
		if named {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.PIDs[0], b.PIDs[0])
}
