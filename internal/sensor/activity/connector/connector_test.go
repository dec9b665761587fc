//go:build linux

package connector

import (
	"context"
	"errors"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/proc"
	"assay/internal/testenv"
)

// The test binary is also the program that is executed.
func TestMain(m *testing.M) {
	switch os.Getenv("ASSAY_PROBE") {
	case "":
		os.Exit(m.Run())
	case "wait":
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
	os.Exit(0)
}

func start(t *testing.T, size int) *Connector {
	t.Helper()
	testenv.NeedRoot(t)
	if err := there(); err != nil {
		t.Skip("this kernel has no process connector: ", err)
	}
	s, err := open(size)
	if err != nil {
		t.Fatal(err)
	}
	c := &Connector{socket: s, proc: proc.New("/proc"), tally: seen.NewTally(seen.MaxExecutions)}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func end(t *testing.T, c *Connector) {
	t.Helper()
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Watch(over, func(seen.Sight) {}); err != nil {
		t.Fatal(err)
	}
}

func probe(t *testing.T) string {
	t.Helper()
	return testenv.Probe(t, 0o755)
}

func run(t *testing.T, program, how string) (wait func()) {
	t.Helper()
	command := osexec.Command(program)
	command.Env = []string{"ASSAY_PROBE=" + how}
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return func() {
		in.Close()
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
	}
}

// Executions of living processes are named, all others counted.
func TestExecutions(t *testing.T) {
	c := start(t, buffer)
	program := probe(t)
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!"+program+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	const lives, ends = 3, 5
	var waits []func()
	for range lives - 1 {
		waits = append(waits, run(t, program, "wait"))
	}
	waits = append(waits, run(t, script, "wait")) // of which the interpreter is executed
	for range ends {
		run(t, program, "1")()
	}
	end(t, c)
	for _, wait := range waits {
		wait()
	}
	var st unix.Stat_t
	if err := unix.Stat(program, &st); err != nil {
		t.Fatal(err)
	}
	var got []seen.Execution
	for e := range c.Executions() {
		if e.Inode == st.Ino && e.Device == st.Dev {
			got = append(got, e)
		}
	}
	if len(got) != 1 || got[0].N != lives || got[0].Path != program || got[0].UID != uint32(os.Getuid()) || got[0].First == 0 || got[0].Last < got[0].First || got[0].MountNS == 0 {
		t.Errorf("%+v", got)
	}
	if n := c.unnamed.Load(); n < ends || c.Totals().Executions < lives+ends || !strings.Contains(strings.Join(c.Shortcomings(), "\n"), "could be told") {
		t.Errorf("%d, %+v, %v", n, c.Totals(), c.Shortcomings())
	}
}

// What finds no place in the queue is told.
func TestOverflow(t *testing.T) {
	c := start(t, 1)
	program := probe(t)
	for range 30 {
		run(t, program, "1")()
	}
	end(t, c)
	if n := c.dropped.Load(); n == 0 || !strings.Contains(strings.Join(c.Shortcomings(), "\n"), "queue of executions was full") {
		t.Errorf("%d, %v", n, c.Shortcomings())
	}
}

// At the end the kernel tells nobody any more: somebody who hears what it tells others
// hears nothing.
func TestEnd(t *testing.T) {
	if err := there(); err != nil {
		t.Skip("this kernel has no process connector: ", err)
	}
	testenv.NeedRoot(t)
	bystander, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_CONNECTOR)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(bystander)
	if err := unix.Bind(bystander, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: idxProc}); err != nil {
		t.Fatal(err)
	}
	program := probe(t)
	hears := func() (n int) {
		run(t, program, "1")() // what is told of it is there when it is over
		for {
			_, _, err := unix.Recvfrom(bystander, make([]byte, 4096), 0)
			if errors.Is(err, unix.EAGAIN) {
				return n
			}
			n++
		}
	}
	if hears() > 0 {
		t.Skip("somebody else on this host listens, or has been killed when he did")
	}
	c := start(t, buffer)
	if hears() == 0 {
		t.Fatal("the kernel tells, and nobody hears it")
	}
	if err := errors.Join(c.socket.ignore(), c.socket.ignore()); err != nil {
		t.Fatal(err)
	}
	for hears() > 0 { // somebody else may have begun; the test's own time limit ends a wait in vain
		time.Sleep(10 * time.Millisecond)
	}
}

func TestGone(t *testing.T) {
	c := &Connector{proc: proc.New(t.TempDir()), tally: seen.NewTally(1)}
	c.look([]event{{what: exec, pid: 5}, {what: exec, pid: 5}, {what: none}, {what: exec, pid: os.Getpid()}}, func(seen.Sight) { t.Error("it sees nothing") })
	if c.unnamed.Load() != 2 || c.Totals().Executions != 2 {
		t.Errorf("%+v", c.Totals())
	}
}
