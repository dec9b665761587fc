package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"assay/internal/advisory"
	"assay/internal/version"
)

// An item is what the builder sorts: a key of texts with a 0 byte behind each, whose
// bytes sort as they should, and then a payload. The keys are
//
//	"", "F", id              a fact
//	ecosystem, "A", id       an advisory, before all rows of its ecosystem
//	ecosystem, "R", name, id a row; its payload begins with its advisory's hash
const (
	factItem     = "F"
	advisoryItem = "A"
	rowItem      = "R"
)

// item is written by appending to it.
type item []byte

func (i *item) key(parts ...string) {
	for _, p := range parts {
		*i = append(append(*i, p...), 0)
	}
}

func (i *item) text(s string)   { *i = append(binary.AppendUvarint(*i, uint64(len(s))), s...) }
func (i *item) number(n uint64) { *i = binary.BigEndian.AppendUint64(*i, n) }
func (i *item) time(t time.Time) {
	i.number(uint64(t.Unix()))
}

func (i *item) list(all []string) {
	*i = binary.AppendUvarint(*i, uint64(len(all)))
	for _, s := range all {
		i.text(s)
	}
}

// parser reads what item wrote. Items are our own: what is wrong with one is seen at
// the end, as bad.
type parser struct {
	rest []byte
	bad  bool
}

