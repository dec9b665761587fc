// Package elffile finds sections of ELF programs by name (elf(5)). Unlike
// debug/elf it looks at nothing else and reads a bounded amount whatever a file
// claims, because every program of a host is asked.
package elffile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// Magic begins every ELF file.
const Magic = "\x7fELF"

// Bounds of what is read of a file. Programs have a few dozen sections; only objects
// that were compiled with one for each function have thousands.
const (
	maxSections = 20_000
	maxEntry    = 128     // bytes of the description of one; elf(5) has 64
	maxNames    = 1 << 20 // bytes of all their names
)

// Section is a part of a file.
type Section struct{ Offset, Size int64 }

// File is a program's sections.
type File struct {
	r     io.ReaderAt
	order binary.ByteOrder
	wide  bool // of 64 bits
	Count int  // of sections; a program may have none
	table int64
	entry int64
	names Section
}

// ErrFormat says that a file is not as elf(5) has it.
var ErrFormat = errors.New("it is no ELF file, or a damaged one")

// Open reads a file's header.
func Open(r io.ReaderAt) (*File, error) {
	head := make([]byte, 64)
	if n, err := r.ReadAt(head, 0); n < 52 || string(head[:4]) != Magic {
		if err != nil && err != io.EOF {
			return nil, err
		}
		return nil, ErrFormat
	}
	f := &File{r: r, order: binary.LittleEndian, wide: head[4] == 2}
	if head[5] == 2 {
		f.order = binary.BigEndian
	}
	var names int
	if f.wide {
		f.table, f.entry = int64(f.order.Uint64(head[40:])), int64(f.order.Uint16(head[58:]))
		f.Count, names = int(f.order.Uint16(head[60:])), int(f.order.Uint16(head[62:]))
	} else {
		f.table, f.entry = int64(f.order.Uint32(head[32:])), int64(f.order.Uint16(head[46:]))
		f.Count, names = int(f.order.Uint16(head[48:])), int(f.order.Uint16(head[50:]))
	}
	return f, f.sections(names)
}

// sections completes what the header has no room for, and finds the names.
func (f *File) sections(names int) error {
	if f.table == 0 {
		f.Count = 0
		return nil
	}
	if least := int64(40); f.table < 0 || f.entry < least || f.wide && f.entry < 64 || f.entry > maxEntry {
		return ErrFormat
	}
	if f.Count == 0 || names == 0xffff { // SHN_XINDEX: they are in the first section
		head, err := f.read(f.table, f.entry)
		if err != nil {
			return err
		}
		link, size := f.link(head), f.place(head).Size
		if f.Count == 0 {
			f.Count = int(min(max(size, 0), maxSections+1))
		}
		if names == 0xffff {
			names = int(link)
		}
	}
	if f.Count > maxSections || names >= f.Count {
		return ErrFormat
	}
	head, err := f.read(f.table+int64(names)*f.entry, f.entry)
	if err != nil {
		return err
	}
	f.names = f.place(head)
	if f.names.Size < 0 || f.names.Size > maxNames {
		return ErrFormat
	}
	return nil
}

func (f *File) read(offset, size int64) ([]byte, error) {
	buf := make([]byte, size)
	if offset < 0 {
		return nil, ErrFormat
	}
	if n, err := f.r.ReadAt(buf, offset); int64(n) < size {
		if err != io.EOF {
			return nil, err
		}
		return nil, ErrFormat
	}
	return buf, nil
}

// place is where the content of a section is: sh_offset and sh_size.
func (f *File) place(head []byte) Section {
	if f.wide {
		return Section{int64(f.order.Uint64(head[24:])), int64(f.order.Uint64(head[32:]))}
	}
	return Section{int64(f.order.Uint32(head[16:])), int64(f.order.Uint32(head[20:]))}
}

func (f *File) link(head []byte) uint32 {
	if f.wide {
		return f.order.Uint32(head[40:])
	}
	return f.order.Uint32(head[24:])
}

// noBits is the type (SHT_NOBITS) of sections without content, which all sections of
// a file of debug information are that the program itself has.
const noBits = 8

// Find returns the sections of these names, one for each that has content.
func (f *File) Find(names ...string) (map[string]Section, error) {
	found := map[string]Section{}
	if f.Count == 0 {
		return found, nil
	}
	table, err := f.read(f.table, int64(f.Count)*f.entry)
	if err != nil {
		return nil, err
	}
	text, err := f.read(f.names.Offset, f.names.Size)
	if err != nil {
		return nil, err
	}
	for ; len(table) > 0; table = table[f.entry:] {
		at := int64(f.order.Uint32(table))
		if at >= int64(len(text)) || f.order.Uint32(table[4:]) == noBits {
			continue
		}
		for _, name := range names {
			if rest, ok := bytes.CutPrefix(text[at:], []byte(name)); ok && len(rest) > 0 && rest[0] == 0 {
				found[name] = f.place(table)
			}
		}
	}
	return found, nil
}
