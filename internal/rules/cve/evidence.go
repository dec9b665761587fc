package cve

import (
	"fmt"
	"strings"

	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/telemetry"
	"assay/internal/usage"
)

// evidence is what a finding rests on: what is installed, what is said of it, and who
// uses it.
func (e *evaluation) evidence(v *vulnerable) []rules.Evidence {
	all := e.installedEvidence(v)
	for n, m := range v.Matches {
		if n == maxAdvisories {
			break
		}
		all = append(all, rules.Evidence{Sensor: sensorAdvisories, Record: "advisory:" + m.Advisory.ID,
			Found: fmt.Sprintf("%s of %s: %s", m.Advisory.ID, m.Affected().Ecosystem, m.Comparison(v.version()))})
	}
	if x := v.fact.Exploited; x != nil {
		all = append(all, rules.Evidence{Sensor: sensorAdvisories, Record: "exploited:" + v.ID,
			Found: fmt.Sprintf("%s is in CISA's catalogue of known exploited vulnerabilities since %s", v.ID, date(x.Added))})
	}
	for n, p := range e.inUse(v.item).Processes {
		if n == maxProcesses {
			break
		}
		all = append(all, processEvidence(&p))
	}
	return append(all, e.pastEvidence(v.item)...)
}

// installedEvidence cites the telemetry of what is installed.
func (e *evaluation) installedEvidence(v *vulnerable) (all []rules.Evidence) {
	var expected string
	if v.fixable() && !v.runs {
		expected = v.Fixed + " or later"
	}
	for _, c := range v.same {
		if len(all) >= maxBinaries {
			break
		}
		if len(c.Binaries) == 0 {
			all = append(all, rules.Evidence{Sensor: c.Sensor, Record: c.Record, File: c.Path, Found: c.Name + " " + c.Version, Expected: expected})
		}
		for _, b := range c.Binaries {
			if !v.affects(b.Name) {
				continue
			}
			found := b.Name + " " + b.Version
			if c.Name != b.Name || c.Version != b.Version {
				found += " (of the source package " + c.Name + " " + c.Version + ")"
			}
			all = append(all, rules.Evidence{Sensor: c.Sensor, Record: b.Record, Found: found, Expected: expected})
		}
	}
	all = all[:min(len(all), maxBinaries)]
	if v.Kernel == inventory.RunningKernel {
		all = append(all, rules.Evidence{Sensor: telemetry.SensorSystem, Record: v.system.Record, Found: "the running kernel is " + v.system.Kernel + prefixed(", of the package ", v.Runs)})
	}
	return all
}

func processEvidence(p *usage.Process) rules.Evidence {
	found := fmt.Sprintf("%s (pid %d)", p.Name, p.PID)
	if len(p.Files) > 0 {
		found += " has loaded " + strings.Join(p.Files, ", ")
	}
	if len(p.Listens) > 0 {
		found += ", and listens on " + strings.Join(p.Listens, ", ")
	}
	return rules.Evidence{Sensor: telemetry.SensorProcesses, Record: p.Record, File: p.Exe, Found: found}
}
