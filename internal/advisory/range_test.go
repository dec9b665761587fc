package advisory

import (
	"testing"

	"assay/internal/version"
)

func TestRange(t *testing.T) {
	for _, test := range []struct {
		r         Range
		in, notIn []string
	}{
		{Range{}, []string{"0~", "1", "99"}, nil},
		{Range{Introduced: "0"}, []string{"0~~a", "99"}, nil},
		{Range{Fixed: "1.0-1"}, []string{"0", "1.0-1~deb12u1", "1.0"}, []string{"1.0-1", "1:0"}},
		{Range{Introduced: "1.0", Fixed: "2.0"}, []string{"1.0", "2.0~rc1"}, []string{"1.0~", "2.0", "0"}},
		{Range{Introduced: "1.0", LastAffected: "2.0"}, []string{"1.0", "2.0", "2.0-0"}, []string{"2.0-1", "0"}},
		{Range{Introduced: "2"}, []string{"2", "3"}, []string{"1"}},
	} {
		if err := test.r.Check(version.Deb); err != nil {
			t.Errorf("%+v: %v", test.r, err)
		}
		for _, v := range test.in {
			if !test.r.Contains(version.Deb, v) {
				t.Errorf("%+v lacks %s", test.r, v)
			}
		}
		for _, v := range test.notIn {
			if test.r.Contains(version.Deb, v) {
				t.Errorf("%+v has %s", test.r, v)
			}
		}
	}
}

func TestRangeCheck(t *testing.T) {
	for _, r := range []Range{{Introduced: "a b"}, {Fixed: "1_2"}, {LastAffected: ":"}, {Introduced: "0", Fixed: " "}} {
		if r.Check(version.Deb) == nil {
			t.Errorf("%+v is taken", r)
		}
	}
	if (Range{Introduced: "0", Fixed: "0"}).Check(version.SemVer) == nil {
		t.Error("a fix in 0 is taken as a semantic version")
	}
}
