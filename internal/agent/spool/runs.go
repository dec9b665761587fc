package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/go-json-experiment/json"

	"assay/internal/durable"
)

const runFile = "run.json"

// idPattern is what may become the name of a folder. Dots and separators are
// not in it, so that no run's or sensor's name leads out of the spool.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// ValidID tells whether a run can have this id.
func ValidID(id string) bool { return idPattern.MatchString(id) }

// Begin keeps a new run, durably.
func (s *Spool) Begin(r Run) error {
	if !ValidID(r.ID) {
		return fmt.Errorf("%q cannot be the id of a run", r.ID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.runs[r.ID]; ok {
		return fmt.Errorf("the run %s is in the spool already", r.ID)
	}
	r.State = Open
	if err := os.MkdirAll(s.path(r.ID), 0o700); err != nil {
		return fmt.Errorf("keep the run %s: %w", r.ID, err)
	}
	if err := s.writeRun(r); err != nil {
		return err
	}
	if err := durable.SyncFolder(s.dir); err != nil {
		return fmt.Errorf("keep the run %s: %w", r.ID, err)
	}
	s.runs[r.ID] = &run{Run: r}
	return nil
}

func (s *Spool) writeRun(r Run) error {
	var b bytes.Buffer
	if err := json.MarshalWrite(&b, r); err != nil {
		return fmt.Errorf("keep the run %s: %w", r.ID, err)
	}
	if err := durable.WriteFile(s.path(r.ID, runFile), b.Bytes()); err != nil {
		return fmt.Errorf("keep the run %s: %w", r.ID, err)
	}
	return nil
}

// Update changes a run that is open. What could not be written down holds until
// the process ends, and the error tells.
func (s *Spool) Update(id string, change func(*Run)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.runs[id]
	if !ok || r.State != Open {
		return nil
	}
	change(&r.Run)
	return s.writeRun(r.Run)
}

// Finish ends a run and removes its segments. The run itself is remembered, so
// that the same instruction does not begin it again, until Forget.
func (s *Spool) Finish(id string, end State, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.runs[id]
	if !ok {
		return nil
	}
	r.State, r.Reason = end, reason
	// The state first: segments without a run that needs them are removed
	// at the next start, a run without its segments would be a loss.
	err := s.writeRun(r.Run)
	removed := s.removeBatches(r)
	if err != nil {
		// On a full disk the segments were in the way.
		err = s.writeRun(r.Run)
	}
	return errors.Join(err, removed)
}

func (s *Spool) removeBatches(r *run) error {
	var errs []error
	for _, b := range r.batches {
		errs = append(errs, os.RemoveAll(s.path(r.ID, b.name())))
		s.free(b.bytes())
	}
	r.batches = nil
	return errors.Join(errs...)
}

// Forget removes a run that has ended.
func (s *Spool) Forget(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.runs[id]; !ok || r.State == Open {
		return nil
	}
	if err := os.RemoveAll(s.path(id)); err != nil {
		return fmt.Errorf("forget the run %s: %w", id, err)
	}
	delete(s.runs, id)
	return nil
}

// load reads the folder at start.
func (s *Spool) load() error {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() || !ValidID(e.Name()) {
			continue // not ours: it is neither read nor removed
		}
		if err := s.loadRun(e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spool) loadRun(id string) error {
	data, err := os.ReadFile(s.path(id, runFile))
	if errors.Is(err, fs.ErrNotExist) {
		// The process ended between the folder and its run: nothing of
		// it was promised to anybody.
		return os.RemoveAll(s.path(id))
	}
	if err != nil {
		return err
	}
	r := &run{}
	if err := json.Unmarshal(data, &r.Run, json.RejectUnknownMembers(true)); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Join(id, runFile), err)
	}
	if r.ID != id {
		return fmt.Errorf("%s is of the run %q", filepath.Join(id, runFile), r.ID)
	}
	if err := s.loadBatches(r); err != nil {
		return err
	}
	s.runs[id] = r
	if r.State != Open {
		return s.removeBatches(r)
	}
	return nil
}
