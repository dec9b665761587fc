package store

import (
	"encoding/binary"

	"assay/internal/inspector"
)

// entry is what the index needs of a finding.
type entry struct {
	id      string
	created int64
	keys    []key
}

// A part is the entries of a rules package on an agent, in the order of the lists:
//
//	for each: length and bytes of the id, difference to the time before, number of
//	keys as varints; keys as uint64, little-endian

// writePart encodes findings, which are in order.
func writePart(agent string, findings []inspector.Finding) []byte {
	ring := newKeyring()
	var out []byte
	var last int64
	for _, f := range findings {
		keys := ring.keys(agent, f)
		created := stamp(f.CreatedAt)
		out = appendText(out, f.ID)
		out = binary.AppendVarint(out, created-last)
		out = binary.AppendUvarint(out, uint64(len(keys)))
		for _, k := range keys {
			out = binary.LittleEndian.AppendUint64(out, uint64(k))
		}
		last = created
	}
	return out
}

// readPart calls visit with each entry, until it fails. The entry's keys are valid
// during the call.
func readPart(data []byte, visit func(entry)) error {
	in, last := decoder{data: data}, int64(0)
	var keys []key
	for len(in.data) > 0 && !in.damaged {
		e := entry{id: in.text(), created: last + in.varint()}
		last, keys = e.created, keys[:0]
		for range in.uvarint() {
			if in.damaged {
				break
			}
			keys = append(keys, key(in.uint64()))
		}
		if e.keys = keys; !in.damaged {
			visit(e)
		}
	}
	if in.damaged {
		return errDamaged
	}
	return nil
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}

// decoder reads what was encoded. Once it is damaged it returns zeros.
type decoder struct {
	data    []byte
	damaged bool
}

// take skips n bytes and returns them.
func (d *decoder) take(n uint64) []byte {
	if d.damaged = d.damaged || n > uint64(len(d.data)); d.damaged {
		return nil
	}
	out := d.data[:n]
	d.data = d.data[n:]
	return out
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint(d.data)
	d.take(uint64(max(n, 0)))
	d.damaged = d.damaged || n <= 0
	return v
}

func (d *decoder) varint() int64 {
	v, n := binary.Varint(d.data)
	d.take(uint64(max(n, 0)))
	d.damaged = d.damaged || n <= 0
	return v
}

func (d *decoder) uint64() uint64 {
	if b := d.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (d *decoder) text() string { return string(d.take(d.uvarint())) }
