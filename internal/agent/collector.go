package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"assay/internal/agent/collect"
	"assay/internal/agent/spool"
	"assay/internal/sensor"
)

// collector carries out the orders to collect, one after the other. start and
// stop may be called while loop runs.
type collector struct {
	job      collect.Job
	born     time.Time // when this process began
	sensors  map[string]sensor.Sensor
	troubles *troubles
	log      *slog.Logger
	done     func() // is called when there is something to upload
	wake     chan struct{}

	mu     sync.Mutex
	orders map[string]*order // by run
	queue  []*order
}

// order is one run of which an instruction is in force, or was.
type order struct {
	run    spool.Run
	jitter time.Duration
	stop   context.Context
	cancel context.CancelCauseFunc
	over   *time.Timer // cancels when the time is over
	ends   time.Time   // when that is
}

// nearly is how much before its end, by this clock, a run that is stopped has had its
// time: the service's word may come before our own timer.
const nearly = 2 * time.Second

// short is why a run's collection ended before its time; nil if it did not.
func (o *order) short() error {
	if why := context.Cause(o.stop); !errors.Is(why, errTimeOver) {
		return why
	}
	return nil
}

// start begins a run, or goes on with it after a restart; called again, it only
// sets how much time there still is.
func (c *collector) start(run spool.Run, left, jitter time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o, ok := c.orders[run.ID]; ok {
		if o.over != nil && o.stop.Err() == nil {
			o.ends = time.Now().Add(left)
			o.over.Reset(max(left, 0))
		}
		return
	}
	o := c.add(run, jitter)
	if left <= 0 {
		o.cancel(errTimeOver)
		return
	}
	o.ends = time.Now().Add(left)
	o.over = time.AfterFunc(left, func() { o.cancel(errTimeOver) })
}

// stop ends a run's collection early.
func (c *collector) stop(run spool.Run, why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.orders[run.ID]
	if !ok {
		// Begun by an earlier process: what it left undone is accounted for.
		o = c.add(run, 0)
	}
	if o.over != nil && time.Until(o.ends) < nearly {
		why = errTimeOver
	}
	o.cancel(why)
}

func (c *collector) add(run spool.Run, jitter time.Duration) *order {
	o := &order{run: run, jitter: time.Duration(random() * float64(jitter))}
	o.stop, o.cancel = context.WithCancelCause(context.Background())
	c.orders[run.ID] = o
	c.queue = append(c.queue, o)
	select {
	case c.wake <- struct{}{}:
	default:
	}
	return o
}

func (c *collector) next() *order {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return nil
	}
	return c.queue[0]
}

// finish forgets an order. Asked for again, what is in the spool says that there
// is nothing left to do.
func (c *collector) finish(o *order) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = c.queue[1:]
	delete(c.orders, o.run.ID)
	if o.over != nil {
		o.over.Stop()
	}
	o.cancel(nil)
}

func (c *collector) loop(ctx context.Context) {
	defer c.close()
	for ctx.Err() == nil {
		if o := c.next(); o != nil {
			c.collect(ctx, o)
			c.finish(o)
			c.done()
			continue
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
		}
	}
}

func (c *collector) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range c.queue {
		if o.over != nil {
			o.over.Stop()
		}
		o.cancel(nil)
	}
}

func (c *collector) collect(ctx context.Context, o *order) {
	job := c.job
	job.Header.Run = o.run.ID
	observers := c.observe(job, o)
	if c.snapshots(ctx, job, o, observers) && len(observers.watches) > 0 {
		observers.follow(ctx, o.stop.Done())
	}
	if ctx.Err() != nil {
		observers.drop()
		return
	}
	if err := observers.end(o.short()); err != nil {
		c.fail(o.run.ID, err)
	}
}

// snapshots runs the sensors that look once. It is false if there is no use in going
// on.
func (c *collector) snapshots(ctx context.Context, job collect.Job, o *order, observers *observers) bool {
	if left := c.undone(o.run); len(left) > 0 && o.jitter > 0 {
		wait, cancel := context.WithTimeout(o.stop, o.jitter)
		defer cancel()
		observers.follow(ctx, wait.Done())
		if ctx.Err() != nil {
			return false
		}
	}
	job.Meanwhile = func(over <-chan struct{}) { observers.follow(ctx, over) }
	for _, name := range c.undone(o.run) {
		if observers.has(name) {
			continue
		}
		err := c.one(ctx, job, o, name)
		if ctx.Err() != nil {
			return false
		}
		if err != nil {
			c.fail(o.run.ID, err)
			return false
		}
		c.done()
		// What a sensor needed is not needed again for a long time.
		debug.FreeOSMemory()
	}
	return true
}

// undone lists the sensors whose word is not in the spool, in the run's order.
func (c *collector) undone(run spool.Run) (names []string) {
	if now, ok := c.job.Spool.Run(run.ID); !ok || now.State != spool.Open || now.Failed {
		return nil
	}
	p := c.job.Spool.Progress(run.ID)
	for _, name := range run.Sensors {
		if !p.Done[name] {
			names = append(names, name)
		}
	}
	return names
}

func (c *collector) one(ctx context.Context, job collect.Job, o *order, name string) error {
	if o.stop.Err() != nil {
		return job.Skip(name, context.Cause(o.stop).Error())
	}
	s, ok := c.sensors[name]
	if !ok {
		// A newer agent has begun the run.
		return job.Skip(name, fmt.Sprintf("this agent has no sensor %q", name))
	}
	started := time.Now()
	if err := job.Run(ctx, o.stop, s); err != nil {
		return err
	}
	c.troubles.set("collect", nil)
	c.log.Info("a sensor is done", "run", o.run.ID, "sensor", name, "took", time.Since(started).Round(time.Millisecond))
	return nil
}

// fail ends a run for which not even the failure of a sensor could be stored.
func (c *collector) fail(run string, why error) {
	c.troubles.set("collect", why)
	err := c.job.Spool.Update(run, func(r *spool.Run) { r.Failed, r.Reason = true, why.Error() })
	if err != nil {
		c.log.Warn("that a run failed could not be written down", "run", run, "error", err)
	}
}

// collected tells whether nothing more will come for a run.
func collected(r spool.Run, p spool.Progress) bool {
	if r.Failed {
		return true
	}
	for _, name := range r.Sensors {
		if !p.Done[name] {
			return false
		}
	}
	return true
}
