//go:build linux

package main

import (
	"archive/zip"
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/advisory/match"
	"assay/internal/advisory/osv"
	"assay/internal/host"
)

// unpacked reads a file that zstd compressed.
func unpacked(path string, read func(io.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	z, err := zstd.NewReader(file)
	if err != nil {
		return err
	}
	defer z.Close()
	return read(z)
}

// readAdvisories reads a file of OSV records. All of it has to be understood.
func readAdvisories(ctx context.Context, path string) (records []advisory.Record, err error) {
	skipped := 0
	err = unpacked(path, func(r io.Reader) error {
		return osv.Read(ctx, r, advisory.Emit{
			Record: func(r advisory.Record) error { records = append(records, r); return nil },
			Skip:   func(advisory.Skip) { skipped++ },
		})
	})
	if err == nil && (skipped > 0 || len(records) == 0) {
		err = fmt.Errorf("%s: %d records were read, %d parts of records not", path, len(records), skipped)
	}
	return records, err
}

func buildSet(ctx context.Context, dir string, records []advisory.Record) error {
	b, err := index.New(dir, 0)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err = b.Record(r); err != nil {
			break
		}
	}
	if err == nil {
		_, err = b.Finish(ctx, time.Unix(0, 0), nil)
	}
	return errors.Join(err, b.Close())
}

func zipRecords(from, to string) error {
	file, err := os.Create(to)
	if err != nil {
		return err
	}
	w := zip.NewWriter(file)
	err = unpacked(from, func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			var record struct{ ID string }
			if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
				return err
			}
			entry, err := w.Create(record.ID + ".json")
			if err != nil {
				return err
			}
			if _, err := entry.Write(lines.Bytes()); err != nil {
				return err
			}
		}
		return lines.Err()
	})
	return errors.Join(err, w.Close(), file.Close())
}

// sources are the packages in a snapshot of a Debian host, by what they were built of.
func sources(snapshot string) ([]match.Package, error) {
	data, err := os.ReadFile(snapshot)
	if err != nil {
		return nil, err
	}
	h, err := readHost(data)
	if err != nil {
		return nil, err
	}
	ecosystem, err := ecosystemOf(h)
	if err != nil {
		return nil, err
	}
	packages := h.Packages()
	if !packages.Complete {
		return nil, fmt.Errorf("not all packages are in the snapshot: %s", packages.Reason)
	}
	known := map[[2]string]*match.Package{}
	for _, p := range packages.Values {
		if p.Manager != "dpkg" || p.Status != "installed" {
			continue
		}
		key := [2]string{p.Source, p.SourceVersion}
		if known[key] == nil {
			known[key] = &match.Package{Ecosystem: ecosystem, Name: p.Source, Version: p.SourceVersion}
		}
		known[key].Binaries = append(known[key].Binaries, p.Name)
	}
	var all []match.Package
	for _, p := range known {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b match.Package) int { return strings.Compare(a.Name+" "+a.Version, b.Name+" "+b.Version) })
	return all, nil
}

func ecosystemOf(h *host.Host) (string, error) {
	system := h.System()
	if !system.OK() || system.Value.OS != "debian" {
		return "", errors.New("the advisories are Debian's, and this host is not")
	}
	return "Debian:" + system.Value.OSVersion, nil
}

// matched is what is found in a snapshot: "SOURCE ADVISORY" of each that applies, and
// the CVEs, sorted.
func matched(set, snapshot string) (advisories, cves []string, err error) {
	packages, err := sources(snapshot)
	if err != nil {
		return nil, nil, err
	}
	s, err := index.Open(set)
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	for _, r := range match.Packages(s, packages) {
		if r.Err != nil {
			return nil, nil, r.Err
		}
		for _, m := range r.Matches {
			advisories = append(advisories, r.Package.Name+" "+m.Advisory.ID)
		}
		for _, v := range r.ByCVE() {
			cves = append(cves, v.ID)
		}
	}
	return distinct(advisories), distinct(cves), nil
}

func distinct(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}

// runMatch is this program as one that only matches: `bench match SET SNAPSHOT`.
func runMatch(args []string) {
	if len(args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: bench match SET SNAPSHOT")
		os.Exit(2)
	}
	advisories, cves, err := matched(args[0], args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	fmt.Println(strings.Join(advisories, "\n") + "\n" + strings.Join(cves, "\n"))
}