func (p *parser) key() string {
	part, rest, ok := bytes.Cut(p.rest, []byte{0})
	p.rest, p.bad = rest, p.bad || !ok
	return string(part)
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 {
		p.bad, p.rest = true, nil
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *parser) bytes(n uint64) []byte {
	if n > uint64(len(p.rest)) {
		p.bad, p.rest = true, nil
		return nil
	}
	b := p.rest[:n]
	p.rest = p.rest[n:]
	return b
}

// text is good as long as the item is.
func (p *parser) text() []byte { return p.bytes(p.uvarint()) }

func (p *parser) number() uint64 {
	if b := p.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (p *parser) float() float64  { return math.Float64frombits(p.number()) }
func (p *parser) time() time.Time { return time.Unix(int64(p.number()), 0).UTC() }

func (p *parser) list() []string {
	var all []string
	for range p.uvarint() {
		all = append(all, string(p.text()))
		if p.bad {
			return nil
		}
	}
	return all
}

// advisoryPayload is what an advisory says beside its id and packages.
func advisoryPayload(i item, r *advisory.Record) item {
	i.text(r.Summary)
	i.text(string(r.Severity))
	i.time(r.Published)
	i.time(r.Modified)
	i.list(r.CVEs)
	i.list(r.CVSS)
	i.list(r.References)
	return i
}

// hash tells advisories apart that have the same id.
func hash(id string, payload []byte) uint64 {
	d := xxhash.New()
	d.WriteString(id)
	d.Write([]byte{0})
	d.Write(payload)
	return d.Sum64()
}

// appendRow writes the item of a package that an advisory is about.
func appendRow(i item, id string, advisoryHash uint64, a *advisory.Affected) item {
	s := advisory.Scheme(a.Ecosystem)
	i.key(a.Ecosystem, rowItem, advisory.Name(a.Ecosystem, a.Package), id)
	i.number(advisoryHash)
	i.text(a.Module)
	i.text(a.Arch)
	i.text(a.Note)
	i.text(string(a.Status))
	i.text(string(a.Severity))
	i = binary.AppendUvarint(i, uint64(rowFlags(a)))
	i = binary.AppendUvarint(i, uint64(len(a.Ranges)))
	for _, r := range a.Ranges {
		from := r.Introduced
		if r.FromFirst() {
			from = ""
		}
		i.text(from)
		i.text(r.Fixed)
		i.text(r.LastAffected)
	}
	beside := slices.Clone(a.Versions)
	if rangesDecide(s) {
		beside = slices.DeleteFunc(beside, func(v string) bool {
			return s.Check(v) == nil && slices.ContainsFunc(a.Ranges, func(r advisory.Range) bool { return r.Check(s) == nil && r.Contains(s, v) })
		})
	}
	i.list(sorted(beside))
	i.list(sorted(slices.Clone(a.Binaries)))
	return i
}

// rangesDecide tells whether a listed version that is in a range need not be kept:
// whatever equals it is in the range, too. That is so where the order is one for any
// three versions, and where a range does not leave out builds of modules.
func rangesDecide(s version.Scheme) bool { return s.Total() && s != version.RPM }

func sorted(all []string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}

// The flags of a row.
const (
	unclear uint32 = 1 << iota // a range has bounds that are no versions of the ecosystem
	always                     // there are neither ranges nor versions
)

func rowFlags(a *advisory.Affected) (flags uint32) {
	s := advisory.Scheme(a.Ecosystem)
	if slices.ContainsFunc(a.Ranges, func(r advisory.Range) bool { return r.Check(s) != nil }) {
		flags |= unclear
	}
	if len(a.Ranges) == 0 && len(a.Versions) == 0 {
		flags |= always
	}
	return flags
}

func factPayload(i item, f *advisory.Fact) item {
	i.text(f.Summary)
	i.text(f.Description)
	i.list(f.CVSS)
	i.list(f.References)
	i.number(math.Float64bits(f.EPSS))
	i.number(math.Float64bits(f.EPSSRank))
	if f.Exploited == nil {
		return append(i, 0)
	}
	i = append(i, 1)
	i.time(f.Exploited.Added)
	i.time(f.Exploited.Due)
	i.text(f.Exploited.Action)
	if f.Exploited.Ransomware {
		return append(i, 1)
	}
	return append(i, 0)
}

func parseFact(p *parser) advisory.Fact {
	f := advisory.Fact{Summary: string(p.text()), Description: string(p.text()), CVSS: p.list(), References: p.list(), EPSS: p.float(), EPSSRank: p.float()}
	if p.uvarint() == 1 {
		f.Exploited = &advisory.Exploited{Added: p.time(), Due: p.time(), Action: string(p.text()), Ransomware: p.uvarint() == 1}
	}
	return f
}

// encoder makes items. One is good until the next.
type encoder struct{ buffer, payload item }

// record makes the items of an advisory.
func (e *encoder) record(r *advisory.Record, put func(item) error) error {
	e.payload = advisoryPayload(e.payload[:0], r)
	sum := hash(r.ID, e.payload)
	for n := range r.Affected {
		a := &r.Affected[n]
		// Of one ecosystem's packages that follow each other, the first brings the advisory.
		if n == 0 || a.Ecosystem != r.Affected[n-1].Ecosystem {
			e.buffer = e.buffer[:0]
			e.buffer.key(a.Ecosystem, advisoryItem, r.ID)
			e.buffer = append(e.buffer, e.payload...)
			if err := put(e.buffer); err != nil {
				return err
			}
		}
		e.buffer = appendRow(e.buffer[:0], r.ID, sum, a)
		if err := put(e.buffer); err != nil {
			return err
		}
	}
	return nil
}

func (e *encoder) fact(f *advisory.Fact) item {
	e.buffer = e.buffer[:0]
	e.buffer.key("", factItem, f.ID)
	e.buffer = factPayload(e.buffer, f)
	return e.buffer
}

// checkRecord says why a record cannot be kept.
func checkRecord(r *advisory.Record) error {
	if !isKey(r.ID) {
		return fmt.Errorf("the id of the advisory, %.200q, is empty or has a 0 byte", r.ID)
	}
	for n := range r.Affected {
		a := &r.Affected[n]
		if !isKey(a.Ecosystem) || !isKey(a.Package) {
			return fmt.Errorf("advisory %s: the ecosystem or the package of what it affects, %.200q and %.200q, is empty or has a 0 byte", r.ID, a.Ecosystem, a.Package)
		}
		for _, r2 := range a.Ranges {
			if r2.Fixed != "" && r2.LastAffected != "" {
				return fmt.Errorf("advisory %s: a range of %s has a fixed version, %.200q, and a last affected one, %.200q", r.ID, a.Package, r2.Fixed, r2.LastAffected)
			}
		}
	}
	return nil
}

func checkFact(f *advisory.Fact) error {
	if !isKey(f.ID) {
		return fmt.Errorf("the id of the vulnerability, %.200q, is empty or has a 0 byte", f.ID)
	}
	if !(f.EPSS >= 0 && f.EPSS <= 1 && f.EPSSRank >= 0 && f.EPSSRank <= 1) {
		return fmt.Errorf("%s: its EPSS, %v, or its rank, %v, is not between 0 and 1", f.ID, f.EPSS, f.EPSSRank)
	}
	return nil
}

func isKey(s string) bool { return s != "" && !strings.Contains(s, "\x00") }

// errItem is of items that are not as they were written.
var errItem = errors.New("what was sorted on disk is not as it was written")
