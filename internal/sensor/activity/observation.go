//go:build linux

package activity

import (
	"context"
	"errors"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"

	"assay/internal/sensor"
	"assay/internal/sensor/activity/seen"
	"assay/internal/sensor/kerneltime"
	"assay/internal/telemetry"
)

// How often the sensor tells what was seen first, and how long it waits for what comes
// with it.
const (
	pause    = time.Second
	together = 100 * time.Millisecond
	share    = 20 // telling takes one part in so many of the time at most
)

// observation is one at work. What is in it belongs to one goroutine.
type observation struct {
	source source
	tier   string
	doubts *doubts
	namer  *namer
	clock  kerneltime.Clock
	emit   sensor.Emit
	began  time.Time
	loads  iter.Seq2[seen.Load, error] // nil: the source cannot tell
	told   tellings
	uses   uses

	unsupported string // telemetry.Observation's
}

// run observes until ctx ends; why is added to what is in doubt.
func (o *observation) run(ctx context.Context, w *way, why string) (telemetry.Coverage, error) {
	o.source, o.tier, o.loads = w, w.tier, w.loads
	if o.began = w.began.UTC(); w.began.IsZero() {
		o.began = time.Now().UTC()
	}
	if err := o.follow(ctx, w.guard); err != nil {
		return telemetry.Coverage{}, err
	}
	w.doubt(o.doubts)
	o.doubts.explain(why)
	// The end of ctx ended the observation only.
	return o.end(context.WithoutCancel(ctx))
}

// follow tells of first sights until ctx ends, which ends guard, too.
func (o *observation) follow(ctx context.Context, guard func(context.Context) error) error {
	fresh := make(chan struct{}, 1)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return o.source.Watch(ctx, func(s seen.Sight) {
			o.namer.look(s)
			note(fresh)
		})
	})
	group.Go(func() error { return o.recover(ctx, fresh) })
	group.Go(func() error { return guard(ctx) })
	group.Go(func() error { o.namer.looker.work(ctx); return nil })
	group.Go(func() error { return o.tellFresh(ctx, fresh) })
	return group.Wait()
}

// tellFresh tells of what is new, until ctx ends: at once where nothing was told for a
// while, and so seldom that it takes one part in share of the time at most.
func (o *observation) tellFresh(ctx context.Context, fresh <-chan struct{}) error {
	last, wait := time.Now(), pause
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-fresh:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(max(together, wait-time.Since(last))):
		}
		began := time.Now()
		if err := o.tell(o.told.lack); err != nil {
			return err
		}
		last = time.Now()
		wait = max(pause, share*last.Sub(began))
	}
}

func note(fresh chan<- struct{}) {
	select {
	case fresh <- struct{}{}:
	default:
	}
}

// recover looks whether the source has lost first sights on the way, which are in its
// tables, until ctx ends.
func (o *observation) recover(ctx context.Context, fresh chan<- struct{}) error {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for lost := uint64(0); ; {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		totals, err := o.source.Totals()
		if err != nil {
			return err
		}
		if totals.Rings != lost {
			lost = totals.Rings
			note(fresh)
		}
	}
}

// tell emits the records of what the kernel has counted so far, if wanted.
func (o *observation) tell(wanted func(key string) bool) error {
	o.uses = uses{}
	if err := o.namer.ages.learn(o.source, o.loads); err != nil {
		return err
	}
	put := func(r telemetry.Record) error {
		key := telemetry.Key(r)
		if !wanted(key) {
			return nil
		}
		o.told.add(key)
		return o.emit(r)
	}
	for e, err := range o.source.Executions() {
		if err = errors.Join(err, put(o.execution(e))); err != nil {
			return err
		}
	}
	for f, err := range o.source.Flows() {
		if err = errors.Join(err, put(o.connection(f))); err != nil {
			return err
		}
	}
	for l, err := range o.source.Listeners() {
		if err = errors.Join(err, put(o.accepting(l))); err != nil {
			return err
		}
	}
	if err := o.tellLoads(put); err != nil {
		return err
	}
	return o.tellFiles(put)
}

// tellLoads leaves out what a program maps of itself, which is an execution.
func (o *observation) tellLoads(put func(telemetry.Record) error) error {
	if o.loads == nil {
		return nil
	}
	for l, err := range o.loads {
		if err == nil && l.Own() {
			continue
		}
		if err = errors.Join(err, put(o.load(l))); err != nil {
			return err
		}
	}
	return nil
}

// end tells of everything with its final counts, and how much of all it is. What happens
// while it is told is not promised: that something of it was missed is not in the totals.
func (o *observation) end(ctx context.Context) (telemetry.Coverage, error) {
	ended := time.Now().UTC()
	totals, err := o.source.Totals()
	if err != nil {
		return telemetry.Coverage{}, err
	}
	// All are asked for by name once, so that what is not known can be searched.
	if err := o.tell(o.told.lack); err != nil {
		return telemetry.Coverage{}, err
	}
	for _, reason := range o.namer.own(ctx) {
		o.doubts.add(reason)
	}
	if err := o.tell(func(string) bool { return true }); err != nil {
		return telemetry.Coverage{}, err
	}
	err = o.emit(&telemetry.Observation{
		Began: o.began, Ended: ended, Tier: o.tier,
		Executions: totals.Executions, Connections: totals.Flows, Accepted: totals.Accepts,
		MissedExecutions: totals.ExecutionsFull, MissedConnections: totals.FlowsFull, MissedListeners: totals.ListenersFull,
		Unsupported: o.unsupported,
	})
	o.doubts.count(totals)
	o.doubtFiles()
	return o.doubts.coverage(), err
}
