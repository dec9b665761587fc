//go:build !linux

package hostfs

import (
	"errors"
	"os"
)

// ErrNoSensors says that this operating system has no sensors yet.
var ErrNoSensors = errors.New("the sensors of this version read Linux hosts only")

// FS is a host's file system. On this operating system none can be opened.
type FS struct{ root string }

// Open returns ErrNoSensors.
func Open(string) (*FS, error) { return nil, ErrNoSensors }

// OpenMount returns ErrNoSensors.
func OpenMount(string) (*FS, error) { return nil, ErrNoSensors }

// The methods exist so that sensors compile; without an FS nobody can call them.

// Close does nothing.
func (f *FS) Close() error { return nil }

// RealRoot returns ErrNoSensors.
func (f *FS) RealRoot() (string, error) { return "", ErrNoSensors }

// Lstat returns ErrNoSensors.
func (f *FS) Lstat(string) (Info, error) { return Info{}, ErrNoSensors }

// Stat returns ErrNoSensors.
func (f *FS) Stat(string) (Info, error) { return Info{}, ErrNoSensors }

// Open returns ErrNoSensors.
func (f *FS) Open(string) (*os.File, error) { return nil, ErrNoSensors }

// ReadFile returns ErrNoSensors.
func (f *FS) ReadFile(string, int64) ([]byte, bool, error) { return nil, false, ErrNoSensors }

// Readlink returns ErrNoSensors.
func (f *FS) Readlink(string) (string, error) { return "", ErrNoSensors }

// Resolve returns ErrNoSensors.
func (f *FS) Resolve(string) (string, error) { return "", ErrNoSensors }

// ReadDir returns ErrNoSensors.
func (f *FS) ReadDir(string, int) ([]string, bool, error) { return nil, false, ErrNoSensors }

// Xattr returns ErrNoSensors.
func (f *FS) Xattr(string, string) ([]byte, error) { return nil, ErrNoSensors }

// OpenIf returns ErrNoSensors.
func (f *FS) OpenIf(string, func(string) error) (*os.File, error) { return nil, ErrNoSensors }

// Folder is an open folder. On this operating system there are none.
type Folder struct{ Path string }

// OpenFolder returns ErrNoSensors.
func (f *FS) OpenFolder(string) (*Folder, error) { return nil, ErrNoSensors }

// Close does nothing.
func (d *Folder) Close() error { return nil }

// Next returns ErrNoSensors.
func (d *Folder) Next(int) ([]string, error) { return nil, ErrNoSensors }

// Names returns ErrNoSensors.
func (d *Folder) Names(int) ([]string, bool, error) { return nil, false, ErrNoSensors }

// Stat returns ErrNoSensors.
func (d *Folder) Stat() (Info, error) { return Info{}, ErrNoSensors }

// Lstat returns ErrNoSensors.
func (d *Folder) Lstat(string) (Info, error) { return Info{}, ErrNoSensors }

// Folder returns ErrNoSensors.
func (d *Folder) Folder(string) (*Folder, error) { return nil, ErrNoSensors }

// Open returns ErrNoSensors.
func (d *Folder) Open(string) (*os.File, error) { return nil, ErrNoSensors }

// Readlink returns ErrNoSensors.
func (d *Folder) Readlink(string) (string, error) { return "", ErrNoSensors }

// Xattr returns ErrNoSensors.
func (d *Folder) Xattr(string, string) ([]byte, error) { return nil, ErrNoSensors }

// Privileged returns false.
func Privileged() bool { return false }
