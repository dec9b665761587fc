// Package practices is the rules package Security Best Practices: nine rules
// about logins, passwords, memory protection and system directories of Linux
// hosts. A rule's file says what it concludes from what; the engines that
// understand a subsystem's configuration are packages below this one.
package practices

import (
	"context"
	"fmt"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// Package is the rules package. Its zero value is ready and safe for concurrent
// use.
type Package struct{}

// check is a rule and what answers it. evaluate gives at least one result; the
// frame fills in the rule's id. It neither panics nor blocks on any telemetry.
type check struct {
	rule     rules.Rule
	evaluate func(ctx context.Context, h *host.Host, in rules.Input) []rules.Result
}

// Describe implements rules.Package.
func (Package) Describe() rules.Description {
	d := rules.Description{
		ID:      inspector.PackagePractices,
		Name:    "Security Best Practices",
		Version: "1.0",
		Text: "The rules in this package help to determine whether Linux systems are configured securely: how root and " +
			"others log in over SSH, what passwords are accepted and for how long, whether memory protections are on, " +
			"and who can change system directories.",
		Sensors: []string{
			telemetry.SensorSystem, telemetry.SensorPackages, telemetry.SensorConfig, telemetry.SensorFiles,
			telemetry.SensorAccounts, telemetry.SensorKernel, telemetry.SensorMounts, telemetry.SensorProcesses,
		},
	}
	for _, c := range checks() {
		d.Rules = append(d.Rules, c.rule)
	}
	return d
}

// Evaluate implements rules.Package.
func (Package) Evaluate(ctx context.Context, h *host.Host, in rules.Input) ([]rules.Result, error) {
	var results []rules.Result
	refused := unsupported(h)
	for _, c := range checks() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("evaluate %s: %w", c.rule.ID, err)
		}
		if refused != nil {
			r := *refused
			r.Rule = c.rule.ID
			results = append(results, r)
			continue
		}
		results = append(results, run(ctx, c, h, in)...)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("evaluate the security best practices: %w", err)
	}
	return results, nil
}

func run(ctx context.Context, c check, h *host.Host, in rules.Input) []rules.Result {
	return rules.Contain(c.rule.ID, func() []rules.Result { return c.evaluate(ctx, h, in) })
}

// unsupported is the result for every rule where the package does not know the
// host's system; nil where it does, and where the host's system was not
// collected: then each rule says what it could not tell.
func unsupported(h *host.Host) *rules.Result {
	system := h.System()
	if !system.OK() || host.FamilyOf(system.Value) != host.FamilyUnknown {
		return nil
	}
	name := system.Value.OSName
	if name == "" {
		name = system.Value.OS
	}
	if name == "" {
		name = "a system that does not name itself in os-release"
	}
	return &rules.Result{Verdict: rules.NotEvaluated, Unsupported: true,
		Reason: fmt.Sprintf("Security Best Practices are known for Debian, Ubuntu, Red Hat Enterprise Linux and its relatives, Amazon Linux, SUSE, Arch and Alpine Linux; this host runs %s.", name),
		Remedy: "Assess the host with the means of its own system.",
		Evidence: []rules.Evidence{{
			Sensor: telemetry.SensorSystem, Record: telemetry.Key(system.Value), File: "/etc/os-release", Found: name,
		}}}
}
