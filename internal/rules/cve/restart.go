package cve

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/advisory"
	"assay/internal/advisory/match"
	"assay/internal/inspector"
	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/telemetry"
	"assay/internal/usage"
)

// replacedCode is about what was updated on disk and still runs as it was before: the
// kernel, until the host is restarted, and programs and libraries, until processes are.
func replacedCode(e *evaluation) []rules.Result {
	system := e.host.System()
	if system.OK() && !system.Value.Live {
		return []rules.Result{{Verdict: rules.NotApplicable, Reason: "Nothing runs: the telemetry is that of an image."}}
	}
	var results []rules.Result
	if gap := e.usage.OldReason(); gap != "" {
		results = append(results, rules.Result{Verdict: rules.NotEvaluated, Reason: "Which processes run old code is not known in full: " + gap,
			Remedy: "Collect the sensor processes of this host in full, as root, with a current agent."})
	}
	if !system.OK() {
		results = append(results, rules.Result{Verdict: rules.NotEvaluated, Reason: "Which kernel runs is not known: " + system.Reason, Remedy: "Let the agent collect the sensor \"system\"."})
	}
	results = append(results, e.oldKernel()...)
	results = append(results, e.kernelNotStarted()...)
	old := e.usage.Old()
	for n := range old {
		results = append(results, e.oldPackage(&old[n])...)
	}
	if len(results) == 0 {
		coverage := e.host.Coverage(telemetry.SensorProcesses)
		return []rules.Result{{Verdict: rules.Passed, Reason: "No process runs code of a package that is no longer on disk, and no kernel that is installed has fixes that the one that runs lacks.",
			Evidence: []rules.Evidence{{Sensor: telemetry.SensorProcesses, Record: "coverage:" + telemetry.SensorProcesses,
				Found: fmt.Sprintf("%d records of processes and the files that they have loaded, none of them old code", coverage.Records)}}}}
	}
	return results
}

// oldKernel are the findings about a running kernel whose package was updated in
// place: the vulnerabilities that the version on disk does not have any more. Those
// that it has are of the package.
func (e *evaluation) oldKernel() (results []rules.Result) {
	type known struct {
		component *inventory.Component
		id        string
	}
	onDisk := map[known]bool{}
	for _, v := range e.found {
		if !v.runs {
			onDisk[known{v.Component, v.ID}] = true
		}
	}
	for _, v := range e.found {
		if !v.runs || onDisk[known{v.Component, v.ID}] {
			continue
		}
		r := e.finding(v)
		r.Subject = v.subject() + "/restart"
		replace(&r, attrVersion, v.Runs)
		r.Remedy = fmt.Sprintf("Restart the host: %s %s, which has the fix, is installed, and %s runs.", v.Name, v.Component.Version, v.Runs)
		results = append(results, r)
	}
	return results
}

// kernelNotStarted is the finding about a kernel that is installed, does not run, and
// has fixes that the one that runs lacks: one for all of them, each of which is a finding
// about the kernel's package, too.
func (e *evaluation) kernelNotStarted() []rules.Result {
	var newer *inventory.Component
	var worst *vulnerable
	var ids []string
	for _, v := range e.found {
		k := e.newerKernel(v)
		if v.runs || k == nil {
			continue
		}
		newer = k
		ids = append(ids, v.ID)
		if worst == nil || !worst.rating.severity.AtLeast(v.rating.severity) {
			worst = v
		}
	}
	if newer == nil {
		return nil
	}
	r := rules.Result{
		Verdict: rules.Failed, Subject: "kernel/" + newer.Name, Severity: worst.rating.severity,
		Title: "Instance <id> has to be restarted to run the kernel that is installed", FindingID: "Old kernel runs after an update",
		Reason: fmt.Sprintf("The kernel %s runs. %s %s is installed, and has the fixes of %s: %s.",
			worst.system.Kernel, newer.Name, newer.Version, count(len(ids), "vulnerability"), listed(ids, 20)),
		Remedy:   "Restart the host, with the newest kernel that is installed.",
		Evidence: e.installedEvidence(worst),
		Attributes: []inspector.Attribute{
			{Key: attrPackage, Value: newer.Binaries[0].Name}, {Key: attrVersion, Value: newer.Binaries[0].Version}, {Key: attrSource, Value: newer.Name},
			{Key: attrState, Value: "kernel that does not run"}, {Key: "CVES", Value: strings.Join(ids, ", ")},
		},
	}
	r.Evidence = append(r.Evidence, rules.Evidence{Sensor: newer.Sensor, Record: newer.Binaries[0].Record, Found: newer.Binaries[0].Name + " " + newer.Binaries[0].Version})
	return []rules.Result{r}
}

