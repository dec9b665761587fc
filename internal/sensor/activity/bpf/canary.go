//go:build linux

package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
)

// ErrDeaf says that a program is attached, and that the kernel does not call it.
var ErrDeaf = errors.New("the kernel program is attached and does not count")

// Canary proves that connections are counted: it makes one, to a port of loopback that
// nobody listens on and that it keeps from others meanwhile. The connection is refused
// within the kernel; what was counted of it is taken out again, but for the totals,
// which it returns. The error is ErrDeaf if it was not counted, another if no such
// connection could be made, so that nothing is proven.
func (p *Programs) Canary() (seen.Totals, error) {
	kept, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return seen.Totals{}, fmt.Errorf("make a connection to be counted: %w", err)
	}
	defer unix.Close(kept)
	port, err := knock(kept)
	if err != nil {
		return seen.Totals{}, fmt.Errorf("make a connection to be counted: %w", err)
	}
	return p.forget(port)
}

// knock connects to a port that a socket is bound to without listening.
func knock(kept int) (port uint16, err error) {
	loopback := [4]byte{127, 0, 0, 1}
	if err := unix.Bind(kept, &unix.SockaddrInet4{Addr: loopback}); err != nil {
		return 0, err
	}
	name, err := unix.Getsockname(kept)
	if err != nil {
		return 0, err
	}
	address, ok := name.(*unix.SockaddrInet4)
	if !ok {
		return 0, errors.New("a socket of IPv4 has an address of another kind")
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer unix.Close(s)
	err = unix.Connect(s, &unix.SockaddrInet4{Addr: loopback, Port: address.Port})
	if err != nil && !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, unix.EINPROGRESS) {
		return 0, err // it may not have come so far as to be counted
	}
	return uint16(address.Port), nil
}

// forget deletes the flow that this process has to a port, which nobody else in its
// network namespace can listen on meanwhile (its PID may be another to the kernel). What
// happened is in the map when connect(2) returns.
func (p *Programs) forget(port uint16) (seen.Totals, error) {
	var here unix.Stat_t
	if err := unix.Stat("/proc/self/ns/net", &here); err != nil {
		return seen.Totals{}, fmt.Errorf("tell the agent's own network namespace: %w", err)
	}
	k, v := make([]byte, flowKey), make([]byte, flowValue)
	it := p.flows.Iterate()
	for it.Next(&k, &v) {
		f := parseFlow(k, v)
		if uint64(f.NetNS) != here.Ino || f.Remote.Port() != port || !f.Remote.Addr().IsLoopback() {
			continue
		}
		if err := p.flows.Delete(k); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return seen.Totals{}, fmt.Errorf("take out what was counted of the agent's own connection: %w", err)
		}
		return seen.Totals{Flows: f.N}, nil
	}
	if err := it.Err(); err != nil {
		return seen.Totals{}, fmt.Errorf("look for the agent's own connection: %w", err)
	}
	return seen.Totals{}, ErrDeaf
}
