// Package libraries is the sensor of the packages of programming languages: what
// programs were built of (Go, Rust), and what is installed for interpreters and
// virtual machines to load (Python, Node, Java, Ruby, PHP, .NET). It goes over all
// local files once, recognises by name and mode those that can tell, and reads
// these with the parsers below this package. Nothing is executed, and nothing of a
// file leaves the host but the names and versions of packages.
//
// Collect does the same below any root, for the sensor of containers.
package libraries

import (
	"context"
	"time"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/mountinfo"
	"assay/internal/telemetry"
)

// Bounds of one collection. Beyond them the coverage is partial.
const (
	maxFound = 250_000 // libraries
	maxTime  = 4 * time.Minute
)

// Sensor implements sensor.Sensor. Its zero value is ready.
type Sensor struct{}

// New returns the sensor.
func New() Sensor { return Sensor{} }

// Describe implements sensor.Sensor.
func (Sensor) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorLibraries,
		Summary: "Packages of Go, Rust, Python, Node, Java, Ruby, PHP and .NET, with version, file and the system's package that owns it.",
		Reads:   reads(),
		Never: append([]string{"anything of these files but the names and versions of packages",
			"remote and pseudo file systems, automount points", "images and layers of containers:"}, images...),
	}
}

// Collect implements sensor.Sensor.
func (Sensor) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	mounts, err := mountinfo.ForRoot(host.FS)
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: "what is mounted is not known: " + err.Error()}, nil
	}
	o := Options{Mounts: mounts, Only: host.Only}
	out, err := Collect(ctx, host.FS, o, func(l *telemetry.Library) error { return emit(l) })
	if err != nil {
		return telemetry.Coverage{}, err
	}
	out.Coverage.Scope = telemetry.Narrow([]string{"/**"}, host.Only)
	return out.Coverage, nil
}

// Options are where Collect looks and how far.
type Options struct {
	// Mounts is what is mounted below the root. Without it only the root's own
	// mount is looked at.
	Mounts *mountinfo.Table

	Only      []string      // patterns of the paths that are wanted; none means all
	Container string        // the records' Container
	Time      time.Duration // after which the walk ends; zero means four minutes
	Most      int           // libraries; zero means 250,000
}

// Outcome is what a collection came to.
type Outcome struct {
	Libraries int // emitted

	// Coverage has the state, the reason and, by OSV's names of the ecosystems,
	// the parts: a damaged archive of Java says nothing about Python.
	Coverage telemetry.Coverage
}

// Collect emits the libraries in the files below a root. The error is that of emit
// or ctx; what could not be looked at is in the outcome.
func Collect(ctx context.Context, fs *hostfs.FS, o Options, emit func(*telemetry.Library) error) (Outcome, error) {
	if o.Time == 0 {
		o.Time = maxTime
	}
	if o.Most == 0 {
		o.Most = maxFound
	}
	c := &collection{ctx: ctx, fs: fs, kinds: kinds(), options: o, emit: emit, gaps: map[string]*gap{}}
	if err := c.run(); err != nil {
		return Outcome{}, err
	}
	return Outcome{Libraries: c.found, Coverage: c.coverage()}, nil
}
