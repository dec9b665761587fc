//go:build linux

package knock

import (
	"errors"
	"fmt"
	"net"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLoopback(t *testing.T) {
	given := errors.New("given")
	var kept string
	err := Loopback(func(s int, port uint16) error {
		kept = fmt.Sprintf("127.0.0.1:%d", port)
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(s), Events: unix.POLLOUT}}, 60_000); n != 1 || err != nil {
			t.Error("it has no answer:", n, err)
		}
		if refused, err := unix.GetsockoptInt(s, unix.SOL_SOCKET, unix.SO_ERROR); unix.Errno(refused) != unix.ECONNREFUSED && refused != 0 || err != nil {
			t.Error("it was answered by", unix.Errno(refused), err)
		}
		if l, err := net.Listen("tcp", kept); err == nil {
			l.Close()
			t.Error("somebody else can listen on the port")
		}
		return given
	})
	if err != given {
		t.Error(err)
	}
	l, err := net.Listen("tcp", kept)
	if err != nil {
		t.Fatal("the port is still kept:", err)
	}
	l.Close()
}
