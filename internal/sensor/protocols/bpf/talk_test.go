//go:build linux

package bpf_test

import (
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"assay/internal/sensor/protocols/bpf"
	"assay/internal/sensor/protocols/firstbytes"
)

// A talk is what two ends say in turn: "c: " the client, "s: " the server.
type talk []string

// pair is a connection that is established.
type pair struct{ client, server *net.TCPConn }

func connect(t testing.TB, listener net.Listener) pair {
	t.Helper()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return pair{client.(*net.TCPConn), server.(*net.TCPConn)}
}

func listen(t testing.TB, address string) (net.Listener, uint16) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return listener, uint16(listener.Addr().(*net.TCPAddr).Port)
}

// say has the ends say what they say, each when the other has heard what was before.
func (p pair) say(t testing.TB, says talk) {
	t.Helper()
	for _, line := range says {
		who, what, _ := strings.Cut(line, ": ")
		from, to := p.client, p.server
		if who == "s" {
			from, to = to, from
		}
		if _, err := io.WriteString(from, what); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(to, make([]byte, len(what))); err != nil {
			t.Fatal(err)
		}
	}
}

func (p pair) close() {
	p.client.Close()
	p.server.Close()
}

// heard are the protocols of a port, as client and as server, with how often.
func heard(t testing.TB, p *bpf.Programs, port uint16) (client, server string) {
	t.Helper()
	return heardIn(t, p, namespace(t, "self"), port)
}

func heardIn(t testing.TB, p *bpf.Programs, ns uint32, port uint16) (client, server string) {
	t.Helper()
	of := map[firstbytes.Role]map[string]uint64{firstbytes.Client: {}, firstbytes.Server: {}}
	for s, err := range p.Spoken() {
		if err != nil {
			t.Fatal(err)
		}
		if s.Port == port && s.NetNS == ns {
			of[s.Role][firstbytes.Name(s.Role, s.Client, s.Server, 0)] += s.N
		}
	}
	return words(of[firstbytes.Client]), words(of[firstbytes.Server])
}

func words(counts map[string]uint64) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(all, ", ")
}

// namespace is the network namespace of a process.
func namespace(t testing.TB, pid string) uint32 {
	t.Helper()
	var st syscall.Stat_t
	if err := syscall.Stat("/proc/"+pid+"/ns/net", &st); err != nil {
		t.Fatal(err)
	}
	return uint32(st.Ino)
}

var talks = map[string]struct {
	says           talk
	client, server string
}{
	"http":                  {talk{"c: GET / HTTP/1.1\r\n\r\n", "s: HTTP/1.1 200 OK\r\n\r\n"}, "http 1", "http 1"},
	"a proxy":               {talk{"c: CONNECT x:443 HTTP/1.1\r\n\r\n", "s: HTTP/1.1 200 OK\r\n\r\n"}, "http-connect 1", "http-connect 1"},
	"only asked":            {talk{"c: GET / HTTP/1.1\r\n\r\n"}, "http 1", ""},
	"ssh":                   {talk{"s: SSH-2.0-OpenSSH_9.2\r\n", "c: SSH-2.0-OpenSSH_9.2\r\n"}, "ssh 1", "ssh 1"},
	"ssh, client first":     {talk{"c: SSH-2.0-OpenSSH_9.2\r\n", "s: SSH-2.0-OpenSSH_9.2\r\n"}, "ssh 1", "ssh 1"},
	"a scan":                {talk{"c: GET / HTTP/1.0\r\n\r\n", "s: SSH-2.0-OpenSSH_9.2\r\n"}, "http 1", "ssh 1"},
	"ftp":                   {talk{"s: 220 ready\r\n", "c: USER anonymous\r\n"}, "ftp 1", "ftp 1"},
	"ftp over TLS":          {talk{"s: 220-welcome\r\n", "c: AUTH TLS\r\n"}, "ftp 1", "ftp 1"},
	"smtp":                  {talk{"s: 220 mail ESMTP\r\n", "c: EHLO there\r\n"}, "smtp 1", "smtp 1"},
	"a greeting":            {talk{"s: 220 ready\r\n"}, "", ""},
	"a greeting and quit":   {talk{"s: 220 ready\r\n", "c: QUIT\r\n" + strings.Repeat(" ", 16)}, "unknown 1", "unknown 1"},
	"pop3":                  {talk{"s: +OK ready\r\n", "c: USER x\r\n"}, "pop3 1", "pop3 1"},
	"imap":                  {talk{"s: * OK [CAPABILITY IMAP4rev1] ready\r\n", "c: a LOGIN x y\r\n"}, "imap 1", "imap 1"},
	"telnet":                {talk{"s: \xff\xfd\x18\xff\xfd\x20", "c: \xff\xfb\x18"}, "telnet 1", "telnet 1"},
	"vnc":                   {talk{"s: RFB 003.008\n", "c: RFB 003.008\n"}, "vnc 1", "vnc 1"},
	"tls":                   {talk{"c: \x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", "s: \x16\x03\x03\x00\x7a\x02\x00\x00\x76"}, "tls 1", "tls 1"},
	"tls, refused":          {talk{"c: \x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03", "s: \x15\x03\x03\x00\x02\x02\x28"}, "tls 1", "unknown 1"},
	"nothing":               {nil, "", ""},
	"too little":            {talk{"c: GET", "s: HT"}, "", ""},
	"something":             {talk{"c: \x00\x01\x02", "s: \x00\x01\x02"}, "unknown 1", "unknown 1"},
	"in pieces":             {talk{"c: G", "c: E", "c: T", "c:  ", "c: /", "c:  HTTP/1.1", "s: HTTP", "s: /1.1 200 OK"}, "http 1", "http 1"},
	"in pieces, in turn":    {talk{"c: G", "s: H", "c: ET /", "s: TTP/1.", "c: x", "s: 1"}, "http 1", "http 1"},
	"later is not at first": {talk{"c: xGET / HTTP/1.1", "s: yHTTP/1.1 200", "c: GET / HTTP/1.1", "s: HTTP/1.1 200 OK"}, "unknown 1", "unknown 1"},
}

