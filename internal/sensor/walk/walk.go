// Package walk is the sensor that goes over all local file systems once and tells
// of the exceptions only: files that are setuid or setgid, that everybody can
// write, that belong to nobody, and, where SELinux labels files, unlabelled ones.
//
// It is a sensor of its own beside files, because it takes seconds where files
// takes a fraction of one: an instruction can leave it out, and that it ran into
// a bound says nothing about the metadata of the configuration.
package walk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"assay/internal/sensor"
	"assay/internal/sensor/mountinfo"
	"assay/internal/telemetry"
)

// Bounds of one walk. Beyond them the coverage is partial.
const (
	maxEntries = 20_000_000
	maxFound   = 50_000
	maxDepth   = 128 // of folders; each is an open descriptor
	batch      = 1024
)

type walk struct{}

// New returns the sensor.
func New() sensor.Sensor { return walk{} }

func (walk) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorWalk,
		Summary: "Files of all local file systems that are setuid, setgid, writable by everybody, without owner or group, or unlabelled.",
		Reads:   []string{"/**", "/etc/passwd", "/etc/group"},
		Never: []string{"the content of any other file", "remote and pseudo file systems, automount points",
			"overlays of containers, whose layers are on file systems that are walked"},
	}
}

func (walk) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	mounts, err := mountinfo.ForRoot(host.FS)
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: "what is mounted is not known: " + err.Error()}, nil
	}
	w := &walker{ctx: ctx, fs: host.FS, emit: emit, mounts: mounts, only: host.Only}
	w.users = w.owners("/etc/passwd", "unowned")
	w.groups = w.owners("/etc/group", "without group")
	w.labels = w.labelled()
	for _, e := range w.plan() {
		if err := w.mount(e); err != nil {
			return telemetry.Coverage{}, err
		}
	}
	if w.denied > 0 {
		w.missing = append(w.missing, fmt.Sprintf("%d folders could not be read: the first was %s", w.denied, w.firstDenied))
	}
	c := sensor.Covered(w.missing)
	c.Scope = telemetry.Narrow([]string{"/**"}, host.Only)
	return c, nil
}

// plan are the mounts to walk: the local ones, each part of a file system once,
// however often it is mounted.
func (w *walker) plan() []mountinfo.Entry {
	var plan []mountinfo.Entry
	for _, e := range w.mounts.Entries {
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
				(o.Root != e.Root || before(plan, &o, &e)) && !w.covered(&o, &e)
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
func (w *walker) covered(o, e *mountinfo.Entry) bool {
	at := strings.TrimSuffix(o.Point, "/") + strings.TrimPrefix(e.Root, strings.TrimSuffix(o.Root, "/"))
	if at != "/" {
		at = strings.TrimSuffix(at, "/")
	}
	top := w.mounts.Of(at)
	return top == nil || top.ID != o.ID
}

func within(name, folder string) bool {
	return name == folder || folder == "/" || strings.HasPrefix(name, folder+"/")
}

// containers tells whether a mount is the file system of a container: an overlay
// whose layers are walked where they are.
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
