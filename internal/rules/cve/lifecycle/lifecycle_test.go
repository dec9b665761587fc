package lifecycle

import (
	"testing"
	"time"
)

func TestOf(t *testing.T) {
	for _, test := range []struct {
		id, version             string
		name, free, end, scheme string
	}{
		{"debian", "12", "Debian 12", "2028-06-30", "2033-06-30", "Extended LTS"},
		{"debian", "12.5", "Debian 12", "2028-06-30", "2033-06-30", "Extended LTS"},
		{"ubuntu", "20.04", "Ubuntu 20.04", "2025-05-29", "2032-04-27", "Ubuntu Pro"},
		{"ubuntu", "25.10", "Ubuntu 25.10", "2026-07-09", "", ""},
		{"rhel", "9.4", "Red Hat Enterprise Linux 9", "2032-05-31", "2036-05-31", "Extended Life Cycle Support"},
		{"alpine", "3.20.3", "Alpine Linux 3.20", "2026-04-01", "", ""},
		{"sles", "15.5", "SUSE Linux Enterprise Server 15.5", "2024-12-31", "2027-12-31", "Long Term Service Pack Support"},
		{"sles", "15.99", "", "", "", ""},
		{"debian", "", "", "", "", ""},
		{"debian", "14", "", "", "", ""},
		{"plan9", "4", "", "", "", ""},
	} {
		r, ok := Of(test.id, test.version)
		if ok != (test.name != "") || r.Name != test.name || date(r.Free) != test.free || date(r.Extended) != test.end || r.Program != test.scheme {
			t.Errorf("%s %s: %v %+v", test.id, test.version, ok, r)
		}
	}
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.DateOnly)
}

// TestTable: every date is one, and they follow each other.
func TestTable(t *testing.T) {
	for id, s := range systems {
		for version, dates := range s.releases {
			if len(dates) > len(s.dates()) {
				t.Errorf("%s %s has more dates than it has kinds of support", id, version)
			}
			for i, d := range dates {
				if day(d).IsZero() || i > 0 && !day(d).After(day(dates[i-1])) {
					t.Errorf("%s %s: %q is no date, or before the one before", id, version, d)
				}
			}
			if r, ok := Of(id, version); !ok || r.Free.Before(r.Regular) {
				t.Errorf("%s %s: %+v", id, version, r)
			}
		}
	}
}
