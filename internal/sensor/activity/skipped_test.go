//go:build linux

package activity

import (
	"os"
	"testing"
	"time"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/telemetry"
)

// That the kernel has skipped a program makes what that counts partial, and nothing else.
func TestSkipped(t *testing.T) {
	for at, want := range map[bpf.Hook][]string{bpf.Exec: {executions}, bpf.Socket: {connections, listeners}, bpf.Map: {loads}} {
		d := newDoubts()
		d.without = ""
		var skipped [bpf.Hooks]uint64
		skipped[at] = 3
		doubtSkipped(skipped, d)
		partial := map[string]bool{}
		for _, p := range d.coverage().Parts {
			if p.State != telemetry.Complete {
				partial[p.Name] = true
			}
		}
		for _, name := range want {
			if !partial[name] {
				t.Errorf("%s is complete, of which something was skipped", name)
			}
		}
		if len(partial) != len(want) {
			t.Errorf("%v instead of %v", partial, want)
		}
	}
	d := newDoubts()
	doubtSkipped([bpf.Hooks]uint64{}, d)
	if c := d.coverage(); c.State != telemetry.Complete {
		t.Errorf("%+v", c)
	}
}

// A file and its name are told as one.
func TestExecutes(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	n, _ := namerOfHost(t)
	own, path := executes("/proc/self/exe")
	if placeOf(own) != n.self || path != name {
		t.Errorf("%+v %q", own, path)
	}
	if own, path := executes("/proc/self/nothing"); own != (file{}) || path != "" {
		t.Errorf("%+v %q", own, path)
	}
}

// The search for names ends in time.
func TestSearchEnds(t *testing.T) {
	n, _ := namerOfHost(t)
	sh := "/bin/sh"
	info, err := os.Stat(sh)
	if err != nil || info.IsDir() {
		t.Skip("there is no", sh)
	}
	id, _ := executes(sh)
	n.unknown[placeOf(id)] = id
	n.until = time.Now()
	for _, folder := range folders {
		n.search(folder, 0)
	}
	if _, still := n.unknown[placeOf(id)]; !still {
		t.Error("found when the time was over")
	}
	n.own(t.Context())
	if _, still := n.unknown[placeOf(id)]; still {
		t.Error("not found in the usual folders")
	}
}
