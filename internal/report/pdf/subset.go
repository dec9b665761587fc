package pdf

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// subset makes a font of the outlines that are used. Glyphs keep their numbers;
// those that are not used become empty. Which tables a font in a PDF needs:
// ISO 32000-1, 9.9; their form: the OpenType specification.
func subset(data []byte, used map[uint16]rune) ([]byte, error) {
	all, err := tables(data)
	if err != nil {
		return nil, err
	}
	for _, tag := range []string{"head", "loca", "glyf", "maxp", "hhea", "hmtx"} {
		if all[tag] == nil {
			return nil, fmt.Errorf("it has no table %q", tag)
		}
	}
	count := int(binary.BigEndian.Uint16(all["maxp"][4:]))
	outline, err := outlines(all, count)
	if err != nil {
		return nil, err
	}
	keep := make([]bool, count)
	pending := []uint16{0} // what is shown for a glyph that is missing
	for id := range used {
		pending = append(pending, id)
	}
	for len(pending) > 0 {
		id := pending[len(pending)-1]
		pending = pending[:len(pending)-1]
		if int(id) < count && !keep[id] {
			keep[id] = true
			pending = append(pending, components(outline(int(id)))...)
		}
	}
	var glyf, loca []byte
	for id := range count {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		if keep[id] {
			glyf = append(glyf, outline(id)...)
			glyf = append(glyf, make([]byte, -len(glyf)&3)...)
		}
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	head := slices.Clone(all["head"])
	binary.BigEndian.PutUint16(head[50:], 1) // loca has 32 bits
	kept := map[string][]byte{"glyf": glyf, "loca": loca, "head": head}
	for _, tag := range []string{"maxp", "hhea", "hmtx", "cvt ", "fpgm", "prep"} {
		if table := all[tag]; table != nil {
			kept[tag] = table
		}
	}
	return assemble(kept), nil
}

// outlines gives access to the glyphs' outlines by number.
func outlines(all map[string][]byte, count int) (func(int) []byte, error) {
	loca, glyf := all["loca"], all["glyf"]
	if len(all["head"]) < 54 {
		return nil, fmt.Errorf("its table head has only %d bytes", len(all["head"]))
	}
	size := 2
	if binary.BigEndian.Uint16(all["head"][50:]) == 1 {
		size = 4
	}
	if len(loca) < size*(count+1) {
		return nil, fmt.Errorf("its table loca has only %d bytes for %d glyphs", len(loca), count)
	}
	offset := func(i int) int {
		if size == 4 {
			return int(binary.BigEndian.Uint32(loca[4*i:]))
		}
		return 2 * int(binary.BigEndian.Uint16(loca[2*i:]))
	}
	return func(id int) []byte {
		from, to := offset(id), offset(id+1)
		if from >= to || to > len(glyf) {
			return nil
		}
		return glyf[from:to]
	}, nil
}

// components are the glyphs of which a composite one is made.
func components(outline []byte) (ids []uint16) {
	const words, scale, more, both, matrix = 0x1, 0x8, 0x20, 0x40, 0x80
	if len(outline) < 10 || int16(binary.BigEndian.Uint16(outline)) >= 0 {
		return nil
	}
	for at := 10; at+4 <= len(outline); {
		flags := binary.BigEndian.Uint16(outline[at:])
		ids = append(ids, binary.BigEndian.Uint16(outline[at+2:]))
		at += 6
		if flags&words != 0 {
			at += 2
		}
		switch {
		case flags&scale != 0:
			at += 2
		case flags&both != 0:
			at += 4
		case flags&matrix != 0:
			at += 8
		}
		if flags&more == 0 {
			break
		}
	}
	return ids
}

// assemble makes a font file of tables.
func assemble(kept map[string][]byte) []byte {
	tags := make([]string, 0, len(kept))
	for tag := range kept {
		tags = append(tags, tag)
	}
	slices.Sort(tags)
	power := 1
	selector := 0
	for power*2 <= len(tags) {
		power, selector = power*2, selector+1
	}
	out := []byte{0, 1, 0, 0}
	for _, v := range []int{len(tags), power * 16, selector, (len(tags) - power) * 16} {
		out = binary.BigEndian.AppendUint16(out, uint16(v))
	}
	offset := 12 + 16*len(tags)
	for _, tag := range tags {
		table := kept[tag]
		out = append(out, tag...)
		out = binary.BigEndian.AppendUint32(out, sum(table))
		out = binary.BigEndian.AppendUint32(out, uint32(offset))
		out = binary.BigEndian.AppendUint32(out, uint32(len(table)))
		offset += (len(table) + 3) &^ 3
	}
	for _, tag := range tags {
		out = append(out, kept[tag]...)
		out = append(out, make([]byte, -len(out)&3)...)
	}
	return out
}

// sum is the checksum of a table.
func sum(table []byte) (total uint32) {
	for len(table) >= 4 {
		total += binary.BigEndian.Uint32(table)
		table = table[4:]
	}
	if len(table) > 0 {
		var last [4]byte
		copy(last[:], table)
		total += binary.BigEndian.Uint32(last[:])
	}
	return total
}
