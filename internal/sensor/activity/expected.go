//go:build linux

package activity

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"assay/internal/sensor"
)

// look is what can be seen of a host without trying anything: whether it will let the
// sensor observe.
type look struct {
	major, minor int    // of the kernel's release
	btf          bool   // it describes its own types
	lockdown     string // kernel_lockdown(7): "none", "integrity", "confidentiality"; empty: not known
	capabilities uint64 // effective, of this process
}

// lookAtHost reads what the kernel tells of itself and of this process.
func lookAtHost(root string) look {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return ""
		}
		return string(text)
	}
	var l look
	fmt.Sscanf(read("proc/sys/kernel/osrelease"), "%d.%d", &l.major, &l.minor)
	_, err := os.Stat(filepath.Join(root, "sys/kernel/btf/vmlinux"))
	l.btf = err == nil
	l.lockdown = chosen(read("sys/kernel/security/lockdown"))
	for line := range strings.Lines(read("proc/self/status")) {
		if set, ok := strings.CutPrefix(line, "CapEff:"); ok {
			l.capabilities, _ = strconv.ParseUint(strings.TrimSpace(set), 16, 64)
		}
	}
	return l
}

func (l look) has(capability int) bool { return l.capabilities&(1<<capability) != 0 }

func (l look) before(major, minor int) bool {
	return l.major < major || l.major == major && l.minor < minor
}

// expected is the first of the tiers that the host looks as if it allowed.
func expected(tiers []Tier, l look) sensor.Tier {
	t := sensor.Tier{Expected: true}
	for _, tier := range tiers {
		name, why := l.allows(tier)
		if why == "" {
			t.Name = name
			break
		}
		t.Short = append(t.Short, string(tier)+": "+why)
	}
	return t
}

// allows is the name of a tier as telemetry has it, or why it cannot be had.
func (l look) allows(t Tier) (name, why string) {
	switch {
	case t == EBPF, t == Direct, t == Core:
		return l.allowsEBPF(t)
	case t == Fanotify && !l.has(capSysAdmin), t == Poll && !l.has(capSysAdmin):
		return "", "the agent does not run as root, or has been denied CAP_SYS_ADMIN"
	case t == Fanotify && l.before(5, 0): // FAN_OPEN_EXEC: fanotify_mark(2)
		return "", "the kernel is older than Linux 5.0"
	case t == Connector && !l.has(unix.CAP_NET_ADMIN):
		return "", "the agent does not run as root, or has been denied CAP_NET_ADMIN"
	}
	return string(t), ""
}

func (l look) allowsEBPF(t Tier) (name, why string) {
	switch {
	case !l.btf:
		return "", "the kernel has no BTF (/sys/kernel/btf/vmlinux)"
	case l.before(oldestMajor, oldestMinor):
		return "", fmt.Sprintf("the kernel is older than Linux %d.%d", oldestMajor, oldestMinor)
	case !l.has(capSysAdmin) && !(l.has(capBPF) && l.has(capPerfmon)):
		return "", "the agent does not run as root, or has been denied CAP_BPF and CAP_PERFMON"
	case t != Core && !l.before(5, 11): // typed pointers: see bpf/c/activity.bpf.c
		return string(Direct), ""
	case t == Direct:
		return "", "the kernel is older than Linux 5.11"
	case t == Core && l.lockdown == "confidentiality":
		return "", "lockdown=confidentiality"
	case l.lockdown == "confidentiality":
		return "", "lockdown=confidentiality, and the kernel is older than Linux 5.11"
	}
	return string(Core), ""
}
