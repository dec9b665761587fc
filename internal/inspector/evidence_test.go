package inspector_test

import (
	"testing"

	"assay/internal/inspector"
)

func TestEvidenceInALine(t *testing.T) {
	for want, e := range map[string]inspector.Evidence{
		"/etc/x:3: a yes (expected: no)":     {Record: "text:/etc/x", File: "/etc/x", Line: 3, Found: "a yes", Expected: "no"},
		"/etc/x: no such file":               {Record: "text:/etc/x", File: "/etc/x", Found: "no such file"},
		"package:dpkg/x: x 1":                {Record: "package:dpkg/x", Line: 3, Found: "x 1"},
		"/usr/bin/x (package x) listens":     {Record: "socket:1", File: "/usr/bin/x", Found: "/usr/bin/x (package x) listens"},
		"/a: /ab":                            {File: "/a", Found: "/ab"},
		"seen":                               {Found: "seen"},
		"r: a\uFFFD[31m b c (expected: d e)": {Record: "r", Found: "a\x1b[31m b\n\tc\n", Expected: "d\n e"},
		"r: \uFFFDetar":                      {Record: "r", Found: "\u202eetar\u2028"},
	} {
		if got := e.String(); got != want {
			t.Errorf("%#v: %q, want %q", e, got, want)
		}
	}
}

func TestHarmlessKeepsWhatIsText(t *testing.T) {
	const kept = "a\tb\nGrüße, 世界\u00a0\U0001F600"
	if got := inspector.Harmless(kept); got != kept {
		t.Errorf("%q", got)
	}
	for _, r := range "\x00\r\x1b\x7f\u009b\u2028\u202e\u2066" {
		if got := inspector.Harmless("a" + string(r)); got != "a\uFFFD" {
			t.Errorf("%q stays", got)
		}
	}
}
