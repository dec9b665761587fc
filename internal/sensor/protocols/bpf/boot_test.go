//go:build linux

package bpf_test

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The test binary is on an island, if it is asked to be.
func TestMain(m *testing.M) {
	if what := os.Getenv("ASSAY_ISLAND"); what != "" {
		live(what)
		os.Exit(0)
	}
	os.Exit(m.Run())
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
