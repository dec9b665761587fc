package inventory

import (
	"cmp"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// addSystems finds the host's system and those of its containers.
func (b *builder) addSystems() {
	b.inv.Systems = append(b.inv.Systems, hostSystem(b.h))
	for _, c := range b.h.Containers().Values {
		b.addContainer(c)
	}
	// What is in a container that no record tells of must not be lost.
	for _, p := range b.h.ContainerPackages().Values {
		b.addUnknown(p.Container)
	}
	for _, l := range b.h.ContainerLibraries().Values {
		b.addUnknown(l.Container)
	}
	slices.SortStableFunc(b.inv.Systems, func(x, y System) int { return cmp.Compare(x.Container, y.Container) })
	for n := range b.inv.Systems {
		b.systems[b.inv.Systems[n].Container] = &b.inv.Systems[n]
	}
}

func hostSystem(h *host.Host) System {
	answer := h.System()
	if !answer.OK() {
		return System{
			Problem: "it is not known which system the host has: " + answer.Reason,
			Remedy:  "Let the agent collect the sensor \"system\".",
			Sensor:  telemetry.SensorSystem,
		}
	}
	r := answer.Value
	s := named(release{r.OS, r.OSLike, r.OSVersion, r.OSName, r.Codename})
	s.Kernel, s.Record, s.Sensor = r.Kernel, telemetry.Key(r), telemetry.SensorSystem
	addRepositories(h, &s)
	return s
}

// named is the system of an os-release.
func named(r release) System {
	n := r.naming()
	return System{
		Name: cmp.Or(r.name, r.id), ID: r.id, Release: r.version, Codename: r.codename,
		Ecosystem: n.ecosystem, More: n.more, CPE: n.cpe, Problem: n.problem, Remedy: n.remedy,
	}
}

func (b *builder) addContainer(c *telemetry.Container) {
	if c.ID == "" || b.seen[c.ID] {
		return
	}
	b.seen[c.ID] = true
	s := named(release{c.OS, c.OSLike, c.OSVersion, c.OSName, c.Codename})
	s.Container, s.Image = c.ID, cmp.Or(c.Image, c.Name)
	s.Record, s.Sensor = telemetry.Key(c), telemetry.SensorContainers
	if c.Problem != "" {
		b.gap(Gap{
			Container: c.ID, Reason: "not all of the container could be read: " + c.Problem,
			Remedy: "Collect again while it runs, with an agent that runs as root.",
			Denied: strings.Contains(c.Problem, "permission denied"),
		})
	}
	b.inv.Systems = append(b.inv.Systems, s)
}

// addUnknown adds a container of which only the contents are known.
func (b *builder) addUnknown(id string) {
	if id == "" || b.seen[id] {
		return
	}
	b.seen[id] = true
	b.inv.Systems = append(b.inv.Systems, System{
		Container: id, Sensor: telemetry.SensorContainers,
		Problem: "it is not known which system the container has: its record is missing",
		Remedy:  "Collect the sensor \"containers\" again.",
	})
}
