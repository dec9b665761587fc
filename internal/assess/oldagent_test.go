package assess

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/telemetry"
)

// An agent that is older than a sensor is asked for the others only: it would refuse
// an instruction with a sensor that it does not know as a whole. Nor does it fail:
// what it cannot collect is told where its host is evaluated.
func TestAnAgentWithoutOneOfTheSensors(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	run := w.start(w.template(time.Hour)) // needs config and kernel
	w.clock.add(time.Minute)
	beat := w.heartbeat()
	beat.Sensors = []string{telemetry.SensorConfig, telemetry.SensorWalk}
	on := w.say(agent, beat).Instructions
	if len(on) != 1 {
		t.Fatalf("it is told %+v", on)
	}
	if d := cmp.Diff([]string{telemetry.SensorConfig}, on[0].Sensors); d != "" {
		t.Error(d)
	}
	if part := w.partOfRun(run.ID, agent); part.State != inspector.CollectionStarted {
		t.Errorf("its part is %s", part.State)
	}
}
