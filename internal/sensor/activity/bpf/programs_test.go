package bpf_test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/testenv"
)

func load(t *testing.T) *bpf.Programs {
	t.Helper()
	testenv.NeedRoot(t)
	p, err := bpf.Load()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// The objects are what the source compiles to.
func TestObjectsComeFromTheSource(t *testing.T) {
	testenv.Need(t, "clang", "clang")
	dir := t.TempDir()
	if out, err := exec.Command("./build.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, name := range []string{"activity_core.o", "activity_direct.o"} {
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

func TestExecutions(t *testing.T) {
	p := load(t)
	program := filepath.Join(t.TempDir(), "assay-probe")
	text, err := os.ReadFile("/bin/true")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, text, 0o700); err != nil {
		t.Fatal(err)
	}
	const times = 25
	for range times {
		if err := exec.Command(program).Run(); err != nil {
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

func TestConversations(t *testing.T) {
	p := load(t)
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
