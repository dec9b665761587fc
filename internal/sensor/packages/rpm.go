package packages

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages/rpm"
	"assay/internal/telemetry"
)

// rpmFolders are the places that rpm's database has had: the first everywhere, the
// second since Fedora 36 and on SUSE, the third where the system is an ostree. On
// most hosts they are links to one of them.
func rpmFolders() []string {
	return []string{"/var/lib/rpm", "/usr/lib/sysimage/rpm", "/usr/share/rpm"}
}

// maxAttempts is how often a database is read that changes meanwhile.
const maxAttempts = 3

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

// readRPM reads a database, again if it has changed meanwhile: rpm's locks would
// have to be written. Its packages are kept until it is known that they fit
// together.
func (c *collection) readRPM(f rpmFile, add addFunc) error {
	var got packageList
	var err error
	for attempt := 1; ; attempt++ {
		before := c.state(f)
		got = packageList{}
		err = c.readRPMOnce(f, got.addUnder(c))
		if c.state(f) == before {
			break
		}
		if attempt == maxAttempts {
			err = errors.Join(err, fmt.Errorf("it changed each of the %d times it was read", maxAttempts))
			break
		}
	}
	if pass := got.pass(add); pass != nil {
		return pass
	}
	return err
}

func (c *collection) readRPMOnce(f rpmFile, add addFunc) error {
	db, done, err := openRPM(c.fs, f)
	if err != nil {
		return err
	}
	defer done()
	return db.Packages(rpm.Visit(add))
}

// openRPM opens the files of a database. done closes them.
func openRPM(host *hostfs.FS, f rpmFile) (db rpm.Database, done func(), err error) {
	db.Format = f.Name
	main, err := openSource(host, f.path, &db.Main)
	if err != nil {
		return db, nil, err
	}
	if f.log == "" {
		return db, func() { main.Close() }, nil
	}
	if interrupted(host, f.path) {
		main.Close()
		return db, nil, fmt.Errorf("a transaction was interrupted (%s-journal); any rpm command run as root repairs it", f.path)
	}
	log, err := openSource(host, f.log, &db.Log)
	if missing(err) {
		return db, func() { main.Close() }, nil
	} else if err != nil {
		main.Close()
		return db, nil, err
	}
	return db, func() { main.Close(); log.Close() }, nil
}

// interrupted tells whether a rollback journal stands beside an SQLite database: a
// transaction that is neither finished nor undone. rpm keeps a write-ahead log
// instead, so this is rare. A journal that is over begins with zeros.
func interrupted(host *hostfs.FS, path string) bool {
	head, _, err := host.ReadFile(path+"-journal", 8)
	return err == nil && string(head) == "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
}

func openSource(host *hostfs.FS, path string, to *rpm.Source) (*os.File, error) {
	f, err := host.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("it has %d bytes, more than %d", info.Size(), int64(maxFile))
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	*to = rpm.Source{ReaderAt: f, Size: info.Size()}
	return f, nil
}

// state tells whether two looks at a database saw the same one.
func (c *collection) state(f rpmFile) string {
	var out strings.Builder
	for _, path := range []string{f.path, f.log} {
		if path == "" {
			continue
		}
		info, err := c.fs.Stat(path)
		fmt.Fprintln(&out, info.Inode, info.Size, info.MTime.UnixNano(), err)
	}
	return out.String()
}

// packageList keeps what was added.
type packageList struct {
	packages []*telemetry.Package
	bad      []error
}

func (l *packageList) addUnder(c *collection) addFunc {
	return func(p *telemetry.Package, bad error) error {
		if err := c.ctx.Err(); err != nil {
			return stop{err}
		}
		if len(l.packages)+len(l.bad) == maxPackages {
			return errTooMany
		}
		if bad != nil {
			l.bad = append(l.bad, bad)
		} else {
			l.packages = append(l.packages, p)
		}
		return nil
	}
}

func (l *packageList) pass(add addFunc) error {
	for _, p := range l.packages {
		if err := add(p, nil); err != nil {
			return err
		}
	}
	for _, bad := range l.bad {
		if err := add(nil, bad); err != nil {
			return err
		}
	}
	return nil
}
