package elf

import (
	"bytes"
	"fmt"
)

// guards are the symbols that a guarded function refers to: GCC's and Clang's, and
// those of libc's for 32-bit x86.
var guards = [][]byte{[]byte("\x00__stack_chk_fail\x00"), []byte("\x00__stack_chk_guard\x00"), []byte("\x00__stack_chk_fail_local\x00")}

// names looks for what only names tell: in the strings that the loader uses, and, of
// static programs, in the table of symbols, if it was not stripped.
func (f *file) names(p *Properties, d *dynamic) error {
	if d.strings != 0 && d.stringsSize > 0 {
		p.Symbols = true
		if err := f.guarded(p, d.strings, d.stringsSize); err != nil {
			return err
		}
	}
	sections, err := f.sections()
	if err != nil {
		return nil // the kernel does not look at them: a file may have none, or nonsense
	}
	for _, s := range sections {
		switch s.name {
		case ".go.buildinfo", ".note.go.buildid":
			p.Go = true
		case ".strtab":
			if s.kind == shtStrTab && p.Static && !p.Guarded {
				p.Symbols = true
				if err := f.guarded(p, s.at, s.size); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// guarded looks through a table of strings, a piece at a time.
func (f *file) guarded(p *Properties, at, size uint64) error {
	const piece, overlap = 64 << 10, 64
	if size > maxStrings {
		p.Symbols = false // what is not found may be in the rest
		size = maxStrings
	}
	buffer := make([]byte, 0, piece+overlap)
	for size > 0 {
		n := min(size, piece)
		part, err := f.bytes(at, n, piece, "strings")
		if err != nil {
			return err
		}
		buffer = append(buffer, part...)
		for _, g := range guards {
			if bytes.Contains(buffer, g) {
				p.Guarded, p.Symbols = true, true
				return nil
			}
		}
		buffer = append(buffer[:0], buffer[max(0, len(buffer)-overlap):]...)
		at, size = at+n, size-n
	}
	return nil
}

type section struct {
	name     string
	kind     uint32
	at, size uint64
}

// sections are those that have a name.
func (f *file) sections() ([]section, error) {
	if f.sectionCount == 0 || f.sectionNames >= f.sectionCount {
		return nil, nil
	}
	if f.sectionSize != f.headerSection || f.sectionCount > maxHeaders {
		return nil, fmt.Errorf("it has %d section headers of %d bytes each", f.sectionCount, f.sectionSize)
	}
	table, err := f.bytes(f.sectionsAt, uint64(f.sectionCount*f.sectionSize), maxHeaders*64, "section headers")
	if err != nil {
		return nil, err
	}
	_, own := f.section(table[f.sectionNames*f.sectionSize:])
	names, err := f.bytes(own.at, own.size, maxSections, "sections' names")
	if err != nil {
		return nil, err
	}
	var all []section
	for ; len(table) > 0; table = table[f.sectionSize:] {
		name, s := f.section(table)
		if uint64(name) >= uint64(len(names)) || s.kind == shtNoBits {
			continue
		}
		text, _, ends := bytes.Cut(names[name:], []byte{0})
		if s.name = string(text); ends && len(text) <= 64 {
			all = append(all, s)
		}
	}
	return all, nil
}

func (f *file) section(b []byte) (name uint32, s section) {
	s.kind = f.order.Uint32(b[4:])
	if f.bits == 32 {
		s.at, s.size = f.word(b[16:]), f.word(b[20:])
	} else {
		s.at, s.size = f.word(b[24:]), f.word(b[32:])
	}
	return f.order.Uint32(b), s
}
