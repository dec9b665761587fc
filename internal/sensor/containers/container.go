package containers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/roots"
	"assay/internal/sensor/system"
	"assay/internal/telemetry"
)

var errFull = errors.New("it has more packages than are kept")

// container reads one container. Its own record comes last: it says what could not
// be read. Only a failing emit or ctx is an error here.
func (c *collection) container(ctx context.Context, root *roots.Root) error {
	c.looked++
	rec := &telemetry.Container{ID: root.Container, Runtime: root.Runtime, MountNS: root.MountNS, PID: root.PIDs[0]}
	c.names.add(c.host.FS, rec)
	fs, pid, err := root.Open(c.proc)
	if errors.Is(err, roots.ErrEnded) {
		c.ended++
		return nil
	}
	var problems []string
	if err != nil {
		problems = []string{err.Error()}
		c.all = append(c.all, "container "+short(rec.ID)+": "+err.Error())
	} else {
		defer fs.Close()
		rec.PID = pid
		if problems, err = c.read(ctx, fs, rec); err != nil {
			return err
		}
	}
	rec.Problem = strings.Join(problems, "; ")
	c.records++
	return c.emit(rec)
}

// read reads the files of a container, and returns what was not read.
func (c *collection) read(ctx context.Context, fs *hostfs.FS, rec *telemetry.Container) (problems []string, err error) {
	release, noRelease := system.Release(fs)
	rec.OS, rec.OSLike, rec.OSName = text(release["ID"]), text(release["ID_LIKE"]), text(release["PRETTY_NAME"])
	rec.OSVersion, rec.Codename = text(release["VERSION_ID"]), text(release["VERSION_CODENAME"])
	if noRelease != nil && !errors.Is(noRelease, system.ErrNoRelease) {
		problems = append(problems, "its system is not known: "+noRelease.Error())
	}
	if c.libraries == nil {
		c.libraries = []string{"libraries in containers are not collected by this version"}
	}

	found, err := c.readPackages(ctx, fs, rec, release != nil)
	for _, p := range append(found, problems...) {
		c.packages = append(c.packages, "container "+short(rec.ID)+": "+p)
	}
	return append(problems, found...), err
}

// readPackages emits a container's packages. That a container has none is no
// problem: there are images of a single program. But a system without a database
// has one that is not known here.
func (c *collection) readPackages(ctx context.Context, fs *hostfs.FS, rec *telemetry.Container, system bool) (problems []string, err error) {
	limited, cancel := context.WithTimeout(ctx, c.bounds.time)
	defer cancel()
	before := c.records
	coverage, databases, err := packages.Read(limited, fs, c.host.Only, func(r telemetry.Record) error {
		if c.records-before == c.bounds.each || c.records >= c.bounds.records {
			return errFull
		}
		switch r := r.(type) {
		case *telemetry.Package:
			r.Container = rec.ID
		case *telemetry.PackageDatabase:
			r.Container = rec.ID
		}
		c.records++
		return c.emit(r)
	})
	switch {
	case errors.Is(err, errFull):
		return []string{fmt.Sprintf("only %d of its packages were kept", c.records-before)}, nil
	case err != nil && ctx.Err() == nil && limited.Err() != nil:
		return []string{fmt.Sprintf("its packages were not read within %s", c.bounds.time)}, nil
	case err != nil:
		return nil, err
	case databases == 0 && !system:
		return nil, nil
	case coverage.State != telemetry.Complete:
		return []string{coverage.Reason}, nil
	}
	return nil, nil
}

// text is a value that a container has chosen, as much of it as is sensible.
func text(value string) string {
	const most = 256
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
