//go:build linux

package poll

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/proc"
)

// system is a /proc of the test's own.
type system struct {
	t    *testing.T
	dir  string
	poll *Poll
}

func newSystem(t *testing.T) *system {
	return &system{t: t, dir: t.TempDir()}
}

func (s *system) write(name, text string) {
	s.t.Helper()
	name = filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) link(name, to string) {
	s.t.Helper()
	name = filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		s.t.Fatal(err)
	}
	os.Remove(name)
	if err := os.Symlink(to, name); err != nil {
		s.t.Fatal(err)
	}
}

// program is a file that can be executed, by its name.
func (s *system) program(name string) string {
	full := filepath.Join(s.dir, "bin", name)
	if _, err := os.Stat(full); err != nil {
		s.write("bin/"+name, name)
	}
	return full
}

func (s *system) start(pid, parent, started int, program string, netNS int) {
	s.write(fmt.Sprint(pid, "/stat"), fmt.Sprintf("%d (%s) S %d 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 %d 0\n", pid, program, parent, started))
	s.write(fmt.Sprint(pid, "/status"), "Uid:\t5\t6\t6\t6\nGid:\t7\t7\t7\t7\n")
	s.link(fmt.Sprint(pid, "/exe"), s.program(program))
	s.link(fmt.Sprint(pid, "/ns/net"), fmt.Sprintf("net:[%d]", netNS))
	s.link(fmt.Sprint(pid, "/ns/mnt"), "mnt:[9]")
}

// sockets writes a table: lines of "local remote state inode", in the kernel's form.
func (s *system) sockets(pid int, table string, lines ...string) {
	text := "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	for _, l := range lines {
		f := strings.Fields(l)
		text += fmt.Sprintf("   0: %s %s %s 00000000:00000000 00:00000000 00000000     5        0 %s 1\n", f[0], f[1], f[2], f[3])
	}
	s.write(fmt.Sprint(pid, "/net/", table), text)
}

func (s *system) look() {
	s.t.Helper()
	var err error
	if s.poll == nil {
		s.poll, err = New(proc.New(s.dir))
	} else {
		_, err = s.poll.look(false)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// executions are "name times".
func (s *system) executions() map[string]uint64 {
	all := map[string]uint64{}
	for e := range s.poll.Executions() {
		all[e.Name] = e.N
	}
	return all
}

func TestExecutions(t *testing.T) {
	s := newSystem(t)
	s.start(1, 0, 1, "init", 4)
	s.start(10, 1, 5, "sshd", 4)
	s.look()
	s.start(20, 10, 90, "sshd", 4)  // forked
	s.start(21, 1, 91, "sshd", 4)   // forked, and its parent has ended
	s.start(22, 10, 92, "bash", 4)  // executed
	s.start(23, 1, 93, "daemon", 4) // executed, and its parent has ended
	s.look()
	s.look()
	s.start(20, 10, 90, "bash", 4) // executed after it had forked
	s.start(22, 10, 99, "bash", 4) // another process with the same number
	s.look()
	got := s.executions()
	if len(got) != 2 || got["bash"] != 3 || got["daemon"] != 1 {
		t.Errorf("%v", got)
	}
	if n, _ := s.poll.Totals(); n.Executions != 4 {
		t.Errorf("%+v", n)
	}
	for e := range s.poll.Executions() {
		var st syscall.Stat_t
		if err := syscall.Stat(s.program(e.Name), &st); err != nil || e.Inode != st.Ino || e.Device != st.Dev || e.UID != 5 || e.MountNS != 9 || e.First == 0 || e.Last < e.First {
			t.Errorf("%+v, %v", e, err)
		}
	}
}

func TestConversations(t *testing.T) {
	s := newSystem(t)
	s.start(1, 0, 1, "init", 4)
	s.start(10, 1, 5, "curl", 4)
	s.start(30, 1, 6, "nginx", 5) // in a namespace of its own
	// 0016 is port 22; of the four conversations two were there before.
	before := []string{"00000000:0016 00000000:0000 0A 100", "0100007F:0016 0100007F:9000 01 101", "0A00000A:9999 0B00000A:0050 01 102"}
	s.sockets(1, "tcp", before...)
	s.sockets(10, "tcp", before...)
	s.sockets(30, "tcp", "00000000:0050 00000000:0000 0A 300")
	s.look()
	after := append(before,
		"0A00000A:0016 0B00000A:9001 01 103", // accepted from elsewhere
		"0100007F:0016 0100007F:9002 06 0",   // accepted from here, and over
		"0A00000A:8888 0B00000A:0017 02 104", // curl connects to port 23
		"0A00000A:8889 0B00000A:0017 06 0",   // somebody did, and it is over
		"0100007F:0017 0100007F:9003 03 0",   // is not a conversation yet
		"0100007F:1F90 00000000:0000 0A 105", // listens now
	)
	s.sockets(1, "tcp", after...)
	s.sockets(10, "tcp", after...)
	s.sockets(30, "tcp", "00000000:0050 00000000:0000 0A 300", "0C00000A:0050 0C00000A:9009 01 301")
	s.link("10/fd/3", "socket:[104]")
	s.look()
	s.look() // nothing is new any more
	flows := map[uint32]seen.Flow{}
	for f := range s.poll.Flows() {
		flows[f.UID] = f
	}
	if f := flows[5]; len(flows) != 2 || f.Remote.String() != "10.0.0.11:23" || f.N != 1 || f.Name != "curl" || f.Inode == 0 || f.Local || f.NetNS != 4 {
		t.Errorf("%+v", flows)
	}
	if f := flows[seen.UnknownUID]; f.Remote.String() != "10.0.0.11:23" || f.N != 1 || f.Inode != 0 {
		t.Errorf("%+v", flows)
	}
	got := map[string]string{}
	for l := range s.poll.Listeners() {
		got[fmt.Sprint(l.NetNS, " ", l.Port)] = fmt.Sprint(l.Listens.N, l.Accepts, l.Foreign)
	}
	if len(got) != 3 || got["4 22"] != "0 2 1" || got["4 8080"] != "1 0 0" || got["5 80"] != "0 1 0" {
		t.Errorf("%v", got)
	}
}

// What has ended between the list and the look is left out, as are kernel threads.
func TestGone(t *testing.T) {
	s := newSystem(t)
	s.start(1, 0, 1, "init", 4)
	s.write("77/none", "")
	s.look()
	s.look()
	if all := s.poll.Shortcomings(); len(all) != 1 {
		t.Errorf("%v", all)
	}
}

func TestThisHost(t *testing.T) {
	p, err := New(proc.New("/proc"))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip(err)
	}
	defer listener.Close()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	command := exec.Command("sleep", "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { command.Process.Kill(); command.Wait() }()
	if _, err := p.look(false); err != nil {
		t.Fatal(err)
	}
	executed, connected := false, false
	for e := range p.Executions() {
		executed = executed || e.PID == command.Process.Pid
	}
	for f := range p.Flows() {
		connected = connected || f.Remote.String() == listener.Addr().String() && f.PID == os.Getpid() && f.Local
	}
	accepted := false
	for l := range p.Listeners() {
		accepted = accepted || int(l.Port) == listener.Addr().(*net.TCPAddr).Port && l.Accepts == 1 && l.Foreign == 0 && l.Listens.N == 1 && l.Family == 6
	}
	if !executed || !connected || !accepted {
		t.Errorf("executed %t, connected %t, accepted %t", executed, connected, accepted)
	}
}
