package spool

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// batch is a sensor's segments, or a part of those of a sensor that goes on: those
// that are not acknowledged have a file.
type batch struct {
	sensor      string
	first, last int64
	part        bool
	records     int64     // of a part
	files       []segment // by sequence
}

type segment struct {
	sequence int64
	size     int64
}

const stagingPrefix = "staging-"

var batchPattern = regexp.MustCompile(`^(\d{8})-(\d{8})-([a-z0-9_]+)(?:\+(\d{1,18}))?$`)

func (b batch) name() string {
	name := fmt.Sprintf("%08d-%08d-%s", b.first, b.last, b.sensor)
	if b.part {
		name += fmt.Sprintf("+%d", b.records)
	}
	return name
}

func (b batch) bytes() (n int64) {
	for _, f := range b.files {
		n += f.size
	}
	return n
}

func fileName(sequence int64) string { return fmt.Sprintf("%08d", sequence) }

func (s *Spool) loadBatches(r *run) error {
	entries, err := os.ReadDir(s.path(r.ID))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), stagingPrefix) || strings.HasPrefix(e.Name(), "."+runFile) {
			if err := os.RemoveAll(s.path(r.ID, e.Name())); err != nil {
				return err
			}
		}
		m := batchPattern.FindStringSubmatch(e.Name())
		if m == nil {
			continue
		}
		b, err := s.loadBatch(r.ID, m)
		if err != nil {
			return err
		}
		r.batches = append(r.batches, b)
		s.bytes += b.bytes()
	}
	slices.SortFunc(r.batches, func(a, b batch) int { return cmp.Compare(a.first, b.first) })
	r.acked = r.last()
	if next, ok := r.next(); ok {
		r.acked = next.sequence - 1
	}
	return nil
}

func (s *Spool) loadBatch(run string, m []string) (batch, error) {
	b := batch{sensor: m[3], part: m[4] != ""}
	b.records, _ = strconv.ParseInt(m[4], 10, 64) // 18 digits at most, or none
	b.first, _ = strconv.ParseInt(m[1], 10, 64)   // eight digits: the pattern
	b.last, _ = strconv.ParseInt(m[2], 10, 64)
	entries, err := os.ReadDir(s.path(run, m[0]))
	if err != nil {
		return b, err
	}
	for _, e := range entries {
		sequence, err := strconv.ParseInt(e.Name(), 10, 64)
		if err != nil || sequence < b.first || sequence > b.last || e.Name() != fileName(sequence) {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return b, err
		}
		b.files = append(b.files, segment{sequence, info.Size()})
	}
	return b, nil
}

func (r *run) last() int64 {
	if len(r.batches) == 0 {
		return 0
	}
	return r.batches[len(r.batches)-1].last
}

func (r *run) next() (segment, bool) {
	for _, b := range r.batches {
		if len(b.files) > 0 {
			return b.files[0], true
		}
	}
	return segment{}, false
}

// Progress is how far a run is.
type Progress struct {
	Done  map[string]bool // sensors that are in the spool, or were
	Acked int64           // the last sequence number that is acknowledged
	Last  int64           // the last sequence number that is taken
	// Parts has the records that are in the spool, or were, of each sensor that has
	// gone on since; those that are done have none here.
	Parts map[string]int64
}

// Progress tells how far a run is.
func (s *Spool) Progress(id string) Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Progress{Done: map[string]bool{}, Parts: map[string]int64{}}
	if r, ok := s.runs[id]; ok {
		p.Acked, p.Last = r.acked, r.last()
		for _, b := range r.batches {
			if b.part {
				p.Parts[b.sensor] += b.records
			} else {
				p.Done[b.sensor] = true
				delete(p.Parts, b.sensor)
			}
		}
	}
	return p
}

// Next is the segment of a run that is to be sent next. ok is false if all that
// there is was acknowledged.
func (s *Spool) Next(id string) (sequence, size int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, known := s.runs[id]; known {
		if next, found := r.next(); found {
			return next.sequence, next.size, true
		}
	}
	return 0, 0, false
}

// OpenSegment opens a segment for reading.
func (s *Spool) OpenSegment(id string, sequence int64) (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.runs[id]; ok {
		for _, b := range r.batches {
			if b.first <= sequence && sequence <= b.last {
				return os.Open(s.path(id, b.name(), fileName(sequence)))
			}
		}
	}
	return nil, fmt.Errorf("open segment %d of the run %s: %w", sequence, id, os.ErrNotExist)
}

// Ack removes all segments of a run up to a sequence number: the service has
// them. What is not removed because of an error is sent again at the next start.
func (s *Spool) Ack(id string, sequence int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.runs[id]
	if !ok {
		return nil
	}
	var errs []error
	for i := range r.batches {
		b := &r.batches[i]
		for len(b.files) > 0 && b.files[0].sequence <= sequence {
			errs = append(errs, os.Remove(filepath.Join(s.path(id, b.name()), fileName(b.files[0].sequence))))
			s.free(b.files[0].size)
			b.files = b.files[1:]
		}
	}
	r.acked = max(r.acked, min(sequence, r.last()))
	return errors.Join(errs...)
}
