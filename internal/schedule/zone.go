package schedule

import "time"

// resolve is the moment at which clocks in a zone show a date and time. One that
// they skip is the moment at which they do; one that they show twice is the first.
// Day may be out of range, as for time.Date.
func resolve(year int, month time.Month, day, hour, minute, second int, zone *time.Location) time.Time {
	want := time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	t := time.Date(year, month, day, hour, minute, second, 0, zone)
	begin, end := t.ZoneBounds()
	if !wall(t).Equal(want) { // they skip it: t is near the change
		for _, change := range []time.Time{begin, end} {
			if !change.IsZero() && wall(change.Add(-1)).Before(want) && wall(change).After(want) {
				return change
			}
		}
		return t
	}
	if begin.IsZero() {
		return t
	}
	_, now := t.Zone()
	_, before := begin.Add(-1).Zone()
	if first := t.Add(time.Duration(now-before) * time.Second); first.Before(begin) {
		return first
	}
	return t
}

// wall is what clocks show at a moment, as if it were UTC.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
