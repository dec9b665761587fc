package ledger

import (
	"encoding/binary"
	"errors"
)

// A ledger is, all numbers being varints where nothing else is said:
//
//	version       a byte: 1
//	rules         their number; hashes as uint64, little-endian
//	runs          their number; id (length and bytes), time and difference to made
//	evaluations   their number: they are the first of the runs; for each 0 if it
//	              checked the same rules as the one before, else the length of the
//	              set plus 1, and the set
//	entries       their number; id, rule, what was seen and hidden, flags, and, by
//	              flag, the numbers of the runs in which it was first, last and gone
//
// Rules and runs that nothing refers to are left out.

const version = 1

// The flags of an entry.
const (
	hasFirst = 1 << iota
	hasGone
	wasHidden
)

// ErrDamaged says that a ledger cannot be read.
var ErrDamaged = errors.New("a ledger of findings is damaged")

// encoder numbers what is written.
type encoder struct {
	rules []int // new numbers, from 1; 0 where a rule is not needed
	runs  map[run]uint64
	order []run

	last   run // that was looked up: most findings of a host came with the same few
	lastNo uint64
}

func (l *Ledger) encoder() *encoder {
	e := &encoder{rules: make([]int, len(l.rules)), runs: map[run]uint64{}}
	for _, one := range l.evals {
		e.number(one.run)
		for i := range l.rules {
			if one.has(i) {
				e.rules[i] = 1
			}
		}
	}
	for _, x := range l.entries {
		e.rules[x.rule] = 1
		for _, r := range []run{x.before.first, x.before.last, x.before.gone} {
			if r.id != "" {
				e.number(r)
			}
		}
	}
	n := 0
	for i, used := range e.rules {
		if n += used; used > 0 {
			e.rules[i] = n
		}
	}
	return e
}

// number is the number of a run, which it gets where it has none.
func (e *encoder) number(r run) uint64 {
	if r == e.last {
		return e.lastNo
	}
	n, known := e.runs[r]
	if !known {
		n = uint64(len(e.order))
		e.runs[r] = n
		e.order = append(e.order, r)
	}
	e.last, e.lastNo = r, n
	return n
}

// Encode makes the blob of a ledger.
func (l *Ledger) Encode() []byte {
	e := l.encoder()
	var rules []byte
	n := uint64(0)
	for i, h := range l.rules {
		if e.rules[i] > 0 {
			n++
			rules = binary.LittleEndian.AppendUint64(rules, h)
		}
	}
	out := append(binary.AppendUvarint([]byte{version}, n), rules...)
	out = binary.AppendUvarint(out, uint64(len(e.order)))
	for _, r := range e.order {
		out = binary.AppendVarint(binary.AppendVarint(appendText(out, r.id), r.at), r.made-r.at)
	}
	out = binary.AppendUvarint(out, uint64(len(l.evals)))
	var last string
	for i, one := range l.evals {
		set := string(e.renumber(one))
		if i > 0 && set == last {
			out = append(out, 0)
			continue
		}
		out, last = append(binary.AppendUvarint(out, uint64(len(set))+1), set...), set
	}
	out = binary.AppendUvarint(out, uint64(len(l.entries)))
	for _, x := range l.entries {
		out = e.entry(out, x)
	}
	return out
}

// renumber is the set of an evaluation in new numbers.
func (e *encoder) renumber(one eval) []byte {
	set := make([]byte, (len(e.rules)+7)/8)
	end := 0
	for i, n := range e.rules {
		if n > 0 && one.has(i) {
			set[(n-1)/8] |= 1 << ((n - 1) % 8)
			end = (n-1)/8 + 1
		}
	}
	return set[:end]
}

func (e *encoder) entry(out []byte, x entry) []byte {
	out = appendText(out, x.id)
	for _, n := range []uint64{uint64(e.rules[x.rule] - 1), uint64(x.seen), uint64(x.hidden)} {
		out = binary.AppendUvarint(out, n)
	}
	flags, refs := byte(0), []run(nil)
	if x.before.first.id != "" { // and last
		flags, refs = flags|hasFirst, append(refs, x.before.first, x.before.last)
	}
	if x.before.gone.id != "" {
		flags, refs = flags|hasGone, append(refs, x.before.gone)
	}
	if x.before.hidden {
		flags |= wasHidden
	}
	out = append(out, flags)
	for _, r := range refs {
		out = binary.AppendUvarint(out, e.number(r))
	}
	return out
}

func appendText(out []byte, s string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(s))), s...)
}
