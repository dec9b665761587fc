// Package hostfs reads the files of a host for the sensors, and promises the
// host that nobody will notice: no access time changes, no device or pipe is
// ever opened, no automount is triggered, and under a root other than "/" no
// symbolic link leads out of it (openat2's RESOLVE_IN_ROOT: an absolute link of
// an image means the image's file). It writes nothing and has no function that
// could. The one trace that no interface of the kernel can avoid is the access
// time of a symbolic link that is followed or read (where the file system keeps
// it, "relatime": once a day).
//
// Paths are the host's: absolute, slash-separated, "/" being the root that was
// opened. Errors are those of package os, so errors.Is works with fs.ErrNotExist
// and fs.ErrPermission.
package hostfs

import (
	"errors"
	"io/fs"
	"time"
)

// ErrNotRegular is in the error of opening something that is not a regular file.
var ErrNotRegular = errors.New("is not a regular file")

// ErrOtherMount is in the error of a path that leads to another mount than the one
// that OpenMount has opened.
var ErrOtherMount = errors.New("is on another mount, which is not looked at")

// Info is the metadata of a file.
type Info struct {
	Name   string      // the last element of the path
	Mode   fs.FileMode // type and permission bits in Go's form
	Perm   uint32      // the permission bits with setuid, setgid and sticky as Unix has them: 07777
	UID    uint32
	GID    uint32
	Size   int64
	MTime  time.Time
	Links  uint64
	Device uint64 // st_dev
	Inode  uint64
}

// Root is the path under which the host's file system was opened: "/" for the
// running host.
func (f *FS) Root() string { return f.root }
