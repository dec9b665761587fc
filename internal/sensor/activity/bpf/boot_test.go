//go:build linux

package bpf_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The test binary is a probe or on an island, if it is asked to be.
func TestMain(m *testing.M) {
	if os.Getenv("ASSAY_PROBE") != "" {
		probing()
		os.Exit(0)
	}
	if os.Getenv("ASSAY_ISLAND") != "" {
		live()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// own gives an interface one more address of its own (netdevice(7), ipv6(7)).
func own(name string, prefix netip.Prefix) error {
	if prefix.Addr().Is6() {
		return own6(name, prefix)
	}
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(s)
	// An alias, so that the address before stays.
	request, err := unix.NewIfreq(fmt.Sprintf("%s:%d", name, prefix.Addr().As4()[3]))
	if err != nil {
		return err
	}
	if err := request.SetInet4Addr(prefix.Addr().AsSlice()); err != nil {
		return err
	}
	return unix.IoctlIfreq(s, unix.SIOCSIFADDR, request)
}

func own6(name string, prefix netip.Prefix) error {
	s, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(s)
	device, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	request := struct { // struct in6_ifreq of linux/ipv6.h
		address [16]byte
		length  uint32
		index   int32
	}{prefix.Addr().As16(), uint32(prefix.Bits()), int32(device.Index)}
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return errno
	}
	return nil
}
