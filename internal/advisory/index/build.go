package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"assay/internal/advisory"
	"assay/internal/durable"
)

// Builder makes a set of advisories and facts, in any order. Memory: what New is
// given, 16 bytes for each advisory and 24 for each name of the largest ecosystem, and
// the bounds of up to 65,536 ranges of one name, some megabytes. The same records and facts make the same files. Not for concurrent use.
type Builder struct {
	dir, temp string
	lock      *durable.Lock
	sorter    *sorter
	encoder   encoder
	withdrawn int

	statements *statementWriter // nil: none yet
}

// DefaultMemory is what a Builder sorts in if New is given 0.
const DefaultMemory = 16 << 20

const tempPrefix = ".build-"

// New begins a set that Finish will put into a folder in place of the one there.
// Until then nothing changes.
// One process builds in a folder at a time: the error has durable.ErrLocked. What a
// process that was killed left behind is removed.
func New(dir string, memory int) (*Builder, error) {
	if memory == 0 {
		memory = DefaultMemory
	}
	if memory < 1<<10 || memory > math.MaxInt32 {
		return nil, fmt.Errorf("an index cannot be built with %d bytes of memory", memory)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := durable.TryLock(dir)
	if err != nil {
		return nil, err
	}
	temp, err := tempFolder(dir)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return &Builder{dir: dir, temp: temp, lock: lock, sorter: newSorter(temp, memory)}, nil
}

func tempFolder(dir string) (string, error) {
	old, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, name := range old {
		if err := os.RemoveAll(name); err != nil {
			return "", err
		}
	}
	return os.MkdirTemp(dir, tempPrefix)
}

// Close lets go of the folder, and of what was not finished.
func (b *Builder) Close() error {
	var err error
	if b.statements != nil {
		err = b.statements.f.Close()
	}
	return errors.Join(err, os.RemoveAll(b.temp), b.lock.Unlock())
}

// Record takes an advisory. One that was withdrawn is counted, and left out. The
// error says what is wrong with the record, or that the disk fails; after the former
// the Builder is as it was, but for packages of the record that came before.
func (b *Builder) Record(r advisory.Record) error {
	if err := checkRecord(&r); err != nil {
		return err
	}
	if !r.Withdrawn.IsZero() {
		b.withdrawn++
		return nil
	}
	return b.encoder.record(&r, func(i item) error { return b.add(r.ID, i) })
}

func (b *Builder) add(id string, i item) error {
	if err := checkSize(id, i, b.sorter.budget); err != nil {
		return err
	}
	if err := b.sorter.add(i); err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	return nil
}

// Fact takes what is known of a vulnerability. Of several facts about one, the
// longest texts, all vectors and references, the higher EPSS and the first entry of
// the catalogue count.
func (b *Builder) Fact(f advisory.Fact) error {
	if err := checkFact(&f); err != nil {
		return err
	}
	return b.add(f.ID, b.encoder.fact(&f))
}

// Statement takes what a supplier stated. Unlike records, statements keep their
// order, which decides between two of the same time.
func (b *Builder) Statement(s advisory.Statement) (err error) {
	if b.statements == nil {
		if b.statements, err = newStatementWriter(b.temp); err != nil {
			return err
		}
	}
	return b.statements.add(s)
}

// Finish writes the files and, last, the manifest, which has the time, sources and
// whatever else the caller gave it. If it fails, the old set remains.
func (b *Builder) Finish(ctx context.Context, built time.Time, sources []Source) (Manifest, error) {
	m := Manifest{Built: built.UTC(), Sources: sources, Withdrawn: b.withdrawn, Files: []File{}}
	if err := b.writeFiles(ctx, &m); err != nil {
		return Manifest{}, fmt.Errorf("build the index of advisories: %w", err)
	}
	if b.statements != nil {
		f, err := b.statements.finish(b.dir)
		if err != nil {
			return Manifest{}, fmt.Errorf("write the statements of suppliers: %w", err)
		}
		m.Statements = f
	}
	if err := m.write(b.dir); err != nil {
		return Manifest{}, fmt.Errorf("build the index of advisories: %w", err)
	}
	return m, m.removeOthers(b.dir)
}

func (b *Builder) writeFiles(ctx context.Context, m *Manifest) error {
	w, err := newTableWriter(b.temp)
	if err != nil {
		return err
	}
	e := &ecosystemWriter{w: w, dir: b.dir, manifest: m}
	err = e.writeAll(ctx, b)
	return errors.Join(err, w.close())
}

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
	order := func(a numbered, hash uint64) int {
		switch {
		case a.hash < hash:
			return -1
		case a.hash > hash:
			return 1
		}
		return 0
	}
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

// addFact gathers what there is about one vulnerability.
func (e *ecosystemWriter) addFact(p *parser) {
	id := p.key()
	f := parseFact(p)
	f.ID = id
	if e.fact.ID == id {
		f = joinFacts(e.fact, f)
	} else {
		e.writeFact()
	}
	e.fact = f
}

func joinFacts(a, b advisory.Fact) advisory.Fact {
	a.Summary, a.Description = longer(a.Summary, b.Summary), longer(a.Description, b.Description)
	a.CVSS, a.References = sorted(append(a.CVSS, b.CVSS...)), sorted(append(a.References, b.References...))
	a.EPSS, a.EPSSRank = max(a.EPSS, b.EPSS), max(a.EPSSRank, b.EPSSRank)
	if a.Exploited == nil || b.Exploited != nil && b.Exploited.Added.Before(a.Exploited.Added) {
		a.Exploited = b.Exploited
	}
	return a
}

func longer(a, b string) string {
	if len(b) > len(a) {
		return b
	}
	return a
}

func (e *ecosystemWriter) writeFact() {
	f := &e.fact
	if f.ID == "" {
		return
	}
	e.beginName(f.ID)
	var x advisory.Exploited
	var flags uint32
	if f.Exploited != nil {
		x, flags = *f.Exploited, exploited
		if x.Ransomware {
			flags |= ransomware
		}
	}
	row := numbers(nil, e.w.text([]byte(f.Summary)), e.w.text([]byte(f.Description)), e.w.text([]byte(x.Action)))
	row = e.w.list(row, f.CVSS)
	row = e.w.list(row, f.References)
	row = numbers(row, flags)
	for _, n := range []uint64{math.Float64bits(f.EPSS), math.Float64bits(f.EPSSRank), uint64(x.Added.Unix()), uint64(x.Due.Unix())} {
		row = binary.LittleEndian.AppendUint64(row, n)
	}
	e.w.entry(rows, row)
}

// The flags of a fact.
const (
	exploited uint32 = 1 << iota
	ransomware
)
