package cve

import (
	"fmt"
	"strings"

	"assay/internal/inspector"
	"assay/internal/inventory"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// kernelsAside are the results for what the advisories on the kernel are not about on
// this host: kernels that are installed and do not run are one Informational finding
// each, headers and tools a note. Neither is dropped without a trace.
func (e *evaluation) kernelsAside(a area) (results []rules.Result) {
	for _, i := range e.items {
		if i.area != a || !isKernelAside(i) || len(i.vulns) == 0 {
			continue
		}
		if i.Kernel == inventory.InstalledKernel && a == ofPackages {
			results = append(results, idleKernel(i))
			continue
		}
		results = append(results, rules.Result{
			Verdict: rules.NotApplicable, Subject: "kernel/" + i.Name + "/" + i.Version + prefixed("/in/", i.place) + "/" + i.Binaries[0].Name,
			Reason: fmt.Sprintf("%s of %s %s%s: nothing of it is the kernel that runs, which %s of the kernel are about.",
				names(i), i.Name, i.Version, prefixed(" in the container ", i.place), count(len(i.vulns), "vulnerability")),
			Evidence: packageEvidence(i),
		})
	}
	return results
}

// idleKernel is the finding about a kernel that does not run.
func idleKernel(i *item) rules.Result {
	var ids []string
	for _, v := range i.vulns {
		ids = append(ids, v.ID)
	}
	title := fmt.Sprintf("Instance <id> has a vulnerable kernel installed that does not run: %s %s", i.Name, i.Version)
	return rules.Result{
		Verdict: rules.Failed, Subject: "kernel/" + i.Name + "/" + i.Version, Severity: inspector.Informational,
		Title: title, FindingID: "Vulnerable kernel that does not run",
		Reason: fmt.Sprintf("%s of %s %s is installed, and another kernel runs (%s). If the host were started with it, it would have %s: %s.",
			names(i), i.Name, i.Version, i.system.Kernel, count(len(ids), "vulnerability"), listed(ids, 20)),
		Remedy:   "Remove the kernel if it is not kept to fall back on.",
		Evidence: packageEvidence(i),
		Attributes: []inspector.Attribute{
			{Key: attrPackage, Value: i.Binaries[0].Name}, {Key: attrVersion, Value: i.Binaries[0].Version},
			{Key: attrSource, Value: i.Name}, {Key: attrState, Value: "kernel that does not run"}, {Key: "CVES", Value: strings.Join(ids, ", ")},
		},
	}
}

// newerKernel is a kernel that is installed, does not run, and has the fix of a
// vulnerability of the one that runs; nil if there is none.
func (e *evaluation) newerKernel(v *vulnerable) *inventory.Component {
	if v.Kernel != inventory.RunningKernel || !v.fixable() {
		return nil
	}
	for _, c := range e.kernels {
		if sameKernel(c, v) && v.scheme().Compare(c.Version, v.Fixed) >= 0 {
			return c
		}
	}
	return nil
}

// sameKernel tells whether a kernel is one that takes the place of the vulnerable one:
// of the same source.
func sameKernel(c *inventory.Component, v *vulnerable) bool {
	return c.Name == v.Name && v.scheme().Check(c.Version) == nil
}

func packageEvidence(i *item) (all []rules.Evidence) {
	for _, c := range i.same {
		for _, b := range c.Binaries {
			if len(all) < maxBinaries {
				all = append(all, rules.Evidence{Sensor: telemetry.SensorPackages, Record: b.Record, Found: b.Name + " " + b.Version})
			}
		}
	}
	for n := range all {
		all[n].Sensor = i.Sensor
	}
	return all
}

// names lists an item's binary packages.
func names(i *item) string {
	var all []string
	for _, c := range i.same {
		for _, b := range c.Binaries {
			all = append(all, b.Name)
		}
	}
	return listed(all, maxBinaries)
}

// listed lists at most so many, and says how many there are more.
func listed(all []string, most int) string {
	if more := len(all) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), more)
	}
	return strings.Join(all, ", ")
}

// count words a number of things: "2 vulnerabilities", "2 processes", "2 days".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if stem, ok := strings.CutSuffix(what, "y"); ok && !strings.HasSuffix(stem, "a") {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	if strings.HasSuffix(what, "s") {
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}
