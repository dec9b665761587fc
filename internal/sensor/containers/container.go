package containers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/libraries"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/roots"
	"assay/internal/sensor/system"
	"assay/internal/telemetry"
)

var errFull = errors.New("there are more records than are kept")

// container is the work on one container.
type container struct {
	*collection
	root     *roots.Root
	record   *telemetry.Container
	records  int  // emitted of it
	read     int  // how often its root was opened
	gone     bool // it cannot be looked into any more
	problems []string
}

func newContainer(c *collection, root *roots.Root) *container {
	rec := &telemetry.Container{ID: root.Container, Runtime: root.Runtime, MountNS: root.MountNS, PID: root.PIDs[0]}
	c.names.add(c.host.FS, rec)
	return &container{collection: c, root: root, record: rec}
}

// maxProblem bounds what a problem may say: some errors quote what the container has
// written.
const maxProblem = 1000

// problem notes what could not be read.
func (c *container) problem(of *[]string, why string) {
	why = clip(why, maxProblem)
	c.problems = append(c.problems, why)
	*of = append(*of, fmt.Sprintf("container %s: %s", short(c.record.ID), why))
}

// open opens the root, nil where that cannot be done.
func (c *container) open(of *[]string) *hostfs.FS {
	fs, pid, err := c.root.Open(c.proc)
	if err != nil {
		c.gone = true
		if errors.Is(err, roots.ErrEnded) && c.read == 0 {
			c.ended++
			return nil
		}
		c.problem(of, "it was not looked into: "+err.Error())
		return nil
	}
	c.record.PID = pid
	c.read++
	return fs
}

// look reads what system and which packages the container has.
func (c *container) look(ctx context.Context) error {
	fs := c.open(&c.all)
	if fs == nil {
		return nil
	}
	defer fs.Close()
	release, err := system.Release(fs)
	if err != nil && !errors.Is(err, system.ErrNoRelease) {
		c.problem(&c.collection.packages, "its system is not known: "+err.Error())
	}
	r := c.record
	r.OS, r.OSLike, r.OSName = text(release["ID"]), text(release["ID_LIKE"]), text(release["PRETTY_NAME"])
	r.OSVersion, r.Codename = text(release["VERSION_ID"]), text(release["VERSION_CODENAME"])
	return c.readPackages(ctx, fs, release != nil)
}

// readPackages emits the packages. That a container has none is no problem: there
// are images of a single program. But a system without a database has one that is
// not known here.
func (c *container) readPackages(ctx context.Context, fs *hostfs.FS, system bool) error {
	limited, cancel := context.WithTimeout(ctx, c.bounds.time)
	defer cancel()
	coverage, databases, err := packages.Read(limited, fs, c.host.Only, c.take)
	problem := ""
	switch {
	case errors.Is(err, errFull):
		problem = fmt.Sprintf("only %d of its packages were kept", c.records)
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		problem = fmt.Sprintf("its packages were not read within %s", c.bounds.time)
	case err != nil:
		return err
	case coverage.State != telemetry.Complete && (databases > 0 || system):
		problem = coverage.Reason
	}
	if problem != "" {
		c.problem(&c.collection.packages, problem)
	}
	return nil
}

// search emits the packages of programming languages, of all files on the mount
// that the root is on.
func (c *container) search(ctx context.Context) error {
	if c.gone {
		return nil
	}
	fs := c.open(&c.collection.libraries)
	if fs == nil {
		return nil
	}
	defer fs.Close()
	options := libraries.Options{
		Only: c.host.Only, Container: c.record.ID, Time: c.bounds.search,
		Most: min(c.bounds.each-c.records, c.bounds.records-c.collection.records),
	}
	if options.Most <= 0 {
		c.problem(&c.collection.libraries, "it was not searched for libraries: it has too many packages")
		return nil
	}
	out, err := libraries.Collect(ctx, fs, options, func(l *telemetry.Library) error { return c.take(l) })
	if err != nil {
		return err
	}
	if out.Coverage.State != telemetry.Complete {
		c.problem(&c.collection.libraries, out.Coverage.Reason)
	}
	return nil
}

// take emits a record about what is in the container.
func (c *container) take(rec telemetry.Record) error {
	if c.records >= c.bounds.each || c.collection.records >= c.bounds.records {
		return errFull
	}
	switch r := rec.(type) {
	case *telemetry.Package:
		r.Container = c.record.ID
	case *telemetry.PackageDatabase:
		r.Container = c.record.ID
	}
	c.records++
	c.collection.records++
	return c.emit(rec)
}

// finish emits the container's own record, unless it had ended before anything of
// it was read: then it is no container that runs.
func (c *container) finish() error {
	if c.read == 0 && len(c.problems) == 0 {
		return nil
	}
	c.record.Problem = strings.Join(c.problems, "; ")
	return c.emit(c.record)
}

// text is a value that a container has chosen, as much of it as is sensible.
func text(value string) string { return clip(value, 256) }

func clip(value string, most int) string {
	if len(value) > most {
		value = strings.ToValidUTF8(value[:most], "")
	}
	return value
}

// short is an id as people know it.
func short(id string) string {
	if len(id) == 64 {
		return id[:12]
	}
	return id
}
