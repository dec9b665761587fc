// Package spool keeps on disk what an agent has collected and the service has
// not acknowledged: bounded, in order, and across kill -9.
//
// Layout, below the spool's folder, one folder a run:
//
//	<run>/run.json                            the run as it was instructed, and how it ended
//	<run>/<first>-<last>-<sensor>/<seq>       a sensor's segments, all of them
//	<run>/<first>-<last>-<sensor>+<n>/<seq>   n records of one that goes on
//	<run>/staging-<sensor>/<seq>              those of a sensor that is still at work
//
// A sensor's records become part of the spool by one rename of its staging
// folder, after all files in it are durable. So after a crash a sensor is in the
// spool as a whole, under sequence numbers that will not change, or not at all,
// and then it is collected again under the numbers that were never used. The
// folder stays until the run is over, when its segments are acknowledged and
// gone: its name says that the sensor is done and which numbers are taken. A sensor
// that observes enters it part by part, each in the same way, and is done with the
// last one, which has its coverage. Its parts do not wait for a sensor that is at work:
// what enters first has the lower numbers, and what is staged is renumbered before it
// enters.
package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Reserve is what the last word of a sensor may use beyond the limit, in bytes:
// that the spool is full has to fit in too.
const Reserve = 1 << 20

// DefaultLimit bounds the spool in bytes.
const DefaultLimit = 256 << 20

// ErrFull is in the error of writing to a spool that is at its limit.
var ErrFull = errors.New("the spool is full")

// State says where a run stands.
type State string

// The states of a run.
const (
	Open     State = "open"     // collecting or uploading
	Complete State = "complete" // the service knows that all is there
	GivenUp  State = "given_up" // no more is done for it; Reason says why
)

// Run is what is known of a run, and kept in run.json.
type Run struct {
	ID          string    `json:"id"`
	Agent       string    `json:"agent"`
	Instruction string    `json:"instruction"`
	Sensors     []string  `json:"sensors"`
	Until       time.Time `json:"until"` // by the service's clock
	Accepted    time.Time `json:"accepted"`
	State       State     `json:"state"`
	Failed      bool      `json:"failed,omitempty"` // collection came to an end without some sensor's word
	Reason      string    `json:"reason,omitempty"`
}

// File is what segments are written to.
type File interface {
	io.Writer
	Sync() error
	Close() error
}

// Options configure a spool.
type Options struct {
	Limit  int64                           // bytes; zero means DefaultLimit
	Create func(name string) (File, error) // creates a segment's file; nil means on the disk
}

// Spool is safe for concurrent use. Of each run, one goroutine begins and ends stages.
type Spool struct {
	dir    string
	limit  int64
	create func(string) (File, error)

	mu    sync.Mutex
	runs  map[string]*run
	bytes int64 // of all segments, staged ones included
	freed chan struct{}
}

type run struct {
	Run
	batches []batch // by sequence
	acked   int64
}

// New opens the spool in a folder, which is made if it is missing. What an
// earlier process has staged and not committed is removed.
func New(dir string, o Options) (*Spool, error) {
	s := &Spool{dir: dir, limit: o.Limit, create: o.Create, runs: map[string]*run{}, freed: make(chan struct{})}
	if s.limit == 0 {
		s.limit = DefaultLimit
	}
	if s.create == nil {
		s.create = func(name string) (File, error) {
			return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the spool: %w", err)
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("open the spool %s: %w", dir, err)
	}
	return s, nil
}

// Runs lists the runs in the order in which they were accepted.
func (s *Spool) Runs() []Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Run, 0, len(s.runs))
	for r := range maps.Values(s.runs) {
		list = append(list, r.copy())
	}
	slices.SortFunc(list, func(a, b Run) int {
		if c := a.Accepted.Compare(b.Accepted); c != 0 {
			return c
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return list
}

func (r *run) copy() Run {
	c := r.Run
	c.Sensors = slices.Clone(c.Sensors)
	return c
}

// Run returns one run.
func (s *Spool) Run(id string) (Run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.runs[id]
	if !ok {
		return Run{}, false
	}
	return r.copy(), true
}

// Usage is how much waits, in segments and bytes, and the limit in bytes.
func (s *Spool) Usage() (segments int, bytes, limit int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for r := range maps.Values(s.runs) {
		for _, b := range r.batches {
			segments += len(b.files)
		}
	}
	return segments, s.bytes, s.limit
}

// Freed returns a channel that is closed when room has been made.
func (s *Spool) Freed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.freed
}

func (s *Spool) free(bytes int64) {
	s.bytes -= bytes
	close(s.freed)
	s.freed = make(chan struct{})
}

func (s *Spool) path(run string, elem ...string) string {
	return filepath.Join(append([]string{s.dir, run}, elem...)...)
}
