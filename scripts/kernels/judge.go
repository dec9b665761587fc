package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay/support"
)

// judge enters into a mode which tiers a suite has passed and which were refused, and
// returns what is wrong: a test that failed or was not finished, one that was skipped
// without a reason that was to be expected, a tier that nothing is said of.
func (o outcome) judge(s suite, b boot, m *support.Mode) (wrong []string) {
	where := fmt.Sprintf("%s with lockdown=%s, bpf in lsm=%t: %s: ", b.release, b.lockdown, b.bpf, s.name())
	passed, refused := map[string]bool{}, map[string]string{}
	for _, test := range slices.Sorted(maps.Keys(o.verdicts)) {
		tier := s.tier(test)
		switch verdict := o.verdicts[test]; {
		case verdict == "PASS":
			passed[tier] = true
		case verdict == "SKIP" && b.expected(tier, o.reasons[test]):
			// What follows are the verifier's words to this build of this test.
			refused[tier], _, _ = strings.Cut(o.reasons[test], ":")
		case verdict == "SKIP" && b.expected(test, o.reasons[test]):
			// Nothing else of the tier needs it.
		default:
			wrong = append(wrong, fmt.Sprintf("%s%s: %s %s", where, test, named[verdict], o.reasons[test]))
		}
	}
	if o.end != "<nil>" {
		wrong = append(wrong, where+o.end)
	}
	for _, tier := range s.tiers() {
		switch {
		case refused[tier] != "":
			enter(m, tier, refused[tier])
		case passed[tier]:
			enter(m, tier, "")
		default:
			wrong = append(wrong, where+"nothing was said of "+tier)
		}
	}
	return wrong
}

var named = map[string]string{"": "did not end", "FAIL": "failed", "SKIP": "was skipped:"}

// enter writes down that a tier passed, or why it was refused.
func enter(m *support.Mode, tier, refused string) {
	if refused != "" {
		if m.Refused == nil {
			m.Refused = map[string]string{}
		}
		m.Refused[tier] = refused
		return
	}
	sensor, rest, _ := strings.Cut(tier, "/")
	m.Passed[sensor] = append(m.Passed[sensor], rest)
	slices.Sort(m.Passed[sensor])
}
