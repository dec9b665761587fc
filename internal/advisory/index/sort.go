package index

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
)

// sorter sorts more items than memory holds: what has gathered is sorted and
// written to a file, a run; in the end the runs are merged.
type sorter struct {
	dir    string // for the runs
	budget int    // bytes of memory for items
	arena  []byte
	items  []place
	runs   []string
	made   int
}

// place is where an item is in the arena.
type place struct{ at, length uint32 }

// maxRuns is how many runs are merged at once.
const maxRuns = 64

const placeSize = 8

func newSorter(dir string, budget int) *sorter {
	return &sorter{dir: dir, budget: budget, arena: make([]byte, 0, budget)}
}

// add takes a copy of an item.
func (s *sorter) add(item []byte) error {
	if len(s.arena)+len(item)+(len(s.items)+1)*placeSize > s.budget {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.items = append(s.items, place{uint32(len(s.arena)), uint32(len(item))})
	s.arena = append(s.arena, item...)
	return nil
}

func (s *sorter) item(p place) []byte { return s.arena[p.at : p.at+p.length] }

func (s *sorter) sort() {
	slices.SortFunc(s.items, func(a, b place) int { return bytes.Compare(s.item(a), s.item(b)) })
}

// spill writes what has gathered as a run.
func (s *sorter) spill() error {
	if err := s.writeRun(s.gathered()); err != nil {
		return err
	}
	s.arena, s.items = s.arena[:0], s.items[:0]
	if len(s.runs) < maxRuns {
		return nil
	}
	old := s.runs
	s.runs = nil
	if err := s.writeRun(mergeRuns(old, nil)); err != nil {
		return err
	}
	for _, name := range old {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// gathered are the items in memory, sorted.
func (s *sorter) gathered() iter.Seq2[[]byte, error] {
	s.sort()
	return func(yield func([]byte, error) bool) {
		for _, p := range s.items {
			if !yield(s.item(p), nil) {
				return
			}
		}
	}
}

// all are all items, sorted, each once. An item is good until the next.
func (s *sorter) all() iter.Seq2[[]byte, error] { return mergeRuns(s.runs, s.gathered()) }

func (s *sorter) writeRun(items iter.Seq2[[]byte, error]) error {
	s.made++
	name := filepath.Join(s.dir, fmt.Sprintf("run-%d", s.made))
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, name)
	w := bufio.NewWriterSize(f, 1<<16)
	return errors.Join(writeItems(w, items), w.Flush(), f.Close())
}

func writeItems(w *bufio.Writer, items iter.Seq2[[]byte, error]) error {
	var length [binary.MaxVarintLen64]byte
	for item, err := range items {
		if err != nil {
			return err
		}
		w.Write(binary.AppendUvarint(length[:0], uint64(len(item)))) // a failure remains until Flush
		if _, err := w.Write(item); err != nil {
			return err
		}
	}
	return nil
}

// source is a sorted sequence and its next item; nil at its end.
type source struct {
	item []byte
	next func() ([]byte, error) // io.EOF at the end
}

// mergeRuns merges runs, and items in memory if there are any.
func mergeRuns(runs []string, memory iter.Seq2[[]byte, error]) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		var sources sourceHeap
		for _, name := range runs {
			f, err := os.Open(name)
			if err != nil {
				yield(nil, err)
				return
			}
			defer f.Close()
			sources = append(sources, &source{next: runReader(f)})
		}
		if memory != nil {
			next, stop := iter.Pull2(memory)
			defer stop()
			sources = append(sources, &source{next: func() ([]byte, error) {
				if item, err, ok := next(); ok {
					return item, err
				}
				return nil, io.EOF
			}})
		}
		merge(sources, yield)
	}
}

func merge(all sourceHeap, yield func([]byte, error) bool) {
	var sources sourceHeap
	for _, s := range all {
		item, err := s.next()
		if errors.Is(err, io.EOF) {
			continue
		}
		if err != nil {
			yield(nil, err)
			return
		}
		s.item = item
		sources = append(sources, s)
	}
	heap.Init(&sources)
	var last []byte
	for n := 0; len(sources) > 0; n++ {
		s := sources[0]
		if n == 0 || !bytes.Equal(s.item, last) {
			last = append(last[:0], s.item...)
			if !yield(last, nil) {
				return
			}
		}
		switch item, err := s.next(); {
		case errors.Is(err, io.EOF):
			heap.Pop(&sources)
		case err != nil:
			yield(nil, err)
			return
		default:
			s.item = item
			heap.Fix(&sources, 0)
		}
	}
}

// runReader reads the items of a run; each is good until the next.
func runReader(f *os.File) func() ([]byte, error) {
	r := bufio.NewReaderSize(f, 1<<16)
	var item []byte
	return func() ([]byte, error) {
		length, err := binary.ReadUvarint(r)
		if err != nil {
			return nil, err
		}
		item = slices.Grow(item[:0], int(length))[:length]
		if _, err := io.ReadFull(r, item); err != nil {
			return nil, fmt.Errorf("%s ends within an item: %w", f.Name(), io.ErrUnexpectedEOF)
		}
		return item, nil
	}
}

// sourceHeap has the source with the first item first.
type sourceHeap []*source

func (h sourceHeap) Len() int           { return len(h) }
func (h sourceHeap) Less(i, j int) bool { return bytes.Compare(h[i].item, h[j].item) < 0 }
func (h sourceHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *sourceHeap) Push(x any)        { *h = append(*h, x.(*source)) }
func (h *sourceHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
