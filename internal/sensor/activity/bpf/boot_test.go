//go:build linux

package bpf_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary is a probe or on an island, if it is asked to be, and the only process of a
// kernel that was booted with it as its init: it then runs the tests there.
func TestMain(m *testing.M) {
	if os.Getenv("ASSAY_PROBE") != "" {
		probing()
		os.Exit(0)
	}
	if os.Getenv("ASSAY_ISLAND") != "" {
		live()
		os.Exit(0)
	}
	if os.Getpid() != 1 {
		os.Exit(m.Run())
	}
	if err := boot(); err != nil {
		fmt.Println("boot:", err)
	}
	// A program of its own, so that the exit code of the tests is known.
	tests := exec.Command("/proc/self/exe", "-test.v", "-test.run", "^(TestExecutions|TestConversations|TestWatch|TestCanary|TestPaths|TestLoads|TestLoadsAreProven)$")
	tests.Stdout, tests.Stderr, tests.Env = os.Stdout, os.Stdout, []string{"TMPDIR=/tmp"}
	fmt.Println("KERNEL TESTED:", release(), tests.Run())
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

func release() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text))
}

// boot makes a system of a kernel with nothing but this program.
func boot() error {
	for _, m := range []struct{ point, kind string }{
		{"/proc", "proc"}, {"/sys", "sysfs"}, {"/tmp", "tmpfs"}, {"/sys/kernel/security", "securityfs"}, {"/dev", "devtmpfs"},
	} {
		if err := os.MkdirAll(m.point, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(m.kind, m.point, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.point, err)
		}
	}
	return up("lo")
}

// up switches a network interface on, as ip link set up does (netdevice(7)).
func up(name string) error {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(s)
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, request)
}
