package packages

import (
	"fmt"
	"strings"

	"assay/internal/telemetry"
)

// outcome is how the work on one manager ended.
type outcome struct {
	telemetry.Part
	found    int
	packages int64
	left     int
}

func (c *collection) outcome(where string) outcome {
	o := outcome{Part: telemetry.Part{Name: c.manager, State: telemetry.Complete}, found: c.found, packages: c.packages, left: c.left}
	switch {
	case len(c.problems) > 0:
		o.State = worst(c.problems, c.packages)
		o.Reason = reason(c.problems)
	case c.left > 0:
		o.State = telemetry.NotCollected
		if c.found > 0 {
			o.State = telemetry.Partial
		}
		o.Reason = fmt.Sprintf("the instruction leaves out %d of the databases", c.left)
	case c.found == 0:
		o.State = telemetry.NotCollected
		o.Reason = fmt.Sprintf("no database of %s was found in %s", c.manager, where)
	}
	return o
}

// worst is the state of a manager that has problems.
func worst(problems []problem, packages int64) telemetry.State {
	if packages > 0 {
		return telemetry.Partial
	}
	for _, p := range problems {
		if !p.denied {
			return telemetry.Failed
		}
	}
	return telemetry.Denied
}

func reason(problems []problem) string {
	const most = 3
	var text []string
	for i, p := range problems {
		if i == most {
			text = append(text, fmt.Sprintf("and %d more", len(problems)-most))
			break
		}
		text = append(text, p.text)
	}
	return strings.Join(text, "; ")
}

// coverage is the whole of the parts: complete if at least one database was found
// and all of those are. Managers without a database don't count, unless none has
// one.
func coverage(outcomes []outcome) telemetry.Coverage {
	var c telemetry.Coverage
	var packages int64
	var bad []outcome
	found, left := 0, 0
	for _, o := range outcomes {
		c.Parts = append(c.Parts, o.Part)
		found += o.found
		left += o.left
		packages += o.packages
		if o.State != telemetry.Complete && o.found+o.left > 0 {
			bad = append(bad, o)
		}
	}
	switch {
	case found+left == 0:
		c.State = telemetry.NotCollected
		c.Reason = "no package database was found: no dpkg, rpm, apk or pacman in its usual place"
		return c
	case len(bad) == 0:
		c.State = telemetry.Complete
		return c
	case packages > 0:
		c.State = telemetry.Partial
	default:
		c.State = bad[0].State
	}
	var reasons []string
	for _, o := range bad {
		reasons = append(reasons, o.Reason)
	}
	c.Reason = strings.Join(reasons, "; ")
	return c
}
