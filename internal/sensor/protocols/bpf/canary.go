//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"assay/internal/sensor/knock"
)

// ErrDeaf says that the programs are attached, and that the kernel does not call them.
var ErrDeaf = errors.New("the kernel programs are attached and do not see the packets of connections")

// The form of what is kept with a socket.
const (
	conversationSize = 72
	passedAt         = 36
)

// Canary proves that the programs see connections and their packets in both directions:
// it makes a connection to a port of loopback that it keeps from others and that nobody
// listens on. The kernel refuses it, so that nothing is said; what is kept with the
// socket tells whether its packets went by. The error is ErrDeaf if not, another if
// no such connection could be made, so that nothing is proven.
func (p *Programs) Canary() error {
	return knock.Loopback(func(socket int, _ uint16) error {
		if err := refused(socket); err != nil {
			return fmt.Errorf("make a connection to be seen: %w", err)
		}
		return p.passed(socket)
	})
}

// refused waits for the answer to a connection, which a busy kernel gives a moment after
// connect(2) has returned.
func refused(s int) error {
	const patience = 5 * time.Second
	for end := time.Now().Add(patience); ; {
		left := max(time.Until(end), 0)
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(s), Events: unix.POLLOUT}}, int(left.Milliseconds()))
		switch {
		case n > 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return err
		case left == 0:
			return fmt.Errorf("it was not refused within %v", patience)
		}
	}
}

// passed tells whether the programs have seen packets of a socket of this process go out
// and come in.
func (p *Programs) passed(s int) error {
	v := make([]byte, conversationSize)
	err := p.conversations.Lookup(uint32(s), &v)
	switch {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return ErrDeaf
	case err != nil:
		return fmt.Errorf("look for what is kept with a socket: %w", err)
	case v[passedAt] == 0 || v[passedAt+1] == 0:
		return ErrDeaf
	}
	return nil
}
