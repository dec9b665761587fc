package e2e

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/telemetry"
)

// TestObservingLeavesNothing has the agent observe an overlay of this host, and the
// running kernel with it: afterwards both are as before.
func TestObservingLeavesNothing(t *testing.T) {
	s := newStage(t)
	s.lift("/etc")
	before, kernel := picture(t, s.upper, false), kernelPicture(t)
	records := readSnapshot(t, s.collect("-sensors", telemetry.SensorActivity, "-observe", "1500ms"))
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
