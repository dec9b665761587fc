package e2e

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"assay/internal/telemetry"
)

// TestObservingLeavesNothing has the agent observe an overlay of this host, and the
// running kernel with it, in every way: afterwards both are as before.
func TestObservingLeavesNothing(t *testing.T) {
	for _, way := range []string{"ebpf", "fanotify", "connector", "poll"} {
		t.Run(way, func(t *testing.T) { observeAndLeave(t, way) })
	}
}

// hostProcesses are the host's: the process connector tells nobody in another PID namespace.
func hostProcesses(_ *testing.T, root string) error {
	return unix.Mount("/proc", filepath.Join(root, "proc"), "", unix.MS_BIND|unix.MS_REC, "")
}

func observeAndLeave(t *testing.T, way string) {
	s := newStageAmong(t, hostProcesses)
	s.lift("/etc")
	before, kernel := picture(t, s.upper, false), kernelPicture(t)
	records := readSnapshot(t, s.collect("-sensors", telemetry.SensorActivity, "-observe", "1500ms", "-observe-with", way))
	at := slices.IndexFunc(records, func(r telemetry.Record) bool {
		_, ok := r.(*telemetry.Observation)
		return ok
	})
	if at < 0 {
		t.Fatal("the agent did not observe")
	}
	t.Logf("%+v", records[at])
	s.same("after it was observed", before)
	if d := cmp.Diff(kernel, kernelPicture(t)); d != "" {
		t.Errorf("the running system has changed (before -, after +):\n%s", d)
	}
}
