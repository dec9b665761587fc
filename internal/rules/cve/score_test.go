package cve

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"assay/internal/advisory"
	"assay/internal/advisory/match"
	"assay/internal/inspector"
	"assay/internal/usage"
)

func TestSeverity(t *testing.T) {
	const high3, low2, none3, critical4 = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "AV:L/AC:H/Au:N/C:N/I:N/A:P", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N",
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
	for name, test := range map[string]struct {
		words []advisory.Severity // one an advisory
		facts []string
		own   []string // the advisories' vectors
		want  inspector.Severity
		by    string
	}{
		"critical":                    {words: []advisory.Severity{advisory.Critical}, want: inspector.High, by: "critical, by the word of the advisory A0"},
		"high":                        {words: []advisory.Severity{advisory.High}, want: inspector.High},
		"medium":                      {words: []advisory.Severity{advisory.Medium}, want: inspector.Medium},
		"low":                         {words: []advisory.Severity{advisory.Low}, want: inspector.Low},
		"negligible":                  {words: []advisory.Severity{advisory.Negligible}, want: inspector.Informational},
		"the worst of several":        {words: []advisory.Severity{"", advisory.Low, advisory.High}, want: inspector.High, by: "the advisory A2"},
		"the vendor before CVSS":      {words: []advisory.Severity{advisory.Low}, facts: []string{high3}, want: inspector.Low},
		"CVSS where there is no word": {facts: []string{high3}, want: inspector.High, by: "CVSS 3.1 is 7.5"},
		"the newest CVSS":             {facts: []string{low2, high3}, want: inspector.High},
		"version 4":                   {facts: []string{low2, high3, critical4}, want: inspector.High, by: "CVSS 4.0 is 9.3"},
		"version 2 alone":             {facts: []string{low2}, want: inspector.Low, by: "CVSS 2.0 is 1.2"},
		"zero":                        {facts: []string{none3}, want: inspector.Informational, by: "CVSS 3.1 is 0.0"},
		"an advisory's vector":        {own: []string{high3}, want: inspector.High},
		"facts before an advisory's":  {facts: []string{low2}, own: []string{high3}, want: inspector.Low},
		"vectors that are none":       {facts: []string{"CVSS:3.1/nonsense"}, want: inspector.Medium, by: "not rated by anybody"},
		"unrated":                     {want: inspector.Medium, by: "not rated by anybody"},
	} {
		if len(test.words) == 0 {
			test.words = []advisory.Severity{""}
		}
		v := &match.Vulnerability{ID: "CVE-2026-1"}
		for n, word := range test.words {
			v.Matches = append(v.Matches, &match.Match{Advisory: advisory.Record{ID: "A" + string(rune('0'+n)), CVSS: test.own, Affected: []advisory.Affected{{Severity: word}}}})
		}
		got := rate(v, scored(advisory.Fact{CVSS: test.facts}, v))
		if got.severity != test.want || !strings.Contains(got.by, test.by) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestPriority(t *testing.T) {
	kev := &advisory.Exploited{Added: time.Unix(0, 0), Due: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)}
	for _, test := range []struct {
		u    urgency
		want int
		why  string
	}{
		{urgency{}, pointsUnknown, "used; fix"},
		{urgency{severity: inspector.Informational, state: usage.Installed}, 0, "used; fix"},
		{urgency{severity: inspector.High, state: usage.Exposed, fix: true}, 600, "used; fix"},
		{urgency{severity: inspector.Medium, exploited: kev, state: usage.Loaded}, 530, "exploited in the wild (KEV, due 2026-09-01); used; fix"},
		{urgency{severity: inspector.Low, epss: 0.5, state: usage.Listening}, 260, "50% likely to be exploited within 30 days (EPSS); used; fix"},
		{urgency{severity: inspector.High, exploited: &advisory.Exploited{Ransomware: true}, epss: 1, state: usage.Exposed, fix: true}, 1000,
			"exploited in the wild (KEV, by ransomware); 100% likely to be exploited within 30 days (EPSS); used; fix"},
		{urgency{epss: 7, state: usage.Installed}, 100, "700% likely to be exploited within 30 days (EPSS); used; fix"},
	} {
		if got, why := test.u.priority(), test.u.why("used", "fix"); got != test.want || why != test.why {
			t.Errorf("%+v: %d %q, want %d %q", test.u, got, why, test.want, test.why)
		}
	}
}

// TestPriorityIsMonotone: nothing that gets worse lowers it, and it stays from 0 to 1000.
func TestPriorityIsMonotone(t *testing.T) {
	severities := []inspector.Severity{inspector.Informational, inspector.Low, inspector.Medium, inspector.High}
	states := []usage.State{usage.Installed, usage.Unknown, usage.Loaded, usage.Listening, usage.Exposed}
	rapid.Check(t, func(t *rapid.T) {
		exploited := func(n int) *advisory.Exploited {
			if n == 0 {
				return nil
			}
			return &advisory.Exploited{Ransomware: n == 2}
		}
		draw := func(least [5]int) (level [5]int) {
			for n, most := range []int{3, 2, 1000, 4, 1} {
				level[n] = rapid.IntRange(least[n], most).Draw(t, "level")
			}
			return level
		}
		of := func(l [5]int) urgency {
			return urgency{severities[l[0]], exploited(l[1]), float64(l[2]) / 1000, states[l[3]], l[4] == 1}
		}
		better := draw([5]int{})
		worse := draw(better)
		a, b := of(better).priority(), of(worse).priority()
		if a > b || a < 0 || b > 1000 {
			t.Fatalf("%+v has %d, and %+v has %d", of(better), a, of(worse), b)
		}
	})
	if !slices.IsSortedFunc(states, func(a, b usage.State) int { return statePoints(a) - statePoints(b) }) {
		t.Error("states are not in the order of their points")
	}
}

func TestPlurals(t *testing.T) {
	for want, got := range map[string]string{"1 day": count(1, "day"), "2 days": count(2, "day"), "2 vulnerabilities": count(2, "vulnerability"), "0 processes": count(0, "process"), "3 sources": count(3, "source")} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
