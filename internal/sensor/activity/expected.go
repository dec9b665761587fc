//go:build linux

package activity

import (
	"fmt"

	"golang.org/x/sys/unix"

	"assay/internal/sensor"
)

// expected is the first of the tiers that the host looks as if it allowed.
func expected(tiers []Tier, s standing) sensor.Tier {
	t := sensor.Tier{Expected: true}
	for _, tier := range tiers {
		name, why := s.allows(tier)
		if why == "" {
			t.Name = name
			break
		}
		t.Short = append(t.Short, string(tier)+": "+why)
	}
	return t
}

// allows is the name of a tier as telemetry has it, or why it cannot be had.
func (s standing) allows(t Tier) (name, why string) {
	switch {
	case t == EBPF, t == Direct, t == Core:
		return s.allowsEBPF(t)
	case t == Poll && !s.root:
		return "", "the agent does not run as root"
	case t == Fanotify && !s.has(unix.CAP_SYS_ADMIN):
		return "", "the agent does not run as root, or has been denied CAP_SYS_ADMIN"
	case t == Fanotify && s.before(5, 0): // FAN_OPEN_EXEC: fanotify_mark(2)
		return "", "the kernel is older than Linux 5.0"
	case t == Connector && !s.has(unix.CAP_NET_ADMIN):
		return "", "the agent does not run as root, or has been denied CAP_NET_ADMIN"
	}
	return string(t), ""
}

func (s standing) allowsEBPF(t Tier) (name, why string) {
	typed := !s.before(typedMajor, typedMinor)
	switch r := s.lacks(); {
	case r != nil:
		return "", r.words()
	case t != Core && typed:
		return string(Direct), ""
	case t == Direct:
		return "", fmt.Sprintf("the kernel is older than Linux %d.%d", typedMajor, typedMinor)
	case s.lockdown == "confidentiality":
		return "", "the kernel is locked down (lockdown=confidentiality)"
	}
	return string(Core), ""
}
