// Package containers is the sensor of what the containers on a host have installed:
// the system that each has, its packages, and the packages of programming languages
// in it. It enters no container, asks no manager of containers and runs nothing: it
// reads a container's files through the root that one of its processes sees, and no
// further than the mount that this root is on. What is mounted below it, volumes,
// folders of the host and file systems of other machines, is not the container's
// image and is left out.
//
// A container decides what its files are, and may mean harm. Links lead nowhere but
// below its root, devices and pipes are not opened, and bytes, records and time are
// bounded, for each container and for all, so that one cannot hide the others.
package containers

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/proc"
	"assay/internal/sensor/roots"
	"assay/internal/sensor/system"
	"assay/internal/telemetry"
)

// bounds are those of one snapshot.
type bounds struct {
	containers int
	records    int           // of all containers together
	each       int           // records of one
	time       time.Duration // of one
	total      time.Duration
}

// A sensor has five minutes; a host's telemetry in a run has a million records.
var usual = bounds{containers: 1000, records: 400_000, each: 50_000, time: 30 * time.Second, total: 4 * time.Minute}

type containers struct {
	proc   proc.FS
	bounds bounds
}

// New returns the sensor.
func New() sensor.Sensor { return containers{proc.New("/proc"), usual} }

func (containers) Describe() sensor.Description {
	reads := []string{"/proc/[pid]/ns/mnt", "/proc/[pid]/root (what it is)", "/proc/[pid]/mountinfo", "/proc/[pid]/cgroup", "/proc/[pid]/stat", "/proc/[pid]/status"}
	reads = append(reads, manifests()...)
	for _, path := range append(packages.New().Describe().Reads, system.ReleaseFiles()...) {
		reads = append(reads, "/proc/[pid]/root"+path)
	}
	return sensor.Description{
		Name:    telemetry.SensorContainers,
		Summary: "The containers that run on the host: name, image, system, and the packages installed in each.",
		Reads:   reads,
		Never: []string{
			"of the files of managers of containers anything but a container's name, its image and its pod: no environment, arguments, labels or mounts",
			"volumes, folders of the host and remote file systems that are mounted in a container",
		},
		Live: true,
	}
}

func (s containers) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	if !host.Live {
		return sensor.NotLive(), nil
	}
	pids, err := s.proc.PIDs()
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	slices.Sort(pids)
	table, err := roots.Scan(ctx, s.proc, host.FS, os.Getpid(), pids)
	if ctx.Err() != nil {
		return telemetry.Coverage{}, ctx.Err()
	}
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: err.Error()}, nil
	}
	c := &collection{containers: s, host: host, emit: emit, names: readNames(host.FS), end: time.Now().Add(s.bounds.total)}
	for i, root := range table.Containers {
		if c.full(len(table.Containers) - i) {
			break
		}
		if err := c.container(ctx, root); err != nil {
			return telemetry.Coverage{}, err
		}
	}
	return c.coverage(table), nil
}

// collection is the work on all containers.
type collection struct {
	containers
	host    *sensor.Host
	emit    sensor.Emit
	names   names
	end     time.Time
	looked  int
	records int
	ended   int

	all, packages, libraries []string // shortcomings
}

// full tells whether a bound is reached, and notes what is left out by it.
func (c *collection) full(left int) bool {
	var why string
	switch {
	case c.looked == c.bounds.containers:
		why = fmt.Sprintf("no more than %d are looked at", c.bounds.containers)
	case c.records >= c.bounds.records:
		why = fmt.Sprintf("the others have more than %d packages", c.bounds.records)
	case time.Now().After(c.end):
		why = fmt.Sprintf("they took longer than %s", c.bounds.total)
	default:
		return false
	}
	c.all = append(c.all, fmt.Sprintf("%d containers were not looked at: %s", left, why))
	return true
}

// coverage is complete only if every container was found and read whole.
func (c *collection) coverage(table *roots.Table) telemetry.Coverage {
	if c.ended > 0 {
		c.all = append(c.all, fmt.Sprintf("%d containers ended before they were looked at", c.ended))
	}
	if !hostfs.Privileged() {
		c.all = append(c.all, "only the containers of the agent's own user can be seen; run the agent as root")
	} else if table.Denied > 0 {
		c.all = append(c.all, fmt.Sprintf("the kernel refused to show which files %d processes see", table.Denied))
	}
	v := sensor.Covered(slices.Concat(c.all, c.packages, c.libraries))
	if !hostfs.Privileged() && c.looked == 0 {
		v.State = telemetry.Denied
	}
	for _, part := range []struct {
		name         string
		shortcomings []string
	}{{"packages", c.packages}, {"libraries", c.libraries}} {
		p := sensor.Covered(slices.Concat(c.all, part.shortcomings))
		if v.State == telemetry.Denied {
			p.State = telemetry.Denied
		}
		v.Parts = append(v.Parts, telemetry.Part{Name: part.name, State: p.State, Reason: p.Reason})
	}
	return v
}
