// Package hostfacts tells the few things that an agent says of its host when it
// enrols and beats: names, system, addresses. They come from the host's own
// files and the kernel; nothing is asked over the network.
package hostfacts

import (
	"net"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"assay/internal/sensor/hostfs"
	"assay/internal/wire"
)

// maxAddresses bounds the list: a host of containers can have thousands.
const maxAddresses = 64

// Collect tells what is known now. What cannot be had is left out.
func Collect() wire.HostFacts {
	f := wire.HostFacts{OS: runtime.GOOS, Architecture: runtime.GOARCH, IPv4Addresses: addresses()}
	name, _ := os.Hostname()
	f.Hostname = strings.ToValidUTF8(name, "?")
	if strings.Contains(f.Hostname, ".") {
		f.FQDN = f.Hostname
	}
	if kernel, machine, ok := uname(); ok {
		f.Kernel, f.Architecture = strings.ToValidUTF8(kernel, "?"), machine
	}
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		if f.OSName == "" {
			f.OSName = prettyName(read(name))
		}
	}
	f.InstanceID = instanceID()
	return f
}

// Boot is the id of this boot; empty where there is none.
func Boot() string { return strings.TrimSpace(read("/proc/sys/kernel/random/boot_id")) }

// read returns at most 64 KiB of a file, nothing if it cannot be read. Of the
// host's files not even the access time changes.
func read(name string) string {
	fs, err := hostfs.Open("/")
	if err != nil {
		return ""
	}
	defer fs.Close()
	data, _, err := fs.ReadFile(name, 64<<10)
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(data), "?")
}

// prettyName is PRETTY_NAME of os-release(5).
func prettyName(text string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
			value = strings.Trim(value, `"'`)
			return strings.ToValidUTF8(value[:min(len(value), 200)], "")
		}
	}
	return ""
}

var instancePattern = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

// instanceID is where EC2's Nitro firmware and cloud-init leave it.
func instanceID() string {
	for _, name := range []string{"/sys/class/dmi/id/board_asset_tag", "/run/cloud-init/.instance-id", "/var/lib/cloud/data/instance-id"} {
		if id := strings.TrimSpace(read(name)); instancePattern.MatchString(id) {
			return id
		}
	}
	return ""
}

func addresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var list []string
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if ok && n.IP.To4() != nil && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			list = append(list, n.IP.String())
		}
	}
	slices.Sort(list)
	return list[:min(len(list), maxAddresses)]
}
