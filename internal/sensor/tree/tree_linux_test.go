package tree

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/mountinfo"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, root string) *hostfs.FS {
	t.Helper()
	fs, err := hostfs.Open(root)
	must(t, err)
	t.Cleanup(func() { fs.Close() })
	return fs
}

// seen lists what a walk visits.
func seen(t *testing.T, tree *Tree) (paths []string) {
	t.Helper()
	tree.Visit = func(folder *hostfs.Folder, name string, info hostfs.Info) error {
		paths = append(paths, path.Join(folder.Path, name))
		return nil
	}
	must(t, tree.Walk(context.Background()))
	slices.Sort(paths)
	return paths
}

func TestWalk(t *testing.T) {
	root := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(root, "a/b/c"), 0o755))
	must(t, os.MkdirAll(filepath.Join(root, "left/out"), 0o755))
	must(t, os.Symlink("..", filepath.Join(root, "a/loop")))
	must(t, os.WriteFile(filepath.Join(root, "a/b/file"), nil, 0o600))
	fs := open(t, root)
	mounts, err := mountinfo.ForRoot(fs)
	must(t, err)
	want := []string{"/", "/a", "/a/b", "/a/b/c", "/a/b/file", "/a/loop", "/left"}
	for _, m := range []*mountinfo.Table{mounts, nil} {
		tree := &Tree{FS: fs, Mounts: m, Enter: func(name string) bool { return name != "/left" }}
		if d := cmp.Diff(want, seen(t, tree)); d != "" || len(tree.Shortcomings()) > 0 {
			t.Errorf("%s %v", d, tree.Shortcomings())
		}
	}
}

// Without a list of mounts, what is mounted below the root is not entered; with one,
// what is no file system of files is not.
func TestOtherMounts(t *testing.T) {
	fs := open(t, "/")
	mounts, err := mountinfo.ForRoot(fs)
	must(t, err)
	for _, m := range []*mountinfo.Table{mounts, nil} {
		tree := &Tree{FS: fs, Mounts: m, Enter: func(name string) bool { return name == "/" || strings.HasPrefix(name, "/proc") }}
		paths := seen(t, tree)
		if len(paths) < 3 || slices.Contains(paths, "/proc/self") {
			t.Errorf("%.10q", paths)
		}
	}
}

func TestEnds(t *testing.T) {
	root := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(root, "a/b"), 0o755))
	visited, odd := 0, errors.New("odd")
	for _, c := range []struct{ visitor, want error }{{ErrStop, nil}, {odd, odd}} {
		visited = 0
		tree := &Tree{FS: open(t, root), Visit: func(*hostfs.Folder, string, hostfs.Info) error {
			if visited++; visited == 2 {
				return c.visitor
			}
			return nil
		}}
		if err := tree.Walk(context.Background()); err != c.want || visited != 2 {
			t.Errorf("%v: %v after %d", c.visitor, err, visited)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	tree := &Tree{FS: open(t, root), Visit: func(*hostfs.Folder, string, hostfs.Info) error { return nil }}
	if err := tree.Walk(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
}

// What is too deep is told.
func TestDepth(t *testing.T) {
	root := t.TempDir()
	must(t, os.MkdirAll(filepath.Join(root, strings.Repeat("d/", maxDepth+3)), 0o755))
	tree := &Tree{FS: open(t, root)}
	if n := len(seen(t, tree)); n != maxDepth+2 || len(tree.Shortcomings()) != 1 {
		t.Errorf("%d entries, %v", n, tree.Shortcomings())
	}
}
