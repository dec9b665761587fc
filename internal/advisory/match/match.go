// Package match tells which advisories apply to the packages of a host. It is a
// function of packages and an index of advisories; it knows neither where packages
// come from nor what becomes of a match.
//
// Nothing is passed over silently: an ecosystem without advisories, a version that
// is none, and an advisory that cannot be compared with are in the results.
package match

import (
	"cmp"
	"math"
	"strings"

	"assay/internal/advisory"
	"assay/internal/advisory/index"
	"assay/internal/version"
)

// Package is an installed package.
type Package struct {
	Ecosystem string   // with the release: "Debian:12", "AlmaLinux:9", "PyPI"
	Name      string   // the source package where the ecosystem has those
	Binaries  []string // the installed binary packages of it that have Version
	Version   string   // of the source package where the ecosystem's advisories go by it; epoch included
	Arch      string   // empty: not known
	Module    string   // rpm: the modularity stream, "nodejs:18", maybe with version and context behind; empty: none, or not known
}

// How a package is affected, in place of a range's number.
const (
	Always = -1 // the advisory has neither ranges nor versions
	Listed = -2 // it lists the very version
	// It cannot be told: a range has bounds that are no versions of the ecosystem,
	// and no other part of the advisory decides.
	Undecided = -3
)

// Hit is a row that applies to a package.
type Hit struct {
	Row   uint32
	Range int // which of the row's ranges the version is in; or Always, Listed, Undecided
}

// Append appends the rows of an index that apply to a package: in the order of the
// names that were looked up, and of the index. An index of another ecosystem gives
// nonsense. The error has index.ErrDamaged, or is that the package's version is none
// and there are rows that it would have to be compared with; hits that need no
// comparison are there nevertheless.
func Append(hits []Hit, x *index.Index, p *Package) ([]Hit, error) {
	q := query{x: x, p: p, hits: hits}
	if x.Scheme() != version.RPM {
		q.lookUp(p.Name, true, true)
		return q.hits, q.err
	}
	// The advisories of the rpm families go by binary packages, some by the source.
	named := false
	for _, binary := range p.Binaries {
		named = named || binary == p.Name
		q.lookUp(binary, true, binary == p.Name)
	}
	if !named {
		q.lookUp(p.Name, len(p.Binaries) == 0, true)
	}
	return q.hits, q.err
}

// query is one package being looked up.
type query struct {
	x       *index.Index
	p       *Package
	hits    []Hit
	checked bool
	wrong   error // what is wrong with the version
	err     error

	rows       index.Rows // that are looked at
	at         uint32     // the version's position among their bounds, when it has been asked for
	positioned bool
}

// sourceArch is what rows have for an architecture that are about source packages.
const sourceArch = "src"

func (q *query) lookUp(name string, binaries, sources bool) {
	found, err := q.x.Find(name)
	if err != nil {
		q.err = err
		return
	}
	q.rows, q.positioned = found, false
	// Most rows do not apply, and for most of those it takes one look to tell.
	searched := found.First < found.End && q.x.Scheme().Total() && q.valid()
	for n := found.First; n < found.End; n++ {
		if searched && q.x.Outside(n, q.position()) {
			continue
		}
		row, err := q.x.Row(n)
		if err != nil {
			q.err = err
			return
		}
		arch := row.Arch()
		if arch == sourceArch && !sources || arch != sourceArch && !binaries || !q.about(row, arch) {
			continue
		}
		if how, applies := q.row(row); applies {
			q.hits = append(q.hits, Hit{n, how})
		}
	}
}

// about tells whether a row is about this build of the package: its architecture,
// its module and the binary packages that are there.
func (q *query) about(row index.Row, arch string) bool {
	if arch != "" && arch != sourceArch && q.p.Arch != "" && arch != q.p.Arch {
		return false
	}
	return inModule(row.Module(), q.p) && (row.Binaries() == 0 || len(q.p.Binaries) == 0 || q.hasBinary(row))
}

