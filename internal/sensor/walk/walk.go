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

	"assay/internal/sensor"
	"assay/internal/sensor/mountinfo"
	"assay/internal/sensor/tree"
	"assay/internal/telemetry"
)

// maxFound bounds the exceptions that are told of. Beyond it the coverage is partial.
const maxFound = 50_000

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
	w := &walker{fs: host.FS, emit: emit, only: host.Only}
	w.users = w.owners("/etc/passwd", "unowned")
	w.groups = w.owners("/etc/group", "without group")
	w.labels = w.labelled()
	files := tree.Tree{FS: host.FS, Mounts: mounts, Visit: w.judge}
	if err := files.Walk(ctx); err != nil {
		return telemetry.Coverage{}, err
	}
	c := sensor.Covered(append(w.missing, files.Shortcomings()...))
	c.Scope = telemetry.Narrow([]string{"/**"}, host.Only)
	return c, nil
}
