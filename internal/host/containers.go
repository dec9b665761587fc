package host

import "assay/internal/telemetry"

// addContained adds a record about a container, or about what is in one.
func (h *Host) addContained(rec telemetry.Record) {
	switch r := rec.(type) {
	case *telemetry.Container:
		h.containers = append(h.containers, r)
	case *telemetry.Package:
		h.inPackages = append(h.inPackages, r)
	case *telemetry.PackageDatabase:
		h.inDatabases = append(h.inDatabases, r)
	case *telemetry.Library:
		h.inLibraries = append(h.inLibraries, r)
	}
}

// Libraries are the packages of programming languages in the host's own files.
func (h *Host) Libraries() All[*telemetry.Library] {
	return all(h, telemetry.SensorLibraries, "", h.libraries)
}

// Containers are the containers that run on the host.
func (h *Host) Containers() All[*telemetry.Container] {
	return all(h, telemetry.SensorContainers, "", h.containers)
}

// ContainerPackages are the packages in all containers; each names its own.
func (h *Host) ContainerPackages() All[*telemetry.Package] {
	return all(h, telemetry.SensorContainers, "packages", h.inPackages)
}

// ContainerDatabases are the databases of packages that were found in containers.
func (h *Host) ContainerDatabases() All[*telemetry.PackageDatabase] {
	return all(h, telemetry.SensorContainers, "packages", h.inDatabases)
}

// ContainerLibraries are the packages of programming languages in containers.
func (h *Host) ContainerLibraries() All[*telemetry.Library] {
	return all(h, telemetry.SensorContainers, "libraries", h.inLibraries)
}
