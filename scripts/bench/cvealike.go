//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"assay/internal/advisory"
)

// alike compares what is found on this host by us, by osv-scanner and by a loop over
// all advisories that asks dpkg.
func (b *bench) alike(ctx context.Context, set, database string, records []advisory.Record) error {
	if _, err := b.collectPackages(ctx); err != nil {
		return err
	}
	advisories, cves, err := matched(set, b.packageSnapshot())
	if err != nil {
		return err
	}
	scanned, scannedCVEs, err := scanned(ctx, database)
	if err != nil {
		return err
	}
	asked, askedCVEs, calls, err := b.asked(ctx, records)
	if err != nil {
		return err
	}
	err = errors.Join(differences("osv-scanner", "advisories", advisories, scanned), differences("osv-scanner", "CVEs", cves, scannedCVEs),
		differences("dpkg", "advisories", advisories, asked), differences("dpkg", "CVEs", cves, askedCVEs))
	if err != nil {
		return err
	}
	if b.evaluates(ctx) {
		found, err := b.evaluated(ctx, set)
		if err := errors.Join(err, differences("assay evaluate", "CVEs", cves, found)); err != nil {
			return err
		}
	}
	b.table.add("vulnerabilities found on this host", fmt.Sprintf("%d advisories, %d CVEs", len(advisories), len(cves)),
		fmt.Sprintf("the same by osv-scanner 2.5 and by %d questions to dpkg", calls))
	return nil
}

// differences tells every difference between what we and others find.
func differences(who, what string, ours, theirs []string) error {
	var all []string
	for _, s := range ours {
		if !slices.Contains(theirs, s) {
			all = append(all, s+" is not found by "+who)
		}
	}
	for _, s := range theirs {
		if !slices.Contains(ours, s) {
			all = append(all, s+" is found by "+who+" only")
		}
	}
	if len(all) > 0 {
		return fmt.Errorf("%s: %s", what, strings.Join(all, "; "))
	}
	return nil
}

// scanned is what osv-scanner finds. It lists an advisory for every binary package,
// under the name of its source.
func scanned(ctx context.Context, database string) (advisories, cves []string, err error) {
	cmd := exec.CommandContext(ctx, "env", scan(database)...)
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return nil, nil, fmt.Errorf("%s: %w", osvScanner, err)
	}
	var report struct {
		Results []struct {
			Packages []struct {
				Package         struct{ Name string }
				Vulnerabilities []struct {
					ID       string
					Upstream []string
				}
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, nil, fmt.Errorf("read what %s wrote: %w", osvScanner, err)
	}
	for _, r := range report.Results {
		for _, p := range r.Packages {
			for _, v := range p.Vulnerabilities {
				advisories, cves = append(advisories, p.Package.Name+" "+v.ID), append(cves, v.Upstream...)
			}
		}
	}
	return distinct(advisories), distinct(cves), nil
}

// asked is what dpkg says, and how often it was asked. Each record's range goes from
// the first version to a fix.
func (b *bench) asked(ctx context.Context, records []advisory.Record) (advisories, cves []string, calls int, err error) {
	packages, err := sources(b.packageSnapshot())
	if err != nil {
		return nil, nil, 0, err
	}
	for _, r := range records {
		for _, a := range r.Affected {
			for _, p := range packages {
				if a.Ecosystem != p.Ecosystem || a.Package != p.Name {
					continue
				}
				if len(a.Ranges) != 1 || !a.Ranges[0].FromFirst() || a.Ranges[0].Fixed == "" {
					return nil, nil, 0, fmt.Errorf("%s has ranges that dpkg cannot be asked about", r.ID)
				}
				calls++
				older, err := dpkgSays(ctx, p.Version, "lt", a.Ranges[0].Fixed)
				if err != nil {
					return nil, nil, 0, err
				}
				if older {
					advisories, cves = append(advisories, p.Name+" "+r.ID), append(cves, r.CVEs...)
				}
			}
		}
	}
	return distinct(advisories), distinct(cves), calls, nil
}

func dpkgSays(ctx context.Context, a, relation, b string) (bool, error) {
	err := exec.CommandContext(ctx, "dpkg", "--compare-versions", a, relation, b).Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return false, nil
	}
	return err == nil, err
}
