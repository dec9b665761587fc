//go:build linux

package activity

import "assay/internal/sensor/activity/seen"

// called is a program by the path that the source has for it, which is the host's own if
// the file is there.
func (n *namer) called(p seen.Program, path string, _ uint64) program {
	known := program{path: path}
	info, err := n.fs.Lstat(path)
	known.host = err == nil && info.Device == p.Device && info.Inode == p.Inode
	n.keep(file{p.Device, p.Inode}, known)
	return known
}
