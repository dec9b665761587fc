// Package elf reads from an ELF file what protects a program against attacks: whether
// its stack may be executed, where it can be loaded, which of its tables are read-only
// once it runs, whether its functions guard their return addresses. Sensors that find
// what is executed and mapped ask it.
//
// The standard library's debug/elf is not meant for hostile files; this reader takes
// what the kernel and the loader look at, in bounded memory and time, and nothing
// else. Formats: System V ABI, chapters 4 and 5, and the gABI's and GNU's additions.
package elf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Properties are what a file says of itself.
type Properties struct {
	Machine  uint16 `json:"machine"` // e_machine: 62 is x86-64, 183 AArch64
	Bits     int    `json:"bits"`    // 32 or 64
	Kind     Kind   `json:"kind"`
	Stack    Stack  `json:"stack"`
	RELRO    RELRO  `json:"relro"`
	Writable bool   `json:"writable,omitempty"` // a segment that is both writable and executable
	TextRel  bool   `json:"text_rel,omitempty"` // relocations that write into code
	// Guarded tells that functions check for overwritten return addresses
	// (-fstack-protector): the file refers to __stack_chk_fail or __stack_chk_guard.
	// Of a static program without symbols it cannot be told: see Symbols.
	Guarded bool `json:"guarded,omitempty"`
	Symbols bool `json:"symbols,omitempty"` // there was a table of symbols to look in
	Go      bool `json:"go,omitempty"`      // made by Go, whose stacks and checks are its own
	Static  bool `json:"static,omitempty"`  // names no interpreter and no library
}

// Kind is what a file is.
type Kind string

// The kinds.
const (
	Executable Kind = "executable" // loaded at a fixed address
	PIE        Kind = "pie"        // a program that is loaded anywhere
	Shared     Kind = "shared"     // a library
	Other      Kind = "other"      // an object file, a core
)

// Stack is what PT_GNU_STACK says.
type Stack string

// The states. Without the header the kernel decides by architecture: on x86 such a
// program runs with an executable stack, and on i386 with all of its data executable
// (fs/binfmt_elf.c, arch/x86/include/asm/elf.h).
const (
	StackProtected  Stack = "protected"
	StackExecutable Stack = "executable"
	StackMissing    Stack = "missing"
)

// RELRO is how much of what the loader fills in is read-only afterwards.
type RELRO string

// The states.
const (
	NoRELRO      RELRO = "none"
	PartialRELRO RELRO = "partial"
	FullRELRO    RELRO = "full" // and all is bound before the program starts
)

// ErrNotELF is in the error of Read for files of another format.
var ErrNotELF = errors.New("not an ELF file")

// Bounds of what is read of a file.
const (
	maxHeaders  = 4096     // program headers, section headers
	maxDynamic  = 1 << 20  // bytes
	maxStrings  = 16 << 20 // bytes of a table of strings, read in pieces
	maxSections = 1 << 20  // bytes of the sections' names
)

// Constants of the format.
const (
	typeExec, typeDyn = 2, 3

	ptLoad, ptDynamic, ptInterp   = 1, 2, 3
	ptGNUStack, ptGNURELRO        = 0x6474e551, 0x6474e552
	flagExecute, flagWrite        = 1, 2
	shtStrTab, shtNoBits          = 3, 8
	dtNull, dtNeeded, dtStrTab    = 0, 1, 5
	dtStrSize, dtTextRel, dtDebug = 10, 22, 21
	dtBindNow, dtFlags, dtFlags1  = 24, 30, 0x6ffffffb
	dfTextRel, dfBindNow          = 4, 8
	df1Now, df1PIE                = 1, 0x08000000
)

// Read reads a file of a size in bytes. Its error says what is wrong with the file;
// it has ErrNotELF if it is of another format.
func Read(r io.ReaderAt, size int64) (Properties, error) {
	p, f, d, err := headers(r, size)
	if err != nil || d == nil {
		return p, err
	}
	return p, f.names(&p, d)
}

// Headers reads what a file's headers say, which is quick: all but Guarded, Symbols and
// Go. Otherwise it is as Read.
func Headers(r io.ReaderAt, size int64) (Properties, error) {
	p, _, _, err := headers(r, size)
	return p, err
}

