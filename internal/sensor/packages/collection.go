package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// Bounds of what is read. The largest databases known have some ten thousand
// packages and 500 MB.
const (
	maxPackages = 100_000 // of one database
	maxFile     = 4 << 30 // bytes of a database
	maxText     = 256 << 20
	maxSmall    = 1 << 20 // bytes of a file of one package
	maxEntries  = 200_000 // of a folder
)

// collection is the work on one manager's databases.
type collection struct {
	ctx     context.Context
	fs      *hostfs.FS
	only    []string
	emit    sensor.Emit
	manager string

	found    int   // databases
	packages int64 // emitted, of all of them
	left     int   // databases that the instruction leaves out
	problems []problem
}

// problem is why a database, or some of it, could not be read.
type problem struct {
	text   string
	denied bool
}

// database is a database that was found and is being read.
type database struct {
	c      *collection
	record telemetry.PackageDatabase
	first  error // why the first of the skipped entries was skipped
}

// addFunc takes a package, or the reason why an entry of the database could not
// be read. An error ends the reading.
type addFunc func(p *telemetry.Package, bad error) error

// database reads a database that was found. What read returns is a problem of the
// database; only a failing emit or context is an error here.
func (c *collection) database(path, format string, read func(add addFunc) error) error {
	if !c.wanted(path) {
		return nil
	}
	c.found++
	db := &database{c: c, record: telemetry.PackageDatabase{Manager: c.manager, Path: path, Format: format}}
	err := read(db.add)
	var over stop
	if errors.As(err, &over) {
		return over.error
	}
	return db.close(err)
}

// wanted tells whether the instruction asks for a database.
func (c *collection) wanted(path string) bool {
	if len(c.only) == 0 || telemetry.InScope(c.only, path) {
		return true
	}
	c.left++
	return false
}

// stop is an error that ends the whole collection, on its way through a parser.
type stop struct{ error }

func (s stop) Unwrap() error { return s.error }

var errTooMany = fmt.Errorf("it has more than %d packages", maxPackages)

func (db *database) add(p *telemetry.Package, bad error) error {
	if err := db.c.ctx.Err(); err != nil {
		return stop{err}
	}
	if bad != nil {
		db.record.Skipped++
		if db.first == nil {
			db.first = bad
		}
		return nil
	}
	if db.record.Packages == maxPackages {
		return errTooMany
	}
	if err := db.c.emit(p); err != nil {
		return stop{err}
	}
	db.record.Packages++
	db.c.packages++
	return nil
}

// close emits the record of the database.
func (db *database) close(err error) error {
	path := db.record.Path
	if err == nil && db.record.Skipped > 0 {
		err = fmt.Errorf("%d entries could not be read, the first because %w", db.record.Skipped, db.first)
	}
	if err != nil {
		db.record.Problem = err.Error()
		db.c.problem(path, err)
	}
	return db.c.emit(&db.record)
}

func (c *collection) problem(path string, err error) {
	c.problems = append(c.problems, problem{
		text:   path + ": " + err.Error(),
		denied: errors.Is(err, fs.ErrPermission),
	})
}

// missing tells whether an error means that there is no such file, as opposed to
// one that can't be looked at.
func missing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// present tells whether there is something at path. That it can't be told is a
// database that was found and can't be read.
func (c *collection) present(path, format string) (bool, error) {
	_, err := c.fs.Stat(path)
	if err == nil {
		return true, nil
	}
	if missing(err) {
		return false, nil
	}
	return false, c.database(path, format, func(addFunc) error { return err })
}
