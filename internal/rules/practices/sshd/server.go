package sshd

import (
	"fmt"
	"path"
	"slices"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/telemetry"
)

// Server is the sshd of a host.
type Server struct {
	Version  Version
	Package  *telemetry.Package // that it came with; nil if none is known
	Binary   *telemetry.File    // where there is no package
	Build    Build
	Commands []Command // the ways in which it is started, at least one
}

// Build is how a distribution has built sshd.
type Build struct {
	NoPAM       bool // without PAM: UsePAM does nothing (Alpine's openssh-server)
	RootDefault bool // PermitRootLogin is yes by default where upstream's is not (Red Hat's 7.x)
}

// Binary is where sshd is, on every system that this package knows.
const Binary = "/usr/sbin/sshd"

// Find tells whether a host has an sshd. Where it has, and it is not known how
// it is started, the error is a *Gap.
func Find(h *host.Host) (host.Answer[Server], error) {
	system := h.System()
	family := host.FamilyUnknown
	if system.OK() {
		family = host.FamilyOf(system.Value)
	}
	server := Server{Package: installed(h, packageNames(family)...)}
	if server.Package != nil {
		server.Version = ParseVersion(server.Package.Version)
		server.Build = buildOf(h, family, server.Version)
	} else {
		file := h.File(Binary)
		packages := h.Packages()
		switch {
		case file.OK():
			server.Binary = file.Value
		case !packages.Complete:
			return host.Answer[Server]{Reason: packages.Reason}, nil
		case file.Presence == host.NotCollected:
			return host.Answer[Server]{Reason: file.Reason}, nil
		default:
			return host.Answer[Server]{Presence: host.Absent}, nil
		}
	}
	answer := host.Answer[Server]{Presence: host.Present, Value: server}
	if !system.OK() {
		return answer, &Gap{system.Reason}
	}
	if family == host.FamilyAlpine && !server.Build.NoPAM && !h.Packages().Complete {
		return answer, &Gap{h.Packages().Reason}
	}
	var err error
	answer.Value.Commands, err = commands(h, family, server)
	return answer, err
}

func packageNames(f host.Family) []string {
	names := []string{"openssh-server", "openssh-server-pam", "openssh-server-krb5"}
	if f == host.FamilyArch || f == host.FamilySUSE {
		names = append(names, "openssh")
	}
	return names
}

// installed is the first of the packages that is installed; nil if none is known
// to be.
func installed(h *host.Host, names ...string) *telemetry.Package {
	packages := h.Packages().Values
	for _, name := range names {
		i := slices.IndexFunc(packages, func(p *telemetry.Package) bool {
			return p.Name == name && p.Status != "config-files" && p.Status != "not-installed"
		})
		if i >= 0 {
			return packages[i]
		}
	}
	return nil
}

func buildOf(h *host.Host, f host.Family, v Version) Build {
	return Build{
		NoPAM:       f == host.FamilyAlpine && h.Packages().Complete && installed(h, "openssh-server-pam", "openssh-server-krb5") == nil,
		RootDefault: f == host.FamilyRedHat && v >= 700 && v < 800,
	}
}

// Others names the other SSH servers that a host is known to have.
func Others(h *host.Host) []inspector.Evidence {
	var found []inspector.Evidence
	if p := installed(h, "dropbear", "dropbear-run"); p != nil {
		found = append(found, inspector.Evidence{Sensor: telemetry.SensorPackages, Record: telemetry.Key(p), Found: "Dropbear " + p.Version + " is installed"})
	} else if f := h.File("/usr/sbin/dropbear"); f.OK() && installed(h, "dropbear-bin") == nil {
		found = append(found, inspector.Evidence{Sensor: telemetry.SensorFiles, Record: telemetry.Key(f.Value), File: f.Value.Path, Found: "Dropbear is installed"})
	}
	for _, p := range h.Processes().Values {
		if path.Base(p.Exe) == "dropbear" && len(found) == 0 {
			found = append(found, inspector.Evidence{Sensor: telemetry.SensorProcesses, Record: telemetry.Key(p), File: p.Exe, Found: fmt.Sprintf("Dropbear runs as process %d", p.PID)})
		}
	}
	return found
}
