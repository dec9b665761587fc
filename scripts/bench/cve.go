//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What the search for vulnerabilities is to keep to; docs/benchmarks.md.
const (
	goalHost      = 50     // ms, one host end to end
	goalHostPeak  = 64     // MiB
	goalHosts     = 10_000 // of 1,000 packages, a second and core
	goalOpen      = 5      // ms
	goalRecords   = 50_000 // that are built a second
	goalCompare   = 100    // ns
	osvScanner    = "osv-scanner"
	getOSVScanner = "GOBIN=/a/folder/in/PATH go install github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.5.0 (some minutes)"
)

// advisories are those of Debian 11 to 13, one OSV record a line.
func (b *bench) advisories() string {
	return filepath.Join(b.shared, "data/advisories/debian-11-12-13.osv.jsonl.zst")
}

// cve finds this host's vulnerabilities, with the same advisories: with our programs,
// with osv-scanner without a network, and with dpkg itself, advisory by advisory. What
// they find must be the same, else the comparison would not be one.
func (b *bench) cve(ctx context.Context) error {
	for _, name := range []string{"dpkg", osvScanner} {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w: get it by: %s", err, map[string]string{"dpkg": "a Debian or Ubuntu system", osvScanner: getOSVScanner}[name])
		}
	}
	records, err := readAdvisories(ctx, b.advisories())
	if err != nil {
		return fmt.Errorf("%w: set ASSAY_SHARED to the folder that has data/advisories", err)
	}
	set, database := filepath.Join(b.work, "advisories"), filepath.Join(b.work, "osv")
	if err := errors.Join(buildSet(ctx, set, records), b.zip(database)); err != nil {
		return err
	}
	if err := b.alike(ctx, set, database, records); err != nil {
		return err
	}
	if err := b.cvePrograms(ctx, set, database); err != nil {
		return err
	}
	return b.cveParts(ctx, set)
}

// cvePrograms compares whole programs, from the host's package database to a list of
// vulnerabilities.
func (b *bench) cvePrograms(ctx context.Context, set, database string) error {
	theirs := func(ctx context.Context) (cost, error) {
		return command(ctx, []int{0, 1}, append([]string{"env"}, scan(database)...)...)
	}
	we, they, err := pairs(ctx, 11, b.endToEnd(set), theirs)
	if err != nil {
		return err
	}
	b.table.beside("vulnerabilities of this host: CPU", we.Seconds*1e3, they.Seconds*1e3, "ms", "osv-scanner 2.5")
	b.table.beside("  by the clock", we.Wall*1e3, they.Wall*1e3, "ms", "osv-scanner 2.5")
	b.table.beside("  resident memory, the highest", we.Peak, they.Peak, "MiB", "osv-scanner 2.5")
	b.table.below("  CPU", we.Seconds*1e3, "ms", goalHost)
	b.table.below("  resident memory, the highest", we.Peak, "MiB", goalHostPeak)
	return b.cveSizes()
}

// endToEnd is what ours takes: collecting the host's packages, and finding their
// vulnerabilities.
func (b *bench) endToEnd(set string) func(context.Context) (cost, error) {
	return func(ctx context.Context) (cost, error) {
		collect, err := b.collectPackages(ctx)
		if err != nil {
			return cost{}, err
		}
		find, err := b.findVulnerabilities(ctx, set)
		return cost{Seconds: collect.Seconds + find.Seconds, Wall: collect.Wall + find.Wall, Peak: max(collect.Peak, find.Peak)}, err
	}
}

func (b *bench) cveSizes() error {
	path, err := exec.LookPath(osvScanner)
	if err != nil {
		return err
	}
	sizes := map[string]float64{}
	for _, name := range []string{b.program("assay"), b.program("assay-agent"), path} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		sizes[name] = float64(info.Size()) / 1e6
	}
	b.table.beside("  size of the programs, ours together", sizes[b.program("assay")]+sizes[b.program("assay-agent")], sizes[path], "MB", "osv-scanner 2.5")
	return nil
}

func (b *bench) packageSnapshot() string { return filepath.Join(b.work, "cve") }

func (b *bench) collectPackages(ctx context.Context) (cost, error) {
	return command(ctx, []int{0, 3}, b.program("assay-agent"), "collect", "-sensors", "packages,system", "-o", b.packageSnapshot())
}

// findVulnerabilities is `assay evaluate`, if it takes advisories; else this program
// itself, which does no more than match.
func (b *bench) findVulnerabilities(ctx context.Context, set string) (cost, error) {
	if b.evaluates(ctx) {
		return command(ctx, []int{0, 3}, b.program("assay"), "evaluate", "-advisories", set, b.packageSnapshot())
	}
	self, err := os.Executable()
	if err != nil {
		return cost{}, err
	}
	return command(ctx, []int{0}, self, "match", set, b.packageSnapshot())
}

func (b *bench) evaluates(ctx context.Context) bool {
	help, _ := exec.CommandContext(ctx, b.program("assay"), "evaluate", "-h").CombinedOutput()
	return strings.Contains(string(help), "-advisories")
}

// evaluated are the CVEs that findings of `assay evaluate` are about.
func (b *bench) evaluated(ctx context.Context, set string) (cves []string, err error) {
	out, err := exec.CommandContext(ctx, b.program("assay"), "evaluate", "-json", "-advisories", set, b.packageSnapshot()).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) {
		return nil, fmt.Errorf("assay evaluate: %w", err)
	}
	var outcome struct {
		Findings []struct{ Title string }
	}
	if err := json.Unmarshal(out, &outcome); err != nil {
		return nil, fmt.Errorf("read what assay evaluate wrote: %w", err)
	}
	for _, f := range outcome.Findings {
		if _, cve, ok := strings.Cut(f.Title, " is vulnerable to "); ok {
			cves = append(cves, cve)
		}
	}
	return distinct(cves), nil
}

// scan is how osv-scanner reads the host's packages, as env(1) takes it.
func scan(database string) []string {
	return []string{"OSV_SCALIBR_LOCAL_DB_CACHE_DIRECTORY=" + database, osvScanner, "scan", "source", "--offline", "--format", "json", "-L", "dpkg-status:/var/lib/dpkg/status"}
}

// zip makes osv-scanner's database of the advisories: a file in a zip archive each.
func (b *bench) zip(database string) error {
	to := filepath.Join(database, "osv-scalibr/Debian/all.zip")
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return zipRecords(b.advisories(), to)
}
