package cli

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// parseTime reads a time in one of the ways that people write one. Where it says no
// offset from UTC it is of the zone.
func parseTime(text string, zone *time.Location) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

var days = regexp.MustCompile(`^([0-9]{1,5})d$`)

// parseSpan reads a duration, also in days, which time.ParseDuration does not know: 90d.
func parseSpan(text string) (time.Duration, error) {
	if m := days.FindStringSubmatch(text); m != nil {
		n, err := strconv.Atoi(m[1])
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// startTime is the time that a schedule starts at; zero for "".
func startTime(text string, zone *time.Location) (time.Time, error) {
	t, ok := parseTime(text, zone)
	if !ok && text != "" {
		return t, fmt.Errorf("%q is not a time to start at: one is written 2026-12-01, 2026-12-01T02:30 or 2026-12-01T02:30:00+01:00", text)
	}
	return t, nil
}

// endTime is the time that something ends at, or after how long; zero for "".
func endTime(text string, now time.Time) (time.Time, error) {
	if d, err := parseSpan(text); err == nil {
		return now.UTC().Truncate(time.Second).Add(d), nil
	}
	t, ok := parseTime(text, time.UTC)
	if !ok && text != "" {
		return t, fmt.Errorf("%q is no time to end at: one is written 2027-01-31 or 2027-01-31T12:00, or after how long: 90d, 12h", text)
	}
	return t, nil
}

// pastTime is a time, or how long ago it was; zero for "".
func pastTime(text string, now time.Time) (time.Time, error) {
	if d, err := parseSpan(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	t, ok := parseTime(text, time.Local)
	if !ok && text != "" {
		return t, usagef("%q is not a time: 2026-11-26T12:00:00Z, 2026-11-26, or how long ago (36h)", text)
	}
	return t, nil
}
