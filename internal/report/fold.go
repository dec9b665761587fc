package report

import "slices"

// fold puts hosts that follow one another and have the same to tell into one item.
type fold struct {
	pending item
	hosts   int
}

// maxFolded bounds the hosts of an item.
const maxFolded = 50

// add takes a host's item, and returns the item before it that is whole now, if
// there is one.
func (f *fold) add(i item) (whole item, ok bool) {
	if f.hosts > 0 && f.hosts < maxFolded && i.Detail == f.pending.Detail && slices.Equal(i.Lines, f.pending.Lines) {
		f.pending.Title += "\n" + i.Title
		f.hosts++
		return item{}, false
	}
	whole, ok = f.rest()
	f.pending, f.hosts = i, 1
	return whole, ok
}

// rest returns the item that was held back.
func (f *fold) rest() (item, bool) {
	whole, ok := f.pending, f.hosts > 0
	f.pending, f.hosts = item{}, 0
	return whole, ok
}
