package cve

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"assay/internal/rules"
	"assay/internal/telemetry"
	"assay/internal/usage"
)

// What was executed or loaded while a run went on and is over, which only an
// observation tells (package usage). Runs that do not observe have nothing of this.

// wasLoaded words the use of what no process has loaded any more; reasons also what that
// means.
func (e *evaluation) wasLoaded(a *usage.Answer, reasons bool) string {
	text := "was loaded during the run: "
	if reasons {
		text = "was loaded during the run, and by no process at its end that was seen: "
	}
	if len(a.Executed) > 0 {
		text += e.executed(&a.Executed[0])
	} else {
		text += e.past(&a.Past[0])
	}
	if more := len(a.Executed) + len(a.Past) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
}

func (e *evaluation) executed(x *usage.Execution) string {
	o := e.usage.Observed()
	often := times(x.Count, o != nil && o.Executions == "")
	return fmt.Sprintf("%s was executed %s by %s %s", cmp.Or(x.Path, x.Name), often, user(x.UID), when(x.First, x.Last))
}

// past words what had files loaded: the kernel's count, or the process that was seen.
func (e *evaluation) past(p *usage.Past) string {
	if p.PID != 0 {
		return fmt.Sprintf("%s (pid %d, %s) had it loaded, as was seen %s", p.Name, p.PID, user(p.UID), when(p.First, p.Last))
	}
	o := e.usage.Observed()
	often := times(p.Count, o != nil && o.Loads == "")
	return fmt.Sprintf("%s loaded it %s as %s %s", cmp.Or(p.Exe, p.Name), often, user(p.UID), when(p.First, p.Last))
}

// pastEvidence cites what is over, where that is why it counts as used.
func (e *evaluation) pastEvidence(i *item) (all []rules.Evidence) {
	a := e.inUse(i)
	if a.State != usage.WasLoaded {
		return nil
	}
	for n := range a.Executed[:min(len(a.Executed), maxProcesses)] {
		x := &a.Executed[n]
		all = append(all, rules.Evidence{Sensor: telemetry.SensorActivity, Record: x.Record, File: x.Path, Found: e.executed(x)})
	}
	for n := range a.Past[:min(len(a.Past), maxProcesses)] {
		p, sensor := &a.Past[n], telemetry.SensorActivity
		if p.PID != 0 {
			sensor = telemetry.SensorProcesses
		}
		all = append(all, rules.Evidence{Sensor: sensor, Record: p.Record, File: p.Exe, Found: e.past(p) + ": " + strings.Join(p.Files, ", ")})
	}
	return all
}

// notSeen says of what no process has loaded whether it may have been used meanwhile;
// empty where nobody observed. A program or library is a file that the kernel executes or maps: a
// script is none.
func (e *evaluation) notSeen(reasons bool) string {
	o := e.usage.Observed()
	if o == nil {
		return ""
	}
	span := when(o.Began, o.Ended)
	why := func(reason string) string {
		if !reasons {
			return ""
		}
		return ": " + reason
	}
	switch {
	case o.Executions != "":
		return "whether it was used " + span + " is not known in full" + why(o.Executions)
	case o.Loads != "":
		return "no binary of it was executed " + span + "; whether one was loaded is not known in full" + why(o.Loads)
	case !reasons:
		return "no binary of it was executed or loaded " + span
	}
	return "no binary of it was executed or loaded " + span + ", when each was seen (of a script, its interpreter)"
}

// observed are the attributes about what is no longer, or was never, loaded.
func (e *evaluation) observed(v *vulnerable, add func(key, value string)) {
	o, a := e.usage.Observed(), e.inUse(v.item)
	if o == nil || a.State != usage.WasLoaded && a.State != usage.Installed {
		return
	}
	how := "each execution and load"
	switch {
	case o.Executions != "":
		how = "not each execution"
	case o.Loads != "":
		how = "each execution, not each load"
	}
	add("OBSERVED", fmt.Sprintf("%s to %s: %s", stamp(o.Began), stamp(o.Ended), how))
	if last := lastUse(a); last != 0 {
		add("LAST_LOADED", stamp(last))
	}
}

// lastUse is when something that is over had it loaded last, of what is known; 0: nothing is.
func lastUse(a *usage.Answer) (last int64) {
	if len(a.Executed) > 0 {
		last = a.Executed[0].Last
	}
	if len(a.Past) > 0 {
		last = max(last, a.Past[0].Last)
	}
	return last
}

func stamp(seconds int64) string { return time.Unix(seconds, 0).UTC().Format(time.RFC3339) }

// times words how often; at least, if not each was seen.
func times(n uint64, each bool) string {
	text := strconv.FormatUint(n, 10) + " times"
	if n == 1 {
		text = "once"
	}
	if !each {
		return "at least " + text
	}
	return text
}

// user names a user; the highest number is that of nobody (telemetry.Execution.UID).
func user(uid uint32) string {
	if uid == math.MaxUint32 {
		return "a user who is not known"
	}
	return fmt.Sprintf("uid %d", uid)
}

// when words a span of time; the day of its end only if it is another.
func when(first, last int64) string {
	const form = "2006-01-02 15:04:05"
	if last == 0 {
		return "at a time that is not known"
	}
	end := time.Unix(last, 0).UTC()
	if first == 0 || first == last {
		return "at " + end.Format(form) + " UTC"
	}
	begin := time.Unix(first, 0).UTC()
	to := end.Format(form)
	if strings.HasPrefix(to, begin.Format(time.DateOnly)) {
		to = end.Format(time.TimeOnly)
	}
	return "from " + begin.Format(form) + " to " + to + " UTC"
}
