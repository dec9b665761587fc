package packages

import (
	"fmt"
	"slices"
	"strings"

	"assay/internal/sensor/hostfs"
)

// maxStamped bounds the files of one folder of databases that are looked at.
const maxStamped = 64

// Stamp is another one after packages were installed, changed or removed: it tells
// whether what Owners has found is still so, at the price of a few calls of stat(2).
// Package managers replace their files, or write to them, with each of these.
func Stamp(fs *hostfs.FS) string {
	paths := slices.Concat([]string{dpkgStatus, dpkgStatusFolder, dpkgInfo, dpkgDiversions, pacmanLocal}, apkFiles())
	for _, folder := range rpmFolders() {
		paths = append(paths, folder)
		names, _, err := fs.ReadDir(folder, maxStamped)
		if err != nil {
			continue
		}
		slices.Sort(names)
		for _, name := range names {
			paths = append(paths, folder+"/"+name)
		}
	}
	var out strings.Builder
	for _, path := range paths {
		if info, err := fs.Stat(path); err == nil {
			fmt.Fprintln(&out, path, info.Device, info.Inode, info.Size, info.MTime.UnixNano())
		}
	}
	return out.String()
}
