//go:build linux

package bpf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
	"assay/internal/testenv"
)

// each runs a test with every build of the programs.
func each(t *testing.T, test func(*testing.T, *bpf.Programs)) {
	for _, build := range []string{"direct", "core"} {
		t.Run(build, func(t *testing.T) { test(t, load(t, build, 0)) })
	}
}

func load(t *testing.T, build string, entries uint32) *bpf.Programs {
	t.Helper()
	testenv.NeedRoot(t)
	p, err := bpf.LoadBuild(build, entries)
	if err != nil && build == "core" && confidential() {
		t.Skip("lockdown=confidentiality refuses programs that read the kernel's memory:", err)
	}
	if err != nil && build == "direct" && old(t) {
		t.Skip("Linux before 5.11 refuses programs that follow typed pointers:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return closing(t, p)
}

// best loads the build that the agent would.
func best(t *testing.T, entries uint32) *bpf.Programs {
	t.Helper()
	testenv.NeedRoot(t)
	p, err := bpf.Load()
	if err != nil && confidential() && old(t) {
		t.Skip("this kernel refuses both builds:", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if entries > 0 {
		build := p.Build
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		return load(t, build, entries)
	}
	return closing(t, p)
}

// closing closes the programs when the test ends.
func closing(t *testing.T, p *bpf.Programs) *bpf.Programs {
	t.Helper()
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// old tells whether the kernel is older than 5.11.
func old(t *testing.T) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if _, err := fmt.Sscanf(string(text), "%d.%d", &major, &minor); err != nil {
		t.Fatal(err)
	}
	return major < 5 || major == 5 && minor < 11
}

// confidential tells whether the kernel is locked down so far (kernel_lockdown(7)).
func confidential() bool {
	mode, _ := os.ReadFile("/sys/kernel/security/lockdown")
	return bytes.Contains(mode, []byte("[confidentiality]"))
}

// probe is a program that nobody else executes, and that does nothing.
func probe(t *testing.T) string {
	t.Helper()
	return testenv.Probe(t, 0o700)
}

func run(program string) *exec.Cmd {
	command := exec.Command(program)
	command.Env = []string{"ASSAY_PROBE=1", "GORACE=atexit_sleep_ms=0"}
	return command
}

// The objects are what the source compiles to.
func TestObjectsComeFromTheSource(t *testing.T) {
	clang := testenv.Need(t, "clang", "clang")
	testenv.Need(t, "llvm-strip", "llvm")
	// Every release of a compiler makes other code: this one is Debian 12's.
	if out, err := exec.Command(clang, "--version").Output(); err != nil || !bytes.Contains(out, []byte(" 14.0.6")) {
		testenv.Missing(t, "clang 14.0.6, which the objects are made with")
	}
	dir := t.TempDir()
	if out, err := exec.Command("./build.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"activity_core.o", "activity_direct.o", "loads_core.o", "loads_direct.o", "exits_direct.o"} {
		fresh, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		committed, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(fresh, committed) {
			t.Errorf("%s is not what its source compiles to: run build.sh", name)
		}
	}
}

func TestExecutions(t *testing.T) { each(t, executions) }

func executions(t *testing.T, p *bpf.Programs) {
	program := probe(t)
	const times = 25
	for range times {
		if err := run(program).Run(); err != nil {
			t.Fatal(err)
		}
	}
	var stat syscall.Stat_t
	if err := syscall.Stat(program, &stat); err != nil {
		t.Fatal(err)
	}
	found := 0
	for e, err := range p.Executions() {
		if err != nil {
			t.Fatal(err)
		}
		if e.Inode != stat.Ino || e.Device != stat.Dev {
			continue
		}
		found++
		if e.N != times || e.Name != "assay-probe" || e.UID != 0 || e.First == 0 || e.Last <= e.First || e.MountNS == 0 {
			t.Errorf("%+v", e)
		}
	}
	if found != 1 {
		t.Errorf("%d entries for the program", found)
	}
}

func TestConversations(t *testing.T) { each(t, conversations) }

func conversations(t *testing.T, p *bpf.Programs) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		port := uint16(listener.Addr().(*net.TCPAddr).Port)
		const times = 7
		for range times {
			client, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			server, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			client.Close()
			server.Close()
		}
		flows, listeners := 0, 0
		for f, err := range p.Flows() {
			if err != nil {
				t.Fatal(err)
			}
			if f.Remote.Port() != port {
				continue
			}
			flows++
			if f.N != times || !f.Local || !f.Remote.Addr().IsLoopback() || f.Inode == 0 || f.NetNS == 0 || f.PID != os.Getpid() {
				t.Errorf("%+v", f)
			}
		}
		for l, err := range p.Listeners() {
			if err != nil {
				t.Fatal(err)
			}
			if l.Port != port {
				continue
			}
			listeners++
			if l.Listens.N != 1 || l.Accepts != times || l.Foreign != 0 || l.LastAccept == 0 || l.LastForeign != 0 {
				t.Errorf("%+v", l)
			}
		}
		if flows != 1 || listeners != 1 {
			t.Errorf("%s: %d flows and %d listeners", address, flows, listeners)
		}
	}
	totals, err := p.Totals()
	if err != nil {
		t.Fatal(err)
	}
	if totals.Flows < 14 || totals.Accepts < 14 || totals.Listens < 2 || totals.Lost() {
		t.Errorf("%+v", totals)
	}
}

// A process of a millisecond is told of while it may still be looked at.
func TestWatch(t *testing.T) { each(t, watch) }

func watch(t *testing.T, p *bpf.Programs) {
	ctx, cancel := context.WithCancel(t.Context())
	sights := make(chan seen.Sight, 1000)
	done := make(chan error, 1)
	go func() { done <- p.Watch(ctx, func(s seen.Sight) { sights <- s }) }()
	command := run(probe(t))
	if err := command.Run(); err != nil {
		t.Fatal(err)
	}
	for {
		s := <-sights // the test's own time limit ends a wait in vain
		if s.Kind == seen.SawExecution && s.PID == command.Process.Pid {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The canary is counted, and nothing is left of it.
func TestCanary(t *testing.T) {
	each(t, func(t *testing.T, p *bpf.Programs) {
		if counted, err := p.Canary(); err != nil || counted.Flows != 1 {
			t.Fatalf("%+v, %v", counted, err)
		}
		for f, err := range p.Flows() {
			if err != nil || f.PID == os.Getpid() {
				t.Errorf("%+v, %v", f, err)
			}
		}
		if err := p.Detach(bpf.Socket); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Canary(); !errors.Is(err, bpf.ErrDeaf) {
			t.Errorf("a program that is not attached: %v", err)
		}
	})
}

// What the programs take is measured, of each for itself.
func TestMeter(t *testing.T) {
	p := best(t, 0)
	m, err := p.Measure()
	if err != nil {
		t.Skip(err)
	}
	defer m.Close()
	for range 100 {
		if _, err := p.Canary(); err != nil {
			t.Fatal(err)
		}
	}
	spent, err := m.Spent()
	if err != nil || spent[bpf.Socket] <= 0 || spent[bpf.Socket] > time.Second {
		t.Errorf("%v, %v", spent, err)
	}
	t.Logf("%v for 100 connections that are refused", spent[bpf.Socket])
}

// Nothing is left in the kernel.
func TestClose(t *testing.T) {
	p := best(t, 0)
	ids, err := p.IDs()
	if err != nil || len(ids) != 2 {
		t.Fatal(ids, err)
	}
	there := func() (n int) {
		for _, id := range ids {
			if found, err := ebpf.NewProgramFromID(id); err == nil {
				found.Close()
				n++
			}
		}
		return n
	}
	if there() != 2 {
		t.Error("the programs are not found while they are loaded")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for there() > 0 { // the kernel lets go of them a moment later; the test's own limit ends a wait in vain
		time.Sleep(time.Millisecond)
	}
}

// How often programs were skipped is told by each kernel that has them.
func TestSkipped(t *testing.T) {
	each(t, func(t *testing.T, p *bpf.Programs) {
		skipped, err := p.Skipped()
		if err != nil {
			t.Error(err)
		}
		t.Log(skipped)
	})
}
