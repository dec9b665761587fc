package packages

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"assay/internal/sensor/packages/rpm"
)

// rpmFolders are the places that rpm's database has had: the first everywhere, the
// second since Fedora 36 and on SUSE, the third where the system is an ostree. On
// most hosts they are links to one of them.
func rpmFolders() []string {
	return []string{"/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"}
}

func collectRPM(c *collection) error {
	folders, err := c.distinct(rpmFolders())
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if err := c.rpmFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

// rpmFile is a database in a folder of rpm's.
type rpmFile struct {
	rpm.Format
	path, log string
	changed   time.Time
}

// rpmFolder reads the database of a folder. Where a folder has several, one is
// left over from before rpm changed its format: the one that was written last is
// read, and the others are problems, because only the host's owner can know.
func (c *collection) rpmFolder(folder string) error {
	files, err := c.rpmFiles(folder)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return c.rpmLost(folder)
	}
	for i, f := range files {
		err := c.database(f.path, f.Name, func(add addFunc) error {
			if i > 0 {
				return fmt.Errorf("it was not read: %s stands beside it and was written later; remove the one that rpm doesn't use", files[0].path)
			}
			return c.readRPM(f, add)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// rpmFiles returns the databases in a folder, the one written last first.
func (c *collection) rpmFiles(folder string) ([]rpmFile, error) {
	var files []rpmFile
	for _, format := range rpm.Formats() {
		f := rpmFile{Format: format, path: folder + "/" + format.File}
		if there, err := c.present(f.path, format.Name); err != nil {
			return nil, err
		} else if !there {
			continue
		}
		info, err := c.fs.Stat(f.path)
		if err != nil {
			continue
		}
		f.changed = info.MTime
		if format.Log != "" {
			f.log = folder + "/" + format.Log
			if info, err := c.fs.Stat(f.log); err == nil && info.MTime.After(f.changed) {
				f.changed = info.MTime
			}
		}
		files = append(files, f)
	}
	slices.SortStableFunc(files, func(a, b rpmFile) int { return cmp.Compare(b.changed.UnixNano(), a.changed.UnixNano()) })
	return files, nil
}

// rpmLost looks for what is left of a database that has lost its packages.
func (c *collection) rpmLost(folder string) error {
	names, _, err := c.fs.ReadDir(folder, maxEntries)
	if err != nil {
		return c.database(folder, "", func(addFunc) error { return err })
	}
	for _, n := range names {
		switch n {
		case "rpmdb.sqlite-wal", "Index.db", "Basenames", "Name":
			return c.database(folder, "", func(addFunc) error {
				return fmt.Errorf("it has %s, but no file with the packages", n)
			})
		}
	}
	return nil
}
