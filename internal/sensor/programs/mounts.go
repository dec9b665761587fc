//go:build linux

package programs

import (
	"fmt"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/mountinfo"
	"assay/internal/sensor/proc"
)

// mounts tells on what file system an object is, by the number of its mount, which is
// the same in all namespaces: the host's mounts, and those of the process it is of.
type mounts struct {
	proc   proc.FS
	host   map[int]mountinfo.Entry
	root   string // the device of the host's root
	memory int    // the mount of files in memory; -1: not known

	namespace uint64 // of the mounts of processes that were read last
	theirs    map[int]mountinfo.Entry
	table     *mountinfo.Table // the host's
}

func newMounts(p proc.FS, self int) (*mounts, error) {
	entries, err := mountinfo.Read(p.Path(self, "mountinfo"))
	if err != nil {
		return nil, err
	}
	m := &mounts{proc: p, host: byID(entries), table: mountinfo.NewTable(entries, "/")}
	if root := m.table.Point("/"); root != nil {
		m.root = root.Device
	}
	if m.memory, err = hostfs.MemoryMount(); err != nil {
		m.memory = -1 // such files are not looked at, and say so
	}
	return m, nil
}

func byID(entries []mountinfo.Entry) map[int]mountinfo.Entry {
	m := make(map[int]mountinfo.Entry, len(entries))
	for _, e := range entries {
		m[e.ID] = e
	}
	return m
}

// objection is why nothing must be asked of an object of a process: that a program or
// another machine answers for it, which may keep the sensor waiting, or might.
func (m *mounts) objection(o *hostfs.Object, pid int, namespace uint64) (string, error) {
	id, err := o.Mount()
	if err != nil {
		return "", err
	}
	if id == m.memory {
		return "", nil
	}
	e, ok := m.host[id]
	if !ok {
		if e, ok, err = m.in(pid, namespace, id); err != nil {
			return "", err
		}
	}
	switch {
	case !ok:
		return "it is on a file system that is mounted nowhere, which is not looked at", nil
	case e.Device == m.root:
		return "", nil
	}
	// Not as a root, which is looked at where it is the host's.
	switch (&mountinfo.Entry{FileSystem: e.FileSystem}).Kind() {
	case mountinfo.Remote, mountinfo.Automount:
		return fmt.Sprintf("it is on a file system (%s) that may keep us waiting, which is not looked at", e.FileSystem), nil
	}
	return "", nil
}

// in looks in the mounts of a process.
func (m *mounts) in(pid int, namespace uint64, id int) (mountinfo.Entry, bool, error) {
	if m.theirs == nil || m.namespace != namespace {
		entries, err := mountinfo.Read(m.proc.Path(pid, "mountinfo"))
		if err != nil {
			return mountinfo.Entry{}, false, err
		}
		m.namespace, m.theirs = namespace, byID(entries)
	}
	e, ok := m.theirs[id]
	return e, ok, nil
}
