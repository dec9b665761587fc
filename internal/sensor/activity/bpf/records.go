//go:build linux

package bpf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"time"

	"github.com/cilium/ebpf"

	"assay/internal/sensor/activity/seen"
)

// The forms of keys and values are those of the structs in c/activity.bpf.c.
const (
	executionKey, executionValue = 24, 176
	flowKey, flowValue           = 48, 48
	listenerKey, listenerValue   = 8, 56
	loadKey, loadValue           = 40, 56
	totalsCount                  = 11
)

// pathBytes is what an execution has room for of a path, its end included.
const pathBytes = 124

const (
	pathAt = 52
	rootAt = 48
	hostAt = 50
)

var order = binary.NativeEndian

// Executions are those counted so far.
func (p *Programs) Executions() iter.Seq2[seen.Execution, error] {
	return entries(p.executions, executionKey, executionValue, parseExecution)
}

func parseExecution(k, v []byte) seen.Execution {
	return seen.Execution{
		Program: program(k), Counts: counts(v), PID: int(order.Uint32(v[24:])),
		MountNS: order.Uint32(v[28:]), Name: name(v[32:48]), Root: order.Uint16(v[rootAt:]) != 0, Host: order.Uint16(v[hostAt:]) != 0, Path: pathOf(v[pathAt:][:pathBytes]),
	}
}

// pathOf is a path that is whole and says where it begins; else it names no file.
func pathOf(v []byte) string {
	text := name(v)
	if len(text)+1 >= len(v) || !strings.HasPrefix(text, "/") {
		return ""
	}
	return text
}

// Flows are those counted so far.
func (p *Programs) Flows() iter.Seq2[seen.Flow, error] {
	return entries(p.flows, flowKey, flowValue, parseFlow)
}

func parseFlow(k, v []byte) seen.Flow {
	f := seen.Flow{
		Program: program(k), Counts: counts(v), NetNS: order.Uint32(k[40:]),
		PID: int(order.Uint32(v[24:])), Local: order.Uint32(v[28:]) != 0, Name: name(v[32:48]),
	}
	address := netip.AddrFrom16([16]byte(k[24:40])).Unmap()
	if order.Uint16(k[44:]) == afINET {
		address = netip.AddrFrom4([4]byte(k[24:28]))
	}
	f.Remote = netip.AddrPortFrom(address, order.Uint16(k[46:]))
	return f
}

const afINET = 2

// Listeners are those counted so far.
func (p *Programs) Listeners() iter.Seq2[seen.Listener, error] {
	return entries(p.listeners, listenerKey, listenerValue, parseListener)
}

func parseListener(k, v []byte) seen.Listener {
	l := seen.Listener{NetNS: order.Uint32(k), Family: 6, Port: order.Uint16(k[6:]), Listens: counts(v)}
	if order.Uint16(k[4:]) == afINET {
		l.Family = 4
	}
	l.Accepts, l.Foreign = order.Uint64(v[24:]), order.Uint64(v[32:])
	l.LastAccept, l.LastForeign = time.Duration(order.Uint64(v[40:])), time.Duration(order.Uint64(v[48:]))
	return l
}

// Totals reads the counters.
func (p *Programs) Totals() (seen.Totals, error) {
	var sums [totalsCount]uint64
	for i := range sums {
		var each []uint64
		if err := p.totals.Lookup(uint32(i), &each); err != nil {
			return seen.Totals{}, fmt.Errorf("read the kernel programs' counters: %w", err)
		}
		for _, n := range each {
			sums[i] += n
		}
	}
	return seen.Totals{
		Executions: sums[0], Flows: sums[1], Listens: sums[2], Accepts: sums[3],
		ExecutionsFull: sums[4], FlowsFull: sums[5], ListenersFull: sums[6], Rings: sums[7],
		Loads: sums[8], LoadsFull: sums[9], LoadsCut: sums[10],
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

func program(k []byte) seen.Program {
	return seen.Program{File: file(k), UID: order.Uint32(k[16:])}
}

// file is the beginning of every key that has one.
func file(k []byte) seen.File {
	return seen.File{Inode: order.Uint64(k), Device: device(order.Uint32(k[8:])), Generation: order.Uint32(k[12:])}
}

// device is the kernel's number of a device as stat(2) gives it (glibc's makedev).
func device(kernel uint32) uint64 {
	major, minor := uint64(kernel>>20), uint64(kernel&(1<<20-1))
	return minor&0xff | (major&0xfff)<<8 | (minor&^0xff)<<12 | (major&^0xfff)<<32
}

func counts(v []byte) seen.Counts {
	return seen.Counts{N: order.Uint64(v), First: time.Duration(order.Uint64(v[8:])), Last: time.Duration(order.Uint64(v[16:]))}
}

func name(v []byte) string {
	text, _, _ := bytes.Cut(v, []byte{0})
	return string(text)
}
