//go:build linux

package activity

import (
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/mountinfo"
	"assay/internal/sensor/proc"
)

// called is what is known of a program that a process called by a path, which is
// believed if the file is still there. Otherwise it is all that there is to tell, unless
// its inode is found elsewhere at the end.
func (n *namer) called(id seen.Program, name string, mountNS uint64) program {
	want := id.File
	p := program{path: strings.ToValidUTF8(name, string(utf8.RuneError)), unverified: true}
	if !n.ages.youngest(want) {
		return n.believe(want, p)
	}
	n.spaces.within(mountNS, func(pid int, root *hostfs.FS, mounts *mountinfo.Table) {
		if mountNS != n.mountNS {
			p.container = n.proc.Container(pid).ID
		}
		if at, ok := verify(root, mounts, name, want); ok {
			p.path, p.unverified, p.host = at, false, mountNS == n.mountNS
			n.looker.named(root, at, pid, want)
		}
	})
	return n.believe(want, p)
}

// believe remembers what a program was called, if nothing better is known.
func (n *namer) believe(want file, p program) program {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.programs[want]; !ok && len(n.programs) < maxPrograms {
		n.programs[want] = p
	}
	if !p.unverified {
		delete(n.unknown, placeOf(want))
	}
	return p
}

// verify finds a file by the path that a process had for it. Links are followed, but to
// no other machine.
func verify(root *hostfs.FS, mounts *mountinfo.Table, name string, want file) (string, bool) {
	at, err := root.Follow(name, mounts.Away)
	if err != nil {
		return "", false
	}
	o, err := root.Object(at)
	if err != nil {
		return "", false
	}
	defer o.Close()
	info, err := o.Stat()
	if err != nil || (place{info.Device, info.Inode}) != placeOf(want) {
		return "", false
	}
	return at, true
}

// spaces finds a process of a mount namespace, through which its files can be looked at.
// It belongs to one goroutine.
type spaces struct {
	proc   proc.FS
	host   *hostfs.FS
	looked time.Time
	pids   map[uint64]int
	tables map[uint64]*mountinfo.Table
}

// again is how long it takes at least until all is looked at again.
const again = 10 * time.Second

func newSpaces(p proc.FS, host *hostfs.FS) *spaces { return &spaces{proc: p, host: host} }

// within calls a function with the root of a process in a namespace, if there is one
// that may be looked at.
func (s *spaces) within(mountNS uint64, do func(pid int, root *hostfs.FS, mounts *mountinfo.Table)) {
	if time.Since(s.looked) >= again {
		s.find()
	}
	pid, ok := s.pids[mountNS]
	if !ok {
		return
	}
	mounts := s.mounts(mountNS, pid)
	if mounts == nil || mounts.Away("/") != nil {
		return
	}
	if pid == os.Getpid() {
		do(pid, s.host, mounts)
		return
	}
	root, err := hostfs.OpenMount(s.proc.Path(pid, "root"))
	if err != nil {
		return
	}
	defer root.Close()
	do(pid, root, mounts)
}

// away tells whether nothing must be asked of a path of a namespace.
func (s *spaces) away(mountNS uint64, name string) (away bool) {
	away = true
	s.within(mountNS, func(_ int, _ *hostfs.FS, mounts *mountinfo.Table) { away = mounts.Away(name) != nil })
	return away
}

// mounts are those that a process has; nil if it does not tell.
func (s *spaces) mounts(mountNS uint64, pid int) *mountinfo.Table {
	if known, ok := s.tables[mountNS]; ok {
		return known
	}
	var table *mountinfo.Table
	if entries, err := mountinfo.Read(s.proc.Path(pid, "mountinfo")); err == nil {
		table = mountinfo.NewTable(entries, "/")
	}
	s.tables[mountNS] = table
	return table
}

// find looks at all processes; of its own namespace this one is the first.
func (s *spaces) find() {
	s.looked, s.pids, s.tables = time.Now(), map[uint64]int{}, map[uint64]*mountinfo.Table{}
	pids, _ := s.proc.PIDs()
	for _, pid := range append([]int{os.Getpid()}, pids...) {
		if ns, err := s.proc.Namespace(pid, "mnt"); err == nil {
			if _, ok := s.pids[ns]; !ok {
				s.pids[ns] = pid
			}
		}
	}
}
