package rpm

import (
	"encoding/binary"
	"io"
)

// maxFolders bounds the names of folders that are kept of one package, in bytes.
const maxFolders = 8 << 20

// States of a file (rpmfiles.h) in which it is not this package's on the disk.
const (
	stateReplaced     = 1
	stateNotInstalled = 2
	stateWrongColor   = 4
)

// Files passes the package's name and the absolute path of each file whose last
// element is wanted; base is valid until wanted returns. Files that another
// package has replaced, or that were left out, are not passed. Headers that can't
// be read are passed over: Packages tells of them. Memory is 4 bytes a file of one
// package, and what is wanted of it.
func (d Database) Files(wanted func(base []byte) bool, visit func(name, path string)) error {
	h := newHeader()
	tags := []uint32{tagName, tagFileStates, tagDirIndexes, tagBaseNames, tagDirNames}
	return d.headers(func(r io.Reader, size int64) error {
		if h.open(r, size, tags) != nil {
			return nil
		}
		f := files{h: h, wanted: wanted}
		for _, e := range h.entries {
			if f.read(e) != nil {
				return nil
			}
		}
		f.visit(visit)
		return nil
	})
}

// files are the lists of one package's header: parallel arrays, of which only what
// is wanted is kept.
type files struct {
	h      *header
	wanted func(base []byte) bool

	name    string
	states  []byte
	folders map[uint32]string
	index   []byte // four bytes a file: which of the folders it is in
	found   []found
}

type found struct {
	number uint32 // of the file
	base   string
}

func (f *files) read(e entry) error {
	if err := f.h.seek(e); err != nil {
		return err
	}
	var err error
	switch e.tag {
	case tagName:
		f.name, err = f.h.string()
	case tagFileStates: // one byte each
		f.states, err = f.h.array(int(e.count))
	case tagDirIndexes:
		f.index, err = f.h.array(4 * int(e.count))
	case tagBaseNames:
		err = f.readBases(e.count)
	case tagDirNames:
		err = f.readFolders(e.count)
	}
	return err
}

func (f *files) readBases(count uint32) error {
	for i := range count {
		b, err := f.h.stringBytes()
		if err != nil {
			return err
		}
		if f.wanted(b) {
			f.found = append(f.found, found{i, string(b)})
		}
	}
	return nil
}

func (f *files) readFolders(count uint32) error {
	f.folders = map[uint32]string{}
	needed, known := f.needed()
	kept := 0
	for i := range count {
		b, err := f.h.stringBytes()
		if err != nil {
			return err
		}
		if known && !needed[i] {
			continue
		}
		if kept += len(b); kept > maxFolders {
			return badHeader("its folders' names have more than %d bytes", maxFolders)
		}
		f.folders[i] = string(b)
	}
	return nil
}

// needed returns which folders the wanted files are in. rpm sorts its tags so that
// the files are known before the folders; of other headers all folders are kept.
func (f *files) needed() (needed map[uint32]bool, known bool) {
	needed = map[uint32]bool{}
	for _, file := range f.found {
		if i, ok := f.folder(file.number); ok {
			needed[i] = true
		}
	}
	return needed, f.index != nil && f.passed(tagBaseNames)
}

// passed tells whether the entry with that tag has been read: whether it stands
// before the folders.
func (f *files) passed(tag uint32) bool {
	for _, e := range f.h.entries {
		if e.tag == tag {
			return int64(e.offset) < f.h.at
		}
	}
	return false
}

func (f *files) folder(file uint32) (uint32, bool) {
	at := 4 * int(file)
	if at+4 > len(f.index) {
		return 0, false
	}
	return binary.BigEndian.Uint32(f.index[at:]), true
}

func (f *files) visit(visit func(name, path string)) {
	for _, file := range f.found {
		if int(file.number) < len(f.states) {
			switch f.states[file.number] {
			case stateReplaced, stateNotInstalled, stateWrongColor:
				continue
			}
		}
		if i, ok := f.folder(file.number); ok && f.folders[i] != "" {
			visit(f.name, f.folders[i]+file.base)
		}
	}
}
