package hostfs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Object is one file, held whatever happens to its name. Holding one asks nothing of
// the file's file system, and neither do Mount and Path: whoever holds it can find out
// where it is before asking for more.
type Object struct {
	fd   int
	name string
}

// OpenObject holds the file that one of the kernel's links under /proc leads to, such
// as "/proc/811/exe": the very file, be it deleted or in a mount namespace where its
// path means something else.
func OpenObject(link string) (*Object, error) {
	fd, err := unix.Open(link, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: link, Err: err}
	}
	return &Object{fd, link}, nil
}

// Object holds a file by a path that leads through no symbolic link; with one it fails,
// so that the path alone decides which mounts are met on the way. A link at its end is
// held as itself.
func (f *FS) Object(name string) (*Object, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS | f.resolve}
	fd, err := again(func() (int, error) { return unix.Openat2(f.fd, path.Clean("/"+name), &how) })
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &Object{fd, name}, nil
}

// Close lets the file go.
func (o *Object) Close() error { return unix.Close(o.fd) }

func (o *Object) via() string { return "/proc/self/fd/" + strconv.Itoa(o.fd) }

// Path is the file's path from the top of its mount namespace, with " (deleted)" after
// it if there is nothing by that name any more.
func (o *Object) Path() (string, error) { return os.Readlink(o.via()) }

// Mount is the number of the mount by which the file was reached, the first field of
// /proc/PID/mountinfo (proc_pid_fdinfo(5)).
func (o *Object) Mount() (int, error) {
	data, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(o.fd))
	if err != nil {
		return 0, err
	}
	for lines := bufio.NewScanner(bytes.NewReader(data)); lines.Scan(); {
		if number, ok := strings.CutPrefix(lines.Text(), "mnt_id:"); ok {
			return strconv.Atoi(strings.TrimSpace(number))
		}
	}
	return 0, errors.New("the kernel does not tell the mount of an open file")
}

// Stat describes the file.
func (o *Object) Stat() (Info, error) { return statFD(o.fd, o.name) }

// Open opens the file for reading if it is a regular one; else it is ErrNotRegular.
func (o *Object) Open() (*os.File, error) {
	fd, err := reopenFD(o.fd, o.name, unix.S_IFREG, unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), o.name), nil
}

// Xattr returns an extended attribute, nil where the file has none of that name.
func (o *Object) Xattr(attr string) ([]byte, error) {
	return xattr(o.via(), o.name, attr, unix.Getxattr)
}

// MemoryMount is the number of the kernel's own mount that the files of memfd_create(2)
// and of shared memory are on. It is in no mountinfo.
func MemoryMount() (int, error) {
	fd, err := unix.MemfdCreate("assay", unix.MFD_CLOEXEC)
	if err != nil {
		return 0, fmt.Errorf("make a file in memory: %w", err)
	}
	o := &Object{fd, "memfd"}
	defer o.Close()
	return o.Mount()
}