// oldPackage are the findings about a package of which old code runs: one for each
// vulnerability whose fix was published after a process had started, since that
// process cannot have it; else one that says what is to be restarted.
func (e *evaluation) oldPackage(old *usage.OldCode) (results []rules.Result) {
	c := e.byBinary[old.Package]
	if c == nil {
		return []rules.Result{e.outdated(old, nil)}
	}
	for _, v := range e.fixedSince(c, oldest(old.Processes)) {
		results = append(results, e.running(v, old))
	}
	if len(results) == 0 {
		results = append(results, e.outdated(old, c))
	}
	return results
}

// oldest is when the first of the processes was started; zero if it is not known of any.
func oldest(processes []usage.Process) (first time.Time) {
	for _, p := range processes {
		if t := time.Unix(p.Started, 0); p.Started > 0 && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// fixedSince are the vulnerabilities that the installed version of a package has the
// fix of, and that advisories after a moment told of.
func (e *evaluation) fixedSince(c *inventory.Component, since time.Time) (all []*vulnerable) {
	if since.IsZero() {
		return nil
	}
	i := &item{Component: c, same: []*inventory.Component{c}, system: e.system(""), area: ofPackages, old: true}
	for _, ecosystem := range e.ecosystems(c) {
		for _, record := range e.recordsOf(ecosystem, c) {
			if !record.Published.After(since) {
				continue
			}
			if at := repairedBy(&record.Affected[0], c.Version); at >= 0 {
				i.matches = append(i.matches, match.Match{Advisory: record, Range: at})
			}
		}
	}
	r := match.Result{Matches: i.matches}
	for _, v := range r.ByCVE() {
		if !slices.ContainsFunc(e.found, func(o *vulnerable) bool { return o.ID == v.ID && o.Component == c }) {
			all = append(all, e.vulnerable(i, &v))
		}
	}
	return all
}

// recordsOf are all advisories about a component, whatever its version.
func (e *evaluation) recordsOf(ecosystem string, c *inventory.Component) (all []advisory.Record) {
	if advisory.Scheme(ecosystem) != advisory.Scheme("AlmaLinux") {
		return e.records(ecosystem, c.Name)
	}
	for _, b := range c.Binaries {
		all = append(all, e.records(ecosystem, b.Name)...)
	}
	return all
}

// repairedBy is the range of a row whose fix a version has; -1 if there is none.
func repairedBy(a *advisory.Affected, installed string) int {
	s := advisory.Scheme(a.Ecosystem)
	return slices.IndexFunc(a.Ranges, func(r advisory.Range) bool {
		return r.Fixed != "" && r.Check(s) == nil && s.Check(installed) == nil && s.Compare(installed, r.Fixed) >= 0
	})
}

// running is the finding about a vulnerability that is mended on disk and still runs.
func (e *evaluation) running(v *vulnerable, old *usage.OldCode) rules.Result {
	processes := old.Processes
	i := *v.item
	i.use = stateOf(processes)
	v.item = &i
	r := e.finding(v)
	r.Subject = v.ID + "/" + bareName(old.Package) + "/restart"
	r.Reason = fmt.Sprintf("%s %s on disk has the fix of %s, and code from before runs in %s: %s.\n%s", v.Name, v.Version, v.ID,
		count(len(processes), "process"), named(processes), lead(v))
	replace(&r, attrState, "old code runs")
	r.Remedy = restart(processes)
	r.Evidence = oldEvidence(v.Component, old)
	return r
}

// replace gives an attribute another value.
func replace(r *rules.Result, key, value string) {
	for n := range r.Attributes {
		if r.Attributes[n].Key == key {
			r.Attributes[n].Value = value
		}
	}
}

// lead is what is known of the vulnerability, and of its severity.
func lead(v *vulnerable) string {
	return strings.TrimSpace(prefixed("", cutText(v.fact.Summary, 600)) + " Severity: " + v.rating.by + ".")
}

// outdated is the finding about a package of which old code runs that no advisory
// tells of, as far as is known.
func (e *evaluation) outdated(old *usage.OldCode, c *inventory.Component) rules.Result {
	name := bareName(old.Package)
	severity := inspector.Low
	if c == nil {
		severity = inspector.Informational // the package is gone, whatever it was
	}
	state := stateOf(old.Processes)
	reason := fmt.Sprintf("Code of the package %s that was replaced or removed on disk still runs in %s: %s. Advisories on it that were published after these processes had started are not known.",
		name, count(len(old.Processes), "process"), named(old.Processes))
	r := rules.Result{
		Verdict: rules.Failed, Subject: name, Severity: severity, Title: "Instance <id> runs code of " + name + " that was replaced on disk",
		FindingID: "Old code runs after an update", Reason: reason, Remedy: restart(old.Processes), Evidence: oldEvidence(c, old),
		Attributes: []inspector.Attribute{{Key: attrPackage, Value: name}, {Key: attrState, Value: string(state.State)}},
	}
	if c != nil {
		r.Attributes = append(r.Attributes, inspector.Attribute{Key: attrVersion, Value: c.Version}, inspector.Attribute{Key: attrSource, Value: c.Name})
	}
	return r
}
