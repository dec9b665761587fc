package system

import (
	"strconv"
	"strings"
	"time"

	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// runningFacts adds what only a running system tells.
func runningFacts(host *hostfs.FS, rec *telemetry.System) (missing []string) {
	name, err := uname()
	if err != nil {
		missing = append(missing, "uname: "+err.Error())
	}
	rec.Kernel, rec.KernelBuild, rec.Architecture = name.release, name.version, name.machine
	if name.node != "" {
		rec.Hostname = name.node
	}
	rec.Boot = firstLine(host, "/proc/sys/kernel/random/boot_id")
	if rec.Boot == "" {
		missing = append(missing, "the boot id could not be read")
	}
	rec.BootedAt = bootedAt(read(host, "/proc/stat"))
	if comm := firstLine(host, "/proc/1/comm"); comm != "" {
		rec.Init = initOf(host, comm)
	}
	rec.Container = container(host)
	rec.InstanceType = instanceType(host)
	return missing
}

// bootedAt is the time of the boot by the "btime" of /proc/stat.
func bootedAt(stat string) time.Time {
	for _, line := range strings.Split(stat, "\n") {
		if seconds, ok := strings.CutPrefix(line, "btime "); ok {
			if n, err := strconv.ParseInt(seconds, 10, 64); err == nil {
				return time.Unix(n, 0).UTC()
			}
		}
	}
	return time.Time{}
}

// initOf names the running service manager by the name of process 1.
func initOf(host *hostfs.FS, comm string) string {
	if comm == "systemd" || exists(host, "/run/systemd/system") { // sd_booted(3)
		return "systemd"
	}
	if exists(host, "/run/openrc/softlevel") {
		return "openrc"
	}
	return comm
}

// initOfImage names the service manager by what /sbin/init leads to.
func initOfImage(host *hostfs.FS) string {
	target, err := host.Resolve("/sbin/init")
	switch {
	case err != nil:
		return ""
	case strings.HasSuffix(target, "/systemd"):
		return "systemd"
	case strings.HasSuffix(target, "/openrc-init"), exists(host, "/sbin/openrc"):
		return "openrc"
	}
	return target[strings.LastIndexByte(target, '/')+1:]
}

func exists(host *hostfs.FS, name string) bool {
	_, err := host.Lstat(name)
	return err == nil
}

// container names the container that the host itself is, by the files that
// container managers leave for this (systemd's container interface, Docker,
// Podman, OpenVZ).
func container(host *hostfs.FS) string {
	if manager := firstLine(host, "/run/systemd/container"); manager != "" {
		return manager
	}
	switch {
	case exists(host, "/run/.containerenv"):
		return "podman"
	case exists(host, "/.dockerenv"):
		return "docker"
	case exists(host, "/proc/vz") && !exists(host, "/proc/bc"):
		return "openvz"
	}
	return ""
}

// instanceType is what EC2's firmware calls the product ("t3.micro"). Other
// machines have names of their own there.
func instanceType(host *hostfs.FS) string {
	product := firstLine(host, "/sys/class/dmi/id/product_name")
	if firstLine(host, "/sys/class/dmi/id/sys_vendor") == "Amazon EC2" && strings.Contains(product, ".") {
		return product
	}
	return ""
}
