package tree

import (
	"slices"
	"strings"

	"assay/internal/sensor/mountinfo"
)

// plan are the mounts to walk: the local ones, each part of a file system once,
// however often it is mounted.
func plan(mounts *mountinfo.Table) []mountinfo.Entry {
	var plan []mountinfo.Entry
	for _, e := range mounts.Entries {
		if e.Kind() == mountinfo.Local && !containers(&e) {
			plan = append(plan, e)
		}
	}
	// Parts that hold others go first, so that a bind mount of a folder is
	// known to be walked already.
	slices.SortStableFunc(plan, func(a, b mountinfo.Entry) int { return len(a.Root) - len(b.Root) })
	return slices.DeleteFunc(plan, func(e mountinfo.Entry) bool {
		return slices.ContainsFunc(plan, func(o mountinfo.Entry) bool {
			return o.Device == e.Device && o.ID != e.ID && within(e.Root, o.Root) &&
				(o.Root != e.Root || before(plan, &o, &e)) && !covered(mounts, &o, &e)
		})
	})
}

// before tells whether of two mounts of the same part the first comes first.
func before(plan []mountinfo.Entry, o, e *mountinfo.Entry) bool {
	for i := range plan {
		if plan[i].ID == o.ID || plan[i].ID == e.ID {
			return plan[i].ID == o.ID
		}
	}
	return false
}

// covered tells whether what e shows is hidden in o by another mount on top.
func covered(mounts *mountinfo.Table, o, e *mountinfo.Entry) bool {
	at := strings.TrimSuffix(o.Point, "/") + strings.TrimPrefix(e.Root, strings.TrimSuffix(o.Root, "/"))
	if at != "/" {
		at = strings.TrimSuffix(at, "/")
	}
	top := mounts.Of(at)
	return top == nil || top.ID != o.ID
}

func within(name, folder string) bool {
	return name == folder || folder == "/" || strings.HasPrefix(name, folder+"/")
}

// containers tells whether a mount is the file system of a container: an overlay
// whose layers are on file systems that are walked.
func containers(e *mountinfo.Entry) bool {
	if e.FileSystem != "overlay" && e.FileSystem != "aufs" {
		return false
	}
	for _, folder := range []string{"/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/run", "/var/lib/kubelet", "/var/snap"} {
		if within(e.Point, folder) {
			return true
		}
	}
	return strings.HasPrefix(e.Point, "/home/") || strings.HasSuffix(e.Point, "/merged")
}
