package cvss

import (
	"strings"
	"testing"

	"assay/internal/advisory"
)

// Scores as the NVD and FIRST publish them; the v4.0 ones from FIRST's examples
// (https://www.first.org/cvss/v4.0/examples).
func TestScores(t *testing.T) {
	for vector, want := range map[string]Score{
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H":                    {"3.1", "", 10, advisory.Critical}, // CVE-2021-44228
		"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H":                    {"3.1", "", 7.8, advisory.High},    // CVE-2022-0847
		"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:N/A:N":                    {"3.1", "", 6.5, advisory.Medium},  // CVE-2023-20593 (Red Hat)
		"CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:L":                    {"3.1", "", 3.7, advisory.Low},
		"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N":                    {"3.1", "", 0, ""},
		"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N":                    {"3.0", "", 7.5, advisory.High}, // CVE-2014-0160
		"AV:N/AC:L/Au:N/C:P/I:N/A:N":                                      {"2.0", "", 5, advisory.Medium}, // CVE-2014-0160
		"(AV:N/AC:L/Au:N/C:C/I:C/A:C)":                                    {"2.0", "AV:N/AC:L/Au:N/C:C/I:C/A:C", 10, advisory.High},
		"CVSS2#AV:L/AC:H/Au:N/C:N/I:P/A:N":                                {"2.0", "AV:L/AC:H/Au:N/C:N/I:P/A:N", 1.2, advisory.Low},
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H": {"4.0", "", 10, advisory.Critical},
		"CVSS:4.0/AV:L/AC:L/AT:P/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": {"4.0", "", 7.3, advisory.High},   // CVE-2022-41741
		"CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N": {"4.0", "", 7.7, advisory.High},   // CVE-2020-3549
		"CVSS:4.0/AV:N/AC:L/AT:N/PR:H/UI:N/VC:L/VI:L/VA:N/SC:N/SI:N/SA:N": {"4.0", "", 5.1, advisory.Medium}, // as computed by FIRST's calculator
	} {
		if want.Vector == "" {
			want.Vector = vector
		}
		got, err := Parse(vector)
		if err != nil {
			t.Error(err)
		} else if got != want {
			t.Errorf("%s: %+v, want %+v", vector, got, want)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, vector := range []string{"", "CVSS:3.1/", "CVSS:3.1/AV:N", "CVSS:5.0/AV:N", "AV:X/AC:L/Au:N/C:P/I:N/A:N", "7.5",
		"CVSS:3.1/AV:N/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", strings.Repeat("A", 5000)} {
		if s, err := Parse(vector); err == nil {
			t.Errorf("%.60q is taken for %+v", vector, s)
		}
	}
}

func TestBest(t *testing.T) {
	s, ok := Best([]string{"AV:N/AC:L/Au:N/C:C/I:C/A:C", "rubbish", "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:L", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"})
	if !ok || s.Base != 7.8 {
		t.Errorf("%+v", s)
	}
	if _, ok := Best([]string{"rubbish"}); ok {
		t.Error("rubbish has a score")
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range []string{"AV:N/AC:L/Au:N/C:P/I:N/A:N", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
		"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N/E:P", "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H/E:A"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, vector string) {
		if s, err := Parse(vector); err == nil && !(s.Base >= 0 && s.Base <= 10) {
			t.Errorf("%q: %v", vector, s.Base)
		}
	})
}
