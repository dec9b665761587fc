// Package lifecycle knows until when the vendors of operating systems repair their
// releases: facts for the rules package about vulnerabilities, since a release that
// nobody repairs has faults that no advisory tells of.
package lifecycle

import (
	"strings"
	"time"
)

// Release is a release of an operating system.
type Release struct {
	Name string // "Debian 12"
	// Regular is the last day of the vendor's own full support; Free the last one on
	// which fixes are there for everyone without further ado. They differ for Debian,
	// whose long-term support comes the same way as the security team's.
	Regular, Free time.Time
	// Extended is the last day of fixes for those who subscribe to Program; zero if
	// there is no such thing.
	Extended time.Time
	Program  string
}

// Of is a release by ID and VERSION_ID of os-release(5); false if it is not known:
// too new, too old, or none that has versions.
func Of(id, version string) (Release, bool) {
	s, ok := systems[id]
	if !ok {
		return Release{}, false
	}
	if s.parts > 0 {
		elements := strings.Split(version, ".")
		version = strings.Join(elements[:min(s.parts, len(elements))], ".")
	}
	dates, ok := s.releases[version]
	if !ok {
		return Release{}, false
	}
	r := Release{Name: s.name + " " + version, Regular: day(dates[0]), Free: day(dates[0]), Program: s.program}
	if s.freeToo != "" && len(dates) > 1 {
		r.Free = day(dates[1])
	}
	if i := len(s.dates()) - 1; i > 0 && len(dates) > i {
		r.Extended = day(dates[i])
	}
	if r.Extended.IsZero() {
		r.Program = ""
	}
	return r, true
}

// day is the end of a day: a release is supported throughout its last one.
func day(date string) time.Time {
	t, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return time.Time{}
	}
	return t.Add(24*time.Hour - time.Second)
}

// system is an operating system and its releases.
type system struct {
	name     string
	parts    int    // how many parts of VERSION_ID make a release; 0: all
	freeToo  string // what the second date is of, where that is free; empty: there is no such date
	program  string // whose the last date is, for subscribers; empty: there is none
	releases map[string][]string
}

// dates names what the dates of a release are of.
func (s system) dates() []string {
	names := []string{"regular"}
	for _, name := range []string{s.freeToo, s.program} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}
