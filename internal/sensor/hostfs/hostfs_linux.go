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
	root string
	fd   int
}

// Open opens the file system under root. Close releases it.
func Open(root string) (*FS, error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: root, Err: err}
	}
	f := &FS{root: path.Clean(root), fd: fd}
	if f.root != "/" {
		// Refuse at once what could otherwise only fail file by file.
		probe, err := f.at("/", unix.O_PATH, 0)
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

// Close releases the root.
func (f *FS) Close() error { return unix.Close(f.fd) }

// at opens a path below the root, without the kernel's magic links of /proc
// when the root is not the running system's.
func (f *FS) at(name string, flags uint64, resolve uint64) (int, error) {
	flags |= unix.O_CLOEXEC
	name = path.Clean("/" + name)
	var fd int
	var err error
	for {
		if f.root == "/" {
			fd, err = unix.Open(name, int(flags), 0)
		} else {
			fd, err = unix.Openat2(f.fd, name, &unix.OpenHow{Flags: flags, Resolve: resolve | unix.RESOLVE_IN_ROOT})
		}
		if err != unix.EINTR && err != unix.EAGAIN {
			break
		}
	}
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
}

// Lstat describes the file itself, a symbolic link as a link.
func (f *FS) Lstat(name string) (Info, error) {
	return f.stat(name, unix.O_PATH|unix.O_NOFOLLOW)
}

// Stat describes what the path leads to.
func (f *FS) Stat(name string) (Info, error) { return f.stat(name, unix.O_PATH) }

func (f *FS) stat(name string, flags uint64) (Info, error) {
	fd, err := f.at(name, flags, 0)
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
	return Info{
		Name:   path.Base(name),
		Mode:   fileMode(st.Mode),
		Perm:   st.Mode & 0o7777,
		UID:    st.Uid,
		GID:    st.Gid,
		Size:   st.Size,
		MTime:  time.Unix(st.Mtim.Unix()).UTC(),
		Links:  uint64(st.Nlink),
		Device: st.Dev,
		Inode:  st.Ino,
	}, nil
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
	fd, err := f.reopen(name, unix.S_IFREG, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (f *FS) reopen(name string, want uint32, flags int) (int, error) {
	probe, err := f.at(name, unix.O_PATH, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(probe)
	var st unix.Stat_t
	if err := unix.Fstat(probe, &st); err != nil {
		return -1, &fs.PathError{Op: "stat", Path: name, Err: err}
	}
	if st.Mode&unix.S_IFMT != want {
		return -1, &fs.PathError{Op: "open", Path: name, Err: ErrNotRegular}
	}
	// O_NONBLOCK: a file with a mandatory lock or a lease must not hang us.
	flags |= unix.O_RDONLY | unix.O_CLOEXEC | unix.O_NONBLOCK | unix.O_NOCTTY
	via := "/proc/self/fd/" + strconv.Itoa(probe)
	fd, err := unix.Open(via, flags|unix.O_NOATIME, 0)
	if err == unix.EPERM {
		// Not the owner, and not root: reading as a normal user may
		// change the access time, as any reading by that user does.
		fd, err = unix.Open(via, flags, 0)
	}
	if err != nil {
		return -1, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return fd, nil
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
	fd, err := f.at(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(fd, "", buf)
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return string(buf[:n]), nil
}

// Resolve returns the path that name leads to once every link is followed.
func (f *FS) Resolve(name string) (string, error) {
	fd, err := f.at(name, unix.O_PATH, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	real, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil {
		return "", fmt.Errorf("resolve %s: %w", name, err)
	}
	if f.root == "/" {
		return real, nil
	}
	root, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(f.fd))
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
		if errors.Is(err, ErrNotRegular) {
			err = &fs.PathError{Op: "readdir", Path: name, Err: unix.ENOTDIR}
		}
		return nil, false, err
	}
	dir := os.NewFile(uintptr(fd), name)
	defer dir.Close()
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
	fd, err := f.at(name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 4096)
	// An O_PATH descriptor has no fgetxattr; the path through /proc is the
	// same inode, and a link at its end is not followed twice.
	n, err := unix.Getxattr("/proc/self/fd/"+strconv.Itoa(fd), attr, buf)
	switch {
	case err == unix.ENODATA || err == unix.ENOTSUP:
		return nil, nil
	case err == unix.ERANGE:
		buf = make([]byte, 64<<10)
		n, err = unix.Getxattr("/proc/self/fd/"+strconv.Itoa(fd), attr, buf)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "getxattr", Path: name, Err: err}
	}
	return buf[:n], nil
}

// Privileged tells whether this process reads as root.
func Privileged() bool { return os.Geteuid() == 0 }
