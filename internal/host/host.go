// Package host is a host as the rules see it, read back from telemetry. Every
// look-up answers present, absent, or not collected with the reason: that
// something is missing from the telemetry never means that it is absent on the
// host, unless a sensor whose scope it is in says that it saw all there is.
//
// The agent never links this package.
package host

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"assay/internal/telemetry"
)

// Host is what the telemetry of one host says. It is filled with Add and Read,
// and read-only and safe for concurrent use after Seal.
type Host struct {
	ID string // the agent's id; empty for a file made without a service

	coverage map[string]*telemetry.Coverage
	received map[string]int64 // records by sensor

	system     *telemetry.System
	processor  *telemetry.Processor
	texts      map[string]*telemetry.Text
	files      map[string]*telemetry.File
	found      []*telemetry.File // by the walk of the file systems
	gaps       map[string]gaps   // by sensor
	parameters map[string]*telemetry.KernelParameter
	modules    []*telemetry.KernelModule
	users      []*telemetry.User
	shadows    []*telemetry.Shadow
	groups     []*telemetry.Group
	packages   []*telemetry.Package
	databases  []*telemetry.PackageDatabase
	mounts     []*telemetry.Mount
	looks      map[string]*looks // by sensor
	processes  seen[*telemetry.Process]
	mapped     int // by all processes that were told of
	objects    []*telemetry.Object
	sockets    seen[*telemetry.Socket]
	interfaces []*telemetry.Interface
	routes     []*telemetry.Route
	libraries  []*telemetry.Library
	containers []*telemetry.Container

	executions   map[string]*telemetry.Execution
	connections  map[string]*telemetry.Connection
	accepting    map[string]*telemetry.Accepting
	observations []*telemetry.Observation
	loads        map[string]*telemetry.Load
	spoken       map[string]*telemetry.Spoken
	programs     seen[*telemetry.Program]
	used         map[program]*telemetry.Program // by sensor activity
	programFiles map[string]*telemetry.File

	// Of the containers.
	inPackages  []*telemetry.Package
	inDatabases []*telemetry.PackageDatabase
	inLibraries []*telemetry.Library
}

// usualFiles is about how many files a server has in the sensor's scope: a map
// that has to grow that large costs more than the files themselves.
const usualFiles = 8000

// New makes a host of which nothing is known yet.
func New(id string) *Host {
	return &Host{
		ID:         id,
		coverage:   map[string]*telemetry.Coverage{},
		received:   map[string]int64{},
		texts:      map[string]*telemetry.Text{},
		files:      make(map[string]*telemetry.File, usualFiles),
		gaps:       map[string]gaps{telemetry.SensorConfig: {}, telemetry.SensorFiles: {}},
		parameters: map[string]*telemetry.KernelParameter{},

		looks: map[string]*looks{}, processes: newSeen[*telemetry.Process](), sockets: newSeen[*telemetry.Socket](), programs: newSeen[*telemetry.Program](),

		executions: map[string]*telemetry.Execution{}, connections: map[string]*telemetry.Connection{},
		accepting: map[string]*telemetry.Accepting{}, loads: map[string]*telemetry.Load{}, spoken: map[string]*telemetry.Spoken{}, used: map[program]*telemetry.Program{}, programFiles: map[string]*telemetry.File{},
	}
}

// Read adds all records of a snapshot or segment.
func (h *Host) Read(r *telemetry.Reader) error {
	for {
		rec, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		h.Add(rec)
	}
}

// Add adds one record.
func (h *Host) Add(rec telemetry.Record) {
	if c, ok := rec.(*telemetry.Coverage); ok {
		h.coverage[c.Sensor] = c
		return
	}
	sensor := telemetry.SensorOf(rec)
	h.received[sensor]++
	if sensor == telemetry.SensorContainers {
		h.addContained(rec)
		return
	}
	switch r := rec.(type) {
	case *telemetry.System:
		h.system = r
	case *telemetry.Processor:
		h.processor = r
	case *telemetry.Text:
		h.texts[r.Path] = r
		h.gaps[telemetry.SensorConfig].add(r.Path, r.Problem)
	case *telemetry.File:
		h.addFile(r)
	case *telemetry.KernelParameter:
		h.parameters[r.Name] = r
	case *telemetry.KernelModule:
		h.modules = append(h.modules, r)
	case *telemetry.User:
		h.users = append(h.users, r)
	case *telemetry.Shadow:
		h.shadows = append(h.shadows, r)
	case *telemetry.Group:
		h.groups = append(h.groups, r)
	case *telemetry.Package:
		h.packages = append(h.packages, r)
	case *telemetry.PackageDatabase:
		h.databases = append(h.databases, r)
	case *telemetry.Library:
		h.libraries = append(h.libraries, r)
	case *telemetry.Looks:
		h.addLooks(r)
	default:
		h.addActivity(rec)
	case *telemetry.Mount:
		h.mounts = append(h.mounts, r)
	case *telemetry.Process:
		h.addProcess(r)
	case *telemetry.Object:
		h.addObject(r)
	case *telemetry.Socket:
		h.addSocket(r)
	case *telemetry.Program:
		h.addProgram(r)
	case *telemetry.Interface:
		h.interfaces = append(h.interfaces, r)
	case *telemetry.Route:
		h.routes = append(h.routes, r)
	}
}

// Seal ends the filling: a sensor whose coverage counts other records than came
// is partial from now on, so that a lost segment can never look like an absence.
func (h *Host) Seal() {
	h.settle()
	for name, c := range h.coverage {
		if got := h.received[name]; got != c.Records {
			h.lessen(c, fmt.Sprintf("%d of the %d records of the sensor %q came", got, c.Records, name))
		}
	}
	if c := h.coverage[telemetry.SensorProcesses]; c != nil && h.mapped > maxMapped {
		h.lessen(c, fmt.Sprintf("processes have mapped files %d times, of which %d are looked at", h.mapped, maxMapped))
	}
}

// lessen has what a sensor has covered be partial, where it was complete.
func (h *Host) lessen(c *telemetry.Coverage, reason string) {
	less := c.Lessened(reason)
	h.coverage[c.Sensor] = &less
}

// Coverage tells how a sensor fared; NotCollected if it sent no coverage.
func (h *Host) Coverage(sensor string) telemetry.Coverage {
	if c, ok := h.coverage[sensor]; ok {
		return *c
	}
	return telemetry.Coverage{
		State:  telemetry.NotCollected,
		Reason: fmt.Sprintf("the sensor %q sent no coverage", sensor),
	}
}

// Sensors lists the sensors that sent coverage, sorted.
func (h *Host) Sensors() []string {
	names := make([]string, 0, len(h.coverage))
	for name := range h.coverage {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// why words a coverage that does not allow a conclusion.
func why(sensor string, p telemetry.Part) string {
	what := "the sensor \"" + sensor + "\""
	if p.Name != "" {
		what += " (" + p.Name + ")"
	}
	return strings.TrimSuffix(what+" is "+strings.ReplaceAll(string(p.State), "_", " ")+": "+p.Reason, ": ")
}
