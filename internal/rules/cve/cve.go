// Package cve is the rules package Common Vulnerabilities and Exposures: which
// published vulnerabilities the software of a host has, which of them to mend first,
// and what could not be told. It is a function of the host's telemetry and of a set
// of advisories.
//
// An evaluation goes in one direction: the inventory of the host (package inventory)
// is matched with the advisories (collect.go, package match), what matched is laid
// under the statements of suppliers (vex.go), and each rule (checks.go) makes its
// results of that (finding.go). What stands in the way of an answer, from missing
// advisories to a version that is none, is a result "not evaluated" of each rule that
// it touches: nothing found because nothing could be looked at never looks like
// nothing found.
package cve

import (
	"context"
	"fmt"
	"strconv"

	"assay/internal/advisory/index"
	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// Advisories has the set of advisories that is in use. *index.Current is one.
type Advisories interface {
	// Use is the current set, which the caller closes. Its error has
	// index.ErrNoIndex if there is none.
	Use() (*index.Set, error)
}

// Package is the rules package. It is safe for concurrent use.
type Package struct {
	advisories Advisories
	overlays   *overlays
}

// New makes the rules package over the advisories that are in use when a host is
// evaluated.
func New(a Advisories) Package { return Package{a, &overlays{}} }

// Describe implements rules.Package.
func (Package) Describe() rules.Description {
	d := rules.Description{
		ID:      inspector.PackageCVE,
		Name:    "Common Vulnerabilities and Exposures",
		Version: "1.0",
		Text: "The rules in this package help to determine whether hosts are exposed to published vulnerabilities (CVEs): in the packages of " +
			"the operating system, in libraries of programming languages, in running containers and in code that still runs after an update; " +
			"and whether the system is still repaired and the advisories are current.",
		Sensors: []string{
			telemetry.SensorSystem, telemetry.SensorPackages, telemetry.SensorLibraries, telemetry.SensorContainers,
			telemetry.SensorProcesses, telemetry.SensorSockets, telemetry.SensorNetwork, telemetry.SensorKernel,
		},
		Also:    []string{telemetry.SensorActivity},
		Rematch: true,
		Needs:   []string{telemetry.SensorSystem, telemetry.SensorPackages},
	}
	for _, c := range checks() {
		d.Rules = append(d.Rules, c.rule)
	}
	return d
}

// Evaluate implements rules.Package.
func (p Package) Evaluate(ctx context.Context, h *host.Host, in rules.Input) ([]rules.Result, error) {
	e, err := p.evaluation(ctx, h, in)
	if err != nil {
		e.unavailable = err
	}
	defer e.close()
	var results []rules.Result
	for _, c := range checks() {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("evaluate %s: %w", c.rule.ID, err)
		}
		results = append(results, e.run(c)...)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("evaluate the vulnerabilities: %w", err)
	}
	return distinct(results), nil
}

// run evaluates one rule.
func (e *evaluation) run(c check) []rules.Result {
	return rules.Contain(c.rule.ID, func() []rules.Result {
		if e.unavailable != nil && !c.alone {
			return []rules.Result{noAdvisories(e.unavailable)}
		}
		return c.evaluate(e)
	})
}

// distinct gives subjects that occur again in a rule the version of what they are
// about, so that every finding can be named.
func distinct(results []rules.Result) []rules.Result {
	type key struct{ rule, subject string }
	seen := map[key]int{}
	times := func(r *rules.Result) int {
		k := key{r.Rule, r.Subject}
		seen[k]++
		return seen[k]
	}
	for i := range results {
		r := &results[i]
		if r.Subject == "" || times(r) == 1 {
			continue
		}
		r.Subject += "/" + attribute(r, attrVersion)
		if n := times(r); n > 1 {
			// Hosts can say that they have the same any number of times.
			r.Subject += "/" + strconv.Itoa(n)
			times(r)
		}
	}
	return results
}

func attribute(r *rules.Result, key string) string {
	for _, a := range r.Attributes {
		if a.Key == key {
			return a.Value
		}
	}
	return "again"
}
