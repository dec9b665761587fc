//go:build linux

package match

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"assay/internal/advisory"
)

// BenchmarkPackage matches one package: one that no advisory is about, and one with
// 10 rows, half of which apply; in an index of 20,000 names and 200,000 rows.
func BenchmarkPackage(b *testing.B) {
	var records []advisory.Record
	for i := range 200_000 {
		records = append(records, record(fmt.Sprintf("DSA-%d-1", i), advisory.Affected{
			Ecosystem: "Debian:12", Package: fmt.Sprintf("package-%d", i%20_000), Status: advisory.Fixed,
			Ranges: []advisory.Range{{Fixed: fmt.Sprintf("1:2.36.2024%d-9+deb12u%d", i/20_000, i/20_000)}},
		}))
	}
	s := indexed(b, b.TempDir(), records)
	defer s.Close()
	x, err := s.Index("Debian:12")
	if err != nil {
		b.Fatal(err)
	}
	absent, present := make([]Package, 4096), make([]Package, 4096)
	for i := range absent {
		absent[i] = Package{Ecosystem: "Debian:12", Name: fmt.Sprintf("libabsent%d-dev", i*31), Version: "1:2.36-9+deb12u4"}
		present[i] = Package{Ecosystem: "Debian:12", Name: fmt.Sprintf("package-%d", i*31%20_000), Version: "1:2.36.20245-9+deb12u4"}
	}
	hits := make([]Hit, 0, 100)
	run := func(name string, packages []Package) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu()
			for i := 0; b.Loop(); i++ {
				if hits, err = Append(hits[:0], x, &packages[i%len(packages)]); err != nil {
					b.Fatal(err)
				}
			}
			reportCPU(b, before)
		})
	}
	run("without rows", absent)
	run("10 rows", present)
	b.Run("10 rows explained", func(b *testing.B) {
		before := cpu()
		for i := 0; b.Loop(); i++ {
			Packages(s, present[i%4096:i%4096+1])
		}
		reportCPU(b, before)
	})
}

// large gives the rows of a release as the tracker of Debian has them: 60,000, of
// 3,000 packages of which few have many, the kernel 9,000. Half of them were fixed
// before the release, a quarter is not fixed.
func large() []advisory.Record {
	var records []advisory.Record
	for name := range 3000 {
		for n := range 9000/(name+1) + 3 {
			a := advisory.Affected{Ecosystem: "Debian:12", Package: fmt.Sprintf("package-%d", name), Status: advisory.Fixed}
			switch n % 4 {
			case 0, 1:
				a.Ranges = []advisory.Range{{Fixed: fmt.Sprintf("1:2.%d.%d-%d", n%35, n%13, n%7)}}
			case 2:
				a.Ranges = []advisory.Range{{Fixed: fmt.Sprintf("1:2.36.%d-9+deb12u%d", n%30, n%9)}}
			default:
				a.Ranges, a.Status = []advisory.Range{{Introduced: "0"}}, advisory.AffectedNow
			}
			records = append(records, record(fmt.Sprintf("CVE-%d-%d", 1999+n%25, 10*name+n), a))
		}
	}
	return records
}

// BenchmarkLarge matches hosts with a release's full data: 1,000 packages, built of
// 600 sources, of which 400 have rows.
func BenchmarkLarge(b *testing.B) {
	records := large()
	s := indexed(b, b.TempDir(), records)
	defer s.Close()
	x, err := s.Index("Debian:12")
	if err != nil {
		b.Fatal(err)
	}
	var packages []Package
	var rows uint32
	for i := range 600 {
		p := Package{Ecosystem: "Debian:12", Name: fmt.Sprintf("package-%d", 5*i), Binaries: []string{"a", "b"}, Version: fmt.Sprintf("1:2.36.%d-9+deb12u%d", i%30, i%9)}
		if i%3 == 2 {
			p.Name = fmt.Sprintf("made-up-%d", i)
		}
		found, _ := x.Find(p.Name)
		rows += found.End - found.First
		packages = append(packages, p)
	}
	var hits []Hit
	before := cpu()
	for b.Loop() {
		hits = hits[:0]
		for i := range packages {
			if hits, err = Append(hits, x, &packages[i]); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.N)/(cpu()-before).Seconds(), "hosts/cpu-s")
	b.ReportMetric(float64(len(records)), "records")
	b.ReportMetric(float64(rows), "rows/host")
	b.ReportMetric(float64(len(hits)), "hits/host")
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

// reportCPU reports what was computed for each iteration since before.
func reportCPU(b *testing.B, before time.Duration) {
	b.ReportMetric(float64(cpu()-before)/float64(b.N), "cpu-ns/op")
}
