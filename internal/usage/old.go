package usage

import (
	"cmp"
	"maps"
	"slices"
)

// Old lists the packages of the host of which old code still runs, by name. An update
// of theirs counts when the processes have been started again.
func (u *Usage) Old() []OldCode {
	var all []OldCode
	for _, name := range slices.Sorted(maps.Keys(u.packages)) {
		var old []load
		for _, l := range u.packages[name] {
			if l.old {
				old = append(old, l)
			}
		}
		if len(old) == 0 {
			continue
		}
		processes := u.tell(old)
		slices.SortFunc(processes, func(a, b Process) int { return cmp.Compare(a.PID, b.PID) })
		all = append(all, OldCode{Package: name, Processes: processes})
	}
	return all
}

// OldReason is why there may be more old code than Old tells of; empty if there is not.
func (u *Usage) OldReason() string { return cmp.Or(u.partial, u.unowned) }
