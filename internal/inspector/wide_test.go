package inspector

import (
	"testing"
	"time"
)

// TestTooWide: nobody suppresses nearly everything by accident.
func TestTooWide(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	of := func(key, value string) Suppression {
		return Suppression{Attributes: []Attribute{{Key: key, Value: value}}}
	}
	for name, test := range map[string]struct {
		s  Suppression
		ok bool
	}{
		"a year":            {Suppression{Finding: "CVE-2024-*"}, true},
		"a part of a year":  {Suppression{Finding: "CVE-2024-12*"}, true},
		"a number":          {Suppression{Finding: "*-44228"}, true},
		"a package":         {Suppression{Subject: "*/openssl"}, true},
		"of all years":      {Suppression{Subject: "CVE-2*/openssl"}, true},
		"this millennium":   {Suppression{Finding: "CVE-2*"}, false},
		"this century":      {Suppression{Finding: "CVE-20*"}, false},
		"a decade":          {Suppression{Finding: "*VE-202*"}, false},
		"all subjects":      {Suppression{Subject: "CVE-2*"}, false},
		"a package's":       {of("package_name", "openssl"), true},
		"a distribution's":  {of("ECOSYSTEM", "Debian:12"), false},
		"what is installed": {of("RUNTIME_STATE", "installed"), false},
		"what was observed": {of("OBSERVED", "2026-03-01T12:00:00Z to 2026-03-01T13:00:00Z: each execution and load"), false},
		"what has a fix":    {of("STATUS", "fixed"), false},
		"both":              {Suppression{Finding: "CVE-2024-1", Attributes: of("ECOSYSTEM", "Debian:12").Attributes}, true},
	} {
		test.s.Reason = "x"
		if err := test.s.Check(now); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
