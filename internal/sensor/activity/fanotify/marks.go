//go:build linux

package fanotify

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/mountinfo"
	"assay/internal/sensor/proc"
)

// Bounds of what is looked at for file systems.
const (
	maxSpaces  = 1000 // mount namespaces
	maxSystems = 8192 // file systems
	maxWords   = 5    // file systems that are named in a reason
)

// marks are the file systems of which the kernel tells. A mark is on the file system
// itself (FAN_MARK_FILESYSTEM, Linux 4.20): it holds for all its mounts, those in other
// mount namespaces too.
type marks struct {
	fd    int
	proc  proc.FS
	own   uint64 // mount namespace
	users uint64 // user namespace
	table *os.File

	mu      sync.Mutex
	systems map[string]bool   // by "major:minor": those that were tried
	spaces  map[uint64]uint64 // by device: a mount namespace where it is mounted, the agent's own if it is there
	left    map[string]bool   // words for those that are not watched
	fresh   int               // that came when there was watched already
	cut     bool
	began   bool
}

// newMarks marks what there is.
func newMarks(fd int, p proc.FS) (*marks, error) {
	m := &marks{fd: fd, proc: p, systems: map[string]bool{}, spaces: map[uint64]uint64{}, left: map[string]bool{}}
	var err error
	if m.own, err = p.Namespace(os.Getpid(), "mnt"); err != nil {
		return nil, err
	}
	if m.users, err = p.Namespace(os.Getpid(), "user"); err != nil {
		return nil, err
	}
	if m.table, err = os.Open("/proc/self/mountinfo"); err != nil {
		return nil, fmt.Errorf("find the file systems: %w", err)
	}
	if err := m.mark("/"); err != nil {
		return nil, errors.Join(fmt.Errorf("the kernel does not tell of executions (fanotify_mark): %w", err), m.table.Close())
	}
	m.renew()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.began, m.fresh = true, 0
	return m, nil
}

// changes is an open file on which poll(2) tells of changes of the agent's own mounts.
func (m *marks) changes() int32 { return int32(m.table.Fd()) }

// renew marks what is new, in every mount namespace that a process is in.
func (m *marks) renew() {
	m.renewOwn()
	pids, err := m.proc.PIDs()
	if err != nil {
		return
	}
	known := map[uint64]bool{m.own: true}
	for _, pid := range pids {
		ns, err := m.proc.Namespace(pid, "mnt")
		if err != nil || known[ns] {
			continue
		}
		if len(known) > maxSpaces {
			m.note(func() { m.cut = true })
			return
		}
		if m.within(pid, m.proc.Path(pid, "root"), ns) == nil {
			known[ns] = true
		}
	}
}

// renewOwn marks what is new in the agent's own mount namespace.
func (m *marks) renewOwn() {
	if err := m.within(os.Getpid(), "", m.own); err != nil {
		m.note(func() { m.left["those of the agent's own mount namespace: "+err.Error()] = true })
	}
}

// within marks what a process has mounted below its root.
func (m *marks) within(pid int, root string, ns uint64) error {
	entries, err := mountinfo.Read(m.proc.Path(pid, "mountinfo"))
	if err != nil {
		return err
	}
	table := mountinfo.NewTable(entries, "/")
	foreign := m.foreign(pid)
	for _, e := range table.Entries {
		if foreign && (e.Point != "/" || answers(e)) {
			m.leave(e, "in a user namespace")
			continue
		}
		if m.known(e.Device) || slices.Contains(e.Options, "noexec") || e.Kind() == mountinfo.Pseudo && e.FileSystem != "devtmpfs" {
			continue
		}
		m.system(table, e, root, ns)
	}
	return nil
}

// leave notes a file system that is not watched.
func (m *marks) leave(e mountinfo.Entry, why string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e.Kind() != mountinfo.Pseudo && !m.systems[e.Device] && len(m.left) < maxSystems {
		m.left[fmt.Sprintf("%s (%s), %s", e.Point, e.FileSystem, why)] = true
	}
}

func (m *marks) known(device string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.systems[device]
}

func (m *marks) note(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// system marks a file system that is not known.
func (m *marks) system(table *mountinfo.Table, e mountinfo.Entry, root string, ns uint64) {
	if away(table, e.Point) {
		m.leave(e, "which may not answer")
		return
	}
	device, err := m.markMount(root+e.Point, e.ID)
	if errors.Is(err, errHidden) {
		return // nobody can execute it by this path; there may be another
	}
	if err != nil {
		m.leave(e, err.Error())
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.systems) == maxSystems {
		m.cut = true
		return
	}
	m.systems[e.Device] = true
	if err != nil {
		return
	}
	m.spaces[device] = ns
	if m.began {
		m.fresh++
	}
}

func (m *marks) mark(name string) error {
	return unix.FanotifyMark(m.fd, unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, unix.FAN_OPEN_EXEC, unix.AT_FDCWD, name)
}

// space is a mount namespace that has a device; 0: none is known.
func (m *marks) space(device uint64) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spaces[device]
}

// end has the kernel tell no more.
func (m *marks) end() {
	_ = unix.FanotifyMark(m.fd, unix.FAN_MARK_FLUSH|unix.FAN_MARK_FILESYSTEM, 0, unix.AT_FDCWD, "/")
}

func (m *marks) close() error { return m.table.Close() }

// shortcomings are which file systems were not watched all the time.
func (m *marks) shortcomings() (all []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fresh > 0 {
		all = append(all, fmt.Sprintf("%d file systems were mounted meanwhile, and what was executed on them in the first moment is missing", m.fresh))
	}
	if m.cut {
		all = append(all, "there are too many mount namespaces or file systems to watch all")
	}
	if len(m.left) > 0 {
		words := make([]string, 0, len(m.left))
		for w := range m.left {
			words = append(words, w)
		}
		slices.Sort(words)
		all = append(all, fmt.Sprintf("%d file systems are not watched: %s", len(words), strings.Join(words[:min(len(words), maxWords)], ", ")))
	}
	return all
}
