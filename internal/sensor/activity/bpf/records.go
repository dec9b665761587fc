//go:build linux

package bpf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"github.com/cilium/ebpf"
)

// Counts is how often something was, and when, as time after boot (CLOCK_MONOTONIC:
// without the time that the host was suspended).
type Counts struct {
	N           uint64
	First, Last time.Duration
}

// Program is the file that a process executes, and for whom.
type Program struct {
	Device uint64 // as stat(2) tells it
	Inode  uint64
	UID    uint32 // real, in the first user namespace
}

// Execution is a program that was executed by a user.
type Execution struct {
	Program
	Counts
	PID     int // of the last one
	MountNS uint32
	Name    string // comm
}

// Flow is where a program has connected to by TCP: attempts, whether or not answered.
type Flow struct {
	Program
	Counts
	Remote netip.AddrPort
	NetNS  uint32
	PID    int
	Name   string
	Local  bool // to this host itself
}

// Listener is a TCP port that was listened on, or that accepted.
type Listener struct {
	NetNS   uint32
	Family  int // 4 or 6; IPv4 that a listener of IPv6 accepts is counted under 6
	Port    uint16
	Listens Counts // calls of listen(2) since the programs were loaded; N 0: it listened before
	Accepts uint64
	Foreign uint64 // of them those from other hosts
	// The times of the last ones, after boot; 0: none.
	LastAccept, LastForeign time.Duration
}

// Totals is what was seen in all, and what could not be kept.
type Totals struct {
	Executions, Flows, Listens, Accepts             uint64
	ExecutionsFull, FlowsFull, ListenersFull, Rings uint64
}

// Lost tells whether something is missing from the maps. What the ring lost is not:
// it is in the maps.
func (t Totals) Lost() bool { return t.ExecutionsFull+t.FlowsFull+t.ListenersFull > 0 }

// The forms of keys and values are those of the structs in c/activity.bpf.c.
const (
	executionKey, executionValue = 16, 48
	flowKey, flowValue           = 40, 48
	listenerKey, listenerValue   = 8, 56
	totalsCount                  = 9
)

var order = binary.NativeEndian

// Executions are those counted so far.
func (p *Programs) Executions() iter.Seq2[Execution, error] {
	return entries(p.executions, executionKey, executionValue, func(k, v []byte) Execution {
		return Execution{
			Program: program(k), Counts: counts(v), PID: int(order.Uint32(v[24:])),
			MountNS: order.Uint32(v[28:]), Name: name(v[32:48]),
		}
	})
}

// Flows are those counted so far.
func (p *Programs) Flows() iter.Seq2[Flow, error] {
	return entries(p.flows, flowKey, flowValue, func(k, v []byte) Flow {
		f := Flow{
			Program: program(k), Counts: counts(v), NetNS: order.Uint32(k[32:]),
			PID: int(order.Uint32(v[24:])), Local: order.Uint32(v[28:]) != 0, Name: name(v[32:48]),
		}
		address := netip.AddrFrom16([16]byte(k[16:32])).Unmap()
		if order.Uint16(k[36:]) == afINET {
			address = netip.AddrFrom4([4]byte(k[16:20]))
		}
		f.Remote = netip.AddrPortFrom(address, order.Uint16(k[38:]))
		return f
	})
}

const afINET = 2

// Listeners are those counted so far.
func (p *Programs) Listeners() iter.Seq2[Listener, error] {
	return entries(p.listeners, listenerKey, listenerValue, func(k, v []byte) Listener {
		l := Listener{NetNS: order.Uint32(k), Family: 6, Port: order.Uint16(k[6:]), Listens: counts(v)}
		if order.Uint16(k[4:]) == afINET {
			l.Family = 4
		}
		l.Accepts, l.Foreign = order.Uint64(v[24:]), order.Uint64(v[32:])
		l.LastAccept, l.LastForeign = time.Duration(order.Uint64(v[40:])), time.Duration(order.Uint64(v[48:]))
		return l
	})
}

// Totals reads the counters.
func (p *Programs) Totals() (Totals, error) {
	var sums [totalsCount]uint64
	for i := range sums {
		var each []uint64
		if err := p.totals.Lookup(uint32(i), &each); err != nil {
			return Totals{}, fmt.Errorf("read the kernel programs' counters: %w", err)
		}
		for _, n := range each {
			sums[i] += n
		}
	}
	return Totals{
		Executions: sums[0], Flows: sums[1], Listens: sums[2], Accepts: sums[3],
		ExecutionsFull: sums[4], FlowsFull: sums[5], ListenersFull: sums[6], Rings: sums[7],
	}, nil
}

// entries reads a map as it is now. Entries that come meanwhile may be left out.
func entries[T any](m *ebpf.Map, keySize, valueSize int, parse func(k, v []byte) T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		k, v := make([]byte, keySize), make([]byte, valueSize)
		it := m.Iterate()
		for it.Next(&k, &v) {
			if !yield(parse(k, v), nil) {
				return
			}
		}
		if err := it.Err(); err != nil {
			var none T
			yield(none, fmt.Errorf("read what the kernel programs counted: %w", err))
		}
	}
}

func program(k []byte) Program {
	return Program{Inode: order.Uint64(k), Device: device(order.Uint32(k[8:])), UID: order.Uint32(k[12:])}
}

// device is the kernel's number of a device as stat(2) gives it (glibc's makedev).
func device(kernel uint32) uint64 {
	major, minor := uint64(kernel>>20), uint64(kernel&(1<<20-1))
	return minor&0xff | (major&0xfff)<<8 | (minor&^0xff)<<12 | (major&^0xfff)<<32
}

func counts(v []byte) Counts {
	return Counts{N: order.Uint64(v), First: time.Duration(order.Uint64(v[8:])), Last: time.Duration(order.Uint64(v[16:]))}
}

func name(v []byte) string {
	text, _, _ := bytes.Cut(v, []byte{0})
	return string(text)
}
