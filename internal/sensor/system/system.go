// Package system is the sensor that identifies a host: what it is, what it runs,
// and what the kernel says of its processors. It asks nobody in the network, so
// it knows no name that the host does not know by itself.
package system

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

const maxBytes = 1 << 20

// releaseFiles are the places of os-release(5), the first one that is there counts.
var releaseFiles = []string{"/etc/os-release", "/usr/lib/os-release"}

// ErrNoRelease says that a root file system has no os-release(5).
var ErrNoRelease = fmt.Errorf("there is neither %s", strings.Join(releaseFiles, " nor "))

type system struct{ now func() time.Time }

// New returns the sensor.
func New() sensor.Sensor { return system{time.Now} }

func (system) Describe() sensor.Description {
	return sensor.Description{
		Name:    telemetry.SensorSystem,
		Summary: "What the host is: system, version, kernel, names, processors.",
		Reads: append([]string{"uname(2)", "/etc/hostname", "/etc/hosts", "/proc/cpuinfo", "/proc/stat", "/proc/1/comm",
			"/proc/sys/kernel/random/boot_id", "/proc/vz", "/proc/bc", "/sbin/init", "/run/systemd/system", "/run/openrc/softlevel",
			"/run/systemd/container", "/run/.containerenv", "/.dockerenv",
			"/sys/class/dmi/id/sys_vendor", "/sys/class/dmi/id/product_name"}, releaseFiles...),
		Never: []string{"serial numbers and machine id"},
	}
}

func (s system) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	var missing []string
	rec := &telemetry.System{Live: host.Live, CollectedAt: s.now().UTC(), Unprivileged: !hostfs.Privileged()}
	release, err := Release(host.FS)
	if err != nil {
		missing = append(missing, err.Error())
	}
	rec.OS, rec.OSLike, rec.OSName = release["ID"], release["ID_LIKE"], release["PRETTY_NAME"]
	rec.OSVersion, rec.Codename = release["VERSION_ID"], release["VERSION_CODENAME"]
	rec.Hostname = firstLine(host.FS, "/etc/hostname")
	rec.Init = initOfImage(host.FS)
	if host.Live {
		missing = append(missing, runningFacts(host.FS, rec)...)
	}
	rec.FQDN = fqdn(read(host.FS, "/etc/hosts"), rec.Hostname)
	if err := emit(rec); err != nil {
		return telemetry.Coverage{}, err
	}
	if host.Live {
		p, err := processor(host.FS)
		if err != nil {
			missing = append(missing, err.Error())
		} else if err := emit(p); err != nil {
			return telemetry.Coverage{}, err
		}
	}
	c := sensor.Covered(missing)
	if !host.Live {
		not := sensor.NotLive()
		c.Parts = []telemetry.Part{{Name: "processor", State: not.State, Reason: not.Reason}}
	}
	return c, ctx.Err()
}

// read returns the beginning of a file as text, empty where there is none: every
// fact that is read so is one that a host may lack.
func read(host *hostfs.FS, name string) string {
	data, _, err := host.ReadFile(name, maxBytes)
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(data), "\uFFFD")
}

func firstLine(host *hostfs.FS, name string) string {
	for _, line := range strings.Split(read(host, name), "\n") {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return line
		}
	}
	return ""
}

// Release reads the assignments of os-release(5) of a root file system, the host's
// or a container's: "ID", "VERSION_ID", ... The error says why there are none.
func Release(host *hostfs.FS) (map[string]string, error) {
	for _, name := range releaseFiles {
		data, _, err := host.ReadFile(name, maxBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		return parseRelease(strings.ToValidUTF8(string(data), "\uFFFD")), nil
	}
	return nil, ErrNoRelease
}

// ReleaseFiles are the places of os-release(5).
func ReleaseFiles() []string { return slices.Clone(releaseFiles) }

// parseRelease parses os-release(5): assignments as a shell reads them, without
// expansion. Of a name that is assigned twice the last counts.
func parseRelease(text string) map[string]string {
	values := map[string]string{}
	for _, line := range strings.Split(text, "\n") {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		values[name] = unquote(value)
	}
	return values
}

// unquote takes a shell word apart: single quotes, double quotes with backslash
// before $, ", \ and `, and backslashes outside of quotes.
func unquote(word string) string {
	var b strings.Builder
	var quote byte
	for i := 0; i < len(word); i++ {
		c := word[i]
		switch {
		case quote == 0 && (c == '\'' || c == '"'):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'' && i+1 < len(word) && (quote == 0 || strings.IndexByte("$\"\\`", word[i+1]) >= 0):
			i++
			b.WriteByte(word[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String()
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// fqdn is the name with a domain that /etc/hosts gives to a host name, as
// "hostname -f" finds it where hosts come from files.
func fqdn(hosts, name string) string {
	if name == "" || strings.Contains(name, ".") {
		return name
	}
	for _, line := range strings.Split(hosts, "\n") {
		line, _, _ = strings.Cut(line, "#")
		names := strings.Fields(line)
		for i, n := range names {
			if i > 0 && n == name && strings.Contains(names[1], ".") {
				return names[1]
			}
		}
	}
	return ""
}
