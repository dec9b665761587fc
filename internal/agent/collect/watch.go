package collect

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// maxWaiting is how many records of a sensor that observes may wait to be stored;
// then its emit waits.
const maxWaiting = 4_000

// Watch is a sensor that observes for a run. Its methods belong to one goroutine.
type Watch struct {
	job    Job
	name   string
	cancel context.CancelFunc
	done   chan outcome
	queue  *queue
	stored int64 // records that are in the spool, or were
	short  error // why the observation ends before its time
}

// Watch begins to observe. Flush and at last End, or Drop, have to follow. resumed
// tells that an earlier process may have begun to observe for the run: what happened
// since then was not seen.
func (j Job) Watch(o sensor.Observer, resumed bool) *Watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watch{job: j, name: o.Describe().Name, cancel: cancel, done: make(chan outcome, 1), queue: newQueue(j.Emitted)}
	w.stored = j.Spool.Progress(j.Header.Run).Parts[w.name]
	go func() {
		if !o.Describe().Observes {
			// It looks now and then, as others look once; what the kernel tells the
			// others has to be taken soon.
			lowPriority()
		}
		ended := call(func() (telemetry.Coverage, error) { return o.Observe(ctx, j.Host, w.queue.put) })
		if resumed { // of what is less already no part is complete either
			ended.coverage = ended.coverage.Lessened(errResumed.Error())
		}
		w.done <- ended
	}()
	return w
}

var errResumed = errors.New("the agent was started again during the run: what happened while it was not running was not seen")

// Flush stores what was observed since the last time, as a part of the run that can
// be sent. What could not be stored is kept for the next time.
func (w *Watch) Flush() (stored bool, err error) {
	records := w.queue.peek()
	if len(records) == 0 {
		return false, nil
	}
	job := w.job
	job.Wait = time.Nanosecond // for room: others are waiting, too
	out, err := job.begin(context.Background(), w.name)
	if err != nil {
		return false, err
	}
	for _, r := range records {
		if err = out.put(r); err != nil {
			break
		}
	}
	if err == nil {
		err = out.flush()
	}
	if err != nil {
		if !noRoom(err) {
			w.queue.lose(len(records), err) // they would fail for ever
		}
		return false, fmt.Errorf("store what the sensor %s observed: %w", w.name, errors.Join(err, out.discard(), out.stage.Abort()))
	}
	if err := out.stage.CommitPart(out.records); err != nil {
		return false, err
	}
	w.stored += out.records
	w.queue.drop(len(records))
	return true, nil
}

// Short notes that the observation ends before its time: what happens from then on is
// not seen. It goes before End.
func (w *Watch) Short(why error) { w.short = why }

// End ends the observation, and stores the rest and the sensor's word.
func (w *Watch) End() error {
	w.cancel()
	var ended outcome
	late := time.NewTimer(grace)
	defer late.Stop()
	for waiting := true; waiting; {
		select {
		case ended = <-w.done:
			waiting = false
		case <-late.C:
			ended.err = errors.New("the sensor did not stop when it was told to")
			waiting = false
		case <-w.queue.full():
			if _, err := w.Flush(); err != nil {
				w.queue.close() // there is no room for what it has yet to tell
			}
		}
	}
	w.queue.close()
	word := ended.judge(context.Background(), w.stored+int64(len(w.queue.peek())), w.queue.lost())
	if w.short != nil {
		word = word.Lessened(w.short.Error())
	}
	return w.lastPart(word)
}

// lastPart stores what is left with the coverage.
func (w *Watch) lastPart(c telemetry.Coverage) error {
	out, err := w.job.begin(context.Background(), w.name)
	if err != nil {
		return fmt.Errorf("store the end of the sensor %s: %w", w.name, err)
	}
	out.records = w.stored
	for _, r := range w.queue.peek() {
		if err := out.put(r); err != nil {
			c = c.Lessened(err.Error())
			break
		}
	}
	if err := out.finish(c); err == nil {
		return nil
	} else if c.State == telemetry.Complete || c.Reason == "" {
		c = c.Lessened(err.Error())
	}
	last, err := w.job.begin(context.Background(), w.name)
	if err != nil {
		return fmt.Errorf("store the end of the sensor %s: %w", w.name, err)
	}
	last.records = w.stored
	return last.end(c)
}

// Drop ends the observation without a word: the agent stops, and its next process
// goes on.
func (w *Watch) Drop() {
	w.queue.close()
	w.cancel()
	select {
	case <-w.done:
	case <-time.After(grace):
	}
}

// queue has the records that wait to be stored.
type queue struct {
	mu      sync.Mutex
	room    *sync.Cond
	records []telemetry.Record
	closed  bool
	missing int   // records that were not stored
	why     error // of the first of them
	filled  chan struct{}
	emitted func() // is called when there is something to be stored; may be nil
}

func newQueue(emitted func()) *queue {
	q := &queue{filled: make(chan struct{}, 1), emitted: emitted}
	q.room = sync.NewCond(&q.mu)
	return q
}

func (q *queue) put(r telemetry.Record) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.records) >= maxWaiting && !q.closed {
		select {
		case q.filled <- struct{}{}:
		default:
		}
		q.room.Wait()
	}
	if q.closed {
		q.miss(1, errors.New("there was no room, or they came too late"))
		return ErrOver
	}
	q.records = append(q.records, r)
	if q.emitted != nil {
		q.emitted()
	}
	return nil
}

// peek are the records that wait now.
func (q *queue) peek() []telemetry.Record {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.records[:len(q.records):len(q.records)]
}

func (q *queue) drop(n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.records = append([]telemetry.Record(nil), q.records[n:]...)
	q.room.Broadcast()
}

// lose gives up the first n records.
func (q *queue) lose(n int, why error) {
	q.drop(n)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.miss(n, why)
}

func (q *queue) miss(n int, why error) {
	if q.missing += n; q.why == nil {
		q.why = why
	}
}

// full tells that a sensor waits for room.
func (q *queue) full() <-chan struct{} { return q.filled }

func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.room.Broadcast()
}

// lost is an error if records came for which there was no room any more.
func (q *queue) lost() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.missing > 0 {
		return fmt.Errorf("%d records could not be stored: %w", q.missing, q.why)
	}
	return nil
}
