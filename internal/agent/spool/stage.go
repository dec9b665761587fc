package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"assay/internal/durable"
)

// Stage is where a sensor's segments wait until the sensor is done. It is not
// safe for concurrent use. Commit or Abort ends it.
type Stage struct {
	spool  *Spool
	run    string
	batch  batch
	dir    string
	staged int64 // bytes, counted in the spool's
}

// Stage begins a sensor's part of a run. What was staged for the sensor before
// and not committed is removed.
func (s *Spool) Stage(id, sensor string) (*Stage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.runs[id]
	if !ok || r.State != Open {
		return nil, fmt.Errorf("stage the sensor %s: the run %s is not open", sensor, id)
	}
	st := &Stage{spool: s, run: id, dir: s.path(id, stagingPrefix+sensor)}
	st.batch = batch{sensor: sensor, first: r.last() + 1, last: r.last()}
	if !batchPattern.MatchString(st.batch.name()) {
		return nil, fmt.Errorf("stage the sensor %q: a sensor cannot have that name", sensor)
	}
	if err := os.RemoveAll(st.dir); err != nil {
		return nil, fmt.Errorf("stage the sensor %s: %w", sensor, err)
	}
	if err := os.Mkdir(st.dir, 0o700); err != nil {
		return nil, fmt.Errorf("stage the sensor %s: %w", sensor, err)
	}
	return st, nil
}

// Segment is a segment that is being written. Close makes it durable and part
// of the stage; Discard forgets it.
type Segment struct {
	Sequence int64

	stage *Stage
	file  File
	name  string
	size  int64
	limit int64 // of the whole spool, for this segment
}

// Create begins the next segment. The last one may use the Reserve: it is the
// one that says how the sensor fared.
func (st *Stage) Create(last bool) (*Segment, error) {
	limit := st.spool.limit
	if last {
		limit += Reserve
	}
	return st.create(st.batch.last+1, limit)
}

func (st *Stage) create(sequence, limit int64) (*Segment, error) {
	g := &Segment{Sequence: sequence, stage: st, limit: limit, name: filepath.Join(st.dir, fileName(sequence))}
	file, err := st.spool.create(g.name)
	if err != nil {
		return nil, fmt.Errorf("begin a segment: %w", err)
	}
	g.file = file
	return g, nil
}

// Write writes to the segment within the spool's limit, or returns an error
// with ErrFull and has written nothing. What an error of the disk left written
// is counted, so that the rest can be tried again.
func (g *Segment) Write(p []byte) (int, error) {
	s := g.stage.spool
	s.mu.Lock()
	full := s.bytes+int64(len(p)) > g.limit
	if !full {
		s.bytes += int64(len(p))
		g.size += int64(len(p))
		g.stage.staged += int64(len(p))
	}
	s.mu.Unlock()
	if full {
		return 0, fmt.Errorf("%w: %d bytes", ErrFull, s.limit)
	}
	n, err := g.file.Write(p)
	if n < len(p) {
		g.size -= int64(len(p) - n)
		g.stage.release(int64(len(p) - n))
	}
	return n, err
}

// Size is what was written so far, in bytes.
func (g *Segment) Size() int64 { return g.size }

// Close makes the segment durable. It belongs to the stage only if Close
// returns nil; otherwise it is discarded.
func (g *Segment) Close() error {
	if err := g.durable(); err != nil {
		return err
	}
	g.stage.batch.last = g.Sequence
	g.stage.batch.files = append(g.stage.batch.files, segment{g.Sequence, g.size})
	return nil
}

func (g *Segment) durable() error {
	err := g.file.Sync()
	if closeErr := g.file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return errors.Join(fmt.Errorf("make a segment durable: %w", err), g.remove())
	}
	return nil
}

// Discard removes the segment; its sequence number is free again.
func (g *Segment) Discard() error { return errors.Join(g.file.Close(), g.remove()) }

func (g *Segment) remove() error {
	g.stage.release(g.size)
	return os.Remove(g.name)
}

func (st *Stage) release(bytes int64) {
	st.spool.mu.Lock()
	defer st.spool.mu.Unlock()
	st.staged -= bytes
	st.spool.free(bytes)
}

// Alone tells whether nothing but this stage is in the spool: waiting for room
// would be waiting for ever.
func (st *Stage) Alone() bool {
	st.spool.mu.Lock()
	defer st.spool.mu.Unlock()
	return st.spool.bytes == st.staged
}

// Segments is how many segments are closed.
func (st *Stage) Segments() int { return len(st.batch.files) }

// Commit makes the sensor's segments part of the run, all at once and durably. If others
// were committed since the stage began, Renumber has to go before.
func (st *Stage) Commit() error { return st.commit() }

// CommitPart is Commit for a sensor that goes on: its next stage has more, and only
// the one that is committed with Commit ends it. records is how many the part has.
func (st *Stage) CommitPart(records int64) error {
	st.batch.part, st.batch.records = true, records
	return st.commit()
}

func (st *Stage) commit() error {
	if len(st.batch.files) == 0 {
		return errors.Join(errors.New("a sensor without a segment cannot be committed"), st.Abort())
	}
	s := st.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.runs[st.run]
	if !ok || r.State != Open {
		return errors.Join(fmt.Errorf("commit the sensor %s: the run %s has ended", st.batch.sensor, st.run), st.abort())
	}
	if r.last()+1 != st.batch.first {
		return errors.Join(fmt.Errorf("commit the sensor %s: its numbers were taken by others", st.batch.sensor), st.abort())
	}
	err := durable.SyncFolder(st.dir)
	if err == nil {
		err = os.Rename(st.dir, s.path(st.run, st.batch.name()))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("commit the sensor %s: %w", st.batch.sensor, err), st.abort())
	}
	// From here on it is committed, whatever follows.
	r.batches = append(r.batches, st.batch)
	st.staged = 0
	return durable.SyncFolder(s.path(st.run))
}

// Abort removes what was staged.
func (st *Stage) Abort() error {
	st.spool.mu.Lock()
	defer st.spool.mu.Unlock()
	return st.abort()
}

func (st *Stage) abort() error {
	st.spool.free(st.staged)
	st.staged = 0
	return os.RemoveAll(st.dir)
}
