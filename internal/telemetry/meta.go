package telemetry

import "time"

// Format is the version of the file format that this package writes, and the
// only one that it reads.
const Format = 1

// Type names a kind of record. It is the first member of every line.
type Type string

// The types of records. Their meaning is documented at the Go type.
const (
	TypeHeader          Type = "header"
	TypeTrailer         Type = "trailer"
	TypeCoverage        Type = "coverage"
	TypeSystem          Type = "system"
	TypeProcessor       Type = "processor"
	TypePackage         Type = "package"
	TypePackageDatabase Type = "package_database"
	TypeText            Type = "text"
	TypeFile            Type = "file"
	TypeUser            Type = "user"
	TypeShadow          Type = "shadow"
	TypeGroup           Type = "group"
	TypeKernelParameter Type = "kernel_parameter"
	TypeKernelModule    Type = "kernel_module"
	TypeMount           Type = "mount"
	TypeProcess         Type = "process"
	TypeObject          Type = "object"
	TypeSocket          Type = "socket"
	TypeInterface       Type = "interface"
	TypeRoute           Type = "route"
	TypeLibrary         Type = "library"
	TypeContainer       Type = "container"
	TypeExecution       Type = "execution"
	TypeConnection      Type = "connection"
	TypeAccepting       Type = "accepting"
	TypeObservation     Type = "observation"
	TypeProgram         Type = "program"
	TypeLoad            Type = "load"
	TypeSpoken          Type = "spoken"
	TypeLooks           Type = "looks"
)

// Meta begins every record. Writer fills Type in; a sensor fills Sensor in
// through Writer.For, so that neither can be forgotten or forged by a record.
type Meta struct {
	Type   Type   `json:"type"`
	Sensor string `json:"sensor,omitempty"`
}

func (m *Meta) meta() *Meta { return m }

// Record is one line of a snapshot. Only the types of this package implement it.
type Record interface {
	kind() Type
	meta() *Meta
}

// Kind returns the type of a record.
func Kind(r Record) Type { return r.kind() }

// SensorOf returns the name of the sensor that emitted a record.
func SensorOf(r Record) string { return r.meta().Sensor }

// Stamp names a record's type and sensor as Writer does, for records that are
// not written anywhere.
func Stamp(sensor string, r Record) {
	*r.meta() = Meta{Type: r.kind(), Sensor: sensor}
}

// Header is the first line of a snapshot or segment.
type Header struct {
	Meta
	Format  int       `json:"format"`
	Agent   string    `json:"agent,omitempty"` // the agent's id; empty in a file made without a service
	Version string    `json:"version"`         // of the agent program
	Boot    string    `json:"boot,omitempty"`  // /proc/sys/kernel/random/boot_id of a running host
	Root    string    `json:"root"`            // "/" for the running host, else what was mounted there
	Started time.Time `json:"started"`         // by the host's clock

	// Of an upload segment only. A segment carries records of one sensor.
	Run       string `json:"run,omitempty"`
	Sequence  int64  `json:"sequence,omitempty"` // from 1, without gaps, for one agent in one run
	OneSensor string `json:"one_sensor,omitempty"`
}

// Trailer is the last line.
type Trailer struct {
	Meta
	Records  int64     `json:"records"` // lines between header and trailer
	Finished time.Time `json:"finished"`
}

func (*Header) kind() Type  { return TypeHeader }
func (*Trailer) kind() Type { return TypeTrailer }
