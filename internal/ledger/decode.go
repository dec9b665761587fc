package ledger

import "encoding/binary"

// decoder reads what was encoded. Once it is damaged it returns zeros.
type decoder struct {
	data    string
	damaged bool
}

// take skips n bytes and returns them.
func (d *decoder) take(n uint64) string {
	if d.damaged = d.damaged || n > uint64(len(d.data)); d.damaged {
		return ""
	}
	out := d.data[:n]
	d.data = d.data[n:]
	return out
}

func (d *decoder) uvarint() uint64 {
	v, n := binary.Uvarint([]byte(d.data[:min(len(d.data), binary.MaxVarintLen64)]))
	d.take(uint64(max(n, 0)))
	d.damaged = d.damaged || n <= 0
	return v
}

func (d *decoder) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1) // as binary.Varint
}

func (d *decoder) text() string { return d.take(d.uvarint()) }

// count reads how many things follow that have a size each at least.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if d.damaged = d.damaged || n > uint64(len(d.data)/size); d.damaged {
		return 0
	}
	return int(n)
}

// index reads a number below n.
func (d *decoder) index(n int) int {
	i := d.uvarint()
	if d.damaged = d.damaged || i >= uint64(n); d.damaged {
		return 0
	}
	return int(i)
}

// Decode reads what Encode made. What it does not know as that is ErrDamaged.
func Decode(data []byte) (*Ledger, error) {
	d, l := &decoder{data: string(data)}, &Ledger{}
	if d.take(1) != string(rune(version)) {
		return nil, ErrDamaged
	}
	for range d.count(8) {
		l.rules = append(l.rules, binary.LittleEndian.Uint64([]byte(d.take(8))))
	}
	var runs []run
	for range d.count(3) {
		r := run{id: d.text(), at: d.varint()}
		r.made = r.at + d.varint()
		d.damaged = d.damaged || r.id == ""
		runs = append(runs, r)
	}
	l.readEvals(d, runs)
	l.readEntries(d, runs)
	if d.damaged || len(d.data) > 0 {
		return nil, ErrDamaged
	}
	return l, nil
}

func (l *Ledger) readEvals(d *decoder, runs []run) {
	n := d.count(1)
	d.damaged = d.damaged || n == 0 || n > min(Window, len(runs))
	var set []byte
	for i := range n {
		if d.damaged {
			return
		}
		if size := d.uvarint(); size > 0 {
			set = []byte(d.take(size - 1))
		}
		l.evals = append(l.evals, eval{runs[i], set})
		d.damaged = d.damaged || len(set) > (len(l.rules)+7)/8 || i > 0 && l.evals[i-1].compare(runs[i]) >= 0
	}
}

func (l *Ledger) readEntries(d *decoder, runs []run) {
	n := d.count(5)
	l.entries = make([]entry, 0, n)
	for i := range n {
		x := entry{id: d.text(), rule: d.index(len(l.rules)), seen: uint32(d.index(1 << len(l.evals))), hidden: uint32(d.index(1 << len(l.evals)))}
		flags := d.take(1)
		if d.damaged || flags[0]&hasFirst == 0 && (x.seen == 0 || flags[0] != 0) || i > 0 && l.entries[i-1].id >= x.id {
			d.damaged = true
			return
		}
		if flags[0]&hasFirst != 0 {
			x.before.first, x.before.last = d.run(runs), d.run(runs)
		}
		if flags[0]&hasGone != 0 {
			x.before.gone = d.run(runs)
		}
		x.before.hidden = flags[0]&wasHidden != 0
		l.entries = append(l.entries, x)
	}
}

func (d *decoder) run(runs []run) run {
	i := d.index(len(runs))
	if d.damaged {
		return run{}
	}
	return runs[i]
}
