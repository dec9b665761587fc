//go:build linux

package programs

import (
	"fmt"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/mountinfo"
	"assay/internal/sensor/proc"
)

// maxMounts bounds the lines of mountinfo that are read in all.
const maxMounts = 1 << 20

// mounts tells on what file system an object is, by the number of its mount, which is
// the same in all namespaces. A process's mountinfo has only what it can reach from its
// root, so a mount that is not known yet is looked for in that of each process that has
// such a file.
type mounts struct {
	proc   proc.FS
	known  map[int]mount
	read   map[int]bool // by PID
	lines  int
	root   string           // the device of the host's root
	memory int              // the mount of files in memory; -1: not known
	table  *mountinfo.Table // the host's
}

type mount struct{ fileSystem, device string }

func newMounts(p proc.FS, self int) (*mounts, error) {
	entries, err := mountinfo.Read(p.Path(self, "mountinfo"))
	if err != nil {
		return nil, err
	}
	m := &mounts{proc: p, known: map[int]mount{}, read: map[int]bool{self: true}, table: mountinfo.NewTable(entries, "/")}
	m.add(entries)
	if root := m.table.Point("/"); root != nil {
		m.root = root.Device
	}
	if m.memory, err = hostfs.MemoryMount(); err != nil {
		m.memory = -1 // such files are not looked at, and say so
	}
	return m, nil
}

func (m *mounts) add(entries []mountinfo.Entry) {
	m.lines += len(entries)
	for _, e := range entries {
		m.known[e.ID] = mount{e.FileSystem, e.Device}
	}
}

// objection is why nothing must be asked of an object of a process: that a program or
// another machine answers for it, which may keep the sensor waiting, or might.
func (m *mounts) objection(o *hostfs.Object, pid int) (string, error) {
	id, err := o.Mount()
	if err != nil {
		return "", err
	}
	if id == m.memory {
		return "", nil
	}
	found, ok := m.known[id]
	if !ok && !m.read[pid] && m.lines < maxMounts {
		m.read[pid] = true
		entries, err := mountinfo.Read(m.proc.Path(pid, "mountinfo"))
		if err != nil {
			return "", err
		}
		m.add(entries)
		found, ok = m.known[id]
	}
	switch {
	case !ok:
		return "it is on a file system that is mounted nowhere, which is not looked at", nil
	case found.device == m.root:
		return "", nil
	}
	// Not as a root, which is looked at where it is the host's.
	switch (&mountinfo.Entry{FileSystem: found.fileSystem}).Kind() {
	case mountinfo.Remote, mountinfo.Automount:
		return fmt.Sprintf("it is on a file system (%s) that may keep us waiting, which is not looked at", found.fileSystem), nil
	}
	return "", nil
}
