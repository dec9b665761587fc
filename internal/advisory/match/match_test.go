package match

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/version"
)

// indexed builds and opens a set of records.
func indexed(t rapid.TB, dir string, records []advisory.Record) *index.Set {
	t.Helper()
	b, err := index.New(dir, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := b.Record(r); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Finish(context.Background(), time.Unix(0, 0), nil); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := index.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// record is an advisory about one package.
func record(id string, a advisory.Affected, cves ...string) advisory.Record {
	return advisory.Record{ID: id, CVEs: cves, Affected: []advisory.Affected{a}}
}

func TestMatch(t *testing.T) {
	deb := func(name string, r ...advisory.Range) advisory.Affected {
		return advisory.Affected{Ecosystem: "Debian:12", Package: name, Status: advisory.Fixed, Ranges: r}
	}
	rpm := func(name, module, arch, fixed string) advisory.Affected {
		return advisory.Affected{Ecosystem: "AlmaLinux:8", Package: name, Module: module, Arch: arch, Status: advisory.Fixed, Ranges: []advisory.Range{{Introduced: "0", Fixed: fixed}}}
	}
	gone := record("GONE", deb("gone"))
	gone.Withdrawn = time.Unix(1, 0)
	source := rpm("curl", "", "src", "7.2-1")
	source.Binaries = []string{"libcurl"}
	s := indexed(t, t.TempDir(), []advisory.Record{
		gone,
		record("D1", deb("one", advisory.Range{Fixed: "1.0-1"})),
		record("D2", deb("one", advisory.Range{Introduced: "0", Fixed: "1.0-2"})),
		record("D3", deb("several", advisory.Range{Introduced: "1", Fixed: "2"}, advisory.Range{Introduced: "3", LastAffected: "4"}, advisory.Range{Introduced: "5"})),
		record("D4", advisory.Affected{Ecosystem: "Debian:12", Package: "never", Status: advisory.WontFix, Note: "Minor issue"}),
		record("D5", advisory.Affected{Ecosystem: "Debian:12", Package: "exact", Versions: []string{"1.0", "odd version"}}),
		record("D6", deb("unclear", advisory.Range{Fixed: "not a version"}, advisory.Range{Introduced: "5", Fixed: "6"})),
		record("D7", deb("everything", advisory.Range{Introduced: "0"})),
		record("R1", rpm("nodejs", "nodejs:18", "", "1:18.2-1.module_el8.9.0+1+a")),
		record("R2", rpm("nodejs", "nodejs:16", "", "1:16.9-1.module_el8.9.0+2+b")),
		record("R3", rpm("untold", "", "", "2-1.module_el8.9.0+2+b")),
		record("R4", rpm("plain", "", "", "2-1.el8")),
		record("R5", rpm("archs", "", "x86_64", "2-1.el8")),
		record("R6", source),
		record("R7", rpm("libcurl", "", "", "7.3-1")),
		record("R8", advisory.Affected{Ecosystem: "AlmaLinux:8", Package: "listed", Ranges: []advisory.Range{{Fixed: "2-1.el8"}}, Versions: []string{"1-1.el8"}}),
		record("P1", advisory.Affected{Ecosystem: "PyPI", Package: "Zope.Interface", Ranges: []advisory.Range{{Fixed: "2.0"}}, Versions: []string{"1.0", "3.0"}}),
		record("N1", advisory.Affected{Ecosystem: "NuGet", Package: "Json", Ranges: []advisory.Range{{Introduced: "1.0-RC", Fixed: "2.0"}}}),
		record("C1", advisory.Affected{Ecosystem: "Packagist", Package: "x/Yaml", Ranges: []advisory.Range{{Fixed: "v4.4.7"}}, Versions: []string{"dev-main"}}),
		record("U1", advisory.Affected{Ecosystem: "CRAN", Package: "Json", Ranges: []advisory.Range{{Fixed: "2.0"}}, Versions: []string{"1.0"}}),
	})
	defer s.Close()
	for _, test := range []struct {
		p       Package
		want    string // advisories and how
		problem bool
	}{
		{p: Package{Name: "nothing", Version: "1"}},
		{p: Package{Name: "nothing", Version: "no version"}},
		{p: Package{Name: "gone", Version: "1"}},
		{p: Package{Name: "one", Version: "1.0-1~deb12u1"}, want: "D1:0 D2:0"},
		{p: Package{Name: "one", Version: "1.0-1"}, want: "D2:0"},
		{p: Package{Name: "one", Version: "1:0.1"}},
		{p: Package{Name: "other", Binaries: []string{"one"}, Version: "0.1"}},
		{p: Package{Name: "one", Version: "1_0"}, problem: true},
		{p: Package{Name: "one", Version: ""}, problem: true},
		{p: Package{Name: "several", Version: "1"}, want: "D3:0"},
		{p: Package{Name: "several", Version: "2"}},
		{p: Package{Name: "several", Version: "0:4"}, want: "D3:1"},
		{p: Package{Name: "several", Version: "4-1"}},
		{p: Package{Name: "several", Version: "99"}, want: "D3:2"},
		{p: Package{Name: "never", Version: "1_0"}, want: "D4:-1"},
		{p: Package{Name: "everything", Version: "1_0"}, want: "D7:0"},
		{p: Package{Name: "exact", Version: "0:1.0-0"}, want: "D5:-2"},
		{p: Package{Name: "exact", Version: "odd version"}, want: "D5:-2", problem: true},
		{p: Package{Name: "unclear", Version: "5.5"}, want: "D6:1"},
		{p: Package{Name: "unclear", Version: "7"}, want: "D6:-3"},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "nodejs", Version: "1:16.1-1.module_el8.9.0+2+b", Module: "nodejs:16:809:abc"}, want: "R2:0"},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "nodejs", Version: "1:16.1-1.module_el8.9.0+2+b", Module: "nodejs:1"}},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "nodejs", Version: "1:16.1-1.module_el8.9.0+2+b"}, want: "R1:0 R2:0"},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "nodejs", Version: "1:16.1-1.el8"}},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "untold", Version: "1-1.module_el8.9.0+1+a", Module: "x:1"}, want: "R3:0"},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "untold", Version: "1-1.el8"}},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "plain", Version: "1-1.module_el8.9.0+1+a"}},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "plain", Version: "1-1.el8"}, want: "R4:0"},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "archs", Version: "1-1.el8", Arch: "aarch64"}},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "archs", Version: "1-1.el8", Arch: "x86_64"}, want: "R5:0"},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "archs", Version: "1-1.el8"}, want: "R5:0"},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "curl", Binaries: []string{"libcurl", "curl"}, Version: "7.1-1"}, want: "R7:0 R6:0"},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "curl", Binaries: []string{"curl"}, Version: "7.1-1"}},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "plain", Binaries: []string{"plain-doc"}, Version: "1-1.el8"}},
		{p: Package{Ecosystem: "AlmaLinux:8", Name: "listed", Version: "1-1.el8", Module: "m:1"}, want: "R8:-2"},
		{p: Package{Ecosystem: "PyPI", Name: "zope_interface", Version: "1.0.0"}, want: "P1:0"},
		{p: Package{Ecosystem: "PyPI", Name: "ZOPE--interface", Version: "3"}, want: "P1:-2"},
		{p: Package{Ecosystem: "NuGet", Name: "JSON", Version: "1.0.0-rc.2"}, want: "N1:0"},
		{p: Package{Ecosystem: "NuGet", Name: "JSON", Version: "2.0.0.0"}},
		{p: Package{Ecosystem: "Packagist", Name: "X/yaml", Version: "4.4.7-RC1"}, want: "C1:0"},
		{p: Package{Ecosystem: "Packagist", Name: "x/yaml", Version: "4.4.7"}},
		{p: Package{Ecosystem: "Packagist", Name: "x/yaml", Version: "dev-main"}, want: "C1:-2", problem: true},
		{p: Package{Ecosystem: "CRAN", Name: "Json", Version: "1.0"}, want: "U1:-2"},
		{p: Package{Ecosystem: "CRAN", Name: "Json", Version: "3.0"}, want: "U1:-3"},
		{p: Package{Ecosystem: "Debian:99", Name: "one", Version: "1"}, problem: true},
	} {
		if test.p.Ecosystem == "" {
			test.p.Ecosystem = "Debian:12"
		}
		var got []string
		problem := false
		for _, r := range Packages(s, []Package{test.p}) {
			problem = r.Err != nil
			for _, m := range r.Matches {
				got = append(got, fmt.Sprintf("%s:%d", m.Advisory.ID, m.Range))
			}
		}
		if text := strings.Join(got, " "); text != test.want || problem != test.problem {
			t.Errorf("%+v: %q, problem %v; want %q, %v", test.p, text, problem, test.want, test.problem)
		}
	}
	if r := Packages(s, []Package{{Ecosystem: "Debian:99"}}); !errors.Is(r[0].Err, index.ErrNoData) {
		t.Errorf("no data: %+v", r)
	}
}

