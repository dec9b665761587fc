//go:build linux

package activity

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"assay/internal/telemetry"
)

// refusal says why there are no programs in the kernel.
type refusal struct {
	// kernel tells that no agent could have them there: it is a property of the kernel, as
	// it was booted. Else this agent may not, or not now.
	kernel bool
	why    string
	err    error // nil: it was not tried
}

func (r *refusal) Error() string { return fmt.Sprintf("%s: %v", r.words(), r.err) }

func (r *refusal) words() string {
	if r.kernel {
		return telemetry.KernelRefused + ": " + r.why
	}
	return "the agent cannot have eBPF programs in the kernel: " + r.why
}

func (r *refusal) Unwrap() error { return r.err }

func byKernel(why string) *refusal   { return &refusal{kernel: true, why: why} }
func byStanding(why string) *refusal { return &refusal{why: why} }

// refuse makes a refusal of the error with which programs were not loaded.
func refuse(err error, s standing) *refusal {
	r := s.lacks()
	if r == nil {
		r = s.denied(err)
	}
	r.err = err
	return r
}

// lacks is why programs need not be tried; nil: they may do.
func (s standing) lacks() *refusal {
	switch {
	case s.sys && !s.btf:
		return byKernel("it has no BTF (/sys/kernel/btf/vmlinux), by which programs are fitted to it")
	case s.before(oldestMajor, oldestMinor):
		return byKernel(fmt.Sprintf("it is older than Linux %d.%d", oldestMajor, oldestMinor))
	case !s.btf:
		return byStanding("its BTF is not to be seen (/sys/kernel/btf/vmlinux)")
	case !s.first:
		return byStanding("it runs in a user namespace")
	case !s.capable():
		return byStanding("it has neither CAP_BPF and CAP_PERFMON nor CAP_SYS_ADMIN")
	case s.lockdown == "confidentiality" && s.before(typedMajor, typedMinor):
		return byKernel(fmt.Sprintf("it is locked down (lockdown=confidentiality), and older than Linux %d.%d", typedMajor, typedMinor))
	}
	return nil
}

// denied is why programs were not loaded that might have been.
func (s standing) denied(err error) *refusal {
	may := errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
	switch {
	case s.filtered && (may || errors.Is(err, unix.ENOSYS)):
		return byStanding("a filter of system calls (seccomp) forbids it")
	case errors.Is(err, unix.ENOSYS):
		return byKernel("it has no eBPF")
	case s.locking && errors.Is(err, unix.EPERM):
		return byStanding("a limit is reached (RLIMIT_MEMLOCK), and it may not raise it")
	case may && s.lockdown == "confidentiality":
		return byKernel("it is locked down (lockdown=confidentiality)")
	case may && s.confined:
		return byStanding("a security module of the kernel confines it")
	case errors.Is(err, unix.ENOMEM), errors.Is(err, unix.EMFILE), errors.Is(err, unix.ENFILE):
		return byStanding("a limit is reached")
	}
	return byKernel("it refuses them")
}
