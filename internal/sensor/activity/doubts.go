//go:build linux

package activity

import (
	"fmt"
	"slices"

	"assay/internal/sensor"
	"assay/internal/sensor/activity/seen"
	"assay/internal/telemetry"
)

// The parts of the coverage.
const (
	executions  = "executions"
	connections = "connections"
	listeners   = "listeners"

	// That these are not told of makes no other part less complete.
	loads = "loads"
	files = "programs" // what is to be told of each file that was executed or mapped
)

var parts = []string{executions, connections, listeners}

// doubts are why what was counted may not be all that there was, by part. They
// belong to one goroutine.
type doubts struct {
	partial map[string][]string
	without string // why loads are not counted; empty: they are
}

func newDoubts() *doubts {
	return &doubts{partial: map[string][]string{}, without: "only programs in the kernel can tell"}
}

// clone is a copy that somebody else may add to.
func (d *doubts) clone() *doubts {
	c := &doubts{partial: map[string][]string{}, without: d.without}
	for part, reasons := range d.partial {
		c.partial[part] = slices.Clone(reasons)
	}
	return c
}

// add adds a reason why parts are not complete; of none named, all.
func (d *doubts) add(reason string, of ...string) {
	if len(of) == 0 {
		of = append([]string{loads, files}, parts...)
	}
	for _, part := range of {
		d.partial[part] = append(d.partial[part], reason)
	}
}

// explain adds why to every reason that there is so far.
func (d *doubts) explain(why string) {
	for _, reasons := range d.partial {
		for i := range reasons {
			reasons[i] += why
		}
	}
}

// count adds what found no place, and what was never proven to work.
func (d *doubts) count(t seen.Totals) {
	for part, missed := range map[string]uint64{executions: t.ExecutionsFull, connections: t.FlowsFull, listeners: t.ListenersFull, loads: t.LoadsFull} {
		if missed > 0 {
			d.add(fmt.Sprintf("%d %s found no place in the table", missed, part), part)
		}
	}
	if t.Executions == 0 {
		d.add("nothing was executed that could have proven that executions are counted", executions)
	}
	if t.Loads == 0 {
		d.add("no program ended that could have proven that what is mapped is counted", loads)
	}
	if t.LoadsCut > 0 {
		d.add(fmt.Sprintf("what %d processes had mapped could not be looked at", t.LoadsCut), loads)
	}
}

// coverage is complete where there are no doubts.
func (d *doubts) coverage() telemetry.Coverage {
	whole := telemetry.Coverage{State: telemetry.Complete}
	for _, name := range parts {
		c := sensor.Covered(d.partial[name])
		whole.Parts = append(whole.Parts, telemetry.Part{Name: name, State: c.State, Reason: c.Reason})
		if c.State != telemetry.Complete && whole.State == telemetry.Complete {
			whole.State, whole.Reason = telemetry.Partial, c.Reason
		}
	}
	c := sensor.Covered(d.partial[files])
	whole.Parts = append(whole.Parts, d.optional(), telemetry.Part{Name: files, State: c.State, Reason: c.Reason})
	return whole
}

// optional is the part that many kernels do not tell of.
func (d *doubts) optional() telemetry.Part {
	if d.without != "" {
		return telemetry.Part{Name: loads, State: telemetry.NotCollected, Reason: d.without}
	}
	c := sensor.Covered(d.partial[loads])
	return telemetry.Part{Name: loads, State: c.State, Reason: c.Reason}
}
