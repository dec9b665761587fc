package mountinfo

import (
	"fmt"
	"path"
	"strings"

	"assay/internal/sensor/hostfs"
)

// Kind says what looking at the files of a mount means.
type Kind int

// The kinds of file systems.
const (
	Local     Kind = iota // files on a disk or in memory of this host
	Pseudo                // no files: views of the kernel
	Remote                // files of another machine, or of a program that may not answer
	Automount             // looking mounts something
)

var pseudo = set("proc sysfs devpts cgroup cgroup2 mqueue debugfs tracefs securityfs pstore bpf configfs " +
	"efivarfs fusectl hugetlbfs selinuxfs binfmt_misc rpc_pipefs nfsd nsfs sockfs pipefs functionfs resctrl devtmpfs")

var remote = set("nfs nfs3 nfs4 cifs smb3 smbfs ncpfs afs coda ceph 9p virtiofs gfs gfs2 ocfs2 glusterfs " +
	"lustre beegfs gpfs pvfs2 orangefs davfs fuse acfs vboxsf prl_fs vmhgfs wekafs panfs quobyte moosefs")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// Kind tells what looking at the files of this mount means. Every FUSE file
// system but fuseblk (NTFS and its like on a local disk) counts as remote: it is
// a program that answers, or does not.
func (e *Entry) Kind() Kind {
	switch {
	case e.FileSystem == "autofs":
		return Automount
	case pseudo[e.FileSystem]:
		return Pseudo
	case e.Point == "/":
		// The root is looked at whatever it is on: a host that boots from a
		// file server depends on it anyway, a micro VM has virtiofs there,
		// and of an image somebody has asked for it.
		return Local
	case remote[e.FileSystem], strings.HasPrefix(e.FileSystem, "fuse."):
		return Remote
	}
	return Local
}

// Table finds the mount that a path is on. It is read-only.
type Table struct {
	Entries []Entry // in the order of mounting; points are paths below the root
	at      map[string]int
}

// ForRoot is the table of the mounts that are seen below the root of a file
// system, from this process's own mounts.
func ForRoot(fs *hostfs.FS) (*Table, error) {
	entries, err := Read("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	root, err := fs.RealRoot()
	if err != nil {
		return nil, err
	}
	return NewTable(entries, root), nil
}

// NewTable makes a table of the mounts below root, and of the one that root
// itself is on. A mount that is hidden by a later one at the same point is left
// out.
func NewTable(entries []Entry, root string) *Table {
	t := &Table{at: map[string]int{}}
	base, found := Entry{}, false
	for _, e := range entries {
		if e.Point == root || root == "/" || strings.HasPrefix(e.Point, root+"/") {
			e.Point = path.Join("/", strings.TrimPrefix(e.Point, strings.TrimSuffix(root, "/")))
			t.add(e)
		} else if below(root, e.Point) && (!found || len(e.Point) >= len(base.Point)) {
			base, found = e, true
		}
	}
	if _, ok := t.at["/"]; !ok && found {
		base.Root, base.Point = path.Join(base.Root, strings.TrimPrefix(root, base.Point)), "/"
		t.add(base)
	}
	return t
}

func (t *Table) add(e Entry) {
	if i, ok := t.at[e.Point]; ok {
		t.Entries[i] = e
		return
	}
	t.at[e.Point] = len(t.Entries)
	t.Entries = append(t.Entries, e)
}

func below(name, folder string) bool {
	return name == folder || folder == "/" || strings.HasPrefix(name, folder+"/")
}

// Point is the mount at exactly this path, nil if it is none.
func (t *Table) Point(name string) *Entry {
	if i, ok := t.at[name]; ok {
		return &t.Entries[i]
	}
	return nil
}

// Of is the mount that a clean path without links is on; nil if none is known.
func (t *Table) Of(name string) *Entry {
	for ; ; name = path.Dir(name) {
		if e := t.Point(name); e != nil || name == "/" {
			return e
		}
	}
}

// Away is the objection to looking at a path: that it is on a mount of another
// machine, or one that looking would mount.
func (t *Table) Away(name string) error {
	e := t.Of(name)
	if e == nil {
		return nil
	}
	switch e.Kind() {
	case Remote:
		return fmt.Errorf("is on the remote file system %s (%s), which is not looked at", e.Point, e.FileSystem)
	case Automount:
		return fmt.Errorf("is below the automount point %s, which is not looked at", e.Point)
	}
	return nil
}
