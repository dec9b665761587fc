package host

import (
	"maps"
	"slices"

	"assay/internal/telemetry"
)

// addActivity adds what was counted while a run went on. Of records with one identity
// the last one counts.
func (h *Host) addActivity(rec telemetry.Record) {
	switch r := rec.(type) {
	case *telemetry.Execution:
		h.executions[telemetry.Key(r)] = r
	case *telemetry.Connection:
		h.connections[telemetry.Key(r)] = r
	case *telemetry.Accepting:
		h.accepting[telemetry.Key(r)] = r
	case *telemetry.Load:
		h.loads[telemetry.Key(r)] = r
	case *telemetry.Spoken:
		h.spoken[telemetry.Key(r)] = r
	case *telemetry.Observation:
		h.observations = append(h.observations, r)
	}
}

// Executions are the programs that were executed while the run went on.
func (h *Host) Executions() All[*telemetry.Execution] {
	return all(h, telemetry.SensorActivity, "executions", last(h.executions))
}

// Connections are where programs have connected to while the run went on.
func (h *Host) Connections() All[*telemetry.Connection] {
	return all(h, telemetry.SensorActivity, "connections", last(h.connections))
}

// Accepting are the TCP ports that were listened on, or that accepted, while the run
// went on. Ports on which nothing happened since are not among them: see Sockets.
func (h *Host) Accepting() All[*telemetry.Accepting] {
	return all(h, telemetry.SensorActivity, "listeners", last(h.accepting))
}

// Loads are the files that programs have mapped executable while the run went on. Only
// some kernels tell; elsewhere the answer is not complete.
func (h *Host) Loads() All[*telemetry.Load] {
	return all(h, telemetry.SensorActivity, "loads", last(h.loads))
}

// Spoken are the protocols that were recognised by the first bytes of connections.
func (h *Host) Spoken() All[*telemetry.Spoken] {
	return all(h, telemetry.SensorProtocols, "", last(h.spoken))
}

// Observations say how and when there was observed.
func (h *Host) Observations() All[*telemetry.Observation] {
	return all(h, telemetry.SensorActivity, "", h.observations)
}

// ProgramFolder is a folder above a program of root's (telemetry.Program.Above); within
// a container's mount namespace it is not told.
func (h *Host) ProgramFolder(name string) Answer[*telemetry.File] {
	if f, ok := h.programFiles[name]; ok {
		return present(f)
	}
	return notCollected[*telemetry.File](why(telemetry.SensorPrograms, h.part(telemetry.SensorPrograms, "")))
}

// last are the records of a map in the order of their keys.
func last[T telemetry.Record](records map[string]T) []T {
	values := make([]T, 0, len(records))
	for _, key := range slices.Sorted(maps.Keys(records)) {
		values = append(values, records[key])
	}
	return values
}
