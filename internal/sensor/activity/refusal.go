//go:build linux

package activity

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"assay/internal/telemetry"
)

// refusal says why there are no programs in the kernel.
type refusal struct {
	// kernel tells that no agent could have them there: it is a property of the kernel, as
	// it was booted. Else this agent may not, or not now.
	kernel bool
	why    string
	err    error
}

func (r *refusal) Error() string {
	if r.kernel {
		return fmt.Sprintf("%s: %s: %v", telemetry.KernelRefused, r.why, r.err)
	}
	return fmt.Sprintf("the agent cannot have eBPF programs in the kernel: %s: %v", r.why, r.err)
}

func (r *refusal) Unwrap() error { return r.err }

// standing is what an agent has to load programs with, and what kernel it is on.
type standing struct {
	btf, sys bool   // the kernel tells its types; there is the folder in which it would
	tooOld   bool   // for the programs
	lockdown string // its mode; empty: not known

	capable  bool // CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN
	first    bool // in the first user namespace
	filtered bool // seccomp(2) forbids bpf(2)
	locking  bool // the kernel accounts maps to what this process may lock in memory, which is limited
	confined bool // a security module may forbid them to this process
}

// oldest is the first Linux that the programs are made for.
const oldestMajor, oldestMinor = 5, 10

// refuse makes a refusal of the error with which programs were not loaded.
func refuse(err error, s standing) *refusal {
	r := &refusal{err: err, kernel: true}
	may := errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
	switch {
	case s.sys && !s.btf:
		r.why = "it has no BTF (/sys/kernel/btf/vmlinux), by which programs are fitted to it"
	case s.tooOld:
		r.why = fmt.Sprintf("it is older than %d.%d", oldestMajor, oldestMinor)
	case !s.btf:
		r.kernel, r.why = false, "its BTF is not to be seen (/sys/kernel/btf/vmlinux)"
	case !s.first:
		r.kernel, r.why = false, "it runs in a user namespace"
	case !s.capable:
		r.kernel, r.why = false, "it has neither CAP_BPF and CAP_PERFMON nor CAP_SYS_ADMIN"
	case s.filtered && (may || errors.Is(err, unix.ENOSYS)):
		r.kernel, r.why = false, "a filter of system calls (seccomp) forbids it"
	case errors.Is(err, unix.ENOSYS):
		r.why = "it has no eBPF"
	case s.locking && errors.Is(err, unix.EPERM):
		r.kernel, r.why = false, "a limit is reached (RLIMIT_MEMLOCK), and it may not raise it"
	case may && s.lockdown == "confidentiality":
		r.why = "it is locked down (lockdown=confidentiality)"
	case may && s.confined:
		r.kernel, r.why = false, "a security module of the kernel confines it"
	case errors.Is(err, unix.ENOMEM), errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		r.kernel, r.why = false, "a limit is reached"
	default:
		r.why = "it refuses them"
	}
	return r
}

// stand finds out how this process stands. What cannot be read is taken to be in its
// favour, so that the kernel is blamed rather than nobody.
func stand() standing {
	s := standing{first: true, capable: true}
	_, err := os.Stat("/sys/kernel/btf/vmlinux")
	s.btf = err == nil
	_, err = os.Stat("/sys/kernel")
	s.sys = err == nil
	if text, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		s.tooOld = before(string(text), oldestMajor, oldestMinor)
		s.locking = before(string(text), 5, 11) && limited(unix.RLIMIT_MEMLOCK)
	}
	if text, err := os.ReadFile("/sys/kernel/security/lockdown"); err == nil {
		s.lockdown = chosen(string(text))
	}
	if text, err := os.ReadFile("/proc/self/status"); err == nil {
		s.capable, s.filtered = status(text)
		// A filter may let it pass, as that of the agent's unit does.
		s.filtered = s.filtered && forbidden()
	}
	if text, err := os.ReadFile("/proc/self/uid_map"); err == nil {
		s.first = strings.Join(strings.Fields(string(text)), " ") == "0 0 4294967295"
	}
	if text, err := os.ReadFile("/proc/self/attr/current"); err == nil {
		s.confined = confined(strings.Trim(string(text), "\x00\n "))
	}
	return s
}

// chosen is the one in brackets of "none [integrity] confidentiality".
func chosen(modes string) string {
	_, mode, _ := strings.Cut(modes, "[")
	mode, _, _ = strings.Cut(mode, "]")
	return mode
}

// before tells of a release such as "5.10.0-46-cloud-amd64" whether it is older.
func before(release string, major, minor int) bool {
	var l look
	if n, _ := fmt.Sscanf(release, "%d.%d", &l.major, &l.minor); n != 2 {
		return false
	}
	return l.before(major, minor)
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

// The capabilities' numbers (capabilities(7), linux/capability.h).
const capSysAdmin, capPerfmon, capBPF = 21, 38, 39

// status reads proc_pid_status(5).
func status(text []byte) (capable, filtered bool) {
	capable = true
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimSpace(value)
		switch name {
		case "CapEff":
			set, err := strconv.ParseUint(value, 16, 64)
			has := func(capability int) bool { return set&(1<<capability) != 0 }
			capable = err != nil || has(capSysAdmin) || has(capBPF) && has(capPerfmon)
		case "Seccomp":
			filtered = value != "0"
		}
	}
	return capable, filtered
}

// confined tells of a label whether its security module restricts the process: AppArmor's
// "name (enforce)", SELinux's "user:role:type:level".
func confined(label string) bool {
	return strings.HasSuffix(label, "(enforce)") || strings.Count(label, ":") >= 3 && !strings.Contains(label, ":unconfined") && !strings.Contains(label, ":kernel_t:")
}
