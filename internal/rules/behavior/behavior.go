// Package behavior is the rules package Runtime Behavior Analysis: six rules about
// what happened on a Linux host while a run went on, and about the programs that run
// there. Four judge by what was observed and by the listeners: which programs speak
// protocols that anybody on the way can read, and which listeners nobody needed. Two
// judge by the files that processes have: whether they protect their data from being
// executed, and whether others than root can change what root executes. Processes and files
// count that were seen at any time of the run, not only those that were there at its end.
//
// What was observed comes of a supported kernel. On another one finding says so, and
// no rule of the package is evaluated.
package behavior

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// Package is the rules package. Its zero value is ready and safe for concurrent use.
type Package struct {
	// FirstBytes has runs look at how connections begin, so that protocols are seen, and not only
	// suggested by ports. What agents tell is used in any case.
	FirstBytes bool
}

// check is a rule and what answers it. evaluate neither panics nor blocks on any
// telemetry.
type check struct {
	rule     rules.Rule
	evaluate func(h *host.Host) answer
	speaks   bool // it is about what is spoken, which may be seen
}

// answer is what a check says; asked tells that the run was to look at first bytes.
func (c check) answer(h *host.Host, asked bool) answer {
	a := c.evaluate(h)
	if c.speaks {
		a.gap(unasked(h, asked), h.Spoken().Reason)
	}
	return a
}

// checks lists the rules of the package, in the order of the documentation.
func checks() []check {
	return []check{loginClients, generalClients, unusedPorts, insecureServers, dataExecution, rootModules}
}

// Describe implements rules.Package.
func (p Package) Describe() rules.Description {
	d := rules.Description{
		ID:      inspector.PackageBehavior,
		Name:    "Runtime Behavior Analysis",
		Version: "1.0",
		Text: "The rules in this package analyze the behavior of hosts during an assessment run: which programs use insecure protocols, " +
			"which listening ports nobody uses, which software runs without protection of its data from being executed, " +
			"and which modules of root's processes others can modify.",
		Sensors: []string{
			telemetry.SensorSystem, telemetry.SensorAccounts, telemetry.SensorProcesses, telemetry.SensorPrograms,
			telemetry.SensorSockets, telemetry.SensorActivity,
		},
		Observe: true,
	}
	if p.FirstBytes {
		d.Sensors = append(d.Sensors, telemetry.SensorProtocols)
	}
	for _, c := range checks() {
		d.Rules = append(d.Rules, c.rule)
	}
	return d
}

// Evaluate implements rules.Package.
func (p Package) Evaluate(ctx context.Context, h *host.Host, _ rules.Input) ([]rules.Result, error) {
	var results []rules.Result
	none := unsupported(h)
	for _, c := range checks() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("evaluate %s: %w", c.rule.ID, err)
		}
		if none != nil {
			r := *none
			r.Rule = c.rule.ID
			results = append(results, r)
			continue
		}
		results = append(results, rules.Contain(c.rule.ID, func() []rules.Result { return c.answer(h, p.FirstBytes).results() })...)
	}
	return results, nil
}

// unsupported is the result for every rule where the kernel cannot be observed by
// programs in it; nil where it can, or where nobody tried. That there was something seen
// by lesser means changes nothing.
func unsupported(h *host.Host) *rules.Result {
	why, record := refused(h)
	if why == "" {
		return nil
	}
	kernel := "its kernel"
	if system := h.System(); system.OK() && system.Value.Kernel != "" {
		kernel = "its kernel " + system.Value.Kernel
	}
	return &rules.Result{Verdict: rules.NotEvaluated, Unsupported: true,
		Reason: fmt.Sprintf("Runtime Behavior Analysis needs a kernel that it can observe. The host cannot be observed: %s is not supported (%s).", kernel, why),
		Remedy: "Run a kernel of the published list on the host (support/kernel-versions.json of Assay; assay-agent status tells of the host's own), or leave Runtime Behavior Analysis out of its assessments. Other rules packages are not affected.",
		Evidence: []rules.Evidence{{
			Sensor: telemetry.SensorActivity, Record: telemetry.Key(record), Found: why, Expected: "a kernel that can be observed",
		}}}
}

// refused is why the kernel takes no programs that observe, and the record that says so:
// that of the observation, if there was one by other means. If there were several, as of an
// agent that was started again, the last counts: the host may have another kernel since.
func refused(h *host.Host) (string, telemetry.Record) {
	if all := h.Observations().Values; len(all) > 0 {
		last := slices.MaxFunc(all, func(a, b *telemetry.Observation) int {
			return cmp.Or(a.Ended.Compare(b.Ended), cmp.Compare(a.Unsupported, b.Unsupported))
		})
		return last.Unsupported, last
	}
	if c := h.Coverage(telemetry.SensorActivity); c.State == telemetry.Failed && strings.HasPrefix(c.Reason, telemetry.KernelRefused) {
		return c.Reason, &c
	}
	return "", nil
}
