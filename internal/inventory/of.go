package inventory

import (
	"assay/internal/host"
	"assay/internal/telemetry"
)

// Sensors are those whose telemetry Of reads.
func Sensors() []string {
	return []string{
		telemetry.SensorSystem, telemetry.SensorConfig, telemetry.SensorKernel,
		telemetry.SensorPackages, telemetry.SensorLibraries, telemetry.SensorContainers,
	}
}

// Of makes the inventory of a host. It is a function of the host alone, and always in
// the same order: whatever the telemetry holds, it ends and does not fail.
func Of(h *host.Host) Inventory {
	b := &builder{h: h, systems: map[string]*System{}, seen: map[string]bool{}, nameless: map[place]int{}}
	b.addSystems()
	b.kernel = kernelOf(h)
	b.addPackages(h.Packages().Values)
	b.addPackages(h.ContainerPackages().Values)
	b.addLibraries(h.Libraries().Values)
	b.addLibraries(h.ContainerLibraries().Values)
	b.addGaps()
	b.sort()
	return b.inv
}

// builder is an inventory being made.
type builder struct {
	h        *host.Host
	inv      Inventory
	systems  map[string]*System // by container
	seen     map[string]bool    // containers
	kernel   kernel
	nameless map[place]int // what has no name or version
}
