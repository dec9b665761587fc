package libraries

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/packages"
	"assay/internal/sensor/tree"
	"assay/internal/telemetry"
)

// maxPending is how many bytes of libraries wait for the owners of their files to be
// looked up at once: some five thousand libraries. The look-up reads all lists of
// files, so it is not done often.
const maxPending = 2 << 20

// collection is one run.
type collection struct {
	ctx     context.Context
	fs      *hostfs.FS
	kinds   []kind
	options Options
	emit    func(*telemetry.Library) error

	pending []*telemetry.Library
	bytes   int // of those
	found   int
	missing []string        // what is missing of all ecosystems
	gaps    map[string]*gap // and of each
}

func (c *collection) run() error {
	ctx, cancel := context.WithTimeout(c.ctx, c.options.Time)
	defer cancel()
	files := tree.Tree{FS: c.fs, Mounts: c.options.Mounts, Enter: c.enter,
		Visit: func(folder *hostfs.Folder, name string, info hostfs.Info) error {
			return c.visit(ctx, folder, name, info)
		}}
	err := files.Walk(ctx)
	if errors.Is(err, context.DeadlineExceeded) && c.ctx.Err() == nil {
		c.missing, err = append(c.missing, fmt.Sprintf("not all files were looked at within %s", c.options.Time)), nil
	}
	if err != nil {
		return err
	}
	c.missing = append(c.missing, files.Shortcomings()...)
	return c.flush()
}

// images are where engines of containers keep the layers of their images. What is
// in them is not on the host; of a container that runs, its own sensor tells.
var images = []string{
	"/**/io.containerd.snapshotter.v1.*",
	"/**/overlay2/*/diff", "/**/storage/overlay/*/diff", "/**/storage/vfs/dir/*", "/**/docker/vfs/dir/*",
	"/**/docker/aufs/diff", "/**/docker/btrfs/subvolumes", "/**/docker/fuse-overlayfs/*/diff",
	"/var/lib/lxc/*/rootfs", "/**/lxd/storage-pools", "/**/incus/storage-pools", "/var/lib/machines/*",
}

func (c *collection) enter(folder string) bool { return !telemetry.InScope(images, folder) }

// visit reads an entry if it is one of the files that tell of libraries.
func (c *collection) visit(ctx context.Context, folder *hostfs.Folder, name string, info hostfs.Info) error {
	if !info.Mode.IsRegular() {
		return nil
	}
	k := kindOf(c.kinds, folder.Path, name, info)
	if k == nil || len(c.options.Only) > 0 && !telemetry.InScope(c.options.Only, path.Join(folder.Path, name)) {
		return nil
	}
	s := &source{collection: c, kind: k, path: path.Join(folder.Path, name), size: info.Size}
	err := s.read(ctx, folder, name)
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	case s.over != nil:
		return s.over
	case ctx.Err() != nil:
		return ctx.Err()
	}
	for _, ecosystem := range k.ecosystems {
		c.gap(ecosystem).add(s.path, err)
	}
	return nil
}

// add takes a library that a source tells of.
func (s *source) add(l telemetry.Library) error {
	c := s.collection
	if !plausible(&l) {
		c.gap(l.Ecosystem).add(s.path, errors.New("it has a name or a version that is none"))
		return nil
	}
	if c.found == c.options.Most {
		c.missing = append(c.missing, fmt.Sprintf("there are more than %d libraries", c.options.Most))
		s.over = tree.ErrStop
		return s.over
	}
	c.found++
	l.Name, l.Version = strings.Clone(l.Name), strings.Clone(l.Version)
	l.Path, l.Container = s.path, c.options.Container
	c.pending = append(c.pending, &l)
	if c.bytes += weight(&l); c.bytes < maxPending {
		return nil
	}
	s.over = c.flush()
	return s.over
}

// flush emits what waits, with the owners of the files.
func (c *collection) flush() error {
	var paths []string
	for _, l := range c.pending {
		paths = append(paths, l.Path)
	}
	owners, err := packages.Owners(c.ctx, c.fs, slices.Compact(paths))
	if c.ctx.Err() != nil {
		return c.ctx.Err()
	}
	if err != nil {
		why := "not all packages that own files are known: " + err.Error()
		if !slices.Contains(c.missing, why) {
			c.missing = append(c.missing, why)
		}
	}
	for _, l := range c.pending {
		l.Package = owners[l.Path]
		if !utf8.ValidString(l.Path) {
			l.Raw = []byte(l.Path)
			l.Path = strings.ToValidUTF8(l.Path, "\uFFFD")
		}
		if err := c.emit(l); err != nil {
			return err
		}
	}
	clear(c.pending)
	c.pending, c.bytes = c.pending[:0], 0
	return nil
}

// weight is about how much memory a library takes.
func weight(l *telemetry.Library) int {
	const record = 256
	return record + len(l.Name) + len(l.Version) + len(l.Path) + len(l.Inside)
}
