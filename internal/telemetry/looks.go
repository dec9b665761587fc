package telemetry

import (
	"fmt"
	"time"
)

// Looks says how a sensor that looks again and again while a run goes on has done so:
// one record before all its others, without Ended, and one at the end. One that has
// not Ended after another tells that the agent was started again: of what was told
// before, only that is still there which is told again, and objects are numbered anew.
type Looks struct {
	Meta
	Began   time.Time `json:"began"`             // the first look
	Ended   time.Time `json:"ended,omitzero"`    // the last one
	Count   int       `json:"count"`             // of looks that came to their end
	Failed  int       `json:"failed,omitempty"`  // that did not
	Longest float64   `json:"longest,omitempty"` // seconds from one look to the next, at most
	Missed  uint64    `json:"missed,omitempty"`  // sights of what was not told of, because there was too much
}

func (*Looks) kind() Type { return TypeLooks }

// Identity is what makes two records of one sensor, made at different times of a run,
// tell of the same thing; the later one counts. A process that executes another program
// counts as another one.
func Identity(r Record) string {
	switch r := r.(type) {
	case *Process:
		return fmt.Sprintf("%d/%d/%s", r.PID, r.Started, r.Exe)
	case *Object:
		return fmt.Sprintf("%d/%d/%d/%t/%s", r.Device, r.Inode, r.MountNS, r.Deleted, r.Path)
	case *Socket:
		return fmt.Sprintf("%s/%d/%s/%d/%s/%d/%d/%d", r.Protocol, r.Family, r.Local, r.LocalPort, r.Remote, r.RemotePort, r.NetNS, r.Inode)
	case *Program:
		return fmt.Sprintf("%d/%d/%d/%s", r.Device, r.Inode, r.MountNS, r.Path)
	}
	return Key(r)
}
