//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/advisory/match"
	"assay/internal/version"
)

// cveParts measures in this process, on one core, what finding vulnerabilities
// consists of.
func (b *bench) cveParts(ctx context.Context, set string) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	open, err := repeated(func() error {
		s, err := index.Open(set)
		if err != nil {
			return err
		}
		return s.Close()
	})
	if err != nil {
		return err
	}
	b.table.below("opening a set of advisories", open.Seconds()*1e3, "ms", goalOpen)
	if err := b.hostRate(set); err != nil {
		return err
	}
	built, err := b.buildRate(ctx)
	if err != nil {
		return err
	}
	b.table.above("building a set", built, "records/s/core", goalRecords)
	return b.compareRates(ctx)
}

// hostRate matches this host's packages many times.
func (b *bench) hostRate(set string) error {
	packages, err := sources(b.packageSnapshot())
	if err != nil {
		return err
	}
	binaries := 0
	for _, p := range packages {
		binaries += len(p.Binaries)
	}
	s, err := index.Open(set)
	if err != nil {
		return err
	}
	defer s.Close()
	x, err := s.Index(packages[0].Ecosystem)
	if err != nil {
		return err
	}
	const hosts = 500
	var hits []match.Hit
	took, err := repeated(func() (err error) {
		for range hosts {
			hits = hits[:0]
			for i := range packages {
				if hits, err = match.Append(hits, x, &packages[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	rate := hosts / took.Seconds() * float64(binaries) / 1000
	b.table.above(fmt.Sprintf("hosts of 1000 packages (%d here, of %d sources)", binaries, len(packages)), rate, "/s/core", goalHosts)
	return nil
}

// buildRate builds an index of made-up advisories, as long as real ones and in no
// order, with the time that goes into making them up.
func (b *bench) buildRate(ctx context.Context) (float64, error) {
	const records = 100_000
	var rates []float64
	for range 3 {
		dir := filepath.Join(b.work, "built")
		cpu, err := spent(0, func() error { return buildSet(ctx, dir, madeUp(records)) })
		if err != nil {
			return 0, err
		}
		if err := os.RemoveAll(dir); err != nil {
			return 0, err
		}
		rates = append(rates, records/cpu.Seconds())
	}
	return median(rates), nil
}

func madeUp(n int) []advisory.Record {
	records := make([]advisory.Record, n)
	for i := range records {
		i := i * 7919 % n
		name := fmt.Sprintf("package-%d", i%20_000)
		records[i] = advisory.Record{
			ID: fmt.Sprintf("DSA-%d-1", i), CVEs: []string{fmt.Sprintf("CVE-2024-%d", i), fmt.Sprintf("CVE-2025-%d", i)},
			Summary: name + " - security update", CVSS: []string{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"},
			Affected: []advisory.Affected{{
				Ecosystem: "Debian:12", Package: name, Status: advisory.Fixed,
				Ranges: []advisory.Range{{Fixed: fmt.Sprintf("1:2.36.%d-9+deb12u%d", i%5000, i%9)}},
			}},
		}
	}
	return records
}

// compareRates compares versions as hosts and advisories have them, and the same pair
// with dpkg.
func (b *bench) compareRates(ctx context.Context) error {
	for _, s := range []version.Scheme{version.Deb, version.RPM} {
		pairs := usualPairs(s)
		const rounds = 20_000
		cpu, err := repeated(func() error {
			for range rounds {
				for _, p := range pairs {
					s.Compare(p[0], p[1])
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		b.table.below("comparing versions of the scheme "+s.String(), float64(cpu.Nanoseconds())/rounds/float64(len(pairs)), "ns", goalCompare)
	}
	one, err := command(ctx, []int{0}, "dpkg", "--compare-versions", "2.36-9+deb12u4", "lt", "2.36-9+deb12u7")
	if err != nil {
		return err
	}
	b.table.plain("  and with dpkg --compare-versions: CPU of the process", one.Seconds*1e3, "ms")
	return nil
}

// usualPairs are versions that are installed, each with one that an advisory has.
func usualPairs(s version.Scheme) [][2]string {
	if s == version.RPM {
		return [][2]string{
			{"2.28-236.el8.7", "2.28-251.el8_10.2"}, {"1:1.1.1k-9.el8_7", "1:1.1.1k-12.el8_9"}, {"4.18.0-513.5.1.el8_9", "4.18.0-553.el8_10"}, {"8.0p1-19.el8_8", "8.0p1-19.el8_9.2"},
			{"7.61.1-33.el8", "7.61.1-33.el8_9.5"}, {"1.18.2-26.el8_9", "1.18.2-26.el8_9"}, {"239-78.el8", "239-82.el8"}, {"2.9.7-18.el8_9", "2.9.7-16.el8_8.1"},
		}
	}
	return [][2]string{
		{"2.36-9+deb12u4", "2.36-9+deb12u7"}, {"3.0.11-1~deb12u2", "3.0.14-1~deb12u1"}, {"1:9.2p1-2+deb12u2", "1:9.2p1-2+deb12u3"}, {"6.1.76-1", "6.1.99-1"},
		{"1.34.1-6", "1.34.1-6"}, {"2:9.0.1378-2", "2:8.2.2434-3+deb11u1"}, {"252.22-1~deb12u1", "247.3-7+deb11u6"}, {"20230311", "20210119"},
	}
}
