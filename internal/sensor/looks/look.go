package looks

import (
	"maps"
	"reflect"
	"slices"
	"time"

	"assay/internal/telemetry"
)

// look is one of a series.
type look struct {
	*series
	number  int // from 1
	at      time.Time
	last    bool
	objects map[int]int // the series' numbers of objects, by the look's own
	err     error       // emit's
}

// see takes in a record of the look, and tells of it if it is new or has changed.
// Conversations are told as the last look has them: they come and go by the thousand.
func (l *look) see(r telemetry.Record) error {
	socket, ok := r.(*telemetry.Socket)
	if ok && !socket.Listening() {
		if !l.last {
			return nil
		}
		return l.tell(r)
	}
	id := telemetry.Identity(r)
	before, known := l.kept[id]
	if !known && l.beyond() {
		l.record.Missed++
		return nil
	}
	l.date(r, before)
	l.renumber(r, before)
	changed := !known || !reflect.DeepEqual(before.record, r)
	if changed && known && l.beyond() {
		// It is told at the last look.
		l.keep(id, kept{before.record, l.number, l.at})
		return nil
	}
	l.keep(id, kept{clone(r), l.number, l.at})
	if ok && l.last {
		// Of a listener it matters that it was there to the end.
		socket.Last, changed = l.at, true
	}
	if !changed {
		return nil
	}
	return l.tell(r)
}

// beyond tells whether nothing more is told before the last look.
func (l *look) beyond() bool {
	return l.number > 1 && !l.last && (l.told >= l.maxTold || len(l.kept) >= l.maxKept)
}

func (l *look) keep(id string, k kept) {
	if _, known := l.kept[id]; !known && len(l.kept) >= l.maxKept {
		l.full = true
		return
	}
	l.kept[id] = k
}

func (l *look) tell(r telemetry.Record) error {
	if l.err != nil {
		return l.err
	}
	if l.number > 1 && !l.last {
		l.told++
	}
	l.err = l.emit(r)
	return l.err
}

// date says when something was there first.
func (l *look) date(r telemetry.Record, before kept) {
	first, late := l.at, l.number > 1
	switch b := before.record.(type) {
	case *telemetry.Process:
		first = b.First
	case *telemetry.Program:
		first = b.First
	case *telemetry.Socket:
		first, late = b.First, b.Late
	}
	switch r := r.(type) {
	case *telemetry.Process:
		r.First = first
	case *telemetry.Program:
		r.First = first
	case *telemetry.Socket:
		r.First, r.Late = first, late
	}
}

// renumber gives an object one number for all looks, and a process those of its
// objects. An object of which there was no room to tell has none.
func (l *look) renumber(r telemetry.Record, before kept) {
	switch r := r.(type) {
	case *telemetry.Object:
		own := r.ID
		if b, ok := before.record.(*telemetry.Object); ok {
			r.ID = b.ID
		} else {
			l.numbered++
			r.ID = l.numbered
		}
		l.objects[own] = r.ID
	case *telemetry.Process:
		var objects []int
		for _, own := range r.Objects {
			if id, ok := l.objects[own]; ok {
				objects = append(objects, id)
			}
		}
		r.Objects = objects
	}
}

// gone tells of what was there before and is no more, and forgets it.
func (l *look) gone() error {
	for _, id := range slices.Sorted(maps.Keys(l.kept)) {
		k := l.kept[id]
		if k.look == l.number {
			continue
		}
		delete(l.kept, id)
		switch r := k.record.(type) {
		case *telemetry.Process:
			r.Gone, r.Last = true, k.seen
		case *telemetry.Program:
			r.Gone, r.Last = true, k.seen
		case *telemetry.Socket:
			r.Gone, r.Last = true, k.seen
		default:
			continue // objects and folders are those of others
		}
		if err := l.tell(k.record); err != nil {
			return err
		}
	}
	return nil
}

// clone is a copy of a record that stays as it is: the original is stamped by whoever
// stores it.
func clone(r telemetry.Record) telemetry.Record {
	switch r := r.(type) {
	case *telemetry.Process:
		c := *r
		return &c
	case *telemetry.Program:
		c := *r
		return &c
	case *telemetry.Socket:
		c := *r
		return &c
	case *telemetry.Object:
		c := *r
		return &c
	case *telemetry.File:
		c := *r
		return &c
	}
	return r
}
