package hostfs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Folder is an open folder. What is done through it concerns this very folder
// and its entries, whatever is renamed meanwhile, and follows no symbolic link.
// It is not safe for concurrent use.
type Folder struct {
	Path   string // by which it was opened
	dir    *os.File
	within bool // OpenMount's: nothing is asked of another mount
}

// OpenFolder opens a folder for listing. Links on the way to it are followed.
func (f *FS) OpenFolder(name string) (*Folder, error) {
	fd, err := f.reopen(name, unix.S_IFDIR, unix.O_DIRECTORY)
	if err != nil {
		return nil, notFolder(err, name)
	}
	return &Folder{Path: path.Clean("/" + name), dir: os.NewFile(uintptr(fd), name), within: f.resolve&unix.RESOLVE_NO_XDEV != 0}, nil
}

func notFolder(err error, name string) error {
	if errors.Is(err, ErrNotRegular) {
		return &fs.PathError{Op: "readdir", Path: name, Err: unix.ENOTDIR}
	}
	return err
}

// Close releases the folder.
func (d *Folder) Close() error { return d.dir.Close() }

// Next returns at most n further names of entries, unsorted, and none at the end.
func (d *Folder) Next(n int) ([]string, error) {
	names, err := d.dir.Readdirnames(n)
	if err == io.EOF {
		err = nil
	}
	return names, err
}

// Names lists the folder, unsorted, at most limit entries; more tells that there
// were more.
func (d *Folder) Names(limit int) (names []string, more bool, err error) {
	return readNames(d.dir, limit)
}

// Stat describes the folder itself.
func (d *Folder) Stat() (Info, error) { return statFD(int(d.dir.Fd()), d.Path) }

// Lstat describes an entry, a symbolic link as a link, and mounts nothing. Of a
// folder that OpenMount's root has, an entry on another mount is ErrOtherMount.
func (d *Folder) Lstat(name string) (Info, error) {
	if d.within {
		return d.lstatWithin(name)
	}
	var st unix.Stat_t
	err := unix.Fstatat(int(d.dir.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT)
	if err != nil {
		return Info{}, &fs.PathError{Op: "stat", Path: path.Join(d.Path, name), Err: err}
	}
	return infoOf(&st, name), nil
}

// lstatWithin does not ask the file system that is mounted at an entry, which may
// be one that never answers.
func (d *Folder) lstatWithin(name string) (Info, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_XDEV}
	fd, err := again(func() (int, error) { return unix.Openat2(int(d.dir.Fd()), name, &how) })
	if err == unix.EXDEV {
		err = ErrOtherMount
	}
	if err != nil {
		return Info{}, &fs.PathError{Op: "stat", Path: path.Join(d.Path, name), Err: err}
	}
	defer unix.Close(fd)
	return statFD(fd, name)
}

// Folder opens a folder in this one if it is on the same mount: neither a link
// nor a mount point is followed.
func (d *Folder) Folder(name string) (*Folder, error) {
	const flags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	at, full := int(d.dir.Fd()), path.Join(d.Path, name)
	how := unix.OpenHow{Flags: flags | unix.O_NOATIME, Resolve: unix.RESOLVE_NO_XDEV | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH}
	fd, err := again(func() (int, error) { return unix.Openat2(at, name, &how) })
	if err == unix.EPERM {
		how.Flags = flags
		fd, err = again(func() (int, error) { return unix.Openat2(at, name, &how) })
	}
	if err == unix.ENOSYS || err == unix.EPERM {
		// Before Linux 5.6, or where a container's filter does not know
		// the call. Callers leave mount points out by their own list too.
		fd, err = openQuietly(at, name, flags)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: full, Err: err}
	}
	return &Folder{Path: full, dir: os.NewFile(uintptr(fd), full), within: d.within}, nil
}

// Open opens an entry that is a regular file; anything else is ErrNotRegular, a
// symbolic link too. As in FS.Open, nothing is opened that was not looked at.
func (d *Folder) Open(name string) (*os.File, error) {
	full := path.Join(d.Path, name)
	if name == ".." || strings.Contains(name, "/") {
		return nil, &fs.PathError{Op: "open", Path: full, Err: unix.EINVAL}
	}
	probe, err := again(func() (int, error) {
		return unix.Openat(int(d.dir.Fd()), name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: full, Err: err}
	}
	defer unix.Close(probe)
	fd, err := reopenFD(probe, full, unix.S_IFREG, unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), full), nil
}

// Readlink returns the text of an entry that is a symbolic link.
func (d *Folder) Readlink(name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(int(d.dir.Fd()), name, buf)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: path.Join(d.Path, name), Err: err}
	}
	return string(buf[:n]), nil
}

// Xattr returns an extended attribute of an entry, nil where there is none.
func (d *Folder) Xattr(name, attr string) ([]byte, error) {
	via := "/proc/self/fd/" + strconv.Itoa(int(d.dir.Fd())) + "/" + name
	return xattr(via, path.Join(d.Path, name), attr, unix.Lgetxattr)
}
