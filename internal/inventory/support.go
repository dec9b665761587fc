package inventory

import (
	"cmp"
	"strings"
	"time"
)

// SupportState is whether a release still gets security updates.
type SupportState string

// The states.
const (
	SupportUnknown SupportState = "unknown"   // the release is not in the table
	Supported      SupportState = "supported" // by its makers, for everybody
	ExtendedOnly   SupportState = "extended"  // by By only: fewer packages, others, or for money
	Unsupported    SupportState = "ended"
)

// Support is how long a release gets security updates.
type Support struct {
	State SupportState
	// Ends is the last day of the makers' own updates for everybody, in UTC; zero where
	// there is no end, or it is not known.
	Ends     time.Time
	Extended time.Time // the last day of longer support; zero: there is none, or it is not known
	By       string    // who gives the longer support: "Debian LTS", "Ubuntu Pro"
	Source   string    // the address of the page that says so
}

// Support tells how the release is supported at a time. The table is of
// SupportTableDate: of releases that are newer it knows nothing.
func (s *System) Support(at time.Time) Support {
	of, ok := lifetimes[s.ID]
	if s.ID == "centos" && strings.Contains(s.Name, "Stream") {
		of, ok = lifetimes["centos-stream"], true
	}
	if !ok {
		return Support{State: SupportUnknown}
	}
	answer := Support{State: SupportUnknown, Source: of.source}
	if of.rolling || s.rolling() {
		answer.State = Supported
		return answer
	}
	ends, ok := of.releases[s.lifetimeKey()]
	if !ok {
		return answer
	}
	answer.Ends, answer.Extended = day(ends[0]), day(ends[1])
	if !answer.Extended.IsZero() {
		answer.By = of.by
	}
	switch {
	case !after(at, answer.Ends):
		answer.State = Supported
	case !answer.Extended.IsZero() && !after(at, answer.Extended):
		answer.State = ExtendedOnly
	default:
		answer.State = Unsupported
	}
	return answer
}

// after tells whether a day is over.
func after(at, day time.Time) bool { return !at.Before(day.AddDate(0, 0, 1)) }

// day reads a date of the table; zero if there is none.
func day(text string) time.Time {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}
	}
	return t
}

// rolling tells releases that are never finished.
func (s *System) rolling() bool {
	return s.Ecosystem == "Debian:sid" || s.Ecosystem == "Alpine:edge"
}

// lifetimeKey is the release as the table has it.
func (s *System) lifetimeKey() string {
	switch s.ID {
	case "debian", "amzn":
		_, n, _ := strings.Cut(s.Ecosystem, ":")
		return n
	case "alpine":
		_, n, _ := strings.Cut(s.Ecosystem, ":v")
		return n
	case "ubuntu", "opensuse-leap":
		return twoNumbers(s.Release)
	case "sles", "sled", "sles_sap":
		return twoNumbers(s.Release)
	}
	return major(s.Release)
}

// twoNumbers are the first two numbers of a version, the second 0 if it has none.
func twoNumbers(version string) string {
	m := number.FindStringSubmatch(version)
	if m == nil {
		return ""
	}
	return m[1] + "." + cmp.Or(m[2], "0")
}
