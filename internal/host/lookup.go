package host

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"assay/internal/telemetry"
)

// System is what identifies the host.
func (h *Host) System() Answer[*telemetry.System] {
	return one(h, telemetry.SensorSystem, h.system)
}

// Processor is what the kernel says of the processors.
func (h *Host) Processor() Answer[*telemetry.Processor] {
	return one(h, telemetry.SensorSystem, h.processor)
}

// one answers for a record of which there is at most one. That it is missing is
// never an absence: every host has a system and a processor.
func one[T any](h *Host, sensor string, rec *T) Answer[*T] {
	if rec != nil {
		return present(rec)
	}
	return notCollected[*T](why(sensor, h.part(sensor, "")))
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
// and could not be read is not collected.
func (h *Host) Text(name string) Answer[*telemetry.Text] {
	t, ok := h.texts[name]
	if ok && t.Problem == "" {
		return present(t)
	}
	if ok {
		return notCollected[*telemetry.Text](fmt.Sprintf("%s could not be read: %s", name, t.Problem))
	}
	return missing[*telemetry.Text](h, telemetry.SensorConfig, name)
}

// Texts are the configuration files whose paths match the pattern (see
// telemetry.Match), sorted by path. Files that could not be read are left out
// and make the answer incomplete.
func (h *Host) Texts(pattern string) All[*telemetry.Text] {
	all := All[*telemetry.Text]{Complete: true}
	c := h.Coverage(telemetry.SensorConfig)
	if c.State != telemetry.Complete {
		all.Complete, all.Reason = false, why(telemetry.SensorConfig, c.Part(""))
	} else if !covers(c.Scope, pattern) {
		all.Complete, all.Reason = false, fmt.Sprintf("%s is outside the scope of the sensor %q", pattern, telemetry.SensorConfig)
	}
	for name, t := range h.texts {
		if !telemetry.Match(pattern, name) {
			continue
		}
		if t.Problem != "" {
			all.Complete, all.Reason = false, fmt.Sprintf("%s could not be read: %s", name, t.Problem)
			continue
		}
		all.Values = append(all.Values, t)
	}
	slices.SortFunc(all.Values, func(a, b *telemetry.Text) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// covers tells whether a pattern asks for nothing outside the scope: it is one
// of the scope's patterns, or a scope pattern matches it read as a path.
func covers(scope []string, pattern string) bool {
	return slices.Contains(scope, pattern) || telemetry.InScope(scope, pattern)
}

// File is a file's metadata; a symbolic link is itself. It is absent only where
// the files sensor's scope has the path and the sensor saw all of it.
func (h *Host) File(name string) Answer[*telemetry.File] {
	f, ok := h.files[name]
	if ok && f.Problem == "" {
		return present(f)
	}
	if ok {
		return notCollected[*telemetry.File](fmt.Sprintf("%s could not be looked at: %s", name, f.Problem))
	}
	return missing[*telemetry.File](h, telemetry.SensorFiles, name)
}

// Files are the files whose paths match the pattern, sorted by path; those that
// could not be looked at are left out and make the answer incomplete.
func (h *Host) Files(pattern string) All[*telemetry.File] {
	all := All[*telemetry.File]{Complete: true}
	c := h.Coverage(telemetry.SensorFiles)
	if c.State != telemetry.Complete {
		all.Complete, all.Reason = false, why(telemetry.SensorFiles, c.Part(""))
	} else if !covers(c.Scope, pattern) {
		all.Complete, all.Reason = false, fmt.Sprintf("%s is outside the scope of the sensor %q", pattern, telemetry.SensorFiles)
	}
	for name, f := range h.files {
		if !telemetry.Match(pattern, name) {
			continue
		}
		if f.Problem != "" {
			all.Complete, all.Reason = false, fmt.Sprintf("%s could not be looked at: %s", name, f.Problem)
			continue
		}
		all.Values = append(all.Values, f)
	}
	slices.SortFunc(all.Values, func(a, b *telemetry.File) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// missing tells an absence from a gap for a path that no record names.
func missing[T any](h *Host, sensor, name string) Answer[T] {
	c := h.Coverage(sensor)
	switch {
	case c.State != telemetry.Complete:
		return notCollected[T](why(sensor, c.Part("")))
	case !telemetry.InScope(c.Scope, name):
		return notCollected[T](fmt.Sprintf("%s is outside the scope of the sensor %q", name, sensor))
	}
	return absent[T]()
}

// maxLinks is how many symbolic links a path may lead through, as in the kernel.
const maxLinks = 40

// Resolve follows the symbolic links of a path as far as the files sensor's
// records tell. The answer is the path without links.
func (h *Host) Resolve(name string) Answer[string] {
	rest := strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/")
	at := "/"
	for links := 0; len(rest) > 0; {
		if rest[0] == "" {
			rest = rest[1:]
			continue
		}
		step := path.Join(at, rest[0])
		f := h.File(step)
		switch {
		case f.Presence == Absent:
			return absent[string]()
		case !f.OK():
			return notCollected[string](f.Reason)
		case f.Value.Kind != telemetry.Symlink:
			at, rest = step, rest[1:]
			continue
		}
		if links++; links > maxLinks {
			return notCollected[string](fmt.Sprintf("%s leads through more than %d symbolic links", name, maxLinks))
		}
		target := f.Value.Target
		if path.IsAbs(target) {
			at = "/"
		}
		// The elements are walked one by one: ".." after a link means the
		// parent of where the link leads.
		rest = append(strings.Split(strings.Trim(target, "/"), "/"), rest[1:]...)
	}
	return present(at)
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

// Processes are the running processes.
func (h *Host) Processes() All[*telemetry.Process] {
	return all(h, telemetry.SensorProcesses, "", h.processes)
}

// Objects are the files that processes have mapped executable.
func (h *Host) Objects() All[*telemetry.Object] {
	return all(h, telemetry.SensorProcesses, "", h.objects)
}

// Sockets are the network sockets.
func (h *Host) Sockets() All[*telemetry.Socket] {
	return all(h, telemetry.SensorSockets, "", h.sockets)
}

// Interfaces are the network interfaces.
func (h *Host) Interfaces() All[*telemetry.Interface] {
	return all(h, telemetry.SensorNetwork, "interfaces", h.interfaces)
}

// Routes are the entries of the routing tables.
func (h *Host) Routes() All[*telemetry.Route] {
	return all(h, telemetry.SensorNetwork, "routes", h.routes)
}
