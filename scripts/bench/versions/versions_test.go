//go:build linux

// Package versions compares the orders of internal/version with libraries that others
// use, on pairs of versions as hosts and advisories have them. It is a module of its
// own, so that the libraries are no dependencies of the project:
//
//	cd scripts/bench/versions && go test -bench .
package versions

import (
	"cmp"
	"syscall"
	"testing"
	"time"

	semver "github.com/Masterminds/semver/v3"
	deb "github.com/knqyf263/go-deb-version"
	rpm "github.com/knqyf263/go-rpm-version"

	"assay/internal/version"
)

var debs = [][2]string{
	{"2.36-9+deb12u4", "2.36-9+deb12u7"}, {"3.0.11-1~deb12u2", "3.0.14-1~deb12u1"}, {"1:9.2p1-2+deb12u2", "1:9.2p1-2+deb12u3"},
	{"6.1.76-1", "6.1.99-1"}, {"1.34.1-6", "1.34.1-6"}, {"2:9.0.1378-2", "2:8.2.2434-3+deb11u1"}, {"7.88.1-10+deb12u5", "7.88.1-10+deb12u8"},
	{"1.20.1-2+deb12u1", "1.20.1-2+deb12u2"}, {"252.22-1~deb12u1", "247.3-7+deb11u6"}, {"20230311", "20210119"}, {"0.188-2.1", "0.183-1"},
}

var rpms = [][2]string{
	{"2.28-236.el8.7", "2.28-251.el8_10.2"}, {"1:1.1.1k-9.el8_7", "1:1.1.1k-12.el8_9"}, {"4.18.0-513.5.1.el8_9", "4.18.0-553.el8_10"},
	{"8.0p1-19.el8_8", "8.0p1-19.el8_9.2"}, {"7.61.1-33.el8", "7.61.1-33.el8_9.5"}, {"32:9.11.36-11.el8_9", "32:9.11.36-14.el8_10"},
	{"1.18.2-26.el8_9", "1.18.2-26.el8_9"}, {"239-78.el8", "239-82.el8"}, {"2.9.7-18.el8_9", "2.9.7-16.el8_8.1"},
	{"1:18.19.1-1.module_el8.9.0+3727+aa0e1d2f", "1:18.20.2-1.module_el8.9.0+3797+f1a8b2c3"},
}

var semvers = [][2]string{{"4.17.20", "4.17.21"}, {"1.2.0", "1.10.3"}, {"2.31.0", "2.31.0"}, {"10.2.1", "9.5.0"}, {"1.0.0-rc.2", "1.0.0-rc.10"}}

func compareDeb(t testing.TB, a, b string) int {
	x, err := deb.NewVersion(a)
	y, err2 := deb.NewVersion(b)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return x.Compare(y)
}

func compareRPM(_ testing.TB, a, b string) int { return rpm.NewVersion(a).Compare(rpm.NewVersion(b)) }

func compareSemVer(t testing.TB, a, b string) int {
	x, err := semver.NewVersion(a)
	y, err2 := semver.NewVersion(b)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	return x.Compare(y)
}

var peers = []struct {
	scheme  version.Scheme
	name    string
	pairs   [][2]string
	compare func(t testing.TB, a, b string) int
}{
	{version.Deb, "go-deb-version", debs, compareDeb},
	{version.RPM, "go-rpm-version", rpms, compareRPM},
	{version.SemVer, "Masterminds semver", semvers, compareSemVer},
}

// TestSame: what is compared in time must be the same in what it says.
func TestSame(t *testing.T) {
	for _, p := range peers {
		for _, v := range p.pairs {
			if ours, theirs := p.scheme.Compare(v[0], v[1]), cmp.Compare(p.compare(t, v[0], v[1]), 0); ours != theirs {
				t.Errorf("%s and %s: %d, %s says %d", v[0], v[1], ours, p.name, theirs)
			}
		}
	}
}

// BenchmarkVersions compares from texts, as they are in package databases and
// advisories: the libraries read them first.
func BenchmarkVersions(b *testing.B) {
	for _, p := range peers {
		b.Run(p.scheme.String()+" ours", func(b *testing.B) {
			b.ReportAllocs()
			before := cpu()
			for i := 0; b.Loop(); i++ {
				v := p.pairs[i%len(p.pairs)]
				p.scheme.Compare(v[0], v[1])
			}
			b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
		})
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu()
			for i := 0; b.Loop(); i++ {
				v := p.pairs[i%len(p.pairs)]
				p.compare(b, v[0], v[1])
			}
			b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpu tells how long the program has computed: what a benchmark takes on a machine
// that others use, too.
func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
