//go:build linux

package connector

import (
	"encoding/binary"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// event is what the kernel tells of a process, or its answer.
type event struct {
	what uint32
	at   time.Duration // after boot
	pid  int           // of an execution
	ack  uint32        // of an answer: what it answers, and one more
	err  uint32        // of an answer: what went wrong; 0: nothing
}

// refused is what an answer says.
func (e event) refused() error {
	if e.err == 0 {
		return nil
	}
	return syscall.Errno(e.err)
}

// parse reads a message of netlink(7) with what the kernel tells. What it tells of other
// things, and to others, is left out.
func parse(data []byte) ([]event, error) {
	messages, err := syscall.ParseNetlinkMessage(data)
	if err != nil {
		return nil, fmt.Errorf("read a message of the process connector of %d bytes: %w", len(data), err)
	}
	var events []event
	for _, m := range messages {
		e, ours, err := parseOne(m)
		if err != nil {
			return events, err
		}
		if ours {
			events = append(events, e)
		}
	}
	return events, nil
}

func parseOne(m syscall.NetlinkMessage) (e event, ours bool, err error) {
	order := binary.NativeEndian
	if m.Header.Type != unix.NLMSG_DONE {
		return e, false, nil
	}
	if len(m.Data) < cnLength {
		return e, false, fmt.Errorf("a message of the connector has %d bytes", len(m.Data))
	}
	if order.Uint32(m.Data) != idxProc || order.Uint32(m.Data[4:]) != valProc {
		return e, false, nil
	}
	length, body := int(order.Uint16(m.Data[16:])), m.Data[cnLength:]
	if length < eventLength || length > len(body) {
		return e, false, fmt.Errorf("an event of the process connector says that it has %d bytes, of %d", length, len(body))
	}
	e = event{what: order.Uint32(body), at: time.Duration(order.Uint64(body[8:]))}
	switch e.what {
	case exec:
		e.pid = int(order.Uint32(body[20:])) // of the process, not of the thread
	case none:
		e.ack, e.err = order.Uint32(m.Data[12:]), order.Uint32(body[16:])
	default:
		return e, false, nil
	}
	return e, true, nil
}
