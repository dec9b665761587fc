//go:build linux

package connector

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// message is one of the kernel's: its lengths are those given, whatever is in it.
func message(total uint32, idx uint32, length uint16, what uint32, values ...uint32) []byte {
	order := binary.NativeEndian
	m := order.AppendUint32(nil, total)
	m = order.AppendUint16(m, unix.NLMSG_DONE)
	m = append(m, make([]byte, 10)...)
	m = order.AppendUint32(m, idx)
	m = order.AppendUint32(m, valProc)
	m = order.AppendUint32(m, 0)
	m = order.AppendUint32(m, 78)
	m = order.AppendUint16(m, length)
	m = order.AppendUint16(m, 0)
	m = order.AppendUint32(m, what)
	m = order.AppendUint32(m, 1) // processor
	m = order.AppendUint64(m, uint64(9*time.Second))
	for _, v := range values {
		m = order.AppendUint32(m, v)
	}
	return append(m, make([]byte, 76-len(m))...)
}

func TestParse(t *testing.T) {
	for _, good := range []struct {
		data []byte
		want event
	}{
		{message(76, idxProc, 40, exec, 12, 11), event{what: exec, at: 9 * time.Second, pid: 11}},
		{message(76, idxProc, 40, none, uint32(unix.EPERM)), event{what: none, at: 9 * time.Second, ack: 78, err: uint32(unix.EPERM)}},
	} {
		events, err := parse(good.data)
		if err != nil || len(events) != 1 || events[0] != good.want {
			t.Errorf("%+v, %v", events, err)
		}
	}
	if err := (event{err: uint32(unix.EPERM)}).refused(); err != unix.EPERM {
		t.Error(err)
	}
	for _, others := range [][]byte{nil, message(76, 2, 40, exec, 1, 1), message(76, idxProc, 40, 1, 1, 1)} {
		if events, err := parse(others); err != nil || len(events) != 0 {
			t.Errorf("%+v, %v", events, err)
		}
	}
	for _, bad := range [][]byte{
		message(80, idxProc, 40, exec, 1, 1), message(76, idxProc, 41, exec, 1, 1), message(76, idxProc, 39, exec, 1, 1), message(15, idxProc, 40, exec), message(30, idxProc, 40, exec)[:30],
	} {
		if events, err := parse(bad); err == nil {
			t.Errorf("%x: %+v", bad, events)
		}
	}
}

// Whatever is read, parsing ends, and tells of no more than there is.
func FuzzParse(f *testing.F) {
	f.Add(message(76, idxProc, 40, exec, 12, 11))
	f.Add(message(76, idxProc, 40, none, 1))
	f.Add(append(message(76, idxProc, 40, exec, 1, 1), message(76, idxProc, 65535, exec, 1, 1)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, _ := parse(data)
		if len(events) > len(data)/(headerLength+cnLength+eventLength) {
			t.Errorf("%d events in %d bytes", len(events), len(data))
		}
		for _, e := range events {
			if e.what != exec && e.what != none {
				t.Errorf("%+v", e)
			}
		}
	})
}
