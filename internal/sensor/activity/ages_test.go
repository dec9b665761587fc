//go:build linux

package activity

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"assay/internal/sensor/activity/seen"
)

// Of the files that had one inode only the youngest may be found by a path.
func TestAges(t *testing.T) {
	n, _ := namerOfHost(t)
	name := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(name, []byte("x"), 0o700); err != nil {
		t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	at := func(generation uint32) file { return file{Device: st.Dev, Inode: st.Ino, Generation: generation} }
	old, young, before := at(7), at(3), at(5)
	n.ages.note(young, 20)
	n.ages.note(old, 10)
	n.ages.note(before, 0) // it connects, and was executed before anything was counted
	n.ages.note(young, 0)  // so does this one
	for id, want := range map[file]bool{old: false, young: true, before: false, {Device: 1, Inode: 1, Generation: 1}: true} {
		if got := n.ages.youngest(id); got != want {
			t.Errorf("%+v: %t", id, got)
		}
	}
	if p := n.called(seen.Program{File: old}, name, n.mountNS); !p.unverified {
		t.Errorf("the new file was taken for the old: %+v", p)
	}
	if p := n.called(seen.Program{File: young}, name, n.mountNS); p.unverified || p.path != name {
		t.Errorf("%+v", p)
	}
}

// What the host executed is never told as a container's; what only containers did is told
// of the container whose namespace it was.
func TestWhere(t *testing.T) {
	n, _ := namerOfHost(t)
	n.containers[5] = "one"
	p := program{path: "/bin/x", container: "two"}
	for _, c := range []struct {
		first     uint32
		host      bool
		ns        uint64
		container string
	}{
		{5, false, 5, "one"}, {5, true, 0, ""}, {6, false, 6, "two"}, {uint32(n.mountNS), false, 0, ""}, {0, false, 0, "two"},
	} {
		if ns, container := n.where(p, c.first, c.host); ns != c.ns || container != c.container {
			t.Errorf("%+v: %d %q", c, ns, container)
		}
	}
	id := file{Device: 1, Inode: 2, Generation: 3}
	n.keep(id, program{path: "/host", host: true})
	n.keep(id, p)
	if got, _ := n.lookup(id); got.path != "/host" || got.container != "" {
		t.Errorf("%+v", got)
	}
	if got := n.shared(seen.Execution{Program: seen.Program{File: file{Device: 9, Inode: 9}}}, p); !got.unverified || got.container != "" {
		t.Errorf("%+v", got)
	}
}
