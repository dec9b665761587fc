package java

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"assay/internal/telemetry"
)

// guess adds what manifest and file name tell of an archive without Maven's
// description. If that does not certainly make an artifact with its version, the
// digest is added, by which others may know the file.
func (d *reading) guess(a archive, m manifest) error {
	name, named := fromFile(a.base)
	version := firstVersion(m["implementation-version"], named, m["bundle-version"], m["specification-version"])
	if names := artifacts(name, m); version != "" && len(names) > 0 {
		for _, full := range names {
			if err := d.put(telemetry.Library{Name: full, Version: version, Inside: a.inside}); err != nil {
				return err
			}
		}
		return nil
	}
	digest, err := d.digest(a)
	if err != nil {
		return err
	}
	l := telemetry.Library{Name: noName.ReplaceAllString(name, "_"), Version: version, Inside: a.inside, Digest: digest}
	// Vendors call themselves by their groups, and by other names.
	if group := m["implementation-vendor-id"]; groupID.MatchString(group) {
		l.Name = group + ":" + l.Name
	}
	return d.put(l)
}

var (
	noName   = regexp.MustCompile(`[^0-9A-Za-z._+-]`)
	release  = regexp.MustCompile(`^[0-9][0-9A-Za-z._+~-]*$`)
	fileName = regexp.MustCompile(`^(.+?)-([0-9][0-9A-Za-z._+~]*(?:-[0-9A-Za-z._+~]+)*)$`)
	groupID  = regexp.MustCompile(`^[a-z][0-9a-z_-]*(?:\.[0-9A-Za-z_-]+)+$`)
)

// fromFile splits "spring-core-5.3.20.jar"; the version is "" if there is none.
func fromFile(base string) (name, version string) {
	base = strings.TrimSuffix(base, path.Ext(base))
	if m := fileName.FindStringSubmatch(base); m != nil {
		return m[1], m[2]
	}
	return base, ""
}

func firstVersion(candidates ...string) string {
	for _, c := range candidates {
		if release.MatchString(c) {
			return c
		}
	}
	return ""
}

// artifacts are the full names of an archive, none if its group is not certain.
func artifacts(name string, m manifest) []string {
	if names := tomcat[name]; names != nil && m["implementation-title"] == "Apache Tomcat" {
		return names
	}
	if group := groupOf(name); group != "" {
		return []string{group + ":" + name}
	}
	symbolic, _, _ := strings.Cut(m["bundle-symbolicname"], ";")
	if group, ok := strings.CutSuffix(strings.TrimSpace(symbolic), "."+name); ok && groupID.MatchString(group) {
		return []string{group + ":" + name}
	}
	return nil
}

// digest is the SHA-1 of an archive, the one that Maven Central knows files by.
func (d *reading) digest(a archive) (string, error) {
	if a.size > maxHashed {
		return "", fmt.Errorf("it tells of no artifact, and has more than %d bytes to be known by", maxHashed)
	}
	sum := sha1.New()
	in := &metered{io.NewSectionReader(a.r, 0, a.size), &d.meter}
	if n, err := io.Copy(sum, in); err != nil {
		return "", err
	} else if n != a.size {
		return "", errors.New("it changed while it was read")
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
