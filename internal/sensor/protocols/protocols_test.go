//go:build linux

package protocols

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/internal/sensor"
	"assay/internal/sensor/protocols/bpf"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// sink keeps what a sensor emits.
type sink struct {
	mu  sync.Mutex
	all []*telemetry.Spoken
	has chan struct{} // gets something with each record, if it has room
}

func (s *sink) emit(r telemetry.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	copied := *r.(*telemetry.Spoken)
	s.all = append(s.all, &copied)
	select {
	case s.has <- struct{}{}:
	default:
	}
	return nil
}

// of are the last records of a port, by whether the host was the client and protocol.
func (s *sink) of(port uint16) (client, server map[string]uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	client, server = map[string]uint64{}, map[string]uint64{}
	for _, r := range s.all {
		switch {
		case r.Port != port:
		case r.Remote != "":
			client[r.Protocol] = r.Count
		default:
			server[r.Protocol] = r.Count
		}
	}
	return client, server
}

// observe runs the sensor until the function returned is called.
func observe(t *testing.T) (*sink, func() telemetry.Coverage) {
	t.Helper()
	testenv.NeedRoot(t)
	if _, _, err := root("/proc/self/mountinfo"); err != nil {
		testenv.Missing(t, err.Error())
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	s := &sink{has: make(chan struct{}, 1)}
	type end struct {
		c   telemetry.Coverage
		err error
	}
	done := make(chan end, 1)
	go func() {
		c, err := New().Observe(ctx, &sensor.Host{Live: true}, s.emit)
		done <- end{c, err}
	}()
	return s, func() telemetry.Coverage {
		cancel()
		e := <-done
		if e.err != nil {
			t.Error(e.err)
		}
		return e.c
	}
}

// speak has a client and a server say something on a new connection.
func speak(t *testing.T, listener net.Listener, says ...string) {
	t.Helper()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, line := range says {
		who, what, _ := strings.Cut(line, ": ")
		from, to := client, server
		if who == "s" {
			from, to = server, client
		}
		if _, err := from.Write([]byte(what)); err != nil {
			t.Fatal(err)
		}
		for heard, buffer := 0, make([]byte, 1<<10); heard < len(what); {
			n, err := to.Read(buffer)
			if err != nil {
				t.Fatal(err)
			}
			heard += n
		}
	}
}

// A run hears of what is recognised while it goes on, and at the end how often it was.
func TestObserve(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := uint16(listener.Addr().(*net.TCPAddr).Port)
	s, stop := observe(t)
	for told := false; !told; { // until the sensor is ready; the test's own limit ends a wait in vain
		speak(t, listener, "s: SSH-2.0-x\r\n", "c: SSH-2.0-y\r\n")
		select {
		case <-s.has:
		case <-time.After(100 * time.Millisecond):
		}
		client, server := s.of(port)
		told = client["ssh"] > 0 && server["ssh"] > 0
	}
	speak(t, listener, "s: 220 ready\r\n", "c: USER x\r\n")
	speak(t, listener, "s: 220 ready\r\n", "c: FEAT\r\n")
	c := stop()
	client, server := s.of(port)
	if client["ftp"] != 2 || server["ftp"] != 2 || client["ssh"] < 1 || client["ssh"] != server["ssh"] || len(client) != 2 || len(server) != 2 {
		t.Errorf("%v, %v", client, server)
	}
	if c.State != telemetry.Complete && !strings.Contains(c.Reason, "MPTCP") {
		t.Errorf("%+v", c)
	}
	for _, r := range s.all {
		if r.Port == port && (r.NetNS == 0 || r.First.After(r.Last) || time.Since(r.First) > time.Hour || time.Since(r.Last) < 0) {
			t.Errorf("%+v", r)
		}
	}
}

// Nothing of what is said is in what the sensor tells.
func TestNoPayload(t *testing.T) {
	const secret = "Tr0ub4dor"
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := uint16(listener.Addr().(*net.TCPAddr).Port)
	s, stop := observe(t)
	for told := false; !told; {
		for _, says := range [][]string{
			{"c: " + secret, "s: " + secret}, {"s: " + secret, "c: " + secret}, {"c: " + secret + secret, "s: " + secret + secret},
			{"c: GET /" + secret, "s: HTTP/1." + secret}, {"s: 220 " + secret, "c: USER " + secret}, {"s: +OK " + secret, "c: PASS " + secret},
			{"s: SSH-2." + secret, "c: SSH-2." + secret}, {"c: GET /", "c: " + secret, "s: " + secret},
		} {
			speak(t, listener, says...)
		}
		select {
		case <-s.has:
		case <-time.After(100 * time.Millisecond):
		}
		client, _ := s.of(port)
		told = client["unknown"] > 0 && client["http"] > 0 && client["pop3"] > 0
	}
	c := stop()
	for _, r := range append([]*telemetry.Spoken{}, s.all...) {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		// Any four bytes of it would be too much.
		for i := range len(secret) - 3 {
			if bytes.Contains(text, []byte(secret[i:i+4])) {
				t.Errorf("%s", text)
			}
		}
		if strings.Contains(c.Reason, secret) {
			t.Error(c.Reason)
		}
	}
}

func TestCoverage(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		mounts, want string
		state        telemetry.State
	}{
		"no control groups": {"31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n", "no file system of type cgroup2", telemetry.NotCollected},
		"gone":              {"31 23 0:28 / " + dir + "/gone rw - cgroup2 cgroup2 rw\n", "no file system of type cgroup2", telemetry.NotCollected},
		"no list":           {"what?\n", "mountinfo", telemetry.NotCollected},
		"no control group":  {"31 23 0:28 / " + dir + " rw - cgroup2 cgroup2 rw\n", "", ""},
	} {
		file := filepath.Join(dir, "mountinfo")
		if err := os.WriteFile(file, []byte(c.mounts), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := protocols{file}.Observe(t.Context(), &sensor.Host{Live: true}, func(telemetry.Record) error { return nil })
		if c.state == "" { // as which user ever: it is refused
			if got.State != telemetry.Failed && got.State != telemetry.Denied {
				t.Errorf("%s: %+v", name, got)
			}
			continue
		}
		if err != nil || got.State != c.state || !strings.Contains(got.Reason, c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if c, err := New().Observe(t.Context(), &sensor.Host{}, nil); err != nil || c.State != telemetry.NotCollected {
		t.Errorf("an image: %+v, %v", c, err)
	}
	if c, err := New().Collect(t.Context(), &sensor.Host{Live: true}, nil); err != nil || c.State != telemetry.NotCollected {
		t.Errorf("one look: %+v, %v", c, err)
	}
	if !New().Describe().Optional {
		t.Error("the sensor runs without being asked for")
	}
}

func TestMissed(t *testing.T) {
	o := &observation{}
	o.count(bpf.Totals{Connections: 10, Spoken: 5})
	if len(o.doubts) != 0 {
		t.Error(o.doubts)
	}
	o.count(bpf.Totals{Full: 1, Untracked: 2, Multipath: 3})
	if len(o.doubts) != 3 {
		t.Error(o.doubts)
	}
}

// Programs that take too much are detached, and what they would have seen is told missing.
func TestLimit(t *testing.T) {
	testenv.NeedRoot(t)
	group, _, err := root("/proc/self/mountinfo")
	if err != nil {
		testenv.Missing(t, err.Error())
	}
	programs, err := bpf.Load(group)
	if err != nil {
		t.Fatal(err)
	}
	defer programs.Close()
	ctx, cancel := context.WithCancel(t.Context())
	busy := make(chan struct{})
	defer func() { cancel(); <-busy }()
	go func() { // a busy host
		defer close(busy)
		for ctx.Err() == nil {
			if err := programs.Canary(); err != nil {
				return
			}
		}
	}()
	l := &limit{window: 20 * time.Millisecond, sample: 5 * time.Millisecond, share: 0}
	if err := l.guard(t.Context(), programs); err != nil {
		t.Fatal(err)
	}
	if l.doubt() == "" {
		t.Error("nothing is said of it")
	}
	if err := programs.Canary(); !errors.Is(err, bpf.ErrDeaf) {
		t.Errorf("they look: %v", err)
	}
	if newLimit().doubt() != "" {
		t.Error("what was not detached is told missing")
	}
}
