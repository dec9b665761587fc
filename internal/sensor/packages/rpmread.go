package packages

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages/rpm"
	"assay/internal/telemetry"
)

// maxAttempts is how often a database is read that changes meanwhile.
const maxAttempts = 3

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
