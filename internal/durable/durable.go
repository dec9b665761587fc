// Package durable replaces files so that a crash at any point leaves the old or
// the new one, and lets one process have a folder for itself. The agent's state
// and the service's data folder rest on it.
package durable

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrLocked is in the error of Lock when another process holds the folder.
var ErrLocked = errors.New("another process uses the folder")

// WriteFile replaces a file, mode 0600: whoever reads it, also after a crash,
// sees the old content or all of the new.
func WriteFile(name string, data []byte) error {
	return Replace(name, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// Replace is WriteFile for content that is produced piecemeal. If write fails,
// the old file stays.
func Replace(name string, write func(*os.File) error) error {
	return replace(name, true, os.Rename, write)
}

// Create is Replace where no file may be there: another that appears meanwhile
// stays, too, and the error is fs.ErrExist.
func Create(name string, write func(*os.File) error) error {
	return replace(name, true, move, write)
}

// move is os.Rename that replaces nothing.
func move(from, to string) error {
	if err := os.Link(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

// ReplaceLoosely is Replace without waiting for the disk: the file is whole, but
// after a power failure perhaps the old one.
func ReplaceLoosely(name string, write func(*os.File) error) error {
	return replace(name, false, os.Rename, write)
}

func replace(name string, durable bool, place func(from, to string) error, write func(*os.File) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("replace %s: %w", name, err)
	}
	err = write(f)
	if err == nil && durable {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = place(f.Name(), name)
	}
	if err != nil {
		if removeErr := os.Remove(f.Name()); !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
		return fmt.Errorf("replace %s: %w", name, err)
	}
	if durable {
		return SyncFolder(filepath.Dir(name))
	}
	return nil
}

// Lock is held until Unlock, or the end of the process whatever ends it.
type Lock struct{ file *os.File }

// TryLock takes a folder for this process by a file named lock in it, or returns
// an error with ErrLocked at once.
func TryLock(dir string) (*Lock, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	if err := lock(f, true); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return &Lock{f}, nil
}

// Unlock lets the folder go.
func (l *Lock) Unlock() error { return l.file.Close() }

const lockFile = "lock"

// Locked tells whether a process holds the folder. It creates nothing.
func Locked(dir string) (bool, error) {
	f, err := os.Open(filepath.Join(dir, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the lock of %s: %w", dir, err)
	}
	defer f.Close()
	// Shared, so that two who look do not see each other.
	err = lock(f, false)
	if errors.Is(err, ErrLocked) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("look at the lock of %s: %w", dir, err)
	}
	return false, nil
}
