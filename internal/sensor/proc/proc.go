// Package proc reads what Linux tells of its processes under /proc (proc(5)), for
// the sensors of processes and sockets. It reads who a process is, what it
// executes and has mapped, and which sockets it holds: never its arguments, its
// environment or its memory. A process that ends while it is looked at is no
// error; it is left out.
package proc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// FS is a mounted proc file system. It is safe for concurrent use.
type FS struct{ dir string }

// New returns the proc file system mounted at dir, normally "/proc".
func New(dir string) FS { return FS{dir} }

// ErrGone says that the process has ended.
var ErrGone = errors.New("the process has ended")

// PIDs lists the processes, sorted by number.
func (f FS) PIDs() ([]int, error) {
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func (f FS) path(pid int, name string) string {
	return filepath.Join(f.dir, strconv.Itoa(pid), name)
}

// read reads a whole file of a process, at most 1 MiB.
func (f FS) read(pid int, name string) ([]byte, error) {
	data, err := os.ReadFile(f.path(pid, name))
	return data, gone(err)
}

// gone turns the errors by which the kernel says that a process has ended into
// ErrGone.
func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return ErrGone
	}
	return err
}

// Gone tells whether an error says that the process has ended.
func Gone(err error) bool { return errors.Is(gone(err), ErrGone) }

// Stat is what /proc/PID/stat and /proc/PID/status tell.
type Stat struct {
	PID, Parent  int
	Name         string // comm
	Kernel       bool   // a kernel thread
	Started      int64  // clock ticks after boot
	RealUID, UID uint32 // UID is the effective one
	GID          uint32 // effective
}

// kthread is PF_KTHREAD of include/linux/sched.h, stable since Linux 2.6.
const kthread = 0x00200000

// Stat reads who a process is.
func (f FS) Stat(pid int) (Stat, error) {
	data, err := f.read(pid, "stat")
	if err != nil {
		return Stat{}, err
	}
	s, err := parseStat(data)
	if err != nil {
		return Stat{}, fmt.Errorf("read the state of process %d: %w", pid, err)
	}
	data, err = f.read(pid, "status")
	if err != nil {
		return Stat{}, err
	}
	return s, s.parseStatus(data)
}

// parseStat parses "pid (comm) state ppid ...": comm may hold anything,
// parentheses and newlines too, so its end is the last one.
func parseStat(data []byte) (Stat, error) {
	open, end := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 1 || end < open {
		return Stat{}, errors.New("its stat has no name")
	}
	fields := strings.Fields(string(data[end+1:]))
	if len(fields) < 20 {
		return Stat{}, errors.New("its stat is too short")
	}
	s := Stat{Name: string(data[open+1 : end])}
	flags, err1 := strconv.ParseUint(fields[6], 10, 64)
	pid, err2 := strconv.Atoi(strings.TrimSpace(string(data[:open])))
	parent, err3 := strconv.Atoi(fields[1])
	started, err4 := strconv.ParseInt(fields[19], 10, 64)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return Stat{}, err
	}
	s.PID, s.Parent, s.Started, s.Kernel = pid, parent, started, flags&kthread != 0
	return s, nil
}

func (s *Stat) parseStatus(data []byte) error {
	for line := range bytes.Lines(data) {
		key, rest, _ := strings.Cut(string(line), ":")
		ids := strings.Fields(rest)
		if (key != "Uid" && key != "Gid") || len(ids) < 2 {
			continue
		}
		real, err := strconv.ParseUint(ids[0], 10, 32)
		effective, err2 := strconv.ParseUint(ids[1], 10, 32)
		if err := errors.Join(err, err2); err != nil {
			return fmt.Errorf("read the owner of process %d: %w", s.PID, err)
		}
		if key == "Gid" {
			s.GID = uint32(effective)
			return nil
		}
		s.RealUID, s.UID = uint32(real), uint32(effective)
	}
	return fmt.Errorf("read the owner of process %d: its status does not say", s.PID)
}

// deletedSuffix is what the kernel appends to the path of a file that is gone.
const deletedSuffix = " (deleted)"

// Exe returns the path of the executable, and whether it is gone from there. A
// kernel thread has none: the error is ErrGone.
func (f FS) Exe(pid int) (path string, deleted bool, err error) {
	path, err = os.Readlink(f.path(pid, "exe"))
	if err != nil {
		return "", false, gone(err)
	}
	path, deleted = strings.CutSuffix(path, deletedSuffix)
	return path, deleted, nil
}

// Namespace returns the inode number of a namespace: "net", "mnt".
func (f FS) Namespace(pid int, kind string) (uint64, error) {
	text, err := os.Readlink(f.path(pid, "ns/"+kind))
	if err != nil {
		return 0, gone(err)
	}
	number := strings.TrimSuffix(strings.TrimPrefix(text, kind+":["), "]")
	inode, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the %s namespace of process %d: %q", kind, pid, text)
	}
	return inode, nil
}

// SocketInodes lists the sockets that a process holds open.
func (f FS) SocketInodes(pid int) ([]uint64, error) {
	dir, err := os.Open(f.path(pid, "fd"))
	if err != nil {
		return nil, gone(err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, gone(err)
	}
	var inodes []uint64
	for _, name := range names {
		target, err := os.Readlink(f.path(pid, "fd/"+name))
		if err != nil {
			continue // closed meanwhile
		}
		number, ok := strings.CutPrefix(target, "socket:[")
		if !ok {
			continue
		}
		if inode, err := strconv.ParseUint(strings.TrimSuffix(number, "]"), 10, 64); err == nil {
			inodes = append(inodes, inode)
		}
	}
	return inodes, nil
}

// Root returns the root folder of a process, as a path of this process's own: "/"
// also where that is the root of another mount namespace.
func (f FS) Root(pid int) (string, error) {
	text, err := os.Readlink(f.path(pid, "root"))
	return text, gone(err)
}

// Path is the path of a file of a process: Path(811, "mountinfo").
func (f FS) Path(pid int, name string) string { return f.path(pid, name) }
