package walk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"assay/internal/sensor"
	"assay/internal/sensor/files"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/mountinfo"
	"assay/internal/telemetry"
)

// walker is one run of the sensor.
type walker struct {
	ctx           context.Context
	fs            *hostfs.FS
	emit          sensor.Emit
	mounts        *mountinfo.Table
	only          []string
	users, groups map[uint32]bool // nil where they are not known
	labels        bool            // files are labelled on this host
	entries       int64
	found         int
	denied        int
	firstDenied   string
	full          bool
	missing       []string
}

// mount walks one file system. The error is that of emit or ctx.
func (w *walker) mount(e mountinfo.Entry) error {
	if w.full {
		return nil
	}
	folder, err := w.fs.OpenFolder(e.Point)
	if err != nil {
		w.deny(e.Point, err)
		return nil
	}
	defer folder.Close()
	info, err := folder.Stat()
	if err != nil {
		w.deny(e.Point, err)
		return nil
	}
	if err := w.judge(folder, ".", info); err != nil {
		return err
	}
	return w.folder(folder, 0)
}

func (w *walker) deny(name string, err error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return // gone meanwhile
	}
	if w.denied++; w.denied == 1 {
		w.firstDenied = name
	}
}

func (w *walker) folder(folder *hostfs.Folder, depth int) error {
	if depth > maxDepth {
		w.deny(folder.Path, syscall.ENAMETOOLONG)
		return nil
	}
	for !w.full {
		if w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		names, err := folder.Next(batch)
		if err != nil {
			w.deny(folder.Path, err)
		}
		if len(names) == 0 {
			return nil
		}
		for _, name := range names {
			if err := w.each(folder, name, depth); err != nil || w.full {
				return err
			}
		}
	}
	return nil
}

// each looks at one entry of a folder, and goes into it if it is a folder of the
// same mount.
func (w *walker) each(folder *hostfs.Folder, name string, depth int) error {
	full := path.Join(folder.Path, name)
	if w.mounts.Point(full) != nil {
		return nil // walked by itself, or not at all
	}
	info, err := folder.Lstat(name)
	if err != nil {
		w.deny(full, err)
		return nil
	}
	if err := w.judge(folder, name, info); err != nil || !info.Mode.IsDir() {
		return err
	}
	sub, err := folder.Folder(name)
	if errors.Is(err, syscall.EXDEV) {
		return nil // mounted since the list of mounts was read
	}
	if err != nil {
		w.deny(full, err)
		return nil
	}
	defer sub.Close()
	return w.folder(sub, depth+1)
}

// judge emits an entry that is an exception.
func (w *walker) judge(folder *hostfs.Folder, name string, info hostfs.Info) error {
	if w.entries++; w.entries > maxEntries {
		return w.stop(fmt.Sprintf("there are more than %d files", maxEntries))
	}
	found := w.why(folder, name, info)
	if found == nil || len(w.only) > 0 && !telemetry.InScope(w.only, path.Join(folder.Path, name)) {
		return nil
	}
	if w.found++; w.found > maxFound {
		return w.stop(fmt.Sprintf("there are more than %d exceptions", maxFound))
	}
	rec := files.Describe(folder, name, info)
	rec.Found = found
	return w.emit(rec)
}

func (w *walker) stop(why string) error {
	w.full = true
	w.missing = append(w.missing, why)
	return nil
}

// why lists what makes an entry an exception.
func (w *walker) why(folder *hostfs.Folder, name string, info hostfs.Info) (found []string) {
	add := func(is bool, what string) {
		if is {
			found = append(found, what)
		}
	}
	regular, dir := info.Mode.IsRegular(), info.Mode.IsDir()
	add(regular && info.Perm&0o4000 != 0, "setuid")
	add(regular && info.Perm&0o2000 != 0, "setgid")
	add((regular || dir) && info.Perm&0o002 != 0, "world_writable")
	add(w.users != nil && !w.users[info.UID], "unowned")
	add(w.groups != nil && !w.groups[info.GID], "without_group")
	add(w.labels && (regular || dir) && w.unlabelled(folder, name), "unlabelled")
	return found
}

func (w *walker) unlabelled(folder *hostfs.Folder, name string) bool {
	label, err := folder.Xattr(name, selinuxLabel)
	return err == nil && (label == nil || strings.Contains(string(label), ":unlabeled_t:"))
}
