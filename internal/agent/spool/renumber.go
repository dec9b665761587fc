package spool

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Renumber gives a stage's segments the numbers behind those of what was committed since
// the stage began; without such there is nothing to do. write writes to a new
// segment what the old one has. An error leaves a stage that can only be aborted.
func (st *Stage) Renumber(write func(to *Segment, from io.Reader) error) error {
	next, err := st.next()
	if err != nil {
		return err
	}
	shift := next - st.batch.first
	if shift == 0 {
		return nil
	}
	// From the last on, whose new number is nobody's.
	for i := len(st.batch.files) - 1; i >= 0; i-- {
		old := st.batch.files[i]
		moved, err := st.renumber(old, old.sequence+shift, write)
		if err != nil {
			return fmt.Errorf("give a segment of the sensor %s another number: %w", st.batch.sensor, err)
		}
		st.batch.files[i] = moved
	}
	st.batch.first += shift
	st.batch.last += shift
	return nil
}

// next is the number with which a stage has to begin that is committed now.
func (st *Stage) next() (int64, error) {
	st.spool.mu.Lock()
	defer st.spool.mu.Unlock()
	r, ok := st.spool.runs[st.run]
	if !ok || r.State != Open {
		return 0, fmt.Errorf("number the sensor %s: the run %s has ended", st.batch.sensor, st.run)
	}
	return r.last() + 1, nil
}

func (st *Stage) renumber(old segment, sequence int64, write func(*Segment, io.Reader) error) (segment, error) {
	name := filepath.Join(st.dir, fileName(old.sequence))
	from, err := os.Open(name)
	if err != nil {
		return segment{}, err
	}
	defer from.Close()
	// For a moment there are both; that the old one goes makes room for the next.
	to, err := st.create(sequence, st.spool.limit+2*Reserve+old.size)
	if err != nil {
		return segment{}, err
	}
	if err := write(to, from); err != nil {
		return segment{}, errors.Join(err, to.Discard())
	}
	if err := to.durable(); err != nil {
		return segment{}, err
	}
	st.release(old.size)
	return segment{sequence, to.size}, os.Remove(name)
}
