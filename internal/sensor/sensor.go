// Package sensor says what a sensor is: a predefined piece of code that reads a
// fixed scope of the host and emits telemetry records. The sensors themselves
// are one package each below this one; package sensor/catalog lists them, in
// one explicit list, for the agent. A sensor changes nothing on the host, runs
// nothing and loads no kernel module. It opens no connection but netlink, and, where it
// has programs in the kernel, one that proves them: to a closed port of loopback. What a
// sensor has in the kernel only observes, answers nothing, and goes with the agent's process.
package sensor

import (
	"context"

	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// Emit takes a record. An error means that the collection is over; a sensor
// returns at once when it sees one.
type Emit func(telemetry.Record) error

// Sensor reads one fixed scope of a host.
type Sensor interface {
	// Describe tells what the sensor is and what it may ever read. It is what
	// `assay-agent sensors` prints.
	Describe() Description

	// Collect reads the host once, emits what it found, and says how far that
	// is complete. It returns an error only where emit or ctx failed: what the
	// host refuses is coverage, not an error. The coverage's counts and the
	// sensor's name are filled in by the caller.
	Collect(ctx context.Context, host *Host, emit Emit) (telemetry.Coverage, error)
}

// Observer is a sensor that can watch the host for as long as it is switched on.
type Observer interface {
	Sensor

	// Observe watches until ctx ends, which is no error, and says then how far what
	// it emitted is all that happened. It may emit at any time until it returns,
	// after the end of ctx, too; emit may block for as long as nobody takes what was
	// emitted before. Otherwise it is as Collect, which looks once.
	Observe(ctx context.Context, host *Host, emit Emit) (telemetry.Coverage, error)
}

// Description is a sensor's published scope.
type Description struct {
	Name    string   `json:"name"`            // lower case, unique: "packages"
	Summary string   `json:"summary"`         // one sentence
	Reads   []string `json:"reads"`           // path patterns and kernel interfaces
	Never   []string `json:"never,omitempty"` // what is left out or redacted on purpose
	Live    bool     `json:"live"`            // needs a running system: of an image it is "not collected"

	// Observes says that nothing can be told by one look. A run that has such a sensor
	// observes: then every Observer of its sensors does, and else each looks once.
	Observes bool `json:"observes,omitempty"`
	// Optional is a sensor that is run only if it is named: who asks for all does not get it.
	Optional bool `json:"optional,omitempty"`
}

// Host is what sensors read from.
type Host struct {
	FS   *hostfs.FS
	Live bool // FS is the running system's own file system

	// Only narrows a sensor's scope to these patterns; empty means all of it.
	// It can never widen it.
	Only []string
}

// NotLive is the coverage of a sensor that needs a running system and was given
// an image.
func NotLive() telemetry.Coverage {
	return telemetry.Coverage{
		State:  telemetry.NotCollected,
		Reason: "only a running system can tell; this is the image of one",
	}
}
