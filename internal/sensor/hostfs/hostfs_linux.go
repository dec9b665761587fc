package hostfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// FS is a host's file system. It is safe for concurrent use.
type FS struct {
	root    string
	fd      int
	resolve uint64 // of openat2, beside RESOLVE_IN_ROOT
}

// Open opens the file system under root. Close releases it.
func Open(root string) (*FS, error) { return openRoot(root, 0) }

// OpenMount opens the file system under root like Open, but only as far as the
// mount that root itself is on: a path that leads to another mount is
// ErrOtherMount, and nobody is asked what is there. It is for the root that a
// process sees ("/proc/811/root"), where somebody else decides what is mounted.
func OpenMount(root string) (*FS, error) {
	return openRoot(root, unix.RESOLVE_NO_XDEV|unix.RESOLVE_NO_MAGICLINKS)
}

func openRoot(root string, resolve uint64) (*FS, error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: root, Err: err}
	}
	f := &FS{root: path.Clean(root), fd: fd, resolve: resolve}
	if f.root != "/" || f.resolve != 0 {
		// Refuse at once what could otherwise only fail file by file.
		probe, err := f.at("/", unix.O_PATH)
		if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
			unix.Close(fd)
			return nil, fmt.Errorf("open %s: the kernel has no openat2 (Linux 5.6): a root other than / cannot be read safely: %w", root, err)
		} else if err != nil {
			unix.Close(fd)
			return nil, err
		}
		unix.Close(probe)
	}
	return f, nil
}

// RealRoot is the path of the root without links, as this process sees it.
func (f *FS) RealRoot() (string, error) {
	return os.Readlink("/proc/self/fd/" + strconv.Itoa(f.fd))
}

// Close releases the root.
func (f *FS) Close() error { return unix.Close(f.fd) }

