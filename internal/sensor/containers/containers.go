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
	"assay/internal/sensor/libraries"
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
	time       time.Duration // of reading the packages of one
	search     time.Duration // of going over the files of one
	total      time.Duration
}

// A sensor has five minutes; a host's telemetry in a run has a million records.
var usual = bounds{containers: 1000, records: 400_000, each: 50_000, time: 30 * time.Second, search: time.Minute, total: 4 * time.Minute}

type containers struct {
	proc   proc.FS
	bounds bounds
}

// New returns the sensor.
func New() sensor.Sensor { return containers{proc.New("/proc"), usual} }

func (containers) Describe() sensor.Description {
	reads := []string{"/proc/[pid]/ns/mnt", "/proc/[pid]/root (what it is)", "/proc/[pid]/mountinfo", "/proc/[pid]/cgroup", "/proc/[pid]/stat", "/proc/[pid]/status"}
	reads = append(reads, manifests()...)
	inside := slices.Concat(system.ReleaseFiles(), packages.New().Describe().Reads, libraries.New().Describe().Reads)
	for _, path := range inside {
		reads = append(reads, "/proc/[pid]/root"+path)
	}
	return sensor.Description{
		Name:    telemetry.SensorContainers,
		Summary: "The containers that run on the host: name, image, system, and the packages and libraries in each.",
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
	if err := c.collect(ctx, table.Containers); err != nil {
		return telemetry.Coverage{}, err
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
	records int
	ended   int // before anything of them was read

	all, packages, libraries []string // shortcomings
}

// collect reads the packages of all containers first, which is little, and then
// goes over their files for libraries, as long as there is time. The records of the
// containers come last: they say what could not be read.
func (c *collection) collect(ctx context.Context, all []*roots.Root) error {
	if len(all) > c.bounds.containers {
		c.all = append(c.all, fmt.Sprintf("only %d of %d containers were looked at", c.bounds.containers, len(all)))
		all = all[:c.bounds.containers]
	}
	var looked []*container
	for i, root := range all {
		if over := c.over(); over != "" {
			c.all = append(c.all, fmt.Sprintf("%d containers were not looked at: %s", len(all)-i, over))
			break
		}
		one := newContainer(c, root)
		looked = append(looked, one)
		if err := one.look(ctx); err != nil {
			return err
		}
	}
	for i, one := range looked {
		if over := c.over(); over != "" {
			c.libraries = append(c.libraries, fmt.Sprintf("%d containers were not searched for libraries: %s", len(looked)-i, over))
			break
		}
		if err := one.search(ctx); err != nil {
			return err
		}
	}
	for _, one := range looked {
		if err := one.finish(); err != nil {
			return err
		}
	}
	return nil
}

// over tells why no more is read; empty: it is.
func (c *collection) over() string {
	switch {
	case c.records >= c.bounds.records:
		return fmt.Sprintf("there are more than %d packages", c.bounds.records)
	case time.Now().After(c.end):
		return fmt.Sprintf("it would take longer than %s", c.bounds.total)
	}
	return ""
}

// coverage is complete only if every container was found and read whole.
func (c *collection) coverage(table *roots.Table) telemetry.Coverage {
	if len(c.host.Only) > 0 {
		c.libraries = append(c.libraries, "the instruction asks for some of the files only")
	}
	if c.ended > 0 {
		c.all = append(c.all, fmt.Sprintf("%d containers ended before they were looked into", c.ended))
	}
	if !hostfs.Privileged() {
		c.all = append(c.all, "only the containers of the agent's own user can be seen; run the agent as root")
	} else if table.Denied > 0 {
		c.all = append(c.all, fmt.Sprintf("the kernel refused to show which files %d of the processes see", table.Denied))
	}
	v := sensor.Covered(slices.Concat(c.all, c.packages, c.libraries))
	if !hostfs.Privileged() && len(table.Containers) == 0 {
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
