//go:build linux

package activity

import (
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
	case t == EBPF:
		return s.allowsEBPF()
	case t == Fanotify && !s.has(unix.CAP_SYS_ADMIN), t == Poll && !s.has(unix.CAP_SYS_ADMIN):
		return "", "the agent does not run as root, or has been denied CAP_SYS_ADMIN"
	case t == Fanotify && s.before(5, 0): // FAN_OPEN_EXEC: fanotify_mark(2)
		return "", "the kernel is older than Linux 5.0"
	case t == Connector && !s.has(unix.CAP_NET_ADMIN):
		return "", "the agent does not run as root, or has been denied CAP_NET_ADMIN"
	}
	return string(t), ""
}

func (s standing) allowsEBPF() (name, why string) {
	switch r := s.lacks(); {
	case r != nil:
		return "", r.words()
	case s.before(typedMajor, typedMinor):
		return "ebpf/core", ""
	}
	return "ebpf/direct", ""
}
