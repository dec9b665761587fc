//go:build linux

package connector

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// buffer is how many bytes of messages may wait: some 5,000 executions.
const buffer = 4 << 20

// socket is one on which the kernel tells of processes.
type socket struct {
	fd      int
	telling bool // the kernel counts it: exactly once is it to be told that it is over
	data    [4096]byte
}

// open has the kernel tell, and returns when it has confirmed it.
func open(size int) (s *socket, err error) {
	if err := there(); err != nil {
		return nil, fmt.Errorf("the kernel does not tell of executions (process connector): %w", err)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		return nil, fmt.Errorf("the kernel does not tell of executions (process connector): %w", err)
	}
	s = &socket{fd: fd}
	if err := s.listen(size); err != nil {
		return nil, errors.Join(fmt.Errorf("the kernel does not tell of executions (process connector): %w", err), s.close())
	}
	return s, nil
}

// there is an error unless the kernel has the connector already.
func there() error {
	text, err := os.ReadFile("/proc/net/connector")
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte("cn_proc")) {
		return errors.New("it has been built without it")
	}
	return nil
}

// The kernel's words (linux/connector.h, linux/cn_proc.h).
const (
	idxProc, valProc       = 1, 1
	mcastListen            = 1
	mcastIgnore            = 2
	headerLength, cnLength = 16, 20
	eventLength            = 40 // struct proc_event; some versions have more
	none, exec             = 0, 2
	offsetWhat             = headerLength + cnLength
	confirmation           = 2 * time.Second
	maxBytes               = 0xffff
)

func (s *socket) listen(size int) error {
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, size); err != nil {
		return err
	}
	if err := s.filter(); err != nil {
		return err
	}
	if err := unix.Bind(s.fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (idxProc - 1)}); err != nil {
		return err
	}
	var number [4]byte
	rand.Read(number[:])
	ack := binary.NativeEndian.Uint32(number[:]) >> 1
	if err := s.send(mcastListen, ack); err != nil {
		return err
	}
	s.telling = true
	return s.confirm(ack + 1)
}

// filter leaves out what is neither an execution nor a confirmation, on kernels that
// cannot be asked for executions alone (before 6.6), and on the others, which would then
// leave out the confirmation.
func (s *socket) filter() error {
	big := func(what uint32) uint32 { return binary.BigEndian.Uint32(binary.NativeEndian.AppendUint32(nil, what)) }
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offsetWhat},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: big(exec), Jt: 1},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: big(none), Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: maxBytes},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},
	}
	return unix.SetsockoptSockFprog(s.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]})
}

// send tells the kernel whether this socket listens.
func (s *socket) send(op, ack uint32) error {
	order := binary.NativeEndian
	m := order.AppendUint32(nil, headerLength+cnLength+4)
	m = order.AppendUint16(m, unix.NLMSG_DONE)
	m = append(m, make([]byte, 2+4+4)...) // flags, sequence, sender
	m = order.AppendUint32(m, idxProc)
	m = order.AppendUint32(m, valProc)
	m = order.AppendUint32(m, 0) // sequence
	m = order.AppendUint32(m, ack)
	m = order.AppendUint16(m, 4)
	m = order.AppendUint16(m, 0)
	m = order.AppendUint32(m, op)
	return unix.Sendto(s.fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// confirm waits for the kernel's answer. It gives none in other namespaces than the first.
func (s *socket) confirm(ack uint32) error {
	for until := time.Now().Add(confirmation); time.Now().Before(until); {
		data, err := s.read()
		if errors.Is(err, unix.EAGAIN) {
			err = s.wait(tick)
			data = nil
		}
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return err
		}
		events, err := parse(data)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.what == none && e.ack == ack {
				return e.refused()
			}
		}
	}
	return errors.New("it does not answer; the agent may not be in the first PID and user namespaces")
}

// wait returns when there is something to read, and after a time.
func (s *socket) wait(d time.Duration) error {
	_, err := unix.Poll([]unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLIN}}, int(d.Milliseconds()))
	if errors.Is(err, unix.EINTR) {
		return nil
	}
	return err
}

// read reads what the kernel has sent; what others send is nothing.
func (s *socket) read() ([]byte, error) {
	n, from, err := unix.Recvfrom(s.fd, s.data[:], 0)
	if errors.Is(err, unix.EINTR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if sender, ok := from.(*unix.SockaddrNetlink); !ok || sender.Pid != 0 {
		return nil, nil
	}
	return s.data[:n], nil
}

// ignore tells the kernel that nobody listens here any more.
func (s *socket) ignore() error {
	if !s.telling {
		return nil
	}
	s.telling = false
	return s.send(mcastIgnore, 0)
}

func (s *socket) close() error { return errors.Join(s.ignore(), unix.Close(s.fd)) }