// headers have no dynamic table if the file is no program or library.
func headers(r io.ReaderAt, size int64) (p Properties, f *file, d *dynamic, err error) {
	if f, err = open(r, size); err != nil {
		return Properties{}, nil, nil, err
	}
	p = Properties{Machine: f.machine, Bits: f.bits, Kind: Other, Stack: StackMissing, RELRO: NoRELRO}
	if f.kind != typeExec && f.kind != typeDyn {
		return p, f, nil, nil
	}
	segments, err := f.segments()
	if err != nil {
		return p, f, nil, err
	}
	if d, err = f.dynamic(segments); err != nil {
		return p, f, nil, err
	}
	interpreter := f.judge(&p, segments)
	d.judge(&p, f.kind, interpreter)
	return p, f, d, nil
}

// judge takes what the program headers say.
func (f *file) judge(p *Properties, segments []segment) (interpreter bool) {
	for _, s := range segments {
		switch s.kind {
		case ptLoad:
			p.Writable = p.Writable || s.flags&(flagWrite|flagExecute) == flagWrite|flagExecute
		case ptInterp:
			interpreter = true
		case ptGNUStack:
			p.Stack = StackProtected
			if s.flags&flagExecute != 0 {
				p.Stack = StackExecutable
			}
		case ptGNURELRO:
			p.RELRO = PartialRELRO
		}
	}
	return interpreter
}

// judge takes what the dynamic section says.
func (d *dynamic) judge(p *Properties, kind uint16, interpreter bool) {
	p.TextRel = d.textRel
	p.Static = !interpreter && !d.needed
	if p.RELRO == PartialRELRO && d.bindNow {
		p.RELRO = FullRELRO
	}
	switch {
	case kind == typeExec:
		p.Kind = Executable
	case d.pie || interpreter && d.debug:
		// Linkers before 2.26 do not mark programs; a debugger's hook is in programs only.
		p.Kind = PIE
	default:
		p.Kind = Shared
	}
}

// file is an ELF file's header.
type file struct {
	r       io.ReaderAt
	size    int64
	order   binary.ByteOrder
	bits    int
	kind    uint16
	machine uint16

	segmentsAt, sectionsAt       uint64
	segmentSize, segmentCount    int
	sectionSize, sectionCount    int
	sectionNames                 int
	headerSegment, headerSection int // sizes of their entries in this class
}

func open(r io.ReaderAt, size int64) (*file, error) {
	var head [64]byte
	n, err := r.ReadAt(head[:], 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if n < 20 || string(head[:4]) != "\x7fELF" {
		return nil, ErrNotELF
	}
	f := &file{r: r, size: size, order: binary.LittleEndian, bits: 64, headerSegment: 56, headerSection: 64}
	if head[5] == 2 {
		f.order = binary.BigEndian
	}
	if head[4] == 1 {
		f.bits, f.headerSegment, f.headerSection = 32, 32, 40
	}
	if head[4] > 2 || head[4] == 0 || head[5] > 2 || head[5] == 0 {
		return nil, fmt.Errorf("%w: of class %d and byte order %d", ErrNotELF, head[4], head[5])
	}
	if f.bits == 64 && n < 64 || n < 52 {
		return nil, errors.New("its header is cut off")
	}
	f.kind, f.machine = f.order.Uint16(head[16:]), f.order.Uint16(head[18:])
	counts := head[54:]
	f.segmentsAt, f.sectionsAt = f.order.Uint64(head[32:]), f.order.Uint64(head[40:])
	if f.bits == 32 {
		counts = head[42:]
		f.segmentsAt, f.sectionsAt = uint64(f.order.Uint32(head[28:])), uint64(f.order.Uint32(head[32:]))
	}
	for i, field := range []*int{&f.segmentSize, &f.segmentCount, &f.sectionSize, &f.sectionCount, &f.sectionNames} {
		*field = int(f.order.Uint16(counts[2*i:]))
	}
	return f, nil
}

// bytes reads a part of the file, all of it.
func (f *file) bytes(at, length, most uint64, what string) ([]byte, error) {
	if length > most {
		return nil, fmt.Errorf("its %s have %d bytes, more than %d", what, length, most)
	}
	if at > uint64(f.size) || length > uint64(f.size)-at {
		return nil, fmt.Errorf("its %s lie outside of the file", what)
	}
	data := make([]byte, length)
	if n, err := f.r.ReadAt(data, int64(at)); n < len(data) {
		return nil, fmt.Errorf("read its %s: %w", what, err)
	}
	return data, nil
}

// word is an address, offset or size, which has the width of the class.
func (f *file) word(b []byte) uint64 {
	if f.bits == 32 {
		return uint64(f.order.Uint32(b))
	}
	return f.order.Uint64(b)
}
