package cve

import (
	"fmt"
	"strconv"

	"assay/internal/advisory"
	"assay/internal/advisory/cvss"
	"assay/internal/advisory/match"
	"assay/internal/inspector"
)

// rating is how bad a vulnerability is, and whose word that is.
type rating struct {
	severity inspector.Severity
	vendor   advisory.Severity // empty: the vendor gives none
	by       string            // "moderate severity, says ...", for people
}

// ranks are the severities of vendors, worst first, and Inspector's for them. A
// vulnerability that its vendor calls negligible has no consequences that he would
// repair: it is told and alarms nobody.
var ranks = []struct {
	vendor   advisory.Severity
	severity inspector.Severity
}{
	{advisory.Critical, inspector.High},
	{advisory.High, inspector.High},
	{advisory.Medium, inspector.Medium},
	{advisory.Low, inspector.Low},
	{advisory.Negligible, inspector.Informational},
}

// rate finds the severity: the vendor's word, the worst if he has several, since he
// knows what his build of the package does; else what the CVSS vectors amount to, of
// the newest version of CVSS; else Medium, since unrated is not harmless.
func rate(v *match.Vulnerability, scores []cvss.Score) rating {
	for _, rank := range ranks {
		for _, m := range v.Matches {
			if word := vendorWord(m); word == rank.vendor {
				return rating{rank.severity, word, fmt.Sprintf("%s, by the word of the advisory %s", word, m.Advisory.ID)}
			}
		}
	}
	if len(scores) == 0 {
		return rating{inspector.Medium, "", "not rated by anybody, taken as medium"}
	}
	best := scores[0]
	r := rating{inspector.Informational, "", fmt.Sprintf("the vendor gives none; CVSS %s is %s", best.Version, score(best.Base))}
	for _, rank := range ranks {
		if best.Severity == rank.vendor {
			r.severity = rank.severity
		}
	}
	return r
}

func vendorWord(m *match.Match) advisory.Severity {
	if s := m.Affected().Severity; s != "" {
		return s
	}
	return m.Advisory.Severity
}

// scored are the scores of a vulnerability, one for each major version of CVSS, the
// newest first. What is known of the vulnerability itself comes before what an
// advisory carries, which may be about several.
func scored(f advisory.Fact, v *match.Vulnerability) (scores []cvss.Score) {
	vectors := f.CVSS
	for _, m := range v.Matches {
		if len(vectors) == 0 {
			vectors = m.Advisory.CVSS
		}
	}
	of := map[byte][]string{}
	for _, vector := range vectors {
		if s, err := cvss.Parse(vector); err == nil {
			of[s.Version[0]] = append(of[s.Version[0]], vector)
		}
	}
	for _, major := range []byte("432") {
		if s, ok := cvss.Best(of[major]); ok {
			scores = append(scores, s)
		}
	}
	return scores
}

// score writes a score as CVSS does: with one digit behind the point.
func score(base float64) string { return strconv.FormatFloat(base, 'f', 1, 64) }
