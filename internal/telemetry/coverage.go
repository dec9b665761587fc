package telemetry

import "slices"

// State says how much of its scope a sensor, or a part of one, has covered.
type State string

// The states of coverage. Only Complete allows a conclusion from absence.
const (
	Complete     State = "complete"
	Partial      State = "partial"       // some of the scope is missing: a limit, a race, a file that could not be read
	Denied       State = "denied"        // the host refused, usually for lack of privilege
	Failed       State = "failed"        // the sensor could not do its work
	NotCollected State = "not_collected" // not asked for, or it cannot be had of this host (an image has no processes)
)

// Coverage is the last record of each sensor.
type Coverage struct {
	Meta
	State   State  `json:"state"`
	Reason  string `json:"reason,omitempty"` // for people; required unless State is Complete
	Records int64  `json:"records"`          // emitted by the sensor, this one excluded
	Bytes   int64  `json:"bytes,omitempty"`  // read from the host

	// Scope lists what the sensor looked at, as path patterns (see package
	// scope of the config and files sensors). A path outside of it is not
	// collected, whatever State says.
	Scope []string `json:"scope,omitempty"`

	// Parts are the separately answerable pieces of a sensor: "passwd" and
	// "shadow" of users, "rpm" of packages. A part that is not listed has the
	// state of the whole.
	Parts []Part `json:"parts,omitempty"`
}

// Part is the coverage of a named piece of a sensor's work.
type Part struct {
	Name   string `json:"name"`
	State  State  `json:"state"`
	Reason string `json:"reason,omitempty"`
}

func (*Coverage) kind() Type { return TypeCoverage }

// Part returns the coverage of a part: its own if it is listed, else the whole's.
func (c *Coverage) Part(name string) Part {
	for _, p := range c.Parts {
		if p.Name == name {
			return p
		}
	}
	return Part{Name: name, State: c.State, Reason: c.Reason}
}

// Lessened is the coverage with the whole, and each part, that was complete made partial
// for a reason. What c has is not changed.
func (c *Coverage) Lessened(reason string) Coverage {
	less := *c
	if less.State == Complete {
		less.State, less.Reason = Partial, reason
	}
	less.Parts = slices.Clone(c.Parts)
	for i, p := range less.Parts {
		if p.State == Complete {
			less.Parts[i].State, less.Parts[i].Reason = Partial, reason
		}
	}
	return less
}
