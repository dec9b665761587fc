//go:build linux

package index

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"assay/internal/advisory"
)

// many gives n made-up advisories of one release, in no order, one package each, as
// long as real ones; it does not keep them.
func many(n int, take func(advisory.Record) error) error {
	for i := range n {
		i = i * 7919 % n
		err := take(advisory.Record{
			ID: fmt.Sprintf("DSA-%d-1", i), CVEs: []string{fmt.Sprintf("CVE-2024-%d", i), fmt.Sprintf("CVE-2025-%d", i)},
			Summary: fmt.Sprintf("package-%d - security update", i%20_000), Published: built, Modified: built,
			CVSS: []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}, References: []string{fmt.Sprintf("https://security.example.org/tracker/DSA-%d-1", i)},
			Affected: []advisory.Affected{{
				Ecosystem: "Debian:12", Package: fmt.Sprintf("package-%d", i%20_000), Status: advisory.Fixed,
				Ranges: []advisory.Range{{Fixed: fmt.Sprintf("1:2.36.%d-9+deb12u%d", i%5000, i%9)}},
			}},
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const benchmarked = 200_000

// BenchmarkBuild builds an index of 200,000 records in the memory of the default.
func BenchmarkBuild(b *testing.B) {
	peak := watchHeap(b)
	var size int64
	before := cpu()
	for b.Loop() {
		builder, err := New(b.TempDir(), 0)
		if err != nil {
			b.Fatal(err)
		}
		if err := many(benchmarked, builder.Record); err != nil {
			b.Fatal(err)
		}
		m, err := builder.Finish(context.Background(), built, nil)
		if err != nil {
			b.Fatal(err)
		}
		size = m.Files[0].Size
		builder.Close()
	}
	reportCPU(b, before)
	b.ReportMetric(benchmarked*float64(b.N)/(cpu()-before).Seconds(), "records/cpu-s")
	b.ReportMetric(float64(peak.Load())/1e6, "peak-MB")
	b.ReportMetric(float64(size)/1e6, "file-MB")
}

// watchHeap tells the most memory that the program had from the system for its heap
// and whatever else it has.
func watchHeap(b *testing.B) *atomic.Uint64 {
	var peak atomic.Uint64
	stop := make(chan struct{})
	b.Cleanup(func() { close(stop) })
	go func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak.Store(max(peak.Load(), m.Sys-m.HeapReleased))
			}
		}
	}()
	return &peak
}

func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	builder, err := New(dir, 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := many(benchmarked, builder.Record); err != nil {
		b.Fatal(err)
	}
	if _, err := builder.Finish(context.Background(), built, nil); err != nil {
		b.Fatal(err)
	}
	builder.Close()
	files, _ := filepath.Glob(filepath.Join(dir, "of-*"+suffix))
	info, err := os.Stat(strings.Join(files, ""))
	if err != nil {
		b.Fatal(err)
	}
	b.Run("set", func(b *testing.B) {
		before := cpu()
		for b.Loop() {
			s, err := Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
		reportCPU(b, before)
	})
	b.Run("set and check", func(b *testing.B) {
		b.SetBytes(info.Size())
		before := cpu()
		for b.Loop() {
			s, err := Open(dir)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Index("Debian:12"); err != nil {
				b.Fatal(err)
			}
			s.Close()
		}
		reportCPU(b, before)
	})
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
