//go:build linux

package activity

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// standing is what kernel this process is on, and what it may do there, as can be seen
// without trying anything.
type standing struct {
	major, minor int    // of the kernel's release; 0: not known
	btf, sys     bool   // the kernel tells its types; there is the folder in which it would
	lockdown     string // its mode (kernel_lockdown(7)); empty: not known

	capabilities uint64 // effective
	root         bool   // it has root's effective uid
	first        bool   // in the first user namespace
	filtered     bool   // seccomp(2) forbids bpf(2)
	locking      bool   // the kernel accounts maps to what this process may lock in memory, which is limited
	confined     bool   // a security module may forbid them to this process
}

// oldest is the first Linux that the programs are made for; from typed on they may read
// by typed pointers, which lockdown=confidentiality lets them: see bpf/c/activity.bpf.c.
const (
	oldestMajor, oldestMinor = 5, 10
	typedMajor, typedMinor   = 5, 11
)

// stand finds out how this process stands. What cannot be read is taken to be in its
// favour, so that the kernel is blamed rather than nobody.
func stand(root string) standing {
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return ""
		}
		return strings.Trim(string(text), "\x00\n ")
	}
	is := func(name string) bool {
		_, err := os.Stat(filepath.Join(root, name))
		return err == nil
	}
	s := standing{btf: is("sys/kernel/btf/vmlinux"), sys: is("sys/kernel"), lockdown: chosen(read("sys/kernel/security/lockdown"))}
	s.major, s.minor = release(read("proc/sys/kernel/osrelease"))
	s.locking = s.before(5, 11) && limited(unix.RLIMIT_MEMLOCK)
	s.capabilities, s.root, s.filtered = status(read("proc/self/status"))
	// A filter may let it pass, as that of the agent's unit does.
	s.filtered = s.filtered && forbidden()
	users := strings.Join(strings.Fields(read("proc/self/uid_map")), " ")
	s.first = users == "" || users == "0 0 4294967295"
	s.confined = confined(read("proc/self/attr/current"))
	return s
}

func (s standing) has(capability int) bool { return s.capabilities&(1<<capability) != 0 }

// capable tells whether it may load programs.
func (s standing) capable() bool {
	return s.has(unix.CAP_SYS_ADMIN) || s.has(unix.CAP_BPF) && s.has(unix.CAP_PERFMON)
}

func (s standing) before(major, minor int) bool {
	return s.major != 0 && (s.major < major || s.major == major && s.minor < minor)
}

// chosen is the one in brackets of "none [integrity] confidentiality".
func chosen(modes string) string {
	_, mode, _ := strings.Cut(modes, "[")
	mode, _, _ = strings.Cut(mode, "]")
	return mode
}

// release reads one such as "5.10.0-46-cloud-amd64".
func release(text string) (major, minor int) {
	if n, _ := fmt.Sscanf(text, "%d.%d", &major, &minor); n != 2 {
		return 0, 0
	}
	return major, minor
}

// status reads proc_pid_status(5).
func status(text string) (capabilities uint64, root, filtered bool) {
	capabilities, root = ^uint64(0), true
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch name {
		case "CapEff":
			if set, err := strconv.ParseUint(value, 16, 64); err == nil {
				capabilities = set
			}
		case "Uid":
			uids := strings.Fields(value) // real, effective, saved, of the file system
			root = len(uids) > 1 && uids[1] == "0"
		case "Seccomp":
			filtered = value != "0"
		}
	}
	return capabilities, root, filtered
}

// confined tells of a label whether its security module restricts the process: AppArmor's
// "name (enforce)", SELinux's "user:role:type:level".
func confined(label string) bool {
	return strings.HasSuffix(label, "(enforce)") || strings.Count(label, ":") >= 3 && !strings.Contains(label, ":unconfined") && !strings.Contains(label, ":kernel_t:")
}

// limited tells whether a resource of this process is (getrlimit(2)).
func limited(resource int) bool {
	var limit unix.Rlimit
	return unix.Getrlimit(resource, &limit) == nil && limit.Cur != unix.RLIM_INFINITY
}

// forbidden tells whether bpf(2) is, or missing: a program without instructions and
// licence is loaded by no kernel, and refused to whom the capabilities allow it for another
// reason than that.
func forbidden() bool {
	const progLoad = 5 // BPF_PROG_LOAD, linux/bpf.h
	_, _, err := unix.Syscall(unix.SYS_BPF, progLoad, 0, 0)
	return err == unix.EPERM || err == unix.EACCES || err == unix.ENOSYS
}
