//go:build linux

package activity

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"assay/internal/telemetry"
)

// Who is to blame that there are no programs in the kernel: the kernel, or what the agent
// may do.
func TestRefuse(t *testing.T) {
	good := standing{major: 6, minor: 1, btf: true, sys: true, capabilities: 1 << unix.CAP_SYS_ADMIN, first: true, lockdown: "integrity"}
	with := func(change func(*standing)) standing { s := good; change(&s); return s }
	verifier := fmt.Errorf("load program: %w", unix.EINVAL)
	eperm := errors.Join(verifier, fmt.Errorf("load program: %w", unix.EPERM))
	for name, c := range map[string]struct {
		err    error
		s      standing
		kernel bool
		why    string
	}{
		"no BTF":                       {verifier, with(func(s *standing) { s.btf = false }), true, "no BTF"},
		"no BTF, and not allowed":      {eperm, with(func(s *standing) { s.btf, s.capabilities = false, 0 }), true, "no BTF"},
		"no /sys":                      {verifier, with(func(s *standing) { s.btf, s.sys = false, false }), false, "not to be seen"},
		"too old":                      {verifier, with(func(s *standing) { s.major, s.minor = 5, 9 }), true, "older than Linux 5.10"},
		"the verifier":                 {verifier, good, true, "refuses them"},
		"the verifier of a filtered":   {verifier, with(func(s *standing) { s.filtered = true }), true, "refuses them"},
		"no eBPF":                      {unix.ENOSYS, good, true, "no eBPF"},
		"a filter that denies":         {unix.ENOSYS, with(func(s *standing) { s.filtered = true }), false, "seccomp"},
		"a filter that forbids":        {eperm, with(func(s *standing) { s.filtered = true }), false, "seccomp"},
		"no capability":                {eperm, with(func(s *standing) { s.capabilities = 0 }), false, "CAP_BPF"},
		"no capability and a lock":     {eperm, with(func(s *standing) { s.capabilities, s.lockdown = 0, "confidentiality" }), false, "CAP_BPF"},
		"a user namespace":             {eperm, with(func(s *standing) { s.first = false }), false, "user namespace"},
		"locked down":                  {eperm, with(func(s *standing) { s.lockdown = "confidentiality" }), true, "confidentiality"},
		"locked down, and filtered":    {eperm, with(func(s *standing) { s.major, s.minor, s.lockdown, s.filtered = 5, 10, "confidentiality", true }), true, "5.11"},
		"confined":                     {eperm, with(func(s *standing) { s.confined = true }), false, "security module"},
		"forbidden to all":             {eperm, good, true, "refuses them"},
		"no memory to lock":            {eperm, with(func(s *standing) { s.locking = true }), false, "RLIMIT_MEMLOCK"},
		"the verifier, and a limit":    {verifier, with(func(s *standing) { s.locking = true }), true, "refuses them"},
		"too many files":               {unix.EMFILE, good, false, "limit"},
		"no memory, and an old kernel": {unix.ENOMEM, with(func(s *standing) { s.major, s.minor = 5, 9 }), true, "older"},
	} {
		r := refuse(c.err, c.s)
		if r.kernel != c.kernel || !strings.Contains(r.Error(), c.why) || strings.HasPrefix(r.Error(), telemetry.KernelRefused) != c.kernel || !errors.Is(r, c.err) {
			t.Errorf("%s: %v", name, r)
		}
		if text := unsupported([]error{errors.New("x"), fmt.Errorf("y: %w", r)}); (text != "") != c.kernel || strings.Contains(text, "\n") {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// A filter that lets bpf(2) pass is not to blame. The filters are of threads of their own,
// which end with the goroutines.
func TestForbidden(t *testing.T) {
	for number, want := range map[uint32]bool{unix.SYS_BPF: true, unix.SYS_SWAPON: false} {
		got := make(chan bool)
		go func() {
			runtime.LockOSThread()
			if err := forbid(number); err != nil {
				t.Error(err)
			}
			got <- forbidden()
		}()
		if is := <-got; is != want {
			t.Errorf("with %d forbidden bpf(2) is taken to be %t", number, is)
		}
	}
}

// forbid has the kernel refuse a system call to the calling thread (seccomp(2)).
func forbid(number uint32) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}
