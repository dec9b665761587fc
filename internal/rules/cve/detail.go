package cve

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"assay/internal/inspector"
	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/telemetry"
	"assay/internal/usage"
)

// Attributes of findings. Those in small letters, and CVE_ID and CVSS..., are as
// Inspector has them.
const (
	attrID       = "CVE_ID"
	attrPackage  = "package_name"
	attrVersion  = "package_version"
	attrSource   = "SOURCE_PACKAGE"
	attrPriority = "PRIORITY"
	attrWhy      = "WHY_FIRST"
	attrState    = "RUNTIME_STATE"
)

// attributes are those of a finding. What is empty is left out by rules.Derive.
func (e *evaluation) attributes(v *vulnerable) []inspector.Attribute {
	var all []inspector.Attribute
	add := func(key, value string) { all = append(all, inspector.Attribute{Key: key, Value: value}) }
	name, installed := e.installed(v)
	if strings.HasPrefix(v.ID, "CVE-") {
		add(attrID, v.ID)
	}
	add(attrPackage, name)
	add(attrVersion, installed)
	if v.Kind == inventory.Package {
		add(attrSource, v.Name)
		add("SOURCE_VERSION", v.version())
	}
	add(attrPriority, strconv.Itoa(v.priority))
	add(attrWhy, v.urgency.why(e.useText(v, false), v.fixText()))
	add("FIXED_VERSION", v.Fixed)
	add("FIXED_VERSION_UBUNTU_PRO", v.proOnly)
	add("STATUS", string(v.status))
	add(attrState, e.stateText(v.item))
	add("ADVISORY", strings.Join(v.advisories(), ", "))
	for _, s := range v.scores {
		add("CVSS"+s.Version[:1]+"_SCORE", score(s.Base))
		add("CVSS"+s.Version[:1]+"_SCORE_VECTOR", s.Vector)
	}
	if x := v.fact.Exploited; x != nil {
		add("KEV_ADDED", date(x.Added))
		add("KEV_DUE", date(x.Due))
		add("KEV_RANSOMWARE", map[bool]string{true: "known", false: "not known"}[x.Ransomware])
	}
	if v.fact.EPSS > 0 {
		add("EPSS", strconv.FormatFloat(v.fact.EPSS, 'f', -1, 64))
		add("EPSS_PERCENTILE", strconv.FormatFloat(v.fact.EPSSRank, 'f', -1, 64))
	}
	e.places(v, add)
	for n, url := range v.references() {
		add("REFERENCE_"+strconv.Itoa(n+1), url)
	}
	return all
}

// places are the attributes about where the item is.
func (e *evaluation) places(v *vulnerable, add func(key, value string)) {
	add("ECOSYSTEM", v.Ecosystem)
	add("MODULE", v.Module)
	add("PURL", v.PURL)
	var paths, containers []string
	for _, c := range v.same {
		if c.Path != "" {
			paths = append(paths, c.Path)
		}
		if c.Container != "" {
			containers = append(containers, shortID(c.Container))
		}
	}
	add("PATHS", strings.Join(paths, ", "))
	add("CONTAINER", v.place)
	add("CONTAINERS", strings.Join(unique(containers), ", "))
	var binaries []string
	for _, b := range v.affected() {
		binaries = append(binaries, b.Name)
	}
	add("BINARIES", strings.Join(unique(binaries), ", "))
}

// installed is the package that stands for the item: of a source package the binary
// that is most in use, of several the one with the source's name.
func (e *evaluation) installed(v *vulnerable) (name, installed string) {
	name, installed = v.Name, v.version()
	most := -1
	for _, b := range v.affected() {
		points := 0
		if v.area == ofPackages {
			points = 2 * statePoints(e.usage.Package(qualified(&b)).State)
		}
		if b.Name == v.Name {
			points++
		}
		if points > most {
			name, installed, most = b.Name, b.Version, points
		}
	}
	return name, installed
}

// maxReferences is how many addresses a finding has.
const maxReferences = 5

func (v *vulnerable) references() []string {
	all := append([]string(nil), v.fact.References...)
	for _, m := range v.Matches {
		all = append(all, m.Advisory.References...)
	}
	all = unique(all)
	return all[:min(len(all), maxReferences)]
}

// unique keeps the first of what is there several times.
func unique(all []string) (once []string) {
	seen := map[string]bool{}
	for _, s := range all {
		if !seen[s] {
			seen[s] = true
			once = append(once, s)
		}
	}
	return once
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

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
	return all
}

// installedEvidence cites the telemetry of what is installed.
func (e *evaluation) installedEvidence(v *vulnerable) (all []rules.Evidence) {
	var expected string
	if v.fixable() && !v.runs {
		expected = v.Fixed + " or later"
	}
	for _, c := range v.same {
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

// stateText is the attribute about use.
func (e *evaluation) stateText(i *item) string {
	if i.Kernel == inventory.RunningKernel {
		return "running kernel"
	}
	return string(e.inUse(i).State)
}

// useText words how the item is in use; reasons also why no more is known.
func (e *evaluation) useText(v *vulnerable, reasons bool) string {
	a := *e.inUse(v.item)
	if !reasons {
		a.Reason = ""
	}
	if v.Kernel == inventory.RunningKernel {
		return "it is the running kernel"
	}
	switch a.State {
	case usage.Unknown:
		return "whether it is in use is not known" + prefixed(": ", a.Reason)
	case usage.Installed:
		return "installed, and not loaded by any process" + prefixed(" that was seen: ", a.Reason)
	}
	if len(a.Processes) == 0 {
		return string(a.State)
	}
	p := a.Processes[0]
	text := fmt.Sprintf("loaded by %s (pid %d)", p.Name, p.PID)
	if len(p.Listens) > 0 {
		text += ", which listens on " + p.Listens[0]
	}
	if more := len(a.Processes) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

// fixText words the fix, short.
func (v *vulnerable) fixText() string {
	switch {
	case v.fixable():
		return "fix available: " + v.Fixed
	case v.proOnly != "":
		return "fix with Ubuntu Pro only: " + v.proOnly
	}
	return "no fix: " + string(v.status)
}
