package proc

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Socket is a line of /proc/PID/net/tcp and its siblings.
type Socket struct {
	Local, Remote netip.AddrPort
	State         string
	UID           uint32
	Inode         uint64
}

// The states of include/net/tcp_states.h. UDP uses the first and the seventh.
var states = []string{
	1: "established", 2: "syn_sent", 3: "syn_recv", 4: "fin_wait1", 5: "fin_wait2", 6: "time_wait",
	7: "close", 8: "close_wait", 9: "last_ack", 10: "listen", 11: "closing", 12: "new_syn_recv",
}

// Sockets calls fn with every socket of a table ("tcp", "tcp6", "udp", "udp6") in
// the network namespace of a process, without entering it: the kernel shows the
// tables of a process's namespace below its own folder. A kernel without IPv6
// has no tables for it; that is no error.
func (f FS) Sockets(pid int, table string, fn func(Socket) error) error {
	file, err := os.Open(f.path(pid, "net/"+table))
	if err != nil {
		return gone(err)
	}
	defer file.Close()
	return parseSockets(file, strings.HasPrefix(table, "udp"), fn)
}

func parseSockets(r io.Reader, udp bool, fn func(Socket) error) error {
	scanner := bufio.NewScanner(r)
	scanner.Scan() // the heading
	for scanner.Scan() {
		s, err := parseSocket(scanner.Text(), udp)
		if err != nil {
			return fmt.Errorf("read a socket: %w", err)
		}
		if err := fn(s); err != nil {
			return err
		}
	}
	return scanner.Err()
}

// parseSocket parses "sl: local remote state tx:rx tr:when retrnsmt uid timeout inode ...".
func parseSocket(line string, udp bool) (Socket, error) {
	fields := strings.Fields(line)
	if len(fields) < 10 {
		return Socket{}, fmt.Errorf("the line %q is too short", line)
	}
	local, err1 := parseAddress(fields[1])
	remote, err2 := parseAddress(fields[2])
	state, err3 := strconv.ParseUint(fields[3], 16, 8)
	uid, err4 := strconv.ParseUint(fields[7], 10, 32)
	inode, err5 := strconv.ParseUint(fields[9], 10, 64)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return Socket{}, err
	}
	s := Socket{Local: local, Remote: remote, State: "unknown", UID: uint32(uid), Inode: inode}
	switch {
	case udp && state == 7:
		s.State = "unconnected"
	case int(state) < len(states) && states[state] != "":
		s.State = states[state]
	}
	return s, nil
}

// parseAddress parses "0100007F:0016": the address as 32-bit words in the byte
// order of the host, the port in network order. Both of the architectures that
// we build for are little-endian.
func parseAddress(text string) (netip.AddrPort, error) {
	address, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(address)
	number, err2 := strconv.ParseUint(port, 16, 16)
	if err := errors.Join(err, err2); err != nil {
		return netip.AddrPort{}, err
	}
	if len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("the address %q has %d bytes", address, len(raw))
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	ip, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(ip, uint16(number)), nil
}
