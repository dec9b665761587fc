package walk

import (
	"fmt"
	"path"
	"strings"

	"assay/internal/sensor"
	"assay/internal/sensor/files"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/tree"
	"assay/internal/telemetry"
)

// walker is one run of the sensor.
type walker struct {
	fs            *hostfs.FS
	emit          sensor.Emit
	only          []string
	users, groups map[uint32]bool // nil where they are not known
	labels        bool            // files are labelled on this host
	found         int
	missing       []string
}

// judge emits an entry that is an exception.
func (w *walker) judge(folder *hostfs.Folder, name string, info hostfs.Info) error {
	found := w.why(folder, name, info)
	if found == nil || len(w.only) > 0 && !telemetry.InScope(w.only, path.Join(folder.Path, name)) {
		return nil
	}
	if w.found++; w.found > maxFound {
		w.missing = append(w.missing, fmt.Sprintf("there are more than %d exceptions", maxFound))
		return tree.ErrStop
	}
	rec := files.Describe(folder, name, info)
	rec.Found = found
	return w.emit(rec)
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
