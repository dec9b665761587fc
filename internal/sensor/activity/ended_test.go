//go:build linux

package activity

import (
	"context"
	"iter"
	"testing"
	"time"

	"assay/internal/sensor/activity/seen"
	"assay/internal/telemetry"
)

// fixed is a source on which nothing happens but that it is asked for its totals.
type fixed struct{ at time.Time }

func none[T any]() iter.Seq2[T, error] { return func(func(T, error) bool) {} }

func (fixed) Executions() iter.Seq2[seen.Execution, error]  { return none[seen.Execution]() }
func (fixed) Flows() iter.Seq2[seen.Flow, error]            { return none[seen.Flow]() }
func (fixed) Listeners() iter.Seq2[seen.Listener, error]    { return none[seen.Listener]() }
func (fixed) Watch(context.Context, func(seen.Sight)) error { return nil }
func (fixed) Close() error                                  { return nil }
func (c *fixed) Totals() (totals seen.Totals, err error)    { c.at = time.Now(); return totals, nil }

// What was missed is known up to when the totals were read: the observation has ended
// then, however long it takes to tell of it.
func TestEnded(t *testing.T) {
	n, _ := namerOfHost(t)
	source := &fixed{}
	o := &observation{source: source, namer: n, doubts: newDoubts(), told: newTellings(), began: time.Now()}
	var ended time.Time
	o.emit = func(r telemetry.Record) error {
		if r, ok := r.(*telemetry.Observation); ok {
			ended = r.Ended
		}
		return nil
	}
	if _, err := o.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ended.IsZero() || ended.After(source.at) {
		t.Errorf("the observation ended at %v, and its totals are of %v", ended, source.at)
	}
}
