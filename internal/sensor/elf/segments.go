package elf

import "fmt"

// segment is a program header.
type segment struct {
	kind, flags                   uint32
	at, address, inFile, inMemory uint64
}

func (f *file) segments() ([]segment, error) {
	if f.segmentCount == 0 {
		return nil, nil
	}
	if f.segmentSize != f.headerSegment || f.segmentCount > maxHeaders {
		return nil, fmt.Errorf("it has %d program headers of %d bytes each", f.segmentCount, f.segmentSize)
	}
	table, err := f.bytes(f.segmentsAt, uint64(f.segmentCount*f.segmentSize), maxHeaders*64, "program headers")
	if err != nil {
		return nil, err
	}
	all := make([]segment, 0, f.segmentCount)
	for ; len(table) > 0; table = table[f.segmentSize:] {
		s := segment{kind: f.order.Uint32(table)}
		if f.bits == 32 {
			s.at, s.address = f.word(table[4:]), f.word(table[8:])
			s.inFile, s.inMemory, s.flags = f.word(table[16:]), f.word(table[20:]), f.order.Uint32(table[24:])
		} else {
			s.flags, s.at, s.address = f.order.Uint32(table[4:]), f.word(table[8:]), f.word(table[16:])
			s.inFile, s.inMemory = f.word(table[32:]), f.word(table[40:])
		}
		all = append(all, s)
	}
	return all, nil
}

// dynamic is what the loader is told.
type dynamic struct {
	there, needed, bindNow, textRel, pie, debug bool
	strings, stringsSize                        uint64 // in the file; 0: none
}

func (f *file) dynamic(segments []segment) (*dynamic, error) {
	d := &dynamic{}
	for _, s := range segments {
		if s.kind != ptDynamic {
			continue
		}
		table, err := f.bytes(s.at, s.inFile, maxDynamic, "dynamic entries")
		if err != nil {
			return nil, err
		}
		d.there = true
		address := d.read(f, table)
		d.strings = offset(segments, address)
		return d, nil // the loader takes the first
	}
	return d, nil
}

func (d *dynamic) read(f *file, table []byte) (strings uint64) {
	width := f.bits / 8
	for ; len(table) >= 2*width; table = table[2*width:] {
		value := f.word(table[width:])
		switch f.word(table) {
		case dtNull:
			return strings
		case dtNeeded:
			d.needed = true
		case dtStrTab:
			strings = value
		case dtStrSize:
			d.stringsSize = value
		case dtTextRel:
			d.textRel = true
		case dtDebug:
			d.debug = true
		case dtBindNow:
			d.bindNow = true
		case dtFlags:
			d.textRel, d.bindNow = d.textRel || value&dfTextRel != 0, d.bindNow || value&dfBindNow != 0
		case dtFlags1:
			d.pie, d.bindNow = value&df1PIE != 0, d.bindNow || value&df1Now != 0
		}
	}
	return strings
}

// offset is where in the file an address is; 0 if nowhere.
func offset(segments []segment, address uint64) uint64 {
	for _, s := range segments {
		if s.kind == ptLoad && address >= s.address && address-s.address < s.inFile {
			return s.at + (address - s.address)
		}
	}
	return 0
}
