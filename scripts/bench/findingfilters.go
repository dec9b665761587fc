//go:build linux

package main

import (
	"time"

	"assay/internal/inspector"
)

// choice is a way to filter by one member of the filter.
type choice struct {
	member, matches string
	set             func(*inspector.FindingFilter)
}

// The choices of each member select nothing, a millionth, either half, and all
// that one filter can: everything where there are few values, else the most
// frequent of as many as the API takes.
func (f *fleet) choices(runs int) (all []choice) {
	add := func(member string, set func(i *inspector.FindingFilter, which int)) {
		for i, matches := range []string{"nothing", "a millionth", "one half", "other half", "all"} {
			all = append(all, choice{member, matches, func(in *inspector.FindingFilter) { set(in, i) }})
		}
	}
	add("agents", func(in *inspector.FindingFilter, which int) {
		in.Agents = [][]string{{"i-none"}, {rareAgent}, f.agents(0, 1), f.agents(9, 10), f.agents(0, 10)}[which]
	})
	add("groups", func(in *inspector.FindingFilter, which int) {
		in.AutoScalingGroups = [][]string{{"asg-none"}, {rareGroup}, groups(0, 10), groups(10, 20), groups(0, 20)}[which]
	})
	add("rules", func(in *inspector.FindingFilter, which int) {
		in.Rules = [][]string{{"CVE-none"}, {rareRule}, {ruleName(0)}, {ruleName(1)}, frequentRules()}[which]
	})
	add("severities", func(in *inspector.FindingFilter, which int) {
		in.Severities = [][]inspector.Severity{{"None"}, {inspector.Undefined}, severityHalves[0], severityHalves[1], inspector.Severities()}[which]
		if which == 0 { // there is no severity that nothing has: another member makes it so
			in.Severities, in.Runs = []inspector.Severity{inspector.Undefined}, []string{fleetRun(runs / 3)}
		}
	})
	add("packages", func(in *inspector.FindingFilter, which int) {
		names := [][]string{{"none0000"}, {"rare0000"}, {"practice"}, {"cis00000"}, {"cve00000", "practice", "cis00000", "rare0000"}}[which]
		for _, name := range names {
			in.PackageARNs = append(in.PackageARNs, packageARN(name))
		}
	})
	nothing := inspector.Attribute{Key: "none", Value: "none"}
	add("attributes", func(in *inspector.FindingFilter, which int) {
		in.Attributes = []inspector.Attribute{[]inspector.Attribute{nothing, rareAttribute, zone(0), zone(1), everywhere}[which]}
	})
	add("user attributes", func(in *inspector.FindingFilter, which int) {
		in.UserAttributes = []inspector.Attribute{[]inspector.Attribute{nothing, rareAttribute, owner(0), owner(1), ownerOfAll}[which]}
	})
	add("created", func(in *inspector.FindingFilter, which int) { in.Created = f.period(runs, which) })
	add("runs", func(in *inspector.FindingFilter, which int) {
		for i := range []int{1, 1, 25, 25, 50}[which] {
			in.Runs = append(in.Runs, fleetRun(i*runs/50))
		}
		if which == 0 {
			in.Runs = []string{"0-none0000"}
		}
	})
	return all
}

// period is a range of time: of one and the other half, half of the runs.
func (f *fleet) period(runs, which int) inspector.TimeRange {
	middle := f.start(runs / 2).Add(12 * time.Minute)
	switch which {
	case 0:
		return inspector.TimeRange{Begin: f.start(runs / 2).Add(-2 * time.Minute), End: f.start(runs / 2).Add(-time.Minute)}
	case 1:
		return inspector.TimeRange{Begin: f.rareMoment(0).Add(-time.Second), End: f.rareMoment(runs - 1).Add(time.Second)}
	case 2:
		return inspector.TimeRange{End: middle}
	case 3:
		return inspector.TimeRange{Begin: middle}
	}
	return inspector.TimeRange{Begin: f.first, End: f.start(runs)}
}

// agents lists hosts of some tenths of the fleet: at most 99, as the API takes.
func (f *fleet) agents(from, to int) (names []string) {
	for host := from * fleetHosts / 10; host < to*fleetHosts/10; host += max(1, (to-from)*fleetHosts/10/99+1) {
		names = append(names, agentName(host))
	}
	return names
}

func groups(from, to int) (names []string) {
	for i := from; i < to; i++ {
		names = append(names, groupName(i))
	}
	return names
}

// frequentRules are as many as the API takes.
func frequentRules() (names []string) {
	for n := range 50 {
		names = append(names, ruleName(n))
	}
	return names
}
