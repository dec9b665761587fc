//go:build linux

package activity

import (
	"cmp"
	"iter"
	"time"

	"assay/internal/sensor/activity/seen"
)

// ages tells which of the files that had one inode is the youngest: only that one can still
// be where its path leads. It belongs to one goroutine.
type ages struct {
	first map[file]time.Duration // when it was executed or mapped first, after boot
	last  map[place]file
}

func newAges() ages { return ages{map[file]time.Duration{}, map[place]file{}} }

// learn notes the files that were counted so far. What only connects was executed before
// anything was counted, and so it is older than all that was executed since.
func (a ages) learn(from source, loads iter.Seq2[seen.Load, error]) error {
	for e, err := range from.Executions() {
		if err != nil {
			return err
		}
		a.note(e.File, e.First)
	}
	for f, err := range from.Flows() {
		if err != nil {
			return err
		}
		a.note(f.File, 0)
	}
	if loads == nil {
		return nil
	}
	for l, err := range loads {
		if err != nil {
			return err
		}
		a.note(l.File, l.First)
		a.note(l.By.File, 0)
	}
	return nil
}

// note notes that a file was there; what is known of it is not made older.
func (a ages) note(id file, at time.Duration) {
	if id.Generation == 0 { // there is nothing to tell apart
		return
	}
	if known, ok := a.first[id]; ok && (at == 0 || known > 0 && known <= at) {
		return
	}
	a.first[id] = at
	if last, ok := a.last[placeOf(id)]; !ok || cmp.Compare(a.first[last], at) <= 0 {
		a.last[placeOf(id)] = id
	}
}

// youngest tells whether no younger file is known that has the inode.
func (a ages) youngest(id file) bool {
	last, ok := a.last[placeOf(id)]
	return !ok || last == id
}
