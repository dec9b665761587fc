package match

import (
	"fmt"
	"testing"

	"assay/internal/advisory"
)

// TestFixAfterFix: the fix of one range may be in another, and so on. A chain that is
// longer than any is not followed to its end, and has no fix.
func TestFixAfterFix(t *testing.T) {
	of := func(ranges ...advisory.Range) Vulnerability {
		r := record("A-1", advisory.Affected{Ecosystem: "Debian:12", Package: "p", Ranges: ranges}, "CVE-2026-1")
		result := Result{Matches: []Match{{Advisory: r, Range: 0}}}
		return result.ByCVE()[0]
	}
	between := func(from, to int) advisory.Range {
		return advisory.Range{Introduced: fmt.Sprint(from), Fixed: fmt.Sprint(to)}
	}
	chain := func(n int) (all []advisory.Range) {
		for i := range n {
			all = append(all, between(i, i+1))
		}
		return all
	}
	for name, test := range map[string]struct {
		ranges  []advisory.Range
		fixed   string
		unfixed bool
	}{
		"one":                       {chain(1), "1", false},
		"some":                      {chain(10), "10", false},
		"two at once":               {[]advisory.Range{between(0, 2), between(1, 3), between(1, 5), between(4, 6)}, "6", false},
		"out of one without a fix":  {[]advisory.Range{between(0, 2), {Introduced: "1", LastAffected: "3"}, between(2, 4)}, "4", false},
		"into one without a fix":    {[]advisory.Range{between(0, 2), {Introduced: "1", LastAffected: "3"}}, "", true},
		"without an end":            {[]advisory.Range{between(0, 2), {Introduced: "1"}}, "", true},
		"longer than any (damaged)": {chain(20_000), "65", true},
	} {
		if v := of(test.ranges...); v.Fixed != test.fixed || v.Unfixed != test.unfixed {
			t.Errorf("%s: %q, %v", name, v.Fixed, v.Unfixed)
		}
	}
}
