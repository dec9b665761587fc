// Package files is the sensor of file metadata: owners, modes, times, access
// control lists and labels of the configuration, the system's programs and
// libraries, logs, kernels and homes. It opens no file but folders.
//
// Record makes the telemetry of one file; the walk sensor uses it too.
package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/mountinfo"
	"assay/internal/telemetry"
)

// Bounds of one snapshot. Beyond them the coverage is partial.
const (
	maxFiles   = 200_000
	maxEntries = 50_000 // of a folder
	maxDepth   = 32     // where a root has no bound of its own
)

type files struct{}

// New returns the sensor.
func New() sensor.Sensor { return files{} }

func (files) Describe() sensor.Description {
	d := sensor.Description{
		Name:    telemetry.SensorFiles,
		Summary: "Metadata of files: owner, mode, size, time, access control lists, SELinux label.",
		Never:   []string{"the content of any file", "remote file systems and automount points"},
	}
	for _, r := range roots {
		d.Reads = append(d.Reads, r.patterns()...)
		if r.kind == folders {
			d.Reads = append(d.Reads, r.levels("*")...)
		}
	}
	return d
}

func (files) Collect(ctx context.Context, host *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	mounts, err := mountinfo.ForRoot(host.FS)
	if err != nil {
		return telemetry.Coverage{State: telemetry.Failed, Reason: "what is mounted is not known: " + err.Error()}, nil
	}
	c := &collection{ctx: ctx, fs: host.FS, emit: emit, mounts: mounts, only: host.Only, seen: map[string]bool{}}
	var scope []string
	for _, r := range roots {
		if !host.Live && r.live() {
			continue
		}
		there, err := c.root(r)
		if err != nil {
			return telemetry.Coverage{}, err
		}
		if there {
			scope = append(scope, r.patterns()...)
		} else {
			scope = append(scope, r.path)
		}
	}
	coverage := sensor.Covered(c.missing)
	slices.Sort(scope)
	coverage.Scope = telemetry.Narrow(slices.Compact(scope), host.Only)
	return coverage, nil
}

// collection is one run of the sensor.
type collection struct {
	ctx     context.Context
	fs      *hostfs.FS
	emit    sensor.Emit
	mounts  *mountinfo.Table
	only    []string
	seen    map[string]bool
	count   int
	full    bool
	missing []string
}

// root collects a root: the folders above it, itself, and what it is collected
// with. It tells whether its patterns are covered: not where it is a link, whose
// target is another root, or a remote file system.
func (c *collection) root(r root) (bool, error) {
	at := "/"
	var rec *telemetry.File
	for _, element := range append([]string{""}, elements(r.path)...) {
		at = path.Join(at, element)
		var err error
		rec, err = c.path(at)
		switch {
		case err != nil:
			return false, err
		case rec == nil:
			return true, nil // there is nothing, and so nothing below it
		case rec.Problem != "" || rec.Kind == telemetry.Symlink:
			return false, nil
		case rec.Kind != telemetry.Directory && at != r.path:
			return true, nil
		}
	}
	if r.kind == itself {
		return true, nil
	}
	return true, c.below(r, rec)
}

func elements(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
}

// path collects one path by its name, of which the folders above are no links.
func (c *collection) path(name string) (*telemetry.File, error) {
	if err := c.mounts.Away(name); err != nil {
		rec := &telemetry.File{Path: name, Problem: err.Error()}
		return rec, c.put(rec)
	}
	if name == "/" {
		return c.top()
	}
	parent, err := c.fs.OpenFolder(path.Dir(name))
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		rec := &telemetry.File{Path: name, Problem: reason(err)}
		return rec, c.put(rec)
	}
	defer parent.Close()
	rec, _ := Record(parent, path.Base(name))
	if rec == nil {
		return nil, nil
	}
	return rec, c.put(rec)
}

// top is the root folder, which is in no other.
func (c *collection) top() (*telemetry.File, error) {
	folder, err := c.fs.OpenFolder("/")
	if err != nil {
		rec := &telemetry.File{Path: "/", Problem: reason(err)}
		return rec, c.put(rec)
	}
	defer folder.Close()
	rec, _ := Record(folder, ".")
	if rec == nil {
		return nil, nil
	}
	return rec, c.put(rec)
}

// below collects what is below a root.
func (c *collection) below(r root, rec *telemetry.File) error {
	folder, err := c.fs.OpenFolder(r.path)
	if err != nil {
		return c.unlisted(rec, err)
	}
	defer folder.Close()
	depth := r.depth
	if depth == 0 {
		depth = maxDepth
	}
	return c.folder(folder, rec, r, depth)
}

func (c *collection) folder(folder *hostfs.Folder, rec *telemetry.File, r root, depth int) error {
	names, more, err := folder.Names(maxEntries)
	if err == nil && more {
		err = fmt.Errorf("has more than %d entries", maxEntries)
	}
	if err != nil {
		if err := c.unlisted(rec, err); err != nil {
			return err
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if c.full || c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		if err := c.entry(folder, name, r, depth); err != nil {
			return err
		}
	}
	return nil
}

func (c *collection) entry(folder *hostfs.Folder, name string, r root, depth int) error {
	full := path.Join(folder.Path, name)
	if c.mounts.Point(full) != nil {
		if err := c.mounts.Away(full); err != nil {
			return c.put(&telemetry.File{Path: full, Problem: err.Error()})
		}
	}
	rec, isFolder := Record(folder, name)
	if rec == nil || !r.wants(name, isFolder) {
		return nil
	}
	if err := c.put(rec); err != nil || !isFolder {
		return err
	}
	if depth == 1 {
		if r.depth == 0 {
			return c.unlisted(rec, fmt.Errorf("is more than %d folders deep", maxDepth))
		}
		return nil
	}
	return c.enter(folder, rec, name, r, depth-1)
}

// enter goes into a folder, over a mount point where something local is mounted.
func (c *collection) enter(folder *hostfs.Folder, rec *telemetry.File, name string, r root, depth int) error {
	full := path.Join(folder.Path, name)
	e := c.mounts.Point(full)
	if e != nil && e.Kind() != mountinfo.Local {
		return c.unlisted(rec, fmt.Errorf("is a file system of the type %s", e.FileSystem))
	}
	sub, err := folder.Folder(name)
	if e != nil || errors.Is(err, syscall.EXDEV) {
		if sub != nil {
			sub.Close()
		}
		sub, err = c.fs.OpenFolder(full)
	}
	if gone(err) {
		return nil
	} else if err != nil {
		return c.unlisted(rec, err)
	}
	defer sub.Close()
	return c.folder(sub, rec, r, depth)
}

func (r root) wants(name string, isFolder bool) bool {
	switch r.kind {
	case everything:
		return true
	case libraries:
		return isFolder || strings.HasSuffix(name, ".so") || strings.Contains(name, ".so.")
	}
	return isFolder
}

func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
