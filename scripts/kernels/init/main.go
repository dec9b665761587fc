//go:build linux

// Command init is the first process of a kernel that is booted to test the kernel
// sensors. It makes a small system, and for each mode of lockdown in turn, as the kernel
// can only be locked down further, runs every test program of /tests. What they print
// goes with its own lines, which begin with "KERNEL ", to the second serial port, so that
// nothing that the kernel prints comes between. Then it switches the machine off.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience ends a test program that hangs: without a processor's help a boot is 30 times
// slower than the machine, and the machine has other things to do.
const patience = 15 * time.Minute

const lockdown = "/sys/kernel/security/lockdown"

func main() {
	if err := run(); err != nil {
		fmt.Println("KERNEL INIT:", err)
	}
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
}

func run() error {
	if err := mount(); err != nil {
		return err
	}
	out, err := os.OpenFile("/dev/ttyS1", os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := up("lo"); err != nil {
		return fmt.Errorf("switch loopback on: %w", err)
	}
	fmt.Fprintf(out, "KERNEL RELEASE: %s\n", first("/proc/sys/kernel/osrelease"))
	fmt.Fprintf(out, "KERNEL LSM: %s\n", first("/sys/kernel/security/lsm"))
	for _, mode := range []string{"none", "integrity", "confidentiality"} {
		if mode != "none" {
			if err := os.WriteFile(lockdown, []byte(mode), 0); err != nil {
				return err
			}
		}
		fmt.Fprintf(out, "KERNEL LOCKDOWN: %s\n", first(lockdown))
		if err := tests(out); err != nil {
			return err
		}
	}
	fmt.Fprintln(out, "KERNEL TESTED")
	return syncPort(out)
}

// tests runs every program of /tests with the arguments that lie beside it.
func tests(out *os.File) error {
	programs, err := filepath.Glob("/tests/*.test")
	if err != nil || len(programs) == 0 {
		return fmt.Errorf("there are no tests: %w", err)
	}
	for _, program := range programs {
		name := strings.TrimSuffix(filepath.Base(program), ".test")
		args := strings.Fields(first(strings.TrimSuffix(program, ".test") + ".args"))
		fmt.Fprintf(out, "KERNEL SUITE: %s\n", name)
		fmt.Fprintf(out, "KERNEL SUITE OVER: %s %v\n", name, test(out, program, args))
	}
	return nil
}

func test(out io.Writer, program string, args []string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, program, append([]string{"-test.v"}, args...)...)
	// With CI=true no test is skipped for what is missing.
	c.Env = []string{"CI=true", "TMPDIR=/tmp", "HOME=/tmp", "PATH=/bin"}
	c.Dir, c.Stdout, c.Stderr = "/tmp", out, out
	return c.Run()
}

func first(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line)
}

// syncPort waits until what was written has left the serial port.
func syncPort(port *os.File) error {
	return unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1)
}

func mount() error {
	for _, m := range []struct{ point, kind string }{
		{"/proc", "proc"}, {"/sys", "sysfs"}, {"/tmp", "tmpfs"}, {"/dev", "devtmpfs"},
		{"/sys/kernel/security", "securityfs"}, {"/sys/fs/cgroup", "cgroup2"}, {"/sys/kernel/tracing", "tracefs"},
	} {
		if err := os.MkdirAll(m.point, 0o755); err != nil {
			return err
		}
		if err := syscall.Mount(m.kind, m.point, m.kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.point, err)
		}
	}
	return nil
}

// up switches a network interface on, as ip link set up does (netdevice(7)).
func up(name string) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	request, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, request)
}
