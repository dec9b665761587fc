package index

import (
	"cmp"
	"slices"
	"strings"

	"assay/internal/version"
)

// Where a scheme's order is one for any three versions, the bounds of all ranges of
// a name are kept sorted, and ranges say which of them are theirs. Then a version is
// looked for among the bounds once, and compared with every range as a number.
//
// The position of a version among bounds is 2*n if n of them are older and none is
// equal to it, and 2*n+1 if the one behind those n is.

// interval is the positions of the versions that are in a range: from the first up
// to, and without, until.
type interval struct{ from, until uint32 }

// noEnd is behind every position.
const noEnd = ^uint32(0)

// ranked is set in a range's kind if it has an interval.
const (
	ranked    uint32 = 1 << 8
	kindOfEnd uint32 = 1<<8 - 1
)

// maxRanges is how many ranges of one name are kept to sort their bounds: of a name
// with more of them, versions are compared with each range.
const maxRanges = 1 << 16

// boundary is a version that is a bound, and where its text is.
type boundary struct {
	version string
	ref     uint32
}

// pendingRange is a range that is written when the name's bounds are known.
type pendingRange struct {
	introduced, end boundary
	kind            uint32
}

// nameRanges gathers the ranges of a name.
type nameRanges struct {
	scheme  version.Scheme
	waiting []pendingRange
	bounds  []boundary
	tooMany bool
}

// add takes a range; write writes it, maybe later.
func (n *nameRanges) add(w *tableWriter, r pendingRange) {
	if n.tooMany = n.tooMany || len(n.waiting) == maxRanges; n.tooMany {
		n.flush(w, false)
	}
	n.waiting = append(n.waiting, r)
}

// written is how many ranges there will be with those that wait.
func (n *nameRanges) written(w *tableWriter) uint32 {
	return w.counts[ranges] + uint32(len(n.waiting))
}

// end writes what waits, and the list of the bounds, of which it returns the first
// entry and how many there are.
func (n *nameRanges) end(w *tableWriter) (first, count uint32) {
	first = w.counts[lists]
	if !n.tooMany && n.scheme.Total() {
		n.sort()
		for _, b := range n.bounds {
			w.entry(lists, numbers(nil, b.ref))
		}
		count = uint32(len(n.bounds))
	}
	n.flush(w, !n.tooMany && n.scheme.Total())
	n.tooMany, n.bounds = false, n.bounds[:0]
	return first, count
}

func (n *nameRanges) flush(w *tableWriter, rank bool) {
	for _, r := range n.waiting {
		kind, in := r.kind, interval{}
		if rank && n.comparable(r) {
			kind, in = kind|ranked, n.interval(r)
		}
		w.entry(ranges, numbers(nil, r.introduced.ref, r.end.ref, kind, in.from, in.until))
	}
	n.waiting = n.waiting[:0]
}

// sort finds the bounds of the ranges that wait. Of equal ones that are written
// differently the first one stands for all.
func (n *nameRanges) sort() {
	for _, r := range n.waiting {
		for _, b := range [...]boundary{r.introduced, r.end} {
			if n.comparable(r) && b.version != "" {
				n.bounds = append(n.bounds, b)
			}
		}
	}
	slices.SortFunc(n.bounds, func(a, b boundary) int {
		return cmp.Or(n.scheme.Compare(a.version, b.version), strings.Compare(a.version, b.version))
	})
	n.bounds = slices.CompactFunc(n.bounds, func(a, b boundary) bool { return n.scheme.Compare(a.version, b.version) == 0 })
}

// comparable tells whether the bounds are versions.
func (n *nameRanges) comparable(r pendingRange) bool {
	return (r.introduced.version == "" || n.scheme.Check(r.introduced.version) == nil) &&
		(r.kind == open || n.scheme.Check(r.end.version) == nil)
}

func (n *nameRanges) interval(r pendingRange) interval {
	in := interval{until: noEnd}
	if r.introduced.version != "" {
		in.from = n.position(r.introduced)
	}
	switch r.kind {
	case untilFixed:
		in.until = n.position(r.end)
	case untilLast:
		in.until = n.position(r.end) + 1
	}
	return in
}

// position is that of a bound itself.
func (n *nameRanges) position(b boundary) uint32 {
	at, _ := slices.BinarySearchFunc(n.bounds, b, func(a, b boundary) int { return n.scheme.Compare(a.version, b.version) })
	return 2*uint32(at) + 1
}
