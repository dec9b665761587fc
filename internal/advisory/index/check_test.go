package index

import (
	"strings"
	"testing"

	"assay/internal/advisory"
)

// TestChecker: it refuses what a Builder refuses, and nothing else.
func TestChecker(t *testing.T) {
	b, err := New(t.TempDir(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	big := strings.Repeat("x", DefaultMemory/4)
	one := func(a advisory.Affected) advisory.Record {
		return advisory.Record{ID: "A-1", Affected: []advisory.Affected{a}}
	}
	var c Checker
	for name, r := range map[string]advisory.Record{
		"good":      examples(3)[2],
		"no id":     {},
		"zero":      {ID: "a\x00"},
		"no name":   one(advisory.Affected{Ecosystem: "Debian:12"}),
		"both ends": one(advisory.Affected{Ecosystem: "Debian:12", Package: "a", Ranges: []advisory.Range{{Fixed: "1", LastAffected: "2"}}}),
		"long note": one(advisory.Affected{Ecosystem: "Debian:12", Package: "a", Note: big}),
		"long":      {ID: "A-1", Summary: big, Affected: []advisory.Affected{{Ecosystem: "Debian:12", Package: "a"}}},
		"withdrawn": {ID: "A-1", Summary: big, Withdrawn: built, Affected: []advisory.Affected{{Ecosystem: "Debian:12", Package: "a"}}},
	} {
		if want, got := b.Record(r), c.Record(&r); (want == nil) != (got == nil) || (want == nil) != (name == "good" || name == "withdrawn") {
			t.Errorf("%s: the builder says %v, the checker %v", name, want, got)
		}
	}
	for name, f := range map[string]advisory.Fact{"good": facts(1)[0], "no id": {}, "epss": {ID: "a", EPSS: 2}, "long": {ID: "a", Description: big}} {
		if want, got := b.Fact(f), c.Fact(&f); (want == nil) != (got == nil) || (want == nil) != (name == "good") {
			t.Errorf("%s: the builder says %v, the checker %v", name, want, got)
		}
	}
	if c.Statement(&advisory.Statement{}) == nil || c.Statement(&stated[0]) != nil {
		t.Error("statements")
	}
}

func TestRestate(t *testing.T) {
	dir := t.TempDir()
	before := build(t, dir, 0, examples(10), nil)
	if err := Restate(dir, []Source{{Name: "debian", Fetched: built.AddDate(0, 0, 1)}}); err != nil {
		t.Fatal(err)
	}
	s := openSetIn(t, dir)
	if s.Manifest().Hash() != before.Hash() || !s.Manifest().Sources[0].Fetched.Equal(built.AddDate(0, 0, 1)) || s.Verify() != nil {
		t.Errorf("%+v", s.Manifest())
	}
}
