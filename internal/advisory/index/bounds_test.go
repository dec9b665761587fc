package index

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/internal/advisory"
)

// TestIntervals compares positions with comparisons: of every version with every
// range of all bounds.
func TestIntervals(t *testing.T) {
	for ecosystem, versions := range map[string][]string{
		"Debian:12":   {"", "0", "0~1", "1.0", "1.00", "1.0-1", "1.0-1+b1", "1:0", "not one", "2~rc1", "2"},
		"AlmaLinux:8": {"", "0", "1~rc", "1.0", "1_0", "1.0-1.el8", "1.0-1.module_el8+1", "1:0-1", "not one", "1^a"},
		"npm":         {"", "0", "0.0.0", "1.0.0-rc.1", "1.0.0", "v1.0.0+build", "1.0", "2.0.0"},
		"NuGet":       {"", "0", "1.0-rc", "1.0", "1.0.0.0", "1.0-RC.1", "1.0.0.1", "x"},
		"Alpine:3.20": {"", "0", "1.0", "1.0_rc1", "1.0-r0", "1.01", "x"},
		"Maven":       {"", "0", "1", "1.0", "1-rc", "2"},
	} {
		a := advisory.Affected{Ecosystem: ecosystem, Package: "p"}
		for _, from := range versions {
			for _, end := range versions {
				a.Ranges = append(a.Ranges, advisory.Range{Introduced: from, Fixed: end}, advisory.Range{Introduced: from, LastAffected: end})
			}
		}
		dir := t.TempDir()
		build(t, dir, 0, []advisory.Record{{ID: "A", Affected: []advisory.Affected{a}}}, nil)
		x, err := openSetIn(t, dir).Index(ecosystem)
		if err != nil {
			t.Fatal(err)
		}
		s, ranked := x.Scheme(), 0
		found, _ := x.Find("p")
		row, err := x.Row(found.First)
		if err != nil {
			t.Fatal(err)
		}
		for n, r := range a.Ranges {
			from, until, ok := row.Interval(n)
			if want := s.Total() && r.Check(s) == nil; ok != want {
				t.Errorf("%s: %+v has an interval: %v", ecosystem, r, ok)
			}
			for _, v := range versions {
				if !ok || s.Check(v) != nil {
					continue
				}
				ranked++
				if at := x.Position(found, v); (from <= at && at < until) != r.Contains(s, v) {
					t.Errorf("%s: %q is at %d, %+v at %d to %d", ecosystem, v, at, r, from, until)
				}
			}
		}
		if s.Total() && ranked < 300 {
			t.Errorf("%s: only %d comparisons", ecosystem, ranked)
		}
	}
}

// TestTooManyRanges: what is kept in memory to sort the bounds of a name is bounded.
func TestTooManyRanges(t *testing.T) {
	var records []advisory.Record
	for i := range maxRanges + 1 {
		records = append(records, advisory.Record{ID: fmt.Sprint("A", i), Affected: []advisory.Affected{{
			Ecosystem: "Debian:12", Package: "many", Ranges: []advisory.Range{{Fixed: fmt.Sprint(i)}},
		}}})
	}
	records = append(records, advisory.Record{ID: "B", Affected: []advisory.Affected{{Ecosystem: "Debian:12", Package: "next", Ranges: []advisory.Range{{Fixed: "7"}}}}})
	dir := t.TempDir()
	build(t, dir, 0, records, nil)
	x, err := openSetIn(t, dir).Index("Debian:12")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"many": false, "next": true} {
		found, _ := x.Find(name)
		for n := found.First; n < found.End; n++ {
			row, _ := x.Row(n)
			_, _, ok := row.Interval(0)
			if r, err := row.Range(0); ok != want || err != nil || r.Fixed == "" {
				t.Fatalf("row %d of %s: %+v, %v; an interval: %v", n, name, r, err, ok)
			}
		}
		if name == "many" && found.End-found.First != maxRanges+1 {
			t.Errorf("%+v", found)
		}
	}
}

// TestOtherFormat: who updates the program is told what to do.
func TestOtherFormat(t *testing.T) {
	dir := t.TempDir()
	m := build(t, dir, 0, examples(3), nil)
	name := filepath.Join(dir, m.Files[0].File)
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	content[8] = 1
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir)
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "has version 1 of the format, and this program reads version 2: update the feeds") {
		t.Error(err)
	}
}
