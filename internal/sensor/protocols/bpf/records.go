//go:build linux

package bpf

import (
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"time"

	"assay/internal/sensor/protocols/firstbytes"
)

// Spoken is how connections began.
type Spoken struct {
	NetNS          uint32
	Family         int // 4 or 6, of the host's socket
	Role           firstbytes.Role
	Remote         netip.Addr // the server, if Role is Client; else not valid
	Port           uint16     // the server's
	Client, Server firstbytes.Class
	N              uint64
	First, Last    time.Duration // after boot, CLOCK_MONOTONIC
}

// The forms of keys and values are those of the structs in c/protocols.bpf.c.
const (
	spokenKey, spokenValue = 28, 24
	totalsCount            = 5
)

const afINET = 2

var order = binary.NativeEndian

// Spoken are the beginnings that were counted so far. What comes meanwhile may be left out.
func (p *Programs) Spoken() iter.Seq2[Spoken, error] {
	return func(yield func(Spoken, error) bool) {
		k, v := make([]byte, spokenKey), make([]byte, spokenValue)
		it := p.spoken.Iterate()
		for it.Next(&k, &v) {
			if !yield(parse(k, v), nil) {
				return
			}
		}
		if err := it.Err(); err != nil {
			yield(Spoken{}, fmt.Errorf("read what the kernel programs counted: %w", err))
		}
	}
}

func parse(k, v []byte) Spoken {
	s := Spoken{
		NetNS: order.Uint32(k), Family: 6, Port: order.Uint16(k[22:]),
		Client: firstbytes.Class(k[24]), Server: firstbytes.Class(k[25]), Role: firstbytes.Role(k[26]),
		N: order.Uint64(v), First: time.Duration(order.Uint64(v[8:])), Last: time.Duration(order.Uint64(v[16:])),
	}
	address := netip.AddrFrom16([16]byte(k[4:20])).Unmap()
	if order.Uint16(k[20:]) == afINET {
		s.Family, address = 4, netip.AddrFrom4([4]byte(k[4:8]))
	}
	if s.Role == firstbytes.Client {
		s.Remote = address
	}
	return s
}

// Totals is what was seen in all, and what could not be kept.
type Totals struct {
	Connections uint64 // made or accepted since the programs were attached
	Untracked   uint64 // of them those that the kernel had no memory for
	Multipath   uint64 // of them those by MPTCP, which are not looked at
	Spoken      uint64 // of them those in which enough was said to count them
	Full        uint64 // of these, those that found no place in the table
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
	return Totals{Connections: sums[0], Untracked: sums[1], Multipath: sums[2], Spoken: sums[3], Full: sums[4]}, nil
}
