package index

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"assay/internal/advisory"
	"assay/internal/version"
)

// Index is the advisories of one release of an ecosystem. It may be used by many
// goroutines, until the set it is of is closed.
type Index struct {
	t         *table
	ecosystem string
	scheme    version.Scheme
	spellings bool // whether names have several
}

// OpenFile opens one file of a set by itself, whatever a manifest says of it, and checks
// it: for tests of files that are not what they should be.
func OpenFile(name string) (*Index, error) {
	t, err := openTable(name, ofAdvisories)
	if err != nil {
		return nil, fmt.Errorf("open an index of advisories: %w", err)
	}
	x := newIndex(t)
	if err := t.verify(); err != nil {
		return nil, errors.Join(fmt.Errorf("open an index of advisories: %w", err), t.release())
	}
	return x, nil
}

// Close ends the use of a file that was opened with OpenFile.
func (x *Index) Close() error { return x.t.release() }

func newIndex(t *table) *Index {
	ecosystem := string(t.parts[about])
	return &Index{t, ecosystem, advisory.Scheme(ecosystem), advisory.Name(ecosystem, "A") != "A"}
}

// Ecosystem is what the index is of: "Debian:12".
func (x *Index) Ecosystem() string { return x.ecosystem }

// Scheme is the order of its versions.
func (x *Index) Scheme() version.Scheme { return x.scheme }

// spelled is the one spelling of a name by which rows are found.
func (x *Index) spelled(name string) string { return advisory.Name(x.ecosystem, name) }

// Names are the packages that it has advisories about, sorted.
func (x *Index) Names() iter.Seq2[string, error] { return x.t.names() }

func (t *table) names() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for at := 0; at < len(t.parts[names]); at += nameSize {
			r := reader{t: t}
			name := r.text(u32(t.parts[names], at))
			if !yield(name, r.err()) {
				return
			}
		}
	}
}

// Row is a package in an advisory, as the file has it: nothing is copied, and its
// texts are good until the index is closed. What the file lacks is empty.
type Row struct {
	t *table
	e []byte
}

// Row is a row by its number. Its error has ErrDamaged if it is not there.
func (x *Index) Row(number uint32) (Row, error) {
	e := x.t.entry(rows, rowSize, number)
	if e == nil || !x.t.within(ranges, rangeSize, u32(e, 24), u32(e, 28)) ||
		!x.t.within(lists, listSize, u32(e, 32), u32(e, 36)) || !x.t.within(lists, listSize, u32(e, 40), u32(e, 44)) {
		return Row{}, damaged(x.t.file, "row %d is missing or incomplete", number)
	}
	return Row{x.t, e}, nil
}

func (r Row) text(at int) string {
	if u32(r.e, at) == 0 { // mostly
		return ""
	}
	v, _ := r.t.view(u32(r.e, at))
	return v
}

// Module is the modularity stream; mostly empty.
func (r Row) Module() string { return r.text(4) }

// Arch is the architecture; empty: all of them.
func (r Row) Arch() string { return r.text(8) }

// Always tells that the row has neither ranges nor versions.
func (r Row) Always() bool { return u32(r.e, 48)&always != 0 }

// Unclear tells that a range has bounds that are no versions of the ecosystem.
func (r Row) Unclear() bool { return u32(r.e, 48)&unclear != 0 }

// Ranges is how many there are.
func (r Row) Ranges() int { return int(u32(r.e, 28)) }

// Range is one of them. Its error has ErrDamaged: an empty range would have every version.
func (r Row) Range(n int) (advisory.Range, error) {
	e := r.t.entry(ranges, rangeSize, u32(r.e, 24)+uint32(n))
	if e == nil {
		return advisory.Range{}, damaged(r.t.file, "a range is missing")
	}
	introduced, ok1 := r.t.view(u32(e, 0))
	end, ok2 := r.t.view(u32(e, 4))
	switch k := u32(e, 8) & kindOfEnd; {
	case !ok1 || !ok2 || k > untilLast:
		return advisory.Range{}, damaged(r.t.file, "a range is not what it was")
	case k == untilFixed:
		return advisory.Range{Introduced: introduced, Fixed: end}, nil
	case k == untilLast:
		return advisory.Range{Introduced: introduced, LastAffected: end}, nil
	}
	return advisory.Range{Introduced: introduced}, nil
}

// Versions is how many versions are listed that no range has.
func (r Row) Versions() int { return int(u32(r.e, 36)) }

// Version is one of them.
func (r Row) Version(n int) string { return r.listed(32, n) }

// Binaries is how many binary packages are named.
func (r Row) Binaries() int { return int(u32(r.e, 44)) }

// Binary is one of them.
func (r Row) Binary(n int) string { return r.listed(40, n) }

func (r Row) listed(at, n int) string {
	e := r.t.entry(lists, listSize, u32(r.e, at)+uint32(n))
	if e == nil {
		return ""
	}
	v, _ := r.t.view(u32(e, 0))
	return v
}

// Advisory copies all that is known of a row: its advisory, with the one package of
// the row. Versions that are in a range may have been left out of the list. What is
// returned outlives the index.
func (x *Index) Advisory(number uint32) (advisory.Record, error) {
	row, err := x.Row(number)
	if err != nil {
		return advisory.Record{}, err
	}
	r := reader{t: x.t}
	e := x.t.entry(advisories, advisorySize, u32(row.e, 0))
	if e == nil {
		return advisory.Record{}, damaged(x.t.file, "the advisory of row %d is missing", number)
	}
	record := advisory.Record{
		ID: r.text(u32(e, 0)), Summary: r.text(u32(e, 4)), Severity: advisory.Severity(r.text(u32(e, 8))),
		CVEs: r.list(u32(e, 12), u32(e, 16)), CVSS: r.list(u32(e, 20), u32(e, 24)), References: r.list(u32(e, 28), u32(e, 32)),
		Published: seconds(e, 36), Modified: seconds(e, 44),
	}
	affected := advisory.Affected{
		Ecosystem: x.ecosystem, Package: x.nameOf(&r, number),
		Module: r.text(u32(row.e, 4)), Arch: r.text(u32(row.e, 8)), Note: r.text(u32(row.e, 12)),
		Status: advisory.Status(r.text(u32(row.e, 16))), Severity: advisory.Severity(r.text(u32(row.e, 20))),
		Versions: r.list(u32(row.e, 32), u32(row.e, 36)), Binaries: r.list(u32(row.e, 40), u32(row.e, 44)),
	}
	if affected.Ranges, err = r.ranges(row); err != nil {
		return advisory.Record{}, err
	}
	record.Affected = []advisory.Affected{affected}
	return record, r.err()
}

// nameOf is the package that a row is about: the last whose rows do not begin after it.
func (x *Index) nameOf(r *reader, row uint32) string {
	part := x.t.parts[names]
	low, high := 0, len(part)/nameSize
	for high-low > 1 {
		if middle := (low + high) / 2; u32(part, middle*nameSize+4) <= row {
			low = middle
		} else {
			high = middle
		}
	}
	if high == 0 {
		r.bad = true
		return ""
	}
	return r.text(u32(part, low*nameSize))
}

func (r *reader) ranges(row Row) (all []advisory.Range, err error) {
	for n := range row.Ranges() {
		v, err := row.Range(n)
		if err != nil {
			return nil, err
		}
		all = append(all, advisory.Range{Introduced: clone(v.Introduced), Fixed: clone(v.Fixed), LastAffected: clone(v.LastAffected)})
	}
	return all, nil
}

// seconds is a time, to the second.
func seconds(e []byte, at int) time.Time { return time.Unix(int64(u64(e, at)), 0).UTC() }