func (q *query) hasBinary(row index.Row) bool {
	for n := range row.Binaries() {
		for _, have := range q.p.Binaries {
			if have == row.Binary(n) {
				return true
			}
		}
	}
	return false
}

// inModule tells whether a package is of a module's stream, or may be: where its
// version shows that it is of some module, and its stream is not known.
func inModule(module string, p *Package) bool {
	if module == "" || p.Module == module {
		return true
	}
	if p.Module == "" {
		return isModular(p.Version)
	}
	rest, ok := strings.CutPrefix(p.Module, module)
	return ok && strings.HasPrefix(rest, ":")
}

// isModular tells whether a version is one of a module's builds, as Red Hat, Alma
// and Rocky Linux mark them: "1:18.19.1-1.module_el8.9.0+3727+aa0e1d2f".
func isModular(v string) bool { return strings.Contains(v, ".module") }

// row tells whether the version is one that the row is about, and why.
func (q *query) row(row index.Row) (how int, applies bool) {
	if row.Always() {
		return Always, true
	}
	undecided := false
	for n := range row.Ranges() {
		in, decided, err := q.inRange(row, n)
		switch {
		case err != nil:
			q.err = err
			return 0, false
		case in:
			return n, true
		}
		undecided = undecided || !decided
	}
	if q.listed(row) {
		return Listed, true
	}
	return Undecided, undecided
}

// inRange tells whether the version is in a row's range. It is decided, too, if it is
// the package's version that cannot be compared.
func (q *query) inRange(row index.Row, n int) (in, decided bool, err error) {
	from, until, ok := row.Interval(n)
	switch {
	case !ok:
		return q.compared(row, n)
	case from == 0 && until == math.MaxUint32:
		return true, true, nil // it has every version, whatever this one is
	case !q.comparable() || q.position() < from || q.position() >= until:
		return false, true, nil
	case q.x.Scheme() != version.RPM || row.Module() != "":
		return true, true, nil
	}
	r, err := row.Range(n)
	return err == nil && q.sameBuild(row, r), true, err
}

// compared is inRange for a range without an interval.
func (q *query) compared(row index.Row, n int) (in, decided bool, err error) {
	r, err := row.Range(n)
	switch {
	case err != nil || r == (advisory.Range{}):
		return err == nil, true, err
	case !q.comparable():
		return false, true, nil
	case row.Unclear() && r.Check(q.x.Scheme()) != nil:
		return false, false, nil
	}
	return q.sameBuild(row, r) && r.Contains(q.x.Scheme(), q.p.Version), true, nil
}

// position is that of the version among the bounds of what is being looked up.
func (q *query) position() uint32 {
	if !q.positioned {
		q.at, q.positioned = q.x.Position(q.rows, q.p.Version), true
	}
	return q.at
}

// sameBuild tells builds of a module from others where the advisory does not say of
// which it is: they have versions of their own that do not compare.
func (q *query) sameBuild(row index.Row, r advisory.Range) bool {
	return q.x.Scheme() != version.RPM || r.Fixed == "" || row.Module() != "" ||
		isModular(r.Fixed) == (q.p.Module != "" || isModular(q.p.Version))
}

// valid checks the package's version, once.
func (q *query) valid() bool {
	if !q.checked {
		q.checked, q.wrong = true, q.x.Scheme().Check(q.p.Version)
	}
	return q.wrong == nil
}

// comparable is valid, and remembers that it was asked for. Without an order the row
// is unclear, whatever the version.
func (q *query) comparable() bool {
	if q.valid() || q.x.Scheme() == version.Unknown {
		return true
	}
	q.err = cmp.Or(q.err, q.wrong) // that the index is damaged is worse
	return false
}

// listed tells whether a row lists the version, in whatever spelling.
func (q *query) listed(row index.Row) bool {
	s := q.x.Scheme()
	for n := range row.Versions() {
		v := row.Version(n)
		if v == q.p.Version {
			return true
		}
		if q.comparable() && s.Compare(v, q.p.Version) == 0 && s != version.Unknown && s.Check(v) == nil {
			return true
		}
	}
	return false
}
