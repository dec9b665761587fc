package roots

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/mountinfo"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/proc"
	"assay/internal/sensor/system"
)

// scan is a look at all processes under way.
type scan struct {
	proc    proc.FS
	fs      *hostfs.FS // the host's
	mountNS uint64     // this process's own
	mounts  *mountinfo.Table
	table   *Table
	roots   []*found
}

// found is a root that was found.
type found struct {
	Root
	group  proc.Container
	system bool // it has a system of its own
}

func newScan(p proc.FS, host *hostfs.FS, self int) (*scan, error) {
	mountNS, err := p.Namespace(self, "mnt")
	if err != nil {
		return nil, err
	}
	entries, err := mountinfo.Read(p.Path(self, "mountinfo"))
	if err != nil {
		return nil, err
	}
	info, err := host.Lstat("/")
	if err != nil {
		return nil, err
	}
	own := &Root{Host: true, MountNS: mountNS, device: info.Device, inode: info.Inode, top: "/"}
	return &scan{
		proc: p, fs: host, mountNS: mountNS, mounts: mountinfo.NewTable(entries, "/"),
		table: &Table{
			host: own, seen: map[int]view{}, unseen: map[int]string{}, tops: map[uint64]*Root{mountNS: own},
			other: map[view]*Root{}, known: map[identity]*Root{},
		},
	}, nil
}

// look finds out what a process sees.
func (s *scan) look(pid int) {
	mountNS, err := s.proc.Namespace(pid, "mnt")
	var root string
	if err == nil {
		root, err = s.proc.Root(pid)
	}
	if errors.Is(err, fs.ErrPermission) {
		if stat, err := s.proc.Stat(pid); err == nil && !stat.Kernel {
			s.table.Denied++
			s.table.unseen[pid] = s.proc.Container(pid).ID
		}
		return
	} else if err != nil {
		return // it has ended
	}
	v := view{mountNS: mountNS, root: root, group: s.proc.Container(pid)}
	r := s.table.other[v]
	if r == nil {
		if r = s.find(pid, v); r == nil {
			return // it has ended
		}
		s.table.other[v] = r
		if root == "/" {
			s.table.tops[mountNS] = r
		}
	}
	r.PIDs = append(r.PIDs, pid)
	s.table.seen[pid] = v
}

// find returns what is seen in a view in which no process has been met before.
func (s *scan) find(pid int, v view) *Root {
	if v.mountNS == s.mountNS && v.root == "/" {
		return s.table.host
	}
	f := &found{Root: Root{MountNS: v.mountNS, top: v.root}, group: v.group}
	entries, err := mountinfo.Read(s.proc.Path(pid, "mountinfo"))
	if err != nil {
		return s.refused(f, err)
	}
	// Without the mount at its root if it was shut into a folder of a larger one.
	table := mountinfo.NewTable(entries, "/")
	if f.Problem = s.away(table, v); f.Problem != "" {
		f.system = true // of which nothing more is known
		s.roots = append(s.roots, f)
		return &f.Root
	}
	host, err := hostfs.OpenMount(s.proc.Path(pid, "root"))
	if err != nil {
		return s.refused(f, err)
	}
	defer host.Close()
	info, err := host.Lstat("/")
	if err != nil {
		return s.refused(f, err)
	}
	if info.Device == s.table.host.device && info.Inode == s.table.host.inode {
		return s.table.host
	}
	id := identity{info.Device, info.Inode, v.group.ID}
	if r := s.table.known[id]; r != nil {
		return r
	}
	f.device, f.inode = info.Device, info.Inode
	if v.group.ID == "" {
		if s.hostsPrograms(table) {
			return s.table.host
		}
		f.system = s.system(host)
	}
	s.roots = append(s.roots, f)
	s.table.known[id] = &f.Root
	return &f.Root
}

// refused is a root that cannot be opened, nil if that is because the process has
// ended.
func (s *scan) refused(f *found, err error) *Root {
	if proc.Gone(err) {
		return nil
	}
	f.Problem, f.system = "its files cannot be looked at: "+err.Error(), true
	s.roots = append(s.roots, f)
	return &f.Root
}

// away is the objection to looking at a root: that a program or another machine
// answers for its files, and could keep the sensor waiting. The kernel itself is
// asked, before anything is opened. It does not tell what a folder is on into which
// a process was shut in another mount namespace; such a one is looked at.
func (s *scan) away(table *mountinfo.Table, v view) string {
	e := table.Point("/")
	if e == nil && v.mountNS == s.mountNS {
		e = s.mounts.Of(v.root)
	}
	if e == nil {
		return ""
	}
	if own := s.mounts.Point("/"); own != nil && own.Device == e.Device {
		return ""
	}
	// Not as a root: that of the host is looked at in any case, this one is not.
	switch kind := (&mountinfo.Entry{FileSystem: e.FileSystem}).Kind(); kind {
	case mountinfo.Remote, mountinfo.Automount:
		return fmt.Sprintf("its root is on a file system (%s) that may keep us waiting, which is not looked at", e.FileSystem)
	}
	return ""
}

// hostsPrograms tells whether a root that a sandbox has put together has the host's
// own /usr: then the programs and libraries in it are the host's.
func (s *scan) hostsPrograms(table *mountinfo.Table) bool {
	there, here := table.Point("/usr"), s.mounts.Of("/usr")
	if there == nil || here == nil {
		return false
	}
	rest := "/usr"
	if here.Point != "/" {
		rest = rest[len(here.Point):]
	}
	return there.Device == here.Device && there.Root == path.Join(here.Root, rest)
}

// system tells whether a root has a system of its own: an os-release(5) or a
// database of packages that is not the very file of the host, or one of which it
// cannot be told. Daemons shut themselves into folders that have neither.
func (s *scan) system(root *hostfs.FS) bool {
	for _, name := range append(system.ReleaseFiles(), packages.Places()...) {
		theirs, err := root.Stat(name)
		if errors.Is(err, hostfs.ErrOtherMount) {
			return true
		}
		if err != nil {
			continue
		}
		ours, err := s.fs.Stat(name)
		if err != nil || ours.Device != theirs.Device || ours.Inode != theirs.Inode {
			return true
		}
	}
	return false
}