// at opens a path below the root, without the kernel's magic links of /proc
// when the root is not the running system's.
func (f *FS) at(name string, flags uint64) (int, error) {
	flags |= unix.O_CLOEXEC
	name = path.Clean("/" + name)
	fd, err := again(func() (int, error) {
		if f.root == "/" && f.resolve == 0 {
			return unix.Open(name, int(flags), 0)
		}
		return unix.Openat2(f.fd, name, &unix.OpenHow{Flags: flags, Resolve: unix.RESOLVE_IN_ROOT | f.resolve})
	})
	if err == unix.EXDEV && f.resolve&unix.RESOLVE_NO_XDEV != 0 {
		return -1, &fs.PathError{Op: "open", Path: name, Err: ErrOtherMount}
	}
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

// maxTries is how often an interrupted or raced open is tried: openat2 answers
// EAGAIN when it met ".." while something on the host was renamed, and a host
// that renames all the time must not keep a sensor for ever.
const maxTries = 64

func again(open func() (int, error)) (fd int, err error) {
	for range maxTries {
		if fd, err = open(); err != unix.EINTR && err != unix.EAGAIN {
			break
		}
	}
	return fd, err
}

// Lstat describes the file itself, a symbolic link as a link.
func (f *FS) Lstat(name string) (Info, error) {
	return f.stat(name, unix.O_PATH|unix.O_NOFOLLOW)
}

// Stat describes what the path leads to.
func (f *FS) Stat(name string) (Info, error) { return f.stat(name, unix.O_PATH) }

func (f *FS) stat(name string, flags uint64) (Info, error) {
	fd, err := f.at(name, flags)
	if err != nil {
		return Info{}, err
	}
	defer unix.Close(fd)
	return statFD(fd, name)
}

func statFD(fd int, name string) (Info, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Info{}, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	return infoOf(&st, path.Base(name)), nil
}

func infoOf(st *unix.Stat_t, name string) Info {
	return Info{
		Name:   name,
		Mode:   fileMode(st.Mode),
		Perm:   st.Mode & 0o7777,
		UID:    st.Uid,
		GID:    st.Gid,
		Size:   st.Size,
		MTime:  time.Unix(st.Mtim.Unix()).UTC(),
		Links:  uint64(st.Nlink),
		Device: st.Dev,
		Inode:  st.Ino,
	}
}

func fileMode(m uint32) fs.FileMode {
	mode := fs.FileMode(m & 0o777)
	switch m & unix.S_IFMT {
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	case unix.S_IFLNK:
		mode |= fs.ModeSymlink
	case unix.S_IFIFO:
		mode |= fs.ModeNamedPipe
	case unix.S_IFSOCK:
		mode |= fs.ModeSocket
	case unix.S_IFBLK:
		mode |= fs.ModeDevice
	case unix.S_IFCHR:
		mode |= fs.ModeDevice | fs.ModeCharDevice
	}
	if m&unix.S_ISUID != 0 {
		mode |= fs.ModeSetuid
	}
	if m&unix.S_ISGID != 0 {
		mode |= fs.ModeSetgid
	}
	if m&unix.S_ISVTX != 0 {
		mode |= fs.ModeSticky
	}
	return mode
}

// Open opens a regular file for reading; anything else is ErrNotRegular. The
// file is looked at before it is opened, and the very inode that was looked at
// is opened, so that a pipe or device put in its place is not.
func (f *FS) Open(name string) (*os.File, error) {
	// O_NONBLOCK: a file with a lease must not hang us.
	fd, err := f.reopen(name, unix.S_IFREG, unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// OpenIf opens a regular file only if allowed has no objection to the path that
// name led to, once every link was followed. It is the file at that path that is
// opened, whatever is renamed or linked meanwhile.
func (f *FS) OpenIf(name string, allowed func(resolved string) error) (*os.File, error) {
	probe, err := f.at(name, unix.O_PATH)
	if err != nil {
		return nil, err
	}
	defer unix.Close(probe)
	resolved, err := f.pathOf(probe, name)
	if err != nil {
		return nil, err
	}
	if err := allowed(resolved); err != nil {
		return nil, err
	}
	fd, err := reopenFD(probe, name, unix.S_IFREG, unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (f *FS) reopen(name string, want uint32, flags int) (int, error) {
	probe, err := f.at(name, unix.O_PATH)
	if err != nil {
		return -1, err
	}
	defer unix.Close(probe)
	return reopenFD(probe, name, want, flags)
}

// reopenFD opens the inode of an O_PATH descriptor for reading, without a change
// of its access time, if it is of the wanted type.
func reopenFD(probe int, name string, want uint32, flags int) (int, error) {
	var st unix.Stat_t
	if err := unix.Fstat(probe, &st); err != nil {
		return -1, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	if st.Mode&unix.S_IFMT != want {
		return -1, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NOCTTY
	fd, err := openQuietly(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(probe), flags)
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

// openQuietly opens without a change of the access time. Where that is refused
// we are neither root nor the owner: reading as a normal user may change the
// access time, as any reading by that user does.
func openQuietly(at int, name string, flags int) (int, error) {
	fd, err := again(func() (int, error) { return unix.Openat(at, name, flags|unix.O_NOATIME, 0) })
	if err == unix.EPERM {
		fd, err = again(func() (int, error) { return unix.Openat(at, name, flags, 0) })
	}
	return fd, err
}

// ReadFile reads at most limit bytes of a regular file. more tells that there
// were more.
func (f *FS) ReadFile(name string, limit int64) (data []byte, more bool, err error) {
	file, err := f.Open(name)
	if err != nil {
		return nil, false, err
	}
	defer file.Close()
	data, err = io.ReadAll(io.LimitReader(file, limit+1))
	if int64(len(data)) > limit {
		return data[:limit], true, err
	}
	return data, false, err
}

// Readlink returns the text of a symbolic link.
func (f *FS) Readlink(name string) (string, error) {
	fd, err := f.at(name, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err == unix.ENOENT {
		err = unix.EINVAL // what an empty path to something else than a link gives
	}
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(buf[:n]), nil
}

// Resolve returns the path that name leads to once every link is followed.
func (f *FS) Resolve(name string) (string, error) {
	fd, err := f.at(name, unix.O_PATH)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	return f.pathOf(fd, name)
}

// pathOf is the path of an open descriptor, below the root.
func (f *FS) pathOf(fd int, name string) (string, error) {
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", name, err)
	}
	if f.root == "/" {
		return real, nil
	}
	root, err := f.RealRoot()
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", name, err)
	}
	inside, ok := strings.CutPrefix(real, strings.TrimSuffix(root, "/"))
	if !ok {
		return "", fmt.Errorf("resolve %s: %s is not below %s", name, real, root)
	}
	return path.Clean("/" + inside), nil
}

// ReadDir lists a folder by name, "." and ".." excluded, unsorted, at most
// limit entries; more tells that there were more.
func (f *FS) ReadDir(name string, limit int) (names []string, more bool, err error) {
	fd, err := f.reopen(name, unix.S_IFDIR, unix.O_DIRECTORY)
	if err != nil {
		return nil, false, notFolder(err, name)
	}
	dir := os.NewFile(uintptr(fd), name)
	defer dir.Close()
	return readNames(dir, limit)
}

func readNames(dir *os.File, limit int) (names []string, more bool, err error) {
	names, err = dir.Readdirnames(limit + 1)
	if err == io.EOF {
		err = nil
	}
	if len(names) > limit {
		return names[:limit], true, err
	}
	return names, false, err
}

// Xattr returns an extended attribute, nil where the file has none of that name
// or its file system has none at all. Links are not followed.
func (f *FS) Xattr(name, attr string) ([]byte, error) {
	fd, err := f.at(name, unix.O_PATH|unix.O_NOFOLLOW)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	// An O_PATH descriptor has no fgetxattr; the path through /proc is the
	// same inode, and a link at its end is not followed twice.
	return xattr("/proc/self/fd/"+strconv.Itoa(fd), name, attr, unix.Getxattr)
}

// xattr reads an attribute of up to 64 KiB, the kernel's own bound.
func xattr(via, name, attr string, get func(string, string, []byte) (int, error)) ([]byte, error) {
	buf := make([]byte, 512)
	n, err := get(via, attr, buf)
	if err == unix.ERANGE {
		buf = make([]byte, 64<<10)
		n, err = get(via, attr, buf)
	}
	switch {
	case err == unix.ENODATA || err == unix.ENOTSUP:
		return nil, nil
	case err != nil:
		return nil, &fs.PathError{Op: "getxattr", Path: name, Err: err}
	}
	return buf[:n], nil
}

// Privileged tells whether this process reads as root.
func Privileged() bool { return os.Geteuid() == 0 }
