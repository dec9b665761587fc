package hostfs

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// ErrLinkLoop is in the error of a path that leads through too many links.
var ErrLinkLoop = errors.New("leads through too many symbolic links")

const maxLinks = 40 // as in the kernel

// Follow returns the path that name leads to once every link is followed, as
// Resolve does, but looks at nothing that check objects to: it is asked before
// every step, and its error is returned. So a link to a file server that does
// not answer can be recognised without asking that server.
func (f *FS) Follow(name string, check func(path string) error) (string, error) {
	at, rest, links := "/", elements(name), 0
	for len(rest) > 0 {
		step := path.Join(at, rest[0])
		if err := check(step); err != nil {
			return "", err
		}
		info, err := f.Lstat(step)
		if err != nil {
			return "", err
		}
		if info.Mode&fs.ModeSymlink == 0 {
			at, rest = step, rest[1:]
			continue
		}
		if links++; links > maxLinks {
			return "", &fs.PathError{Op: "open", Path: name, Err: ErrLinkLoop}
		}
		target, err := f.Readlink(step)
		if err != nil {
			return "", err
		}
		if path.IsAbs(target) {
			at = "/"
		}
		rest = append(elements(target), rest[1:]...)
	}
	return at, nil
}

// elements splits a path as it is written: ".." after a link is the parent of
// where the link leads, so it is not cleaned away.
func elements(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return r == '/' })
}
