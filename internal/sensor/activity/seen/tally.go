//go:build linux

package seen

import (
	"iter"
	"sync"
	"time"
)

// MaxExecutions is how many programs, by file and user, a Tally has room for: as many as
// the kernel's table.
const MaxExecutions = 16_384

// UnknownUID is the user of whom nothing is known: the kernel gives it to nobody.
const UnknownUID = ^uint32(0)

// Tally is a bounded table of executions, for sources that count outside of the kernel.
// Its methods may be used by several goroutines.
type Tally struct {
	most int

	mu     sync.Mutex
	all    map[Program]*Execution
	totals Totals
}

// NewTally is an empty table with room for so many programs.
func NewTally(most int) *Tally { return &Tally{most: most, all: map[Program]*Execution{}} }

// Add counts an execution at a time after boot, and tells whether it is the first of its
// program.
func (t *Tally) Add(e Execution, at time.Duration) (first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.totals.Executions++
	known := t.all[e.Program]
	if known == nil {
		if len(t.all) == t.most {
			t.totals.ExecutionsFull++
			return false
		}
		e.Counts = Counts{1, at, at}
		t.all[e.Program] = &e
		return true
	}
	known.N++
	known.Last, known.PID = at, e.PID
	known.Root = known.Root || e.Root
	return false
}

// Executions are those counted so far.
func (t *Tally) Executions() iter.Seq2[Execution, error] {
	t.mu.Lock()
	defer t.mu.Unlock()
	values := make([]Execution, 0, len(t.all))
	for _, e := range t.all {
		values = append(values, *e)
	}
	return func(yield func(Execution, error) bool) {
		for _, e := range values {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// Totals are Executions and ExecutionsFull.
func (t *Tally) Totals() Totals {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.totals
}
