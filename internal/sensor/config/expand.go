package config

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
	"assay/internal/telemetry"
)

// collection is one run of the sensor.
type collection struct {
	ctx     context.Context
	fs      *hostfs.FS
	emit    sensor.Emit
	away    func(path string) error
	only    []string
	allowed []string
	folders map[string]*folder
	seen    map[string]bool
	files   int
	bytes   int64
	full    string // the bound that ended the collection
}

// folder is a folder of the host, looked at once.
type folder struct {
	real   string // its path without links
	err    error  // why it cannot be entered
	listed bool
	names  []string
}

// folder enters a folder; nil where there is none, or where it cannot be entered,
// which is then reported.
func (c *collection) folder(name string) (*folder, error) {
	f, ok := c.folders[name]
	if !ok {
		f = &folder{}
		f.real, f.err = c.fs.Follow(name, c.away)
		c.folders[name] = f
		if f.err != nil && !gone(f.err) {
			if err := c.problem(name, reason(f.err)); err != nil {
				return nil, err
			}
		}
	}
	if f.err != nil {
		return nil, nil
	}
	return f, nil
}

// list returns the names in a folder, sorted.
func (c *collection) list(name string) ([]string, error) {
	f, err := c.folder(name)
	if f == nil || f.listed {
		if f == nil {
			return nil, err
		}
		return f.names, nil
	}
	f.listed = true
	names, more, listErr := c.fs.ReadDir(f.real, maxEntries)
	if more && listErr == nil {
		listErr = fmt.Errorf("has more than %d entries", maxEntries)
	}
	if listErr != nil && !gone(listErr) {
		if err := c.problem(name, reason(listErr)); err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	f.names = names
	return names, nil
}

// expand reads the files below a folder that the elements of a pattern name. The
// error is that of emit or ctx.
func (c *collection) expand(at string, pattern []string) error {
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	if c.full != "" {
		return nil
	}
	if pattern[0] == "**" {
		return c.tree(at, pattern[1:], 0)
	}
	if !strings.ContainsAny(pattern[0], "*?[") {
		return c.step(path.Join(at, pattern[0]), pattern, true)
	}
	names, err := c.list(at)
	for _, name := range names {
		if err == nil && telemetry.Match(pattern[0], name) {
			err = c.step(path.Join(at, name), pattern, false)
		}
	}
	return err
}

// step goes on below a path that the first element of the pattern names, or reads
// it if that is the last.
func (c *collection) step(name string, pattern []string, literal bool) error {
	if len(pattern) == 1 {
		return c.file(name, literal || pattern[0] != "*")
	}
	if !literal {
		if ok, err := c.isFolder(name); !ok {
			return err
		}
	}
	return c.expand(name, pattern[1:])
}

// tree reads what is below a folder at any depth. Folders that are links are not
// entered.
func (c *collection) tree(at string, rest []string, depth int) error {
	if len(rest) > 0 {
		if err := c.expand(at, rest); err != nil {
			return err
		}
	}
	names, err := c.list(at)
	if err != nil {
		return err
	}
	for _, name := range names {
		full := path.Join(at, name)
		isFolder, err := c.isFolder(full)
		switch {
		case err != nil:
			return err
		case !isFolder && len(rest) == 0:
			err = c.file(full, false)
		case isFolder && depth >= maxDepth:
			err = c.problem(full, fmt.Sprintf("is more than %d folders deep", maxDepth))
		case isFolder:
			err = c.tree(full, rest, depth+1)
		}
		if err != nil || c.full != "" {
			return err
		}
	}
	return nil
}

// isFolder tells whether a path is a folder and no link to one.
func (c *collection) isFolder(name string) (bool, error) {
	f, err := c.folder(path.Dir(name))
	if f == nil {
		return false, err
	}
	real := path.Join(f.real, path.Base(name))
	if c.away(real) != nil {
		return true, nil // whoever lists it is told why not
	}
	info, statErr := c.fs.Lstat(real)
	return statErr == nil && info.Mode.IsDir(), c.ctx.Err()
}

// gone tells whether an error means that there is nothing.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// reason words an error without the path that the record has anyway.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}
