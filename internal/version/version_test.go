package version

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func schemes() []Scheme {
	return []Scheme{Deb, RPM, APK, Pacman, SemVer, Go, NPM, PyPI, RubyGems, Maven, NuGet, Packagist}
}

// TestMeasured compares with what the systems' own programs said.
func TestMeasured(t *testing.T) {
	for _, s := range []Scheme{APK, Pacman, NPM, PyPI, RubyGems, Maven, Packagist} {
		t.Run(s.String(), func(t *testing.T) {
			n := 0
			for a, rest := range pairs(t, filepath.Join("testdata", s.String()+".tsv")) {
				b, want, _ := strings.Cut(rest, "\t")
				n++
				if got := verdict(s, a, b); got != want {
					t.Errorf("%q and %q: %s, want %s", a, b, got, want)
				}
			}
			if n < 1000 {
				t.Errorf("only %d pairs", n)
			}
		})
	}
}

// verdict words a comparison as the files in testdata do.
func verdict(s Scheme, a, b string) string {
	bad := ""
	if s.Check(a) != nil {
		bad += "a"
	}
	if s.Check(b) != nil {
		bad += "b"
	}
	// What these two compare they do not check.
	if bad != "" && s != Maven && s != Pacman {
		return bad
	}
	return [...]string{"-1", "0", "1"}[1+s.Compare(a, b)]
}

// pairs reads lines of a file: up to the first tab, and the rest.
func pairs(t *testing.T, name string) func(yield func(first, rest string) bool) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return func(yield func(first, rest string) bool) {
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			first, rest, ok := strings.Cut(lines.Text(), "\t")
			if ok && !strings.HasPrefix(first, "#") && !yield(first, rest) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			t.Error(err)
		}
	}
}

