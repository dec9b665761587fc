package host

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/internal/telemetry"
)

// System is what identifies the host.
func (h *Host) System() Answer[*telemetry.System] {
	return one(h, telemetry.SensorSystem, "", h.system)
}

// Processor is what the kernel says of the processors.
func (h *Host) Processor() Answer[*telemetry.Processor] {
	return one(h, telemetry.SensorSystem, "processor", h.processor)
}

// one answers for a record of which there is at most one. That it is missing is
// never an absence: every host has a system and a processor.
func one[T any](h *Host, sensor, part string, rec *T) Answer[*T] {
	if rec != nil {
		return present(rec)
	}
	return notCollected[*T](why(sensor, h.part(sensor, part)))
}

// Parameter is a kernel parameter by its sysctl name, of the running kernel.
func (h *Host) Parameter(name string) Answer[*telemetry.KernelParameter] {
	if p, ok := h.parameters[name]; ok {
		return present(p)
	}
	c := h.part(telemetry.SensorKernel, "parameters")
	if c.State == telemetry.Complete {
		return absent[*telemetry.KernelParameter]()
	}
	return notCollected[*telemetry.KernelParameter](why(telemetry.SensorKernel, c))
}

// Text is a configuration file. It is absent only where the config sensor's
// scope has the path and the sensor saw all of its scope; a file that is there
// and could not be read, or only in part, is not collected.
func (h *Host) Text(name string) Answer[*telemetry.Text] {
	t, ok := h.texts[name]
	switch {
	case !ok:
		return missing[*telemetry.Text](h, telemetry.SensorConfig, name)
	case gapIn(t) != "":
		return notCollected[*telemetry.Text](gapIn(t))
	}
	return present(t)
}

// gapIn is what is missing of a text.
func gapIn(t *telemetry.Text) string {
	switch {
	case t.Problem != "":
		return fmt.Sprintf("%s could not be read: %s", t.Path, t.Problem)
	case t.Truncated:
		return fmt.Sprintf("%s has %d bytes, of which only the beginning was collected", t.Path, t.Size)
	}
	return ""
}

// Texts are the configuration files whose paths match the pattern (see
// telemetry.Match), sorted by path. Files that could not be read, or only in
// part, are left out and make the answer incomplete.
func (h *Host) Texts(pattern string) All[*telemetry.Text] {
	all := All[*telemetry.Text]{}
	all.Complete, all.Reason = h.complete(telemetry.SensorConfig, pattern)
	begin := literal(pattern)
	for name, t := range h.texts {
		if !strings.HasPrefix(name, begin) || !telemetry.Match(pattern, name) {
			continue
		}
		if gap := gapIn(t); gap != "" {
			if all.Complete {
				all.Complete, all.Reason = false, gap
			}
			continue
		}
		all.Values = append(all.Values, t)
	}
	slices.SortFunc(all.Values, func(a, b *telemetry.Text) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

func (h *Host) part(sensor, part string) telemetry.Part {
	c := h.Coverage(sensor)
	return c.Part(part)
}

// all answers for every record of a sensor's part.
func all[T any](h *Host, sensor, part string, values []T) All[T] {
	p := h.part(sensor, part)
	if p.State == telemetry.Complete {
		return All[T]{Values: values, Complete: true}
	}
	return All[T]{Values: values, Reason: why(sensor, p)}
}

// Users are the accounts of /etc/passwd.
func (h *Host) Users() All[*telemetry.User] {
	return all(h, telemetry.SensorAccounts, "passwd", h.users)
}

// Shadows are the entries of /etc/shadow.
func (h *Host) Shadows() All[*telemetry.Shadow] {
	return all(h, telemetry.SensorAccounts, "shadow", h.shadows)
}

// Groups are the groups of /etc/group.
func (h *Host) Groups() All[*telemetry.Group] {
	return all(h, telemetry.SensorAccounts, "group", h.groups)
}

// Packages are the packages of all package managers.
func (h *Host) Packages() All[*telemetry.Package] {
	return all(h, telemetry.SensorPackages, "", h.packages)
}

// PackageDatabases are the databases of packages that were found.
func (h *Host) PackageDatabases() All[*telemetry.PackageDatabase] {
	return all(h, telemetry.SensorPackages, "", h.databases)
}

// Modules are the loaded kernel modules.
func (h *Host) Modules() All[*telemetry.KernelModule] {
	return all(h, telemetry.SensorKernel, "modules", h.modules)
}

// Mounts are the mounted file systems.
func (h *Host) Mounts() All[*telemetry.Mount] { return all(h, telemetry.SensorMounts, "", h.mounts) }

// Interfaces are the network interfaces.
func (h *Host) Interfaces() All[*telemetry.Interface] {
	return all(h, telemetry.SensorNetwork, "interfaces", h.interfaces)
}

// Routes are the entries of the routing tables.
func (h *Host) Routes() All[*telemetry.Route] {
	return all(h, telemetry.SensorNetwork, "routes", h.routes)
}

// literal is what every path that a pattern matches begins with: comparing it
// first spares most of the matching. "/etc/ssh/**" also matches "/etc/ssh".
func literal(pattern string) string {
	if i := strings.IndexAny(pattern, "*?["); i >= 0 {
		pattern = pattern[:i]
	}
	return strings.TrimRight(pattern, "/")
}
