//go:build linux

package protocols

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/mountinfo"
)

// rootInode is the number of the first control group's folder, which is its identity
// (cgroup_id 1 in kernel/cgroup/cgroup.c): in a namespace of control groups another one is the root.
const rootInode = 1

// root finds where the control groups of version 2 are mounted, by a list of mounts.
// It is whole if all of the host's are below it.
func root(mounts string) (group string, whole bool, err error) {
	entries, err := mountinfo.Read(mounts)
	if err != nil {
		return "", false, fmt.Errorf("look for the control groups: %w", err)
	}
	for _, e := range entries {
		var st unix.Stat_t
		if e.FileSystem != "cgroup2" || unix.Stat(e.Point, &st) != nil {
			continue
		}
		if st.Ino == rootInode {
			return e.Point, true, nil
		}
		group = e.Point
	}
	if group == "" {
		return "", false, errors.New("no file system of type cgroup2 is mounted, and the agent mounts none: connections cannot be looked at")
	}
	return group, false, nil
}