func TestOrder(t *testing.T) {
	for _, test := range []struct {
		s    Scheme
		text string // versions from old to new; "=" between equal ones
	}{
		{Deb, "0:1.0~~ < 1.0~~a < 1.0~ < 1.0 = 1.0-0 = 0:1.0 = 00:1.00 < 1.0-0a < 1.0-0+b1 < 1.0-1~deb12u1 < 1.0-1 < 1.0+dfsg-1 < 1.0.1 < 1:0"},
		{Deb, "2.2.9-2+deb11u6 < 2.2.9-10 < 2.2.9a-1 < 2.2.9+1-1 < 2.2.9.0-1 < 2.2.10"},
		{RPM, "1.0~rc1-1 < 1.0-1 < 1.0^20240101-1 < 1.0.1-1 < 1:0.1-1"},
		{RPM, "1.0 < 1.0-1 < 1.0-2.el8 = 1.0-2_el8 < 1.0-2.el8_10 < 1.0-10.el8"},
		{RPM, "a < 1 < 1a = 1.a < 1.1"},
		{APK, "1.0_alpha < 1.0_beta < 1.0_pre < 1.0_rc1 < 1.0_rc2 < 1.0 < 1.0-r1 < 1.0_p1 < 1.0a < 1.0.1 < 1.01.1 < 1.1 < 1.10"},
		{Pacman, "1.0a < 1.0alpha < 1.0b < 1.0beta < 1.0p < 1.0pre < 1.0rc < 1.0 < 1.0.a < 1.0.1 < 1:0.1-1"},
		{Pacman, "1.0-1 = 1.0 < 1.1-1"},
		{SemVer, "1.0.0-alpha < 1.0.0-alpha.1 < 1.0.0-alpha.beta < 1.0.0-beta < 1.0.0-beta.2 < 1.0.0-beta.11 < 1.0.0-rc.1 < 1.0.0 = 1.0.0+build < 1.0.1"},
		{Go, "v0.0.0-20190101000000-abcdefabcdef < v0.0.0-20200101000000-abcdefabcdef < v1.0.0 = 1.0.0 < v2.0.0+incompatible < go3.0.0"},
		{NPM, "1.2.3-0 < v1.2.3 < 1.2.10"},
		{PyPI, "1.0.dev456 < 1.0a1 < 1.0a2.dev456 < 1.0a12.dev456 < 1.0a12 < 1.0b1.dev456 < 1.0b2 < 1.0b2.post345.dev456 < 1.0b2.post345 < 1.0rc1.dev456 < 1.0rc1 < 1.0 = 1 = v1.0.0 < 1.0+abc.5 < 1.0+abc.7 < 1.0+5 < 1.0.post456.dev34 < 1.0.post456 < 1.1.dev1 < 1!0"},
		{RubyGems, "1.0.a < 1.0.a2 < 1.0.pre < 1.0 = 1 = 1.0.0 < 1.0.1 < 1.1.rc1 < 1.1 < 1.10"},
		// NuGet.Client, test/NuGet.Core.Tests/NuGet.Versioning.Test: VersionComparerTests.cs, NuGetVersionTest.cs
		{NuGet, "0.0.0 < 1.0.0 < 1.0.1 < 1.1.0 < 1.999.9999 < 2.1.1"},
		{NuGet, "1.0.0-BETA = 1.0.0-beta = 1.0.0-BETA+AA < 1.0.0-beta.1+AA < 1.0.0-BETA.X.y.5.77.0+AA = 1.0.0-beta.x.y.5.77.0+aa < 1.0.0-beta.x.y.5.79.0+aa < 1.0.0-beta.x.y.5.790.0+abc < 1.0.0-BETA2 < 1.0.0+aa"},
		{NuGet, "1.01-RC-1 < 1.01 = 1.1.0 < 1.2-preview < 1.4.5.6 < 1.4.5.60 < 1.10-beta < 1.23 < 1.45.6-Alpha < 1.45.6 = 1.45.6.0 < 1.231"},
		{NuGet, "1.01.0-RC-1 < 1.10.0-rc-2 < 1.23.01 = 1.23.1 < 22.3.07 = 22.3.7.0"},
		{NuGet, "1.0--5 < 1.0-5 < 1.0-2147483647 < 1.0-2147483648 < 1.0-3a"}, // int.TryParse, and texts above it
		// composer/semver, tests/VersionParserTest.php and ComparatorTest.php
		{Packagist, "1.0.0-alpha2.1+foo = 1.0.0alpha2.1 < 1.0.0-alpha.3.1+foo < 1.0.0-b = 1.0.0.0-beta < 1.0.0-beta.5 < 1.0.0-rC15-dev < 1.0.0.RC.15 < 1.0 = v1.0.0.0 = 1.0.0-stable < 1.0.0.pl3-dev = 1.0.0-patch3-dev < 1.0.0p3"},
		{Packagist, "1.24.0 < 1.25.0-dev < 1.25.0 < 1.x-dev < 2.0 < 2010.1.555 < 20100102 < 20100102-203040 < 20100102203040-10"},
		{Maven, "1-alpha = 1a0 < 1-beta-1 = 1b1 < 1-milestone < 1-rc = 1-cr < 1-snapshot < 1 = 1.0 = 1-ga = 1.final < 1-sp < 1-abc < 1-1 < 1.1 < 1.10"},
	} {
		items := strings.Fields(test.text)
		for i := 0; i < len(items); i += 2 {
			older := false
			for j := i + 2; j < len(items); j += 2 {
				older = older || items[j-1] == "<"
				want := map[bool]int{true: -1, false: 0}[older]
				if got := test.s.Compare(items[i], items[j]); got != want {
					t.Errorf("%s: %s and %s: %d, want %d", test.s, items[i], items[j], got, want)
				}
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for _, test := range []struct {
		s         Scheme
		good, bad string // separated by "|"
	}{
		{Deb, "1|1.0-1|1:2.3~rc1+dfsg-4+b1|a1|1:2:3| 1 |1-1-1", "|:1|1:|1-|a:1|1 2|1_2|1-2_3|2147483648:1|-1:1"},
		{RPM, "1|1.0-1.el8|1:1.0^20240101-1|1_2", "|1:|1-|1 2|1/2|-1"},
		{APK, "1|1.2b_rc3_git20200101~abcdef-r4", "|a|1.|1bc|1_foo|1-1|1-r|1~|1-r1_p1"},
		{Pacman, "1|1:1.0.r5.gabcdef-1.1|1+2_3", "|1:|1-|1-a|1/2|1 2|1-2-3"},
		{SemVer, "1.2.3|1.2.3-alpha.1+build.01|v1.2.3|0.0.0-0", "|1|1.2|1.2.3.4|01.2.3|1.2.3-|1.2.3-01|1.2.3+|1.2.x|1.2.3-a..b"},
		{PyPI, "1|1.0.dev1|v1!2.0-rc_1.post3+a.b-c|1.0-1| 1 ", "|a|1..2|1.0+|1.0+a..b|1.0x|!1"},
		{RubyGems, "1|1.a.b|1.0-java||1.2.3-x86-1.a", "a|1..2|1.|1a|1-|1.0-a..b"},
		{Maven, "1|1-SNAPSHOT|a|1_2", "|1 2|[1,2)"},
		{NuGet, "1|1.2|1.2.3-X.y.3+Meta-2|1.0.0009.01-1.1+A| 1.3.42.200930-RC-2 |1.0-0A", "|1beta|$version$|1.2..|1.2.3.4.5|1.2.3.Beta|1.4.7-|1.4.7-*|1.4.7+*|1.4.7-AA.01^|1.0-01|1.0+|2147483648|1. 2"},
		{Packagist, "1|v1.0.0RC1dev|1.0.0.pl3-dev|10.4.13beta.2|2010-01-02.5|20100102-203040-p1|1.x-dev|1.0.0-alpha-2.1-3+foo|1.0.", "|a|1.0.0-meh|1.0.0.0.0|feature-foo|1.0.0+foo bar|dev-main|1.0@dev|1.0 as 2.0|1.x|1.0+"},
		{Unknown, "", "1"},
	} {
		for v := range strings.SplitSeq(test.good, "|") {
			if err := test.s.Check(v); err != nil && (v != "" || strings.Contains(test.good, "||")) {
				t.Error(err)
			}
		}
		for v := range strings.SplitSeq(test.bad, "|") {
			if test.s.Check(v) == nil {
				t.Errorf("%s takes %q", test.s, v)
			}
		}
	}
}

// TestAllocations: matching compares millions of versions.
func TestAllocations(t *testing.T) {
	for _, s := range schemes() {
		a, b := example(s)
		if n := testing.AllocsPerRun(100, func() { s.Compare(a, b); s.Compare(b, a) }); n != 0 {
			t.Errorf("%s: %v allocations to compare %s and %s", s, n, a, b)
		}
		if n := testing.AllocsPerRun(100, func() { s.Check(a) }); n != 0 {
			t.Errorf("%s: %v allocations to check %s", s, n, a)
		}
	}
}

// example is a pair whose difference is late.
func example(s Scheme) (a, b string) {
	switch s {
	case Deb, RPM, Pacman:
		return "1:2.36.20240101-9.12", "1:2.36.20240101-9.7"
	case APK:
		return "1.2.11_rc3_git20200101-r10", "1.2.11_rc3_git20200101-r9"
	case PyPI:
		return "1!2.10.3rc1.post2.dev3+local.1", "1!2.10.3rc1.post2.dev3+local.2"
	case Maven:
		return "2.10.3-beta-11-SNAPSHOT", "2.10.3-beta-2-SNAPSHOT"
	}
	return "1.10.2-rc.11", "1.10.2-rc.2"
}

func BenchmarkCompare(b *testing.B) {
	for _, s := range schemes() {
		x, y := example(s)
		b.Run(s.String(), func(b *testing.B) {
			for b.Loop() {
				s.Compare(x, y)
			}
		})
	}
}

// FuzzCompare wants of every scheme that it ends, that an order turned round is the
// other one, that everything equals itself, and of total ones that any three versions
// have an order.
func FuzzCompare(f *testing.F) {
	f.Add("1.0", "1:1.0~rc1-1", "2-a")
	f.Add("1.0a", "1.0_alpha", "1.0-")
	f.Add("0..^~", "00", "1!1.dev")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		for _, s := range schemes() {
			ab, bc, ac := s.Compare(a, b), s.Compare(b, c), s.Compare(a, c)
			if s.Compare(b, a) != -ab || s.Compare(a, a) != 0 || ab < -1 || ab > 1 {
				t.Errorf("%s: %q and %q are %d, turned round %d, the first with itself %d", s, a, b, ab, s.Compare(b, a), s.Compare(a, a))
			}
			if s.Total() && s.Check(a) == nil && s.Check(b) == nil && s.Check(c) == nil && ab <= 0 && bc <= 0 && (ac > 0 || ab+bc < 0 && ac == 0) {
				t.Errorf("%s: %q, %q, %q: %d, %d, but %d", s, a, b, c, ab, bc, ac)
			}
		}
	})
}
