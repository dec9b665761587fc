// Package alpine reads Alpine's security database
// (https://secdb.alpinelinux.org/v3.20/main.json, .../community.json): the versions of
// packages that fixed something, one file a release and repository. Wolfi and
// Chainguard publish the same form without a release.
//
// The form: {distroversion, reponame, urlprefix, apkurl, archs, packages: [{pkg: {name,
// secfixes: {VERSION: [ID, ...]}}}]}. name is that of the source package (the origin
// in apk's database). Its oddities:
//
//   - The version "0" means that the package never had what is listed.
//   - An entry may name several things, and more than names: "CVE-2019-14697
//     GHSA-xxxx-xxxx-xxxx", "CVE-2017-2616 (+ regression fix)", "CVE_2019-2426", "XSA-312".
//     Each entry is a record: about the CVEs in it, or about its first word if there are
//     none.
//   - The list of a version may be null.
//   - Nothing is said of what has no fix, nor of severities and dates.
//   - distroversion may come after the packages, so a file is read as a whole; it has
//     a few megabytes at most.
package alpine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
)

// MaxFile bounds a file, in bytes.
const MaxFile = 64 << 20

type database struct {
	Release  string `json:"distroversion"`
	Prefix   string `json:"urlprefix"`
	Packages []struct {
		Pkg struct {
			Name  string              `json:"name"`
			Fixes map[string][]string `json:"secfixes"`
		} `json:"pkg"`
	} `json:"packages"`
}

// Read reads a file; it is a feed.Reader.
func Read(ctx context.Context, r io.Reader, emit advisory.Emit) error {
	in, err := feed.NewJSON(ctx, r, MaxFile)
	if err != nil {
		return err
	}
	defer in.Close()
	var db database
	if err := in.Decode(&db); err == io.EOF {
		return fmt.Errorf("the security database is empty: %w", io.ErrUnexpectedEOF)
	} else if err != nil {
		return fmt.Errorf("the security database: %w", err)
	}
	if err := in.End(); err != nil {
		return err
	}
	ecosystem, err := db.ecosystem()
	if err != nil {
		return err
	}
	for i, p := range db.Packages {
		if p.Pkg.Name == "" {
			return fmt.Errorf("package %d of the security database has no name", i+1)
		}
		for _, version := range slices.Sorted(maps.Keys(p.Pkg.Fixes)) {
			for _, entry := range p.Pkg.Fixes[version] {
				if err := put(ecosystem, p.Pkg.Name, version, entry, emit); err != nil {
					return fmt.Errorf("package %.80q, fixed in %.80q: %w", p.Pkg.Name, version, err)
				}
			}
		}
	}
	return nil
}

var number = regexp.MustCompile(`^v?(\d+\.\d+)$`)

// ecosystem is OSV's name: "Alpine:v3.20".
func (db *database) ecosystem() (string, error) {
	if m := number.FindStringSubmatch(db.Release); m != nil {
		return "Alpine:v" + m[1], nil
	}
	switch {
	case db.Release == "edge":
		return "Alpine:edge", nil
	case db.Release == "" && strings.Contains(db.Prefix, "wolfi"):
		return "Wolfi", nil
	case db.Release == "" && strings.Contains(db.Prefix, "chainguard"):
		return "Chainguard", nil
	case db.Release == "":
		return "", errors.New("the security database does not say which release it is about: it has no distroversion")
	}
	return "", fmt.Errorf("the distroversion %.40q is no release of Alpine", db.Release)
}

// name is what an entry may begin with where it has no CVE.
var name = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*[-_][A-Za-z0-9_-]*\d[A-Za-z0-9_-]*`)

func put(ecosystem, pkg, version, entry string, emit advisory.Emit) error {
	version = strings.TrimSpace(version)
	if version == "" {
		return errors.New("the version is empty")
	}
	r := advisory.Record{CVEs: feed.CVEs(entry)}
	if len(r.CVEs) > 0 {
		r.ID = r.CVEs[0]
	} else if r.ID = name.FindString(strings.TrimSpace(entry)); r.ID == "" {
		emit.Skipped(pkg+" "+version, entry, "entry that names no vulnerability")
		return nil
	}
	a := advisory.Affected{Ecosystem: ecosystem, Package: pkg, Status: advisory.Fixed,
		Ranges: []advisory.Range{{Introduced: "0", Fixed: version}}}
	if version == "0" {
		a.Status, a.Ranges[0].Fixed = advisory.NotAffected, ""
	}
	r.Affected = []advisory.Affected{a}
	return emit.Put(r)
}
