package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"assay/internal/durable"
)

// Folder keeps each object as a file below a folder.
type Folder struct{ dir string }

// temporary begins the names of files that are being written, as package durable
// names them. CheckName refuses it as the beginning of an element, so it can never
// be an object's.
const temporary = "."

// abandoned is the age from which on a temporary file is held to be of a write that
// was cut off: no upload takes as long.
const abandoned = time.Hour

// OpenFolder opens a folder, making it if need be, and removes what writes that
// were cut off have left behind. Several processes may use it at once, as long as
// none writes what another does.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the folder of objects: %w", err)
	}
	f := &Folder{dir: dir}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path != dir {
			return nil // another process was faster
		}
		if err != nil || path == dir || !strings.HasPrefix(d.Name(), temporary) {
			return err
		}
		info, err := d.Info()
		if err == nil && time.Since(info.ModTime()) > abandoned {
			err = os.Remove(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open the folder of objects: %w", err)
	}
	return f, nil
}

// Put replaces the file durably.
func (f *Folder) Put(ctx context.Context, name string, r io.Reader) error {
	if err := CheckName(name); err != nil {
		return err
	}
	path := filepath.Join(f.dir, filepath.FromSlash(name))
	dir := filepath.Dir(path)
	if err := f.makeFolder(dir); err != nil {
		return fmt.Errorf("store object %s: %w", name, err)
	}
	err := durable.Replace(path, func(file *os.File) error {
		_, err := io.Copy(file, contextReader{ctx, r})
		return err
	})
	if err != nil {
		return fmt.Errorf("store object %s: %w", name, err)
	}
	return nil
}

// makeFolder makes a folder and syncs every parent that gained an entry.
func (f *Folder) makeFolder(dir string) error {
	err := os.Mkdir(dir, 0o700)
	switch {
	case errors.Is(err, fs.ErrExist):
		return nil
	case errors.Is(err, fs.ErrNotExist) && dir != f.dir:
		if err := f.makeFolder(filepath.Dir(dir)); err != nil {
			return err
		}
		return f.makeFolder(dir)
	case err != nil:
		return err
	}
	return durable.SyncFolder(filepath.Dir(dir))
}

// Get opens the file.
func (f *Folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(f.dir, filepath.FromSlash(name)))
	if err != nil {
		return nil, fmt.Errorf("read object %s: %w", name, err)
	}
	return file, nil
}

// Delete removes the file. Folders that it leaves empty stay: removing them
// would race with a Put.
func (f *Folder) Delete(_ context.Context, name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	path := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete object %s: %w", name, err)
	} else if err != nil {
		return nil
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// List walks the folder.
func (f *Folder) List(ctx context.Context, prefix string, fn func(Entry) error) error {
	return filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted while we walk
		}
		if err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, _ := filepath.Rel(f.dir, path)
		name := filepath.ToSlash(rel)
		if d.IsDir() || strings.HasPrefix(d.Name(), temporary) || !strings.HasPrefix(name, prefix) {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list objects: %w", err)
		}
		return fn(Entry{Name: name, Size: info.Size(), Modified: info.ModTime()})
	})
}

// contextReader ends a copy when the context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
