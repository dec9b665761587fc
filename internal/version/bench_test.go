//go:build linux

package version

import (
	"syscall"
	"testing"
	"time"
)

// usual are versions as a machine has them, each with what an advisory compares it
// with: mostly alike, some of a later release, some the same.
func usual(s Scheme) [][2]string {
	switch s {
	case Deb:
		return [][2]string{
			{"2.36-9+deb12u4", "2.36-9+deb12u7"}, {"3.0.11-1~deb12u2", "3.0.14-1~deb12u1"}, {"1:9.2p1-2+deb12u2", "1:9.2p1-2+deb12u3"},
			{"6.1.76-1", "6.1.99-1"}, {"1.34.1-6", "1.34.1-6"}, {"2:9.0.1378-2", "2:8.2.2434-3+deb11u1"}, {"7.88.1-10+deb12u5", "7.88.1-10+deb12u8"},
			{"1.20.1-2+deb12u1", "1.20.1-2+deb12u2"}, {"252.22-1~deb12u1", "247.3-7+deb11u6"}, {"5.36.0-7+deb12u1", "5.32.1-4+deb11u4"},
			{"1.2.13.dfsg-1", "1:1.2.11.dfsg-2+deb11u2"}, {"20230311", "20210119"}, {"8.2.7-1~deb12u1", "8.2.20-1~deb12u1"}, {"0.188-2.1", "0.183-1"},
		}
	case RPM:
		return [][2]string{
			{"2.28-236.el8.7", "2.28-251.el8_10.2"}, {"1:1.1.1k-9.el8_7", "1:1.1.1k-12.el8_9"}, {"4.18.0-513.5.1.el8_9", "4.18.0-553.el8_10"},
			{"8.0p1-19.el8_8", "8.0p1-19.el8_9.2"}, {"7.61.1-33.el8", "7.61.1-33.el8_9.5"}, {"32:9.11.36-11.el8_9", "32:9.11.36-14.el8_10"},
			{"1.18.2-26.el8_9", "1.18.2-26.el8_9"}, {"239-78.el8", "239-82.el8"}, {"2.9.7-18.el8_9", "2.9.7-16.el8_8.1"},
			{"1:18.19.1-1.module_el8.9.0+3727+aa0e1d2f", "1:18.20.2-1.module_el8.9.0+3797+f1a8b2c3"}, {"20240202-1.el8", "20230731-1.git94f0e2c.el8"},
		}
	case SemVer, NPM, NuGet, Packagist, RubyGems, PyPI:
		return [][2]string{{"4.17.20", "4.17.21"}, {"1.2.0", "1.10.3"}, {"2.31.0", "2.31.0"}, {"10.2.1", "9.5.0"}, {"0.21.1", "0.21.2"}, {"3.0.0", "2.6.7"}}
	case Go:
		return [][2]string{{"v0.17.0", "0.23.0"}, {"v1.5.3", "1.5.4"}, {"v0.0.0-20220622213112-05595931fe9d", "0.0.0-20220811171246-fbc7d0a398ab"}, {"go1.21.4", "1.21.8"}}
	case Maven:
		return [][2]string{{"2.14.1", "2.15.0"}, {"1.2.17", "1.2.17-16"}, {"9.0.65", "9.0.71"}, {"5.3.20.RELEASE", "5.3.27"}, {"31.1-jre", "32.0.0-android"}}
	case APK:
		return [][2]string{{"1.2.4-r2", "1.2.5-r0"}, {"3.1.4-r5", "3.1.4-r6"}, {"8.5.0-r0", "8.6.0-r0"}, {"1.36.1_p2-r15", "1.36.1-r16"}, {"2.12.6-r2", "2.12.6-r2"}}
	}
	a, b := example(s)
	return [][2]string{{a, b}}
}

// BenchmarkUsual compares versions as they are met; BenchmarkCompare one pair that
// differs late.
func BenchmarkUsual(b *testing.B) {
	for _, s := range schemes() {
		pairs := usual(s)
		b.Run(s.String(), func(b *testing.B) {
			before := cpu()
			for i := 0; b.Loop(); i++ {
				p := &pairs[i%len(pairs)]
				s.Compare(p[0], p[1])
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

func BenchmarkCheck(b *testing.B) {
	for _, s := range schemes() {
		pairs := usual(s)
		b.Run(s.String(), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				s.Check(pairs[i%len(pairs)][0])
			}
		})
	}
}
