package sockets

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/roots/rootstest"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func TestMain(m *testing.M) {
	rootstest.Main()
	os.Exit(m.Run())
}

func collect(t *testing.T) ([]*telemetry.Socket, telemetry.Coverage) {
	t.Helper()
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	var all []*telemetry.Socket
	coverage, err := New().Collect(t.Context(), &sensor.Host{FS: fs, Live: true}, func(r telemetry.Record) error {
		all = append(all, r.(*telemetry.Socket))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, coverage
}

// Sockets of each kind that the test opens are seen, with the test as their owner.
func TestOwnSockets(t *testing.T) {
	tcp4 := listen(t, "tcp4", "127.0.0.1:0")
	tcp6 := listen(t, "tcp6", "[::1]:0")
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	conn, err := net.Dial("tcp4", tcp4.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	all, coverage := collect(t)
	if coverage.State != wantState() {
		t.Errorf("coverage %+v, want %s", coverage, wantState())
	}
	for _, want := range []string{
		"tcp 4 listen " + tcp4.Addr().String(),
		"tcp 6 listen " + tcp6.Addr().String(),
		"udp 4 unconnected " + udp.LocalAddr().String(),
		"tcp 4 established " + conn.LocalAddr().String(),
	} {
		i := slices.IndexFunc(all, func(s *telemetry.Socket) bool { return describe(s) == want })
		if i < 0 {
			t.Errorf("%s was not seen", want)
			continue
		}
		if !slices.ContainsFunc(all[i].Owners, func(o telemetry.Owner) bool { return o.PID == os.Getpid() }) {
			t.Errorf("%s has the owners %+v, not process %d", want, all[i].Owners, os.Getpid())
		}
	}
}

// A holder in a container has the package of the container, and one in a mount
// namespace of its own, as many services are, the host's.
func TestHoldersPackages(t *testing.T) {
	socket := listen(t, "tcp4", "127.0.0.1:0")
	file, err := socket.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	tree := rootstest.Tree(t, map[string]string{
		"etc/os-release": "ID=made\n", "var/lib/dpkg/info/made.list": "/.\n" + rootstest.Program + "\n",
		"var/lib/dpkg/status": "Package: made\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n",
	})
	contained := rootstest.StartWith(t, rootstest.Pivot, tree, []*os.File{file})
	service := rootstest.StartWith(t, rootstest.Private, "", []*os.File{file})
	all, _ := collect(t)
	i := slices.IndexFunc(all, func(s *telemetry.Socket) bool { return describe(s) == "tcp 4 listen "+socket.Addr().String() })
	if i < 0 {
		t.Fatal("the socket was not seen")
	}
	for pid, want := range map[int]string{contained: "made", service: "coreutils"} {
		if !slices.ContainsFunc(all[i].Owners, func(o telemetry.Owner) bool { return o.PID == pid && o.Package == want }) {
			t.Errorf("process %d of the package %s is not among the owners %+v", pid, want, all[i].Owners)
		}
	}
}

func describe(s *telemetry.Socket) string {
	return fmt.Sprintf("%s %d %s %s", s.Protocol, s.Family, s.State, net.JoinHostPort(s.Local, fmt.Sprint(s.LocalPort)))
}

func listen(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Skip(err) // a machine without IPv6
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// TestAgainstSS compares the listeners of this namespace with ss(8).
func TestAgainstSS(t *testing.T) {
	ss := testenv.Need(t, "ss", "iproute2")
	testenv.NeedRoot(t)
	listen(t, "tcp4", "127.0.0.1:0")
	for range 5 { // others on this machine may open sockets meanwhile
		before := ssListeners(t, ss)
		all, _ := collect(t)
		after := ssListeners(t, ss)
		if !slices.Equal(before, after) {
			continue
		}
		own, _ := os.Readlink("/proc/self/ns/net")
		var got []string
		for _, s := range all {
			if s.State == "listen" && fmt.Sprintf("net:[%d]", s.NetNS) == own {
				got = append(got, fmt.Sprintf("%s %d", s.Local, s.LocalPort))
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, before) {
			t.Errorf("the sensor saw %q, ss %q", got, before)
		}
		return
	}
	t.Error("the machine's listeners never stood still")
}

var ssLine = regexp.MustCompile(`^LISTEN\s+\S+\s+\S+\s+(\S+):(\d+)\s`)

func ssListeners(t *testing.T, ss string) []string {
	t.Helper()
	out, err := exec.Command(ss, "-tlnH").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		m := ssLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("ss printed %q", line)
		}
		address := strings.Trim(m[1], "[]")
		if address == "*" { // dual stack: a socket of the IPv6 table
			address = "::"
		}
		if i := strings.IndexByte(address, '%'); i > 0 {
			address = address[:i]
		}
		all = append(all, address+" "+m[2])
	}
	slices.Sort(all)
	return all
}

// A listener in another network namespace is seen, and told apart.
func TestOtherNamespace(t *testing.T) {
	unshare := testenv.Need(t, "unshare", "util-linux")
	python := testenv.Need(t, "python3", "python3")
	testenv.NeedRoot(t)
	cmd := exec.Command(unshare, "-n", python, "-c", `
import socket, sys
s = socket.socket()
s.bind(("0.0.0.0", 7777))
s.listen()
print("ready", flush=True)
sys.stdin.read()`)
	stdin, _ := cmd.StdinPipe()
	stdout, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { stdin.Close(); cmd.Wait() }()
	if _, err := stdout.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	all, _ := collect(t)
	i := slices.IndexFunc(all, func(s *telemetry.Socket) bool { return describe(s) == "tcp 4 listen 0.0.0.0:7777" })
	if i < 0 {
		t.Fatal("the listener in the other namespace was not seen")
	}
	if own, _ := os.Readlink("/proc/self/ns/net"); fmt.Sprintf("net:[%d]", all[i].NetNS) == own {
		t.Error("the listener in the other namespace is told as one of this")
	}
	if len(all[i].Owners) != 1 || all[i].Owners[0].PID != cmd.Process.Pid {
		t.Errorf("its owners are %+v, want process %d", all[i].Owners, cmd.Process.Pid)
	}
}

func TestStopsWhenTold(t *testing.T) {
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	listen(t, "tcp4", "127.0.0.1:0")
	full := errors.New("the spool is full")
	if _, err := New().Collect(t.Context(), &sensor.Host{FS: fs, Live: true}, func(telemetry.Record) error { return full }); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New().Collect(ctx, &sensor.Host{FS: fs, Live: true}, func(telemetry.Record) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if coverage, err := New().Collect(t.Context(), &sensor.Host{FS: fs}, nil); err != nil || coverage.State != telemetry.NotCollected {
		t.Errorf("an image: %+v, %v", coverage, err)
	}
}

// wantState is complete, unless the kernel keeps process 1 from us: it does from
// a normal user, and from a root that has fewer capabilities than process 1.
func wantState() telemetry.State {
	if _, err := os.Readlink("/proc/1/exe"); err != nil {
		return telemetry.Partial
	}
	return telemetry.Complete
}