func TestTalks(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		p := load(t, 0) // of its own: both may have the same ports
		for name, c := range talks {
			listener, port := listen(t, address)
			pair := connect(t, listener)
			pair.say(t, c.says)
			pair.close()
			if client, server := heard(t, p, port); client != c.client || server != c.server {
				t.Errorf("%s at %s: the client speaks %q and the server %q; want %q, %q", name, address, client, server, c.client, c.server)
			}
		}
	}
}

// The keys tell where it was spoken.
func TestWhere(t *testing.T) {
	p := load(t, 0)
	for network, c := range map[string]struct {
		listen, remote             string
		clientFamily, serverFamily int
	}{
		"tcp4":          {"127.0.0.1:0", "127.0.0.1", 4, 4},
		"tcp6":          {"[::1]:0", "::1", 6, 6},
		"tcp4 to a six": {"[::]:0", "127.0.0.1", 4, 6},
	} {
		listener, port := listen(t, c.listen)
		const times = 3
		for range times {
			client, err := net.Dial("tcp", net.JoinHostPort(c.remote, fmt.Sprint(port)))
			if err != nil {
				t.Fatal(err)
			}
			server, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			pair := pair{client.(*net.TCPConn), server.(*net.TCPConn)}
			pair.say(t, talks["ssh"].says)
			pair.close()
		}
		n := 0
		for s, err := range p.Spoken() {
			if err != nil {
				t.Fatal(err)
			}
			if s.Port != port {
				continue
			}
			n++
			good := s.NetNS == namespace(t, "self") && s.N == times && s.First > 0 && s.Last > s.First
			if s.Role == firstbytes.Client {
				good = good && s.Family == c.clientFamily && s.Remote.String() == c.remote
			} else {
				good = good && s.Family == c.serverFamily && !s.Remote.IsValid()
			}
			if !good {
				t.Errorf("%s: %+v", network, s)
			}
		}
		if n != 2 {
			t.Errorf("%s: %d entries", network, n)
		}
	}
}

// Of a connection that was there before, the bytes that are seen first are not the first.
func TestMidStream(t *testing.T) {
	listener, port := listen(t, "127.0.0.1:0")
	old, silent := connect(t, listener), connect(t, listener)
	old.say(t, talk{"c: x"})
	p := load(t, 0)
	for range 3 {
		old.say(t, talks["http"].says)
		silent.say(t, talks["http"].says)
	}
	if client, server := heard(t, p, port); client != "" || server != "" {
		t.Errorf("%q, %q", client, server)
	}
	fresh := connect(t, listener)
	fresh.say(t, talks["http"].says)
	if client, server := heard(t, p, port); client != "http 1" || server != "http 1" {
		t.Errorf("%q, %q", client, server)
	}
}

// More than the table holds: the rest is counted, to the last one.
func TestFull(t *testing.T) {
	const places, many = 8, 40
	p := load(t, places)
	for range many {
		listener, _ := listen(t, "127.0.0.1:0")
		pair := connect(t, listener)
		pair.say(t, talks["ssh"].says)
		pair.close()
	}
	for {
		before, err := p.Totals()
		if err != nil {
			t.Fatal(err)
		}
		kept := uint64(0)
		for s, err := range p.Spoken() {
			if err != nil {
				t.Fatal(err)
			}
			kept += s.N
		}
		after, err := p.Totals()
		if err != nil {
			t.Fatal(err)
		}
		if before != after {
			continue // others' connections
		}
		if after.Full == 0 || after.Spoken < 2*many || kept+after.Full != after.Spoken || after.Connections < after.Spoken {
			t.Errorf("%d are in the table, and of all %+v", kept, after)
		}
		return
	}
}
