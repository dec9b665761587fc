package cve

import (
	"fmt"
	"slices"
	"strings"

	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/telemetry"
	"assay/internal/usage"
)

// stateOf is how old code is in use: it runs.
func stateOf(processes []usage.Process) *usage.Answer {
	a := &usage.Answer{State: usage.Loaded, Processes: slices.Clone(processes)}
	slices.SortStableFunc(a.Processes, func(x, y usage.Process) int { return min(len(y.Listens), 1) - min(len(x.Listens), 1) })
	if len(a.Processes) > 0 && len(a.Processes[0].Listens) > 0 {
		a.State = usage.Listening
	}
	return a
}

func oldEvidence(c *inventory.Component, old *usage.OldCode) (all []rules.Evidence) {
	if c != nil {
		for _, b := range c.Binaries {
			if b.Name == bareName(old.Package) {
				all = append(all, rules.Evidence{Sensor: c.Sensor, Record: b.Record, Found: b.Name + " " + b.Version + " is on disk"})
			}
		}
	}
	for n, p := range old.Processes {
		if n == maxBinaries {
			break
		}
		all = append(all, rules.Evidence{Sensor: telemetry.SensorProcesses, Record: p.Record, File: p.Exe,
			Found: fmt.Sprintf("%s (pid %d) runs code that is gone from disk: %s", p.Name, p.PID, strings.Join(p.Files, ", "))})
	}
	return all
}

// restart says which processes to start again.
func restart(processes []usage.Process) string {
	if slices.ContainsFunc(processes, func(p usage.Process) bool { return p.PID == 1 }) {
		return "Restart the host: " + named(processes) + " run the old code, and process 1 is among them."
	}
	return "Restart what runs the old code: " + named(processes) + "."
}

func named(processes []usage.Process) string {
	var all []string
	for _, p := range processes {
		all = append(all, fmt.Sprintf("%s (pid %d)", p.Name, p.PID))
	}
	return listed(all, maxBinaries)
}

func bareName(name string) string {
	bare, _, _ := strings.Cut(name, ":")
	return bare
}
