package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/internal/telemetry"
)

func (b *builder) gap(g Gap) { b.inv.Gaps = append(b.inv.Gaps, g) }

// place is a kind of component in a system.
type place struct {
	container string
	kind      Kind
}

// unnamed counts what has no name or version.
func (b *builder) unnamed(kind Kind, container string) { b.nameless[place{container, kind}]++ }

// addGaps adds what the sensors could not tell.
func (b *builder) addGaps() {
	b.addCoverage(telemetry.SensorPackages, "", Package)
	b.addCoverage(telemetry.SensorLibraries, "", Library)
	whole := b.addCoverage(telemetry.SensorContainers, "", "")
	for part, kind := range map[string]Kind{"packages": Package, "libraries": Library} {
		if c := b.h.Coverage(telemetry.SensorContainers); c.Part(part).State != whole {
			b.addCoverage(telemetry.SensorContainers, part, kind)
		}
	}
	b.addDatabases(b.h.PackageDatabases().Values)
	b.addDatabases(b.h.ContainerDatabases().Values)
	for at, n := range b.nameless {
		b.gap(Gap{
			Container: at.container, Kind: at.kind,
			Reason: fmt.Sprintf("the telemetry has %d entries without a name or version", n),
			Remedy: "Update the agent: no database of packages has such entries, and it should not send them.",
		})
	}
	b.addOriginGaps()
	b.addExtrasGap()
	b.addKernelGaps()
}

// addCoverage adds a gap for a sensor that did not see everything.
func (b *builder) addCoverage(sensor, part string, kind Kind) telemetry.State {
	c := b.h.Coverage(sensor)
	p := c.Part(part)
	if p.State == telemetry.Complete {
		return p.State
	}
	g := Gap{Kind: kind, Sensor: sensor, Reason: p.Reason}
	// It has to say of which sensor it is, whatever the agent gives as the reason.
	if what := "the sensor \"" + sensor + "\""; !strings.HasPrefix(g.Reason, what) {
		if part != "" {
			what += " (" + part + ")"
		}
		g.Reason = fmt.Sprintf("%s is %s: %s", what, strings.ReplaceAll(string(p.State), "_", " "), p.Reason)
	}
	s := b.h.System()
	g.Denied = p.State == telemetry.Denied || p.State == telemetry.Partial && s.OK() && s.Value.Unprivileged
	switch {
	case g.Denied:
		g.Remedy = "Run the agent as root."
	case p.State == telemetry.NotCollected:
		g.Remedy = "Let the agent collect the sensor \"" + sensor + "\"; an old agent has to be updated first."
	default:
		g.Remedy = "See to what the reason names, and collect again."
	}
	b.gap(g)
	return p.State
}

// addDatabases adds a gap for each database of packages that was not read wholly.
func (b *builder) addDatabases(databases []*telemetry.PackageDatabase) {
	for _, d := range databases {
		if d.Problem == "" && d.Skipped <= 0 {
			continue
		}
		b.gap(Gap{
			Container: d.Container, Kind: Package,
			Reason: fmt.Sprintf("the packages in %s are not all known: %s", d.Path, cmp.Or(d.Problem, fmt.Sprintf("%d entries could not be read", d.Skipped))),
			Remedy: "Repair the database with its package manager, and collect again.",
			Denied: strings.Contains(d.Problem, "permission denied"),
		})
	}
}

// addKernelGaps tells what is not known of the kernel that runs: one that belongs to
// no package, and one that was changed while it ran.
func (b *builder) addKernelGaps() {
	runs := slices.ContainsFunc(b.inv.Components, func(c Component) bool { return c.Kernel == RunningKernel })
	if b.kernel.release != "" && !b.kernel.none && !runs {
		b.gap(Gap{
			Kind:   Package,
			Reason: fmt.Sprintf("the running kernel %s is of no installed package: no advisory about it can be found", b.kernel.release),
			Remedy: "Start the host with a kernel of its distribution, or follow the advisories of whoever made this one.",
		})
	}
	var patches []string
	for _, m := range b.h.Modules().Values {
		if isLivePatch(m.Name) {
			patches = append(patches, m.Name)
		}
	}
	if len(patches) > 0 {
		slices.Sort(patches)
		b.gap(Gap{
			Kind: Package,
			Reason: fmt.Sprintf("the running kernel has %d live patches (%s): what they repair cannot be seen, so that it is still listed as vulnerable",
				len(patches), strings.Join(patches[:min(len(patches), 5)], ", ")),
			Remedy: "Compare with the list of the live patching service (kpatch list, canonical-livepatch status, klp patches).",
		})
	}
}

// isLivePatch tells modules that change the running kernel, by the names that their
// makers give: SUSE and upstream, Red Hat and Amazon, Canonical.
func isLivePatch(module string) bool {
	for _, begin := range []string{"klp_", "kpatch_", "livepatch_", "lkp_"} {
		if strings.HasPrefix(module, begin) {
			return true
		}
	}
	return false
}

// sort puts everything into its one order, whatever the order of the telemetry.
func (b *builder) sort() {
	slices.SortFunc(b.inv.Components, func(x, y Component) int {
		// What nearly always decides comes first: Or compares all that it is given.
		if c := cmp.Or(cmp.Compare(x.Container, y.Container), -cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Ecosystem, y.Ecosystem), cmp.Compare(x.Name, y.Name)); c != 0 {
			return c
		}
		return cmp.Or(
			cmp.Compare(x.Version, y.Version), cmp.Compare(x.Arch, y.Arch),
			cmp.Compare(x.Kernel, y.Kernel), cmp.Compare(x.Status, y.Status), cmp.Compare(x.Module, y.Module),
			cmp.Compare(x.Vendor, y.Vendor), cmp.Compare(x.Path, y.Path), cmp.Compare(x.Inside, y.Inside),
			cmp.Compare(x.Owner, y.Owner), cmp.Compare(x.PURL, y.PURL), cmp.Compare(x.Runs, y.Runs), cmp.Compare(x.Record, y.Record),
		)
	})
	slices.SortFunc(b.inv.Gaps, func(x, y Gap) int {
		return cmp.Or(cmp.Compare(x.Container, y.Container), cmp.Compare(x.Kind, y.Kind), cmp.Compare(x.Reason, y.Reason))
	})
	b.inv.Gaps = slices.Compact(b.inv.Gaps)
}
