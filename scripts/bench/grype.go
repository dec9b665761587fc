//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

const getGrype = "GOBIN=/a/folder/in/PATH go install github.com/anchore/grype/cmd/grype@v0.110.0 (some minutes)"

// grype is what cve does, with grype: the same advisories, in a database that
// scripts/grypedb.sh has made of them, and the same host's package database, alone in
// a folder, so that grype reads nothing else.
func (b *bench) grype(ctx context.Context) error {
	if _, err := exec.LookPath("grype"); err != nil {
		return fmt.Errorf("%w: get it by: %s", err, getGrype)
	}
	if b.grypeDB == "" {
		return errors.New("there is no database for grype: make one with scripts/grypedb.sh FOLDER, and give -grype-db FOLDER")
	}
	records, err := readAdvisories(ctx, b.advisories())
	if err != nil {
		return err
	}
	set := filepath.Join(b.work, "advisories-grype")
	if err := buildSet(ctx, set, records); err != nil {
		return err
	}
	scan, err := b.grypeCommand()
	if err != nil {
		return err
	}
	if err := b.alikeGrype(ctx, set, scan); err != nil {
		return err
	}
	theirs := func(ctx context.Context) (cost, error) {
		return command(ctx, []int{0}, append([]string{"env"}, scan...)...)
	}
	we, they, err := pairs(ctx, 5, b.endToEnd(set), theirs)
	if err != nil {
		return err
	}
	b.table.beside("vulnerabilities of this host: CPU", we.Seconds*1e3, they.Seconds*1e3, "ms", "grype 0.110")
	b.table.beside("  by the clock", we.Wall*1e3, they.Wall*1e3, "ms", "grype 0.110")
	b.table.beside("  resident memory, the highest", we.Peak, they.Peak, "MiB", "grype 0.110")
	return nil
}

// grypeCommand is how grype reads the host's packages, as env(1) takes it.
func (b *bench) grypeCommand() ([]string, error) {
	root := filepath.Join(b.work, "grype")
	for _, name := range []string{"var/lib/dpkg/status", "etc/os-release"} {
		data, err := os.ReadFile("/" + name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(root, name), data, 0o644)
		}
		if err != nil {
			return nil, err
		}
	}
	return []string{
		"GRYPE_DB_CACHE_DIR=" + b.grypeDB, "GRYPE_DB_AUTO_UPDATE=false", "GRYPE_DB_VALIDATE_AGE=false", "GRYPE_CHECK_FOR_APP_UPDATE=false",
		"grype", "-q", "-o", "json", "dir:" + root,
	}, nil
}

// alikeGrype compares what is found. grype lists binary packages, with their source
// beside them where its name is another.
func (b *bench) alikeGrype(ctx context.Context, set string, scan []string) error {
	if _, err := b.collectPackages(ctx); err != nil {
		return err
	}
	ours, _, err := matched(set, b.packageSnapshot())
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "env", scan...).Output()
	if err != nil {
		return fmt.Errorf("grype: %w", err)
	}
	var report struct {
		Matches []struct {
			Vulnerability struct{ ID string }
			Artifact      struct {
				Name      string
				Upstreams []struct{ Name string }
			}
		}
	}
	if err := json.Unmarshal(out, &report); err != nil {
		return fmt.Errorf("read what grype wrote: %w", err)
	}
	var theirs []string
	for _, m := range report.Matches {
		source := m.Artifact.Name
		if len(m.Artifact.Upstreams) > 0 {
			source = m.Artifact.Upstreams[0].Name
		}
		theirs = append(theirs, source+" "+m.Vulnerability.ID)
	}
	if err := differences("grype", "advisories", ours, distinct(theirs)); err != nil {
		return err
	}
	b.table.add("vulnerabilities found on this host", fmt.Sprintf("%d advisories", len(ours)), "the same by grype 0.110")
	return nil
}
