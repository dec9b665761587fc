package cve

import (
	"fmt"
	"strings"
	"time"

	"assay/internal/advisory"
	"assay/internal/inspector"
	"assay/internal/usage"
)

// urgency is all that says how soon a vulnerability should be mended.
type urgency struct {
	severity  inspector.Severity
	exploited *advisory.Exploited // in CISA's catalogue
	epss      float64             // 0 to 1
	state     usage.State
	fix       bool // there is one to be installed
}

// Points of what makes a vulnerability urgent. They add up to 1000.
const (
	pointsHigh       = 300
	pointsMedium     = 180
	pointsLow        = 60
	pointsExploited  = 250
	pointsRansomware = 50
	pointsEPSS       = 100 // times the probability
	pointsExposed    = 200
	pointsListening  = 150
	pointsLoaded     = 100
	pointsWasLoaded  = 75
	pointsUnknown    = 50
	pointsFix        = 100
)

// priority is a number from 0 to 1000: by it the findings of a host are to be mended,
// the highest first. It is a sum, so that whoever wonders can add it up, and so that
// nothing that gets worse ever lowers it: how bad it would be (up to 300), whether it
// is exploited (300) or likely to be (100), how much the code is in use (200), and
// whether there is something to be done now (100).
func (u urgency) priority() int {
	p := map[inspector.Severity]int{inspector.High: pointsHigh, inspector.Medium: pointsMedium, inspector.Low: pointsLow}[u.severity]
	if u.exploited != nil {
		p += pointsExploited
		if u.exploited.Ransomware {
			p += pointsRansomware
		}
	}
	p += int(pointsEPSS * min(max(u.epss, 0), 1))
	p += statePoints(u.state)
	if u.fix {
		p += pointsFix
	}
	return p
}

// statePoints: what is not known may be in use, and comes before what is known not
// to be. What was, will be again, but waits for nobody meanwhile.
func statePoints(s usage.State) int {
	switch s {
	case usage.Exposed:
		return pointsExposed
	case usage.Listening:
		return pointsListening
	case usage.Loaded:
		return pointsLoaded
	case usage.WasLoaded:
		return pointsWasLoaded
	case usage.Installed:
		return 0
	}
	return pointsUnknown
}

// worthEPSS is from which probability on EPSS is a reason worth a word: about one
// CVE in thirty has it.
const worthEPSS = 0.1

// why words what makes it urgent, the strongest first.
func (u urgency) why(inUse, fix string) string {
	var parts []string
	if x := u.exploited; x != nil {
		text := "exploited in the wild (KEV"
		if !x.Due.IsZero() {
			text += ", due " + x.Due.Format(time.DateOnly)
		}
		if x.Ransomware {
			text += ", by ransomware"
		}
		parts = append(parts, text+")")
	}
	if u.epss >= worthEPSS {
		parts = append(parts, fmt.Sprintf("%.0f%% likely to be exploited within 30 days (EPSS)", 100*u.epss))
	}
	return strings.Join(append(parts, inUse, fix), "; ")
}
