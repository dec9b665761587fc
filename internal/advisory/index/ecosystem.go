package index

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay/internal/advisory"
)

// ecosystemWriter takes sorted items and writes a file whenever an ecosystem ends.
type ecosystemWriter struct {
	w         *tableWriter
	dir       string
	manifest  *Manifest
	ecosystem string // that is being written; empty: facts
	name      []byte // whose rows are being written
	first     uint32 // the first of them
	ranges    nameRanges
	fact      advisory.Fact
	file      File
	known     []numbered // the ecosystem's advisories
	sorted    bool       // whether known is
}

// numbered is an advisory's hash, which rows know it by, and its number.
type numbered struct {
	hash   uint64
	number uint32
}

func (e *ecosystemWriter) writeAll(ctx context.Context, b *Builder) error {
	n := 0
	for i, err := range b.sorter.all() {
		if n++; n%1024 == 0 && err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = e.item(i)
		}
		if err != nil {
			return err
		}
	}
	return e.end()
}

func (e *ecosystemWriter) item(i []byte) error {
	p := parser{rest: i}
	ecosystem, what := p.key(), p.key()
	if ecosystem != e.ecosystem {
		if err := e.end(); err != nil {
			return err
		}
		e.ecosystem = ecosystem
		e.ranges.scheme = advisory.Scheme(ecosystem)
		e.w.parts[about].Write([]byte(ecosystem))
	}
	switch what {
	case factItem:
		e.addFact(&p)
	case advisoryItem:
		e.addAdvisory(&p)
	case rowItem:
		if err := e.addRow(&p); err != nil {
			return err
		}
	default:
		p.bad = true
	}
	if p.bad {
		return errItem
	}
	return e.w.err
}

// end writes the file of the ecosystem that ends.
func (e *ecosystemWriter) end() error {
	k, stem := ofAdvisories, fileStem(e.ecosystem)
	if e.ecosystem == "" {
		k, stem = ofFacts, "facts"
		e.writeFact()
	}
	e.endName()
	f, err := e.w.finish(e.dir, stem, k)
	if err != nil {
		return fmt.Errorf("write the index of %s: %w", stem, err)
	}
	f.Ecosystem, f.Newest, f.Unclear = e.ecosystem, e.file.Newest, e.file.Unclear
	if k == ofFacts {
		e.manifest.Facts = f
	} else {
		e.manifest.Files = append(e.manifest.Files, f)
	}
	e.w.reset()
	*e = ecosystemWriter{w: e.w, dir: e.dir, manifest: e.manifest, known: e.known[:0], ranges: e.ranges}
	return nil
}

// fileStem is an ecosystem's name as it can be one of a file everywhere.
func fileStem(ecosystem string) string {
	stem := strings.Map(func(c rune) rune {
		if c < 0x80 && (c == '.' || c == '-' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z') {
			return c
		}
		return '_'
	}, ecosystem)
	return "of-" + stem[:min(len(stem), 100)]
}

func (e *ecosystemWriter) endName() {
	if e.name != nil {
		bounds, count := e.ranges.end(e.w)
		e.w.name(e.name, e.first, bounds, count)
	}
}

func (e *ecosystemWriter) beginName(name string) {
	if e.name == nil || string(e.name) != name {
		e.endName()
		e.name, e.first = []byte(name), e.w.counts[rows]
	}
}

func (e *ecosystemWriter) addAdvisory(p *parser) {
	id := p.key()
	sum := hash(id, p.rest)
	entry := numbers(nil, e.w.text([]byte(id)), e.w.text(p.text()), e.w.text(p.text()))
	published, modified := p.time(), p.time()
	for range 3 {
		entry = e.w.list(entry, p.list())
	}
	entry = binary.LittleEndian.AppendUint64(entry, uint64(published.Unix()))
	entry = binary.LittleEndian.AppendUint64(entry, uint64(modified.Unix()))
	e.known = append(e.known, numbered{sum, e.w.entry(advisories, entry)})
	for _, t := range []time.Time{published, modified} {
		if t.After(e.file.Newest) {
			e.file.Newest = t
		}
	}
}

// number is an advisory's. Two with the same hash would be taken for each other: so
// the build fails, once in millions of years.
func (e *ecosystemWriter) number(hash uint64) (uint32, error) {
	order := func(a numbered, hash uint64) int { return cmp.Compare(a.hash, hash) }
	if !e.sorted {
		slices.SortFunc(e.known, func(a, b numbered) int { return order(a, b.hash) })
		e.sorted = true
		for n := 1; n < len(e.known); n++ {
			if e.known[n-1].hash == e.known[n].hash {
				return 0, fmt.Errorf("two advisories of %s have the same hash, %x", e.ecosystem, e.known[n].hash)
			}
		}
	}
	at, ok := slices.BinarySearchFunc(e.known, hash, order)
	if !ok {
		return 0, errItem
	}
	return e.known[at].number, nil
}

func (e *ecosystemWriter) addRow(p *parser) error {
	name, _ := p.key(), p.key() // the id is in it for the order
	e.beginName(name)
	number, err := e.number(p.number())
	if err != nil {
		return err
	}
	row := numbers(nil, number)
	for range 5 { // module, architecture, note, status, severity
		row = numbers(row, e.w.text(p.text()))
	}
	flags := uint32(p.uvarint())
	if flags&unclear != 0 {
		e.file.Unclear++
	}
	first, n := e.ranges.written(e.w), uint32(p.uvarint())
	for range n {
		e.addRange(p)
		if p.bad {
			return errItem
		}
	}
	row = numbers(row, first, n)
	row = e.w.list(row, p.list())
	row = e.w.list(row, p.list())
	e.w.entry(rows, numbers(row, flags))
	return nil
}

// The kinds of a range's end.
const (
	open uint32 = iota
	untilFixed
	untilLast
)

func (e *ecosystemWriter) addRange(p *parser) {
	introduced, fixed, last := p.text(), p.text(), p.text()
	r := pendingRange{introduced: e.boundary(introduced)}
	switch {
	case len(fixed) > 0:
		r.end, r.kind = e.boundary(fixed), untilFixed
	case len(last) > 0:
		r.end, r.kind = e.boundary(last), untilLast
	}
	e.ranges.add(e.w, r)
}

func (e *ecosystemWriter) boundary(text []byte) boundary {
	return boundary{string(text), e.w.text(text)}
}
