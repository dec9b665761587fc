// Package state is the agent's folder: it replaces files so that a crash at any
// point leaves the old or the new one, and lets only one agent use the folder.
// The credential, the spool and the status file are kept in it by their own
// packages.
package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// The layout of the folder. It is mode 0700, its files 0600.
const (
	IdentityFile = "identity.json" // who the agent is: key, certificate, CA, service
	StatusFile   = "status.json"   // what assay-agent status prints
	LockFile     = "lock"          // held while the agent runs
	SpoolFolder  = "spool"         // telemetry that is not acknowledged yet
)

// ErrLocked is in the error of Lock when another process holds the folder.
var ErrLocked = errors.New("another assay-agent uses the folder")

// Prepare makes the folder if it is missing. A folder that others may write to
// is refused: who can replace the agent's files is the agent.
func Prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the state folder: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the state folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("the state folder %s is not a folder", dir)
	}
	if writableByOthers(info) {
		return fmt.Errorf("the state folder %s can be written by others than its owner: chmod 700 it, and look at what is in it", dir)
	}
	return nil
}

// WriteFile replaces a file durably: whoever reads it, also after a crash, sees
// the old content or all of the new.
func WriteFile(name string, data []byte) error {
	return ReplaceFile(name, true, func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}

// ReplaceFile is WriteFile for content that is produced piecemeal. Without
// durable the file is whole, but perhaps the old one after a power failure.
func ReplaceFile(name string, durable bool, write func(*os.File) error) error {
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
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("replace %s: %w", name, err), ignoreMissing(os.Remove(f.Name())))
	}
	if durable {
		return SyncFolder(filepath.Dir(name))
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
