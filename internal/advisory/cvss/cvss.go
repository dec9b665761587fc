// Package cvss computes the scores of CVSS vectors: v2.0, v3.0, v3.1 and v4.0, as
// their specifications (https://www.first.org/cvss/) do. A score is always computed
// and never taken from a feed, since feeds are wrong about it.
package cvss

import (
	"fmt"
	"strings"

	gocvss20 "github.com/pandatix/go-cvss/20"
	gocvss30 "github.com/pandatix/go-cvss/30"
	gocvss31 "github.com/pandatix/go-cvss/31"
	gocvss40 "github.com/pandatix/go-cvss/40"

	"assay/internal/advisory"
)

// Score is what a vector amounts to.
type Score struct {
	Version  string            // "2.0", "3.0", "3.1", "4.0"
	Vector   string            // as it was given, without what does not belong to it
	Base     float64           // 0.0 to 10.0; for 4.0 with the threat and environmental metrics of the vector
	Severity advisory.Severity // empty for 0.0, which is "none"
}

// maxVector bounds a vector, in bytes. One with all metrics of 4.0 has 200.
const maxVector = 1000

// Parse computes the score of a vector. It takes v2's with and without brackets
// and with the prefixes "CVSS2#" and "CVSS:2.0/" that are in use.
func Parse(vector string) (Score, error) {
	if len(vector) > maxVector {
		return Score{}, fmt.Errorf("a CVSS vector has no %d bytes", len(vector))
	}
	vector = strings.TrimSpace(vector)
	s := Score{Vector: vector}
	var err error
	switch {
	case strings.HasPrefix(vector, "CVSS:4.0/"):
		s.Version = "4.0"
		var v *gocvss40.CVSS40
		if v, err = gocvss40.ParseVector(vector); err == nil {
			s.Base = v.Score()
		}
	case strings.HasPrefix(vector, "CVSS:3.1/"):
		s.Version = "3.1"
		var v *gocvss31.CVSS31
		if v, err = gocvss31.ParseVector(vector); err == nil {
			s.Base = v.BaseScore()
		}
	case strings.HasPrefix(vector, "CVSS:3.0/"):
		s.Version = "3.0"
		var v *gocvss30.CVSS30
		if v, err = gocvss30.ParseVector(vector); err == nil {
			s.Base = v.BaseScore()
		}
	default:
		s.Version, s.Vector = "2.0", plain(vector)
		var v *gocvss20.CVSS20
		if v, err = gocvss20.ParseVector(s.Vector); err == nil {
			s.Base = v.BaseScore()
		}
	}
	if err != nil {
		return Score{}, fmt.Errorf("the CVSS vector %.200q: %w", vector, err)
	}
	s.Severity = severity(s.Version, s.Base)
	return s, nil
}

func plain(vector string) string {
	for _, prefix := range []string{"CVSS2#", "CVSS:2.0/"} {
		vector = strings.TrimPrefix(vector, prefix)
	}
	return strings.TrimSuffix(strings.TrimPrefix(vector, "("), ")")
}

// severity is the qualitative rating: that of the specifications from v3.0 on,
// that of the NVD for v2.0, which has none of its own.
func severity(version string, base float64) advisory.Severity {
	switch {
	case base == 0 && version != "2.0":
		return ""
	case version == "2.0" && base >= 7:
		return advisory.High
	case base >= 9:
		return advisory.Critical
	case base >= 7:
		return advisory.High
	case base >= 4:
		return advisory.Medium
	}
	return advisory.Low
}

// Best is the score that counts of several vectors: that of the newest version,
// and among those of one version the highest. Vectors that are none are passed
// over; false if no other is there.
func Best(vectors []string) (Score, bool) {
	var best Score
	for _, v := range vectors {
		s, err := Parse(v)
		if err != nil {
			continue
		}
		if s.Version > best.Version || s.Version == best.Version && s.Base > best.Base {
			best = s
		}
	}
	return best, best.Version != ""
}
