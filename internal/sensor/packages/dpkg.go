package packages

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"assay/internal/sensor/packages/dpkg"
	"assay/internal/telemetry"
)

const (
	dpkgStatus       = "/var/lib/dpkg/status"
	dpkgStatusFolder = "/var/lib/dpkg/status.d"
	dpkgUpdates      = "/var/lib/dpkg/updates"
	dpkgInfo         = "/var/lib/dpkg/info"
	dpkgDiversions   = "/var/lib/dpkg/diversions"

	maxUpdates = 4096 // dpkg merges them after some fifty
)

func collectDpkg(c *collection) error {
	there, err := c.present(dpkgStatus, "")
	if err != nil {
		return err
	}
	if there {
		err = c.database(dpkgStatus, "", c.readDpkgStatus)
	} else if c.dpkgHasLists() {
		err = c.database(dpkgStatus, "", func(addFunc) error {
			return errors.New("it is missing, though " + dpkgInfo + " lists the files of packages")
		})
	}
	if err != nil {
		return err
	}
	return c.statusFolder()
}

// dpkgHasLists tells whether dpkg has installed packages here once.
func (c *collection) dpkgHasLists() bool {
	names, _, err := c.fs.ReadDir(dpkgInfo, maxEntries)
	return err == nil && slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".list") })
}

// readDpkgStatus reads the status file, as changed by the entries in the updates
// folder: dpkg writes each change there first, and merges them from time to time.
func (c *collection) readDpkgStatus(add addFunc) error {
	updates, err := c.dpkgUpdates()
	if err != nil {
		return err
	}
	f, err := c.fs.Open(dpkgStatus)
	if err != nil {
		return err
	}
	defer f.Close()
	seen := 0
	err = dpkg.Read(bounded(f, maxText), func(p *telemetry.Package, bad error) error {
		seen++
		if bad == nil && slices.ContainsFunc(updates, func(u *telemetry.Package) bool { return dpkg.Replaces(u, p) }) {
			return nil
		}
		return addDpkg(add, p, bad)
	})
	if err != nil {
		return err
	}
	for _, p := range updates {
		if err := addDpkg(add, p, nil); err != nil {
			return err
		}
	}
	if seen+len(updates) == 0 && c.dpkgHasLists() {
		return errors.New("it is empty, though " + dpkgInfo + " lists the files of packages")
	}
	return nil
}

func addDpkg(add addFunc, p *telemetry.Package, bad error) error {
	if bad == nil && p.Status == dpkg.NotInstalled {
		return nil
	}
	return add(p, bad)
}

// dpkgUpdates reads the changes that are not merged yet. Of several changes to a
// package the last one counts.
func (c *collection) dpkgUpdates() ([]*telemetry.Package, error) {
	names, more, err := c.fs.ReadDir(dpkgUpdates, maxUpdates)
	if missing(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	} else if more {
		return nil, fmt.Errorf("%s has more than %d entries", dpkgUpdates, maxUpdates)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return strings.Trim(n, "0123456789") != "" })
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	var all []*telemetry.Package
	for _, name := range names {
		err := c.readSmall(dpkgUpdates+"/"+name, func(r io.Reader) error {
			return dpkg.Read(r, func(p *telemetry.Package, bad error) error {
				if bad != nil {
					return bad
				}
				all = slices.DeleteFunc(all, func(o *telemetry.Package) bool { return dpkg.Replaces(p, o) })
				all = append(all, p)
				return nil
			})
		})
		if err != nil && !missing(err) { // merged while we looked
			return nil, fmt.Errorf("%s/%s: %w", dpkgUpdates, name, err)
		}
	}
	return all, nil
}

// statusFolder reads the entries of status.d, one file a package, as Bazel's
// rules and distroless images have them.
func (c *collection) statusFolder() error {
	there, err := c.present(dpkgStatusFolder, "")
	if err != nil || !there {
		return err
	}
	return c.database(dpkgStatusFolder, "", func(add addFunc) error {
		names, more, err := c.fs.ReadDir(dpkgStatusFolder, maxEntries)
		if err != nil {
			return err
		}
		slices.Sort(names)
		for _, name := range names {
			if strings.HasSuffix(name, ".md5sums") || strings.HasSuffix(name, ".list") {
				continue
			}
			err := c.readSmall(dpkgStatusFolder+"/"+name, func(r io.Reader) error {
				// These files are not dpkg's own writing: some have no last newline.
				r = io.MultiReader(r, strings.NewReader("\n"))
				return dpkg.Read(r, func(p *telemetry.Package, bad error) error { return addDpkg(add, p, bad) })
			})
			if err := entryError(name, err, add); err != nil {
				return err
			}
		}
		if more {
			return fmt.Errorf("it has more than %d entries", maxEntries)
		}
		return nil
	})
}
