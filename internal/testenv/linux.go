//go:build linux

package testenv

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Probe is a copy of the test's own program in a folder of the test's, for a program that
// nobody else executes. Its name is assay-probe.
func Probe(t testing.TB, mode os.FileMode) string {
	t.Helper()
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "assay-probe")
	if err := os.WriteFile(name, self, mode); err != nil {
		t.Fatal(err)
	}
	return name
}

// Up switches a network interface on, as ip link set up does (netdevice(7)).
func Up(name string) error {
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
