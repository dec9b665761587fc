//go:build linux

package bpf

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/knock"
)

// ErrDeaf says that a program is attached, and that the kernel does not call it.
var ErrDeaf = errors.New("the kernel program is attached and does not count")

// Canary proves that connections are counted: it makes one, to a port of loopback that
// nobody listens on and that it keeps from others meanwhile. The connection is refused
// within the kernel; what was counted of it is taken out again, but for the totals,
// which it returns. The error is ErrDeaf if it was not counted, another if no such
// connection could be made, so that nothing is proven.
func (p *Programs) Canary() (counted seen.Totals, err error) {
	err = knock.Loopback(func(_ int, port uint16) (err error) {
		counted, err = p.forget(port)
		return err
	})
	return counted, err
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
