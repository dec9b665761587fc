// Package tree goes over the files of a host once, for the sensors that look at
// all of them. It enters only what is local: file systems of other machines,
// views of the kernel, automount points and the merged file systems of containers
// are left out before anything of them is asked. It opens folders only, follows no
// symbolic link, and is bounded in entries and depth.
package tree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"syscall"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/mountinfo"
)

// Bounds of one walk. What is beyond them is one of the shortcomings.
const (
	maxEntries = 20_000_000
	maxDepth   = 128 // of folders; each is an open descriptor
	batch      = 1024
)

// ErrStop is returned by a visitor that has seen enough: the walk ends, without
// an error.
var ErrStop = errors.New("the walk is over")

// Tree is a walk. It is for one use by one goroutine.
type Tree struct {
	FS *hostfs.FS

	// Mounts tells what is mounted where. Without it, only what is on the
	// root's own mount is looked at.
	Mounts *mountinfo.Table

	// Visit is told of every entry; of the root of a mount as "." in itself.
	// An error ends the walk.
	Visit func(folder *hostfs.Folder, name string, info hostfs.Info) error

	// Enter tells whether to go into a folder. Nil means into each.
	Enter func(path string) bool

	entries     int64
	denied      int
	firstDenied string
	missing     []string
}

// Walk goes over all there is. The error is the visitor's or the context's; what
// could not be looked at is in Shortcomings.
func (t *Tree) Walk(ctx context.Context) error {
	for _, point := range t.points() {
		if err := t.mount(ctx, point); errors.Is(err, ErrStop) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return nil
}

// Shortcomings says, for people, what the walk did not look at although it should
// have.
func (t *Tree) Shortcomings() []string {
	if t.denied == 0 {
		return t.missing
	}
	return append(t.missing, fmt.Sprintf("%d folders could not be read: the first was %s", t.denied, t.firstDenied))
}

func (t *Tree) points() []string {
	if t.Mounts == nil {
		return []string{"/"}
	}
	var points []string
	for _, e := range plan(t.Mounts) {
		points = append(points, e.Point)
	}
	return points
}

func (t *Tree) mount(ctx context.Context, point string) error {
	folder, err := t.FS.OpenFolder(point)
	if err != nil {
		t.deny(point, err)
		return nil
	}
	defer folder.Close()
	info, err := folder.Stat()
	if err != nil {
		t.deny(point, err)
		return nil
	}
	if err := t.visit(folder, ".", info); err != nil {
		return err
	}
	if t.Enter != nil && !t.Enter(folder.Path) {
		return nil
	}
	return t.folder(ctx, folder, 0)
}

func (t *Tree) deny(name string, err error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return // gone meanwhile
	}
	if t.denied++; t.denied == 1 {
		t.firstDenied = name
	}
}

func (t *Tree) folder(ctx context.Context, folder *hostfs.Folder, depth int) error {
	if depth > maxDepth {
		t.deny(folder.Path, syscall.ENAMETOOLONG)
		return nil
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		names, err := folder.Next(batch)
		if err != nil {
			t.deny(folder.Path, err)
		}
		if len(names) == 0 {
			return nil
		}
		for _, name := range names {
			if err := t.entry(ctx, folder, name, depth); err != nil {
				return err
			}
		}
	}
}

// entry looks at one entry of a folder, and goes into it if it is a folder of the
// same mount.
func (t *Tree) entry(ctx context.Context, folder *hostfs.Folder, name string, depth int) error {
	full := path.Join(folder.Path, name)
	if t.Mounts != nil && t.Mounts.Point(full) != nil {
		return nil // walked by itself, or not at all
	}
	info, err := folder.Lstat(name)
	if errors.Is(err, hostfs.ErrOtherMount) {
		return nil
	}
	if err != nil {
		t.deny(full, err)
		return nil
	}
	if err := t.visit(folder, name, info); err != nil || !info.Mode.IsDir() {
		return err
	}
	if t.Enter != nil && !t.Enter(full) {
		return nil
	}
	sub, err := folder.Folder(name)
	if errors.Is(err, syscall.EXDEV) {
		return nil // mounted since the list of mounts was read, or there is no list
	}
	if err != nil {
		t.deny(full, err)
		return nil
	}
	defer sub.Close()
	return t.folder(ctx, sub, depth+1)
}

func (t *Tree) visit(folder *hostfs.Folder, name string, info hostfs.Info) error {
	if t.entries++; t.entries > maxEntries {
		t.missing = append(t.missing, fmt.Sprintf("there are more than %d files", maxEntries))
		return ErrStop
	}
	return t.Visit(folder, name, info)
}
