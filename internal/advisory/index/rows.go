package index

// Rows are what an index has about a package: the rows from First up to, and
// without, End. No rows: nothing is known of it.
type Rows struct {
	First, End    uint32
	bounds, count uint32
}

// Rows are the numbers of a package's rows: from first up to, and without, end.
func (x *Index) Rows(name string) (first, end uint32, err error) {
	r, err := x.Find(name)
	return r.First, r.End, err
}

// Find finds the rows of a package. Any spelling of its name does that advisory.Name
// knows. The error has ErrDamaged.
func (x *Index) Find(name string) (Rows, error) {
	if x.spellings {
		name = x.spelled(name)
	}
	e := x.t.find(name)
	if e == nil {
		return Rows{}, nil
	}
	first, n := u32(e, 4), u32(e, 8)
	bounds, count := u32(e, 12), u32(e, 16)
	if !x.t.within(rows, rowSize, first, n) || !x.t.within(lists, listSize, bounds, count) {
		return Rows{}, damaged(x.t.file, "rows of %.200q are missing", name)
	}
	return Rows{first, first + n, bounds, count}, nil
}

// Position is where a version is among the bounds of a package's ranges, for
// Row.Interval. The version must be one of the index's scheme.
func (x *Index) Position(r Rows, version string) uint32 {
	low, high := uint32(0), r.count
	for low < high {
		middle := (low + high) / 2
		bound, _ := x.t.view(u32(x.t.parts[lists], int(r.bounds+middle)*listSize))
		switch c := x.scheme.Compare(bound, version); {
		case c == 0:
			return 2*middle + 1
		case c < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return 2 * low
}

// Interval is which positions the versions in a range have: from the first up to, and
// without, until. False: the range has none, as in schemes whose order is not one for
// any three versions, and where a bound is no version: ask Range.Contains.
func (r Row) Interval(n int) (from, until uint32, ok bool) {
	e := r.t.entry(ranges, rangeSize, u32(r.e, 24)+uint32(n))
	if e == nil || u32(e, 8)&ranked == 0 {
		return 0, 0, false
	}
	return u32(e, 12), u32(e, 16), true
}

// Outside tells whether a row has nothing but a range with an interval, and that does
// not have a position: then the row does not apply, whatever else is in it.
func (x *Index) Outside(row, position uint32) bool {
	e := x.t.entry(rows, rowSize, row)
	if e == nil || u32(e, 28) != 1 || u32(e, 36) != 0 {
		return false
	}
	r := x.t.entry(ranges, rangeSize, u32(e, 24))
	return r != nil && u32(r, 8)&ranked != 0 && (position < u32(r, 12) || position >= u32(r, 16))
}
