//go:build linux

// Package knock makes a connection that comes to nothing, by which a sensor proves that
// its programs in the kernel see connections. The agent listens nowhere.
package knock

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Loopback connects to a port of 127.0.0.1 that it keeps from others meanwhile and that
// nobody listens on, and calls a function with the socket and that port. The kernel
// refuses the connection, as a rule before the function is called. An error of the function
// is returned as it is; another one says that no such connection could be made.
func Loopback(with func(socket int, port uint16) error) error {
	kept, port, err := keep()
	if err != nil {
		return fmt.Errorf("make a connection to be seen: %w", err)
	}
	defer unix.Close(kept)
	s, err := socket(unix.SOCK_NONBLOCK)
	if err != nil {
		return fmt.Errorf("make a connection to be seen: %w", err)
	}
	defer unix.Close(s)
	err = unix.Connect(s, &unix.SockaddrInet4{Addr: loopback, Port: int(port)})
	if err != nil && !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.EINPROGRESS) {
		return fmt.Errorf("make a connection to be seen: %w", err) // it may not have come so far
	}
	return with(s, port)
}

var loopback = [4]byte{127, 0, 0, 1}

// keep is a socket that is bound to a port.
func keep() (kept int, port uint16, err error) {
	if kept, err = socket(0); err != nil {
		return 0, 0, err
	}
	defer func() {
		if err != nil {
			unix.Close(kept)
		}
	}()
	if err := unix.Bind(kept, &unix.SockaddrInet4{Addr: loopback}); err != nil {
		return 0, 0, err
	}
	name, err := unix.Getsockname(kept)
	if err != nil {
		return 0, 0, err
	}
	address, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return 0, 0, errors.New("a socket of IPv4 has an address of another kind")
	}
	return kept, uint16(address.Port), nil
}

func socket(flags int) (int, error) {
	return unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|flags, 0)
}