// damagedIndexes has the index of a file that turned out to be damaged.
type damagedIndexes struct{ x *index.Index }

func (d damagedIndexes) Index(string) (*index.Index, error) { return d.x, index.ErrDamaged }

// TestDamaged: every package of a damaged ecosystem is told, not the first alone.
func TestDamaged(t *testing.T) {
	s := indexed(t, t.TempDir(), []advisory.Record{record("D1", advisory.Affected{Ecosystem: "Debian:12", Package: "one"})})
	defer s.Close()
	x, err := s.Index("Debian:12")
	if err != nil {
		t.Fatal(err)
	}
	results := Packages(damagedIndexes{x}, []Package{{Ecosystem: "Debian:12", Name: "one"}, {Ecosystem: "Debian:12", Name: "one"}})
	if len(results) != 2 || !errors.Is(results[0].Err, index.ErrDamaged) || !errors.Is(results[1].Err, index.ErrDamaged) || results[1].Matches != nil {
		t.Errorf("%+v", results)
	}
}

func TestByCVE(t *testing.T) {
	deb := func(status advisory.Status, r ...advisory.Range) advisory.Affected {
		return advisory.Affected{Ecosystem: "Debian:12", Package: "p", Status: status, Ranges: r}
	}
	s := indexed(t, t.TempDir(), []advisory.Record{
		record("A", deb(advisory.Fixed, advisory.Range{Fixed: "9"}), "CVE-1", "CVE-2"),
		record("B", deb(advisory.Fixed, advisory.Range{Fixed: "10"}), "CVE-1"),
		record("C", deb(advisory.Fixed, advisory.Range{Fixed: "1.8"}, advisory.Range{Introduced: "8", Fixed: "11"}), "CVE-2"),
		record("D", deb(advisory.WontFix), "CVE-3"),
		record("E", deb(advisory.Fixed, advisory.Range{Fixed: "2"}), "CVE-3"),
		record("F", deb(advisory.NotAffected), "CVE-4"),
		record("G", deb(advisory.Fixed, advisory.Range{Fixed: "bad version"}), "CVE-5"),
		record("H", deb(advisory.Fixed, advisory.Range{LastAffected: "1"})),
	})
	defer s.Close()
	results := Packages(s, []Package{{Ecosystem: "Debian:12", Name: "p", Version: "1"}})
	var got []string
	for _, v := range results[0].ByCVE() {
		text := v.ID
		for _, m := range v.Matches {
			text += " " + m.Advisory.ID
		}
		got = append(got, fmt.Sprintf("%s: %s %v", text, v.Fixed, v.Unfixed))
	}
	want := []string{"CVE-1 A B: 10 false", "CVE-2 A C: 11 false", "CVE-3 D E: 2 true", "H H:  true"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	comparisons := map[string]string{}
	for _, m := range results[0].Matches {
		comparisons[m.Advisory.ID] = m.Comparison("1")
	}
	for id, want := range map[string]string{"A": "1 < 9 (deb order)", "D": "the advisory names no versions: all are affected", "H": "1 <= 1 (deb order)"} {
		if comparisons[id] != want {
			t.Errorf("%s: %s", id, comparisons[id])
		}
	}
	if !strings.Contains(comparisons["G"], "cannot be compared") {
		t.Error(comparisons["G"])
	}
}

// brute is the match without an index: every package in every record. It says which
// records apply to a package, and which cannot be told, as "ID" and "?ID".
func brute(records []advisory.Record, p Package) (ids []string) {
	for _, r := range records {
		for _, a := range r.Affected {
			if !r.Withdrawn.IsZero() || a.Ecosystem != p.Ecosystem || !bruteName(a, p) {
				continue
			}
			switch bruteVersion(a, p) {
			case 1:
				ids = append(ids, r.ID)
			case -1:
				ids = append(ids, "?"+r.ID)
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func bruteName(a advisory.Affected, p Package) bool {
	rpm := advisory.Scheme(a.Ecosystem) == version.RPM
	switch {
	case rpm && a.Arch != "src" && len(p.Binaries) > 0:
		if !slices.Contains(p.Binaries, a.Package) {
			return false
		}
	case advisory.Name(a.Ecosystem, a.Package) != advisory.Name(p.Ecosystem, p.Name):
		return false
	}
	if a.Arch != "" && a.Arch != "src" && p.Arch != "" && a.Arch != p.Arch {
		return false
	}
	if len(a.Binaries) > 0 && len(p.Binaries) > 0 && !slices.ContainsFunc(a.Binaries, func(b string) bool { return slices.Contains(p.Binaries, b) }) {
		return false
	}
	modular := p.Module == "" && strings.Contains(p.Version, ".module")
	return a.Module == "" || modular || strings.HasPrefix(p.Module+":", a.Module+":")
}

// bruteVersion is 1 if the version is affected, -1 if that cannot be told.
func bruteVersion(a advisory.Affected, p Package) int {
	s := advisory.Scheme(a.Ecosystem)
	valid := s.Check(p.Version) == nil
	if len(a.Ranges)+len(a.Versions) == 0 || slices.Contains(a.Versions, p.Version) {
		return 1
	}
	for _, v := range a.Versions {
		if valid && s.Check(v) == nil && s.Compare(v, p.Version) == 0 {
			return 1
		}
	}
	unclear := 0
	for _, r := range a.Ranges {
		first := r.Introduced == "" || r.Introduced == "0"
		if first && r.Fixed == "" && r.LastAffected == "" {
			return 1
		}
		if (!first && s.Check(r.Introduced) != nil) || (r.Fixed != "" && s.Check(r.Fixed) != nil) || (r.LastAffected != "" && s.Check(r.LastAffected) != nil) {
			if valid || s == version.Unknown {
				unclear = -1
			}
			continue
		}
		if !valid {
			continue
		}
		if s == version.RPM && r.Fixed != "" && a.Module == "" &&
			strings.Contains(r.Fixed, ".module") != (p.Module != "" || strings.Contains(p.Version, ".module")) {
			continue
		}
		if (first || s.Compare(p.Version, r.Introduced) >= 0) &&
			(r.Fixed == "" || s.Compare(p.Version, r.Fixed) < 0) && (r.LastAffected == "" || s.Compare(p.Version, r.LastAffected) <= 0) {
			return 1
		}
	}
	return unclear
}

// found is what brute is to be compared with.
func found(t rapid.TB, s *index.Set, p Package) (ids []string) {
	x, err := s.Index(p.Ecosystem)
	if errors.Is(err, index.ErrNoData) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	hits, err := Append(nil, x, &p)
	if errors.Is(err, index.ErrDamaged) {
		t.Fatal(err)
	}
	for _, h := range hits {
		r, err := x.Advisory(h.Row)
		if err != nil {
			t.Fatal(err)
		}
		if h.Range == Undecided {
			r.ID = "?" + r.ID
		}
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// TestLikeBrute compares with the match without an index, on random advisories.
func TestLikeBrute(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		versions := rapid.SampledFrom([]string{"", "0", "1", "1.0", "1.0-1", "1:1", "2~rc1", "2", "2-1.module_el8+1", "3-2.el8", "not one", "1.0.0", "v2.0.0", "2.0.0-rc.1"})
		names := rapid.SampledFrom([]string{"a", "b", "A", "a_b", "a-b"})
		// One ecosystem at a time: every file that is built waits for the disk.
		ecosystems := rapid.Just(rapid.SampledFrom([]string{"Debian:12", "AlmaLinux:8", "PyPI", "npm", "NuGet", "Packagist", "CRAN", "Alpine:v3.20"}).Draw(t, "ecosystem"))
		modules := rapid.SampledFrom([]string{"", "m:1", "m:10"})
		binaries := rapid.SliceOfN(names, 0, 2)
		ranges := rapid.Custom(func(t *rapid.T) advisory.Range {
			r := advisory.Range{Introduced: versions.Draw(t, "introduced")}
			if end := versions.Draw(t, "end"); rapid.Bool().Draw(t, "closed") {
				r.LastAffected = end
			} else {
				r.Fixed = end
			}
			return r
		})
		affected := rapid.Custom(func(t *rapid.T) advisory.Affected {
			return advisory.Affected{
				Ecosystem: ecosystems.Draw(t, "ecosystem"), Package: names.Draw(t, "package"), Module: modules.Draw(t, "module"),
				Arch: rapid.SampledFrom([]string{"", "", "x86_64", "src"}).Draw(t, "arch"), Binaries: binaries.Draw(t, "binaries"),
				Ranges: rapid.SliceOfN(ranges, 0, 3).Draw(t, "ranges"), Versions: rapid.SliceOfN(versions, 0, 2).Draw(t, "versions"),
			}
		})
		var records []advisory.Record
		for i, a := range rapid.SliceOfN(rapid.SliceOfN(affected, 1, 3), 1, 12).Draw(t, "records") {
			r := advisory.Record{ID: fmt.Sprint("ID-", i), Affected: a}
			if rapid.IntRange(0, 9).Draw(t, "withdrawn") == 0 {
				r.Withdrawn = time.Unix(1, 0)
			}
			records = append(records, r)
		}
		n++
		s := indexed(t, fmt.Sprint(root, "/", n), records)
		defer s.Close()
		for range 30 {
			p := Package{
				Ecosystem: ecosystems.Draw(t, "ecosystem"), Name: names.Draw(t, "name"), Binaries: binaries.Draw(t, "binaries"), Version: versions.Draw(t, "version"),
				Arch: rapid.SampledFrom([]string{"", "x86_64", "aarch64"}).Draw(t, "arch"), Module: modules.Draw(t, "module") + rapid.SampledFrom([]string{"", ":809:c"}).Draw(t, "context"),
			}
			if strings.HasPrefix(p.Module, ":") {
				p.Module = ""
			}
			if diff := cmp.Diff(brute(records, p), found(t, s, p)); diff != "" {
				t.Fatalf("%+v: %s", p, diff)
			}
		}
	})
}

// TestAllocations: a fleet's packages are matched by the million.
func TestAllocations(t *testing.T) {
	var records []advisory.Record
	for i := range 100 {
		records = append(records, record(fmt.Sprint("D", i), advisory.Affected{Ecosystem: "Debian:12", Package: "p", Ranges: []advisory.Range{{Introduced: "1", Fixed: fmt.Sprint(i)}}, Versions: []string{"0.1"}}))
	}
	s := indexed(t, t.TempDir(), records)
	defer s.Close()
	x, err := s.Index("Debian:12")
	if err != nil {
		t.Fatal(err)
	}
	hits := make([]Hit, 0, 100)
	for _, p := range []Package{{Name: "p", Version: "50-1"}, {Name: "q", Version: "1"}} {
		if n := testing.AllocsPerRun(100, func() { hits, _ = Append(hits[:0], x, &p) }); n != 0 {
			t.Errorf("%s: %v allocations", p.Name, n)
		}
	}
}
