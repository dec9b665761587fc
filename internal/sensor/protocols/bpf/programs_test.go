//go:build linux

package bpf_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"assay/internal/sensor/protocols/bpf"
	"assay/internal/testenv"
)

// group is the root of the control groups, which tests mount nowhere (but for the kernel
// that was booted for them).
func group(t testing.TB) string {
	t.Helper()
	testenv.NeedRoot(t)
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if words := strings.Fields(line); words[2] == "cgroup2" {
			return words[1]
		}
	}
	testenv.Missing(t, "a mounted file system of type cgroup2")
	return ""
}

func load(t testing.TB, entries uint32) *bpf.Programs {
	t.Helper()
	p, err := bpf.LoadEntries(group(t), entries)
	if err != nil {
		var why *ebpf.VerifierError
		if errors.As(err, &why) {
			t.Logf("%+v", why)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// The object is what the source compiles to.
func TestObjectComesFromTheSource(t *testing.T) {
	clang := testenv.Need(t, "clang", "clang")
	testenv.Need(t, "llvm-strip", "llvm")
	// Every release of a compiler makes other code: this one is Debian 12's.
	if out, err := exec.Command(clang, "--version").Output(); err != nil || !bytes.Contains(out, []byte(" 14.0.6")) {
		testenv.Missing(t, "clang 14.0.6, which the object is made with")
	}
	dir := t.TempDir()
	if out, err := exec.Command("./build.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	fresh, err := os.ReadFile(filepath.Join(dir, "protocols.o"))
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile("protocols.o")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(fresh, committed) {
		t.Error("protocols.o is not what its source compiles to: run build.sh")
	}
}

// The canary is seen, counts as a connection, and says nothing.
func TestCanary(t *testing.T) {
	p := load(t, 0)
	before, err := p.Totals()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Canary(); err != nil {
		t.Fatal(err)
	}
	after, err := p.Totals()
	if err != nil || after.Connections <= before.Connections {
		t.Errorf("%+v, then %+v, %v", before, after, err)
	}
	if err := p.Detach(); err != nil {
		t.Fatal(err)
	}
	if err := p.Canary(); !errors.Is(err, bpf.ErrDeaf) {
		t.Errorf("programs that are not attached: %v", err)
	}
}

// What the programs take is measured.
func TestMeter(t *testing.T) {
	p := load(t, 0)
	m, err := p.Measure()
	if err != nil {
		t.Skip(err)
	}
	for range 100 {
		if err := p.Canary(); err != nil {
			t.Fatal(err)
		}
	}
	spent, err := m.Stop()
	if err != nil || spent.Time <= 0 || spent.Time > time.Second || spent.Calls < 300 {
		t.Errorf("%+v, %v", spent, err)
	}
}

// Nothing is left in the kernel.
func TestClose(t *testing.T) {
	p, err := bpf.Load(group(t))
	if err != nil {
		t.Fatal(err)
	}
	ids, err := p.IDs()
	if err != nil || len(ids) != 3 {
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
	if there() != 3 {
		t.Error("the programs are not found while they are loaded")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	for there() > 0 { // the kernel lets go of them a moment later; the test's own limit ends a wait in vain
		time.Sleep(time.Millisecond)
	}
}

func TestNoGroup(t *testing.T) {
	testenv.NeedRoot(t)
	for _, folder := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if p, err := bpf.Load(folder); err == nil {
			p.Close()
			t.Error("programs are attached to", folder)
		}
	}
}
