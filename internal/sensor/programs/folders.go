//go:build linux

package programs

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"assay/internal/sensor"
	"assay/internal/sensor/files"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// folders tells of the folders above files, each once.
type folders struct {
	fs     *hostfs.FS
	mounts *mounts
	told   map[string]bool   // by their bytes
	shown  map[string]string // bytes, by what is told
	bytes  int
}

func newFolders(fs *hostfs.FS, m *mounts) *folders {
	return &folders{fs: fs, mounts: m, told: map[string]bool{}, shown: map[string]string{}}
}

// above tells of the folders above a file of the host's.
func (f *folders) above(p *program, emit sensor.Emit) error {
	if !strings.HasPrefix(p.path, "/") || p.Problem != "" && p.Device == 0 {
		return nil
	}
	if depth := strings.Count(p.path, "/"); depth > maxDepth {
		p.Problem = fmt.Sprintf("it is below %d folders, of which nothing was told: they are more than %d", depth, maxDepth)
		return nil
	}
	var names []string
	size := 0
	for at := path.Dir(p.path); ; at = path.Dir(at) {
		names = append(names, at)
		if size += len(at); at == "/" {
			break
		}
	}
	if f.bytes += size; f.bytes > maxNames {
		p.Problem = "nothing was told of the folders above it: there are too many"
		return nil
	}
	for _, at := range names {
		p.Above = append(p.Above, shown(at))
		if err := f.tell(at, emit); err != nil {
			return err
		}
	}
	return nil
}

// tell tells of a folder. Two whose names differ in bytes that are not UTF-8 only
// would be told by one name: the later then says that nothing can be said.
func (f *folders) tell(at string, emit sensor.Emit) error {
	if f.told[at] {
		return nil
	}
	f.told[at] = true
	name := shown(at)
	if other, ok := f.shown[name]; ok && other != at {
		return emit(&telemetry.File{Path: name, Problem: "another folder has a name that differs only in bytes that are not UTF-8"})
	}
	f.shown[name] = at
	return emit(f.record(at))
}

func (f *folders) record(at string) *telemetry.File {
	rec := &telemetry.File{Path: at}
	if err := f.mounts.table.Away(at); err != nil {
		rec.Problem = err.Error()
	} else if err := f.describe(rec); err != nil {
		rec.Problem = reason(err)
	}
	return files.Named(rec)
}

func (f *folders) describe(rec *telemetry.File) error {
	o, err := f.fs.Object(rec.Path)
	if err != nil {
		return err
	}
	defer o.Close()
	info, err := o.Stat()
	if err != nil {
		return err
	}
	if !info.Mode.IsDir() {
		return errors.New("is no folder")
	}
	rec.Kind, rec.Mode, rec.UID, rec.GID = telemetry.Directory, info.Perm, info.UID, info.GID
	rec.Size, rec.MTime, rec.Links, rec.Device, rec.Inode = info.Size, info.MTime.Truncate(1e9), info.Links, info.Device, info.Inode
	acl, err := o.Xattr("system.posix_acl_access")
	if err != nil || acl == nil {
		return err
	}
	rec.ACL, err = files.DecodeACL(acl)
	return err
}

func reason(err error) string {
	var where *fs.PathError
	if errors.As(err, &where) {
		return where.Err.Error()
	}
	return err.Error()
}

// shown is a path as it is told: bytes that are not UTF-8 are lost.
func shown(name string) string { return strings.ToValidUTF8(name, string(utf8.RuneError)) }
