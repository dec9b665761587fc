package agent

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"assay/internal/agent/collect"
	"assay/internal/agent/spool"
	"assay/internal/sensor"
)

// How often what is observed is stored and sent: at once where nothing was for a while,
// and over a long run not so often that it comes to more parts than the service takes
// segments of a host.
const (
	soonest  = 2 * time.Second
	maxParts = 8000 // of all sensors that observe

	together = 100 * time.Millisecond // for what a sensor tells with the first
	again    = 10 * time.Second       // for what could not be stored
)

// observers are the sensors that observe for a run, while others look once.
type observers struct {
	watches  map[string]*collect.Watch
	emitted  chan struct{} // there may be something to store
	every    time.Duration
	done     func()      // is called when there is something to upload
	troubled func(error) // is told how the storing went
}

// observe begins to observe with those of a run's sensors that can, if it is a run that
// observes.
func (c *collector) observe(job collect.Job, o *order) *observers {
	emitted := make(chan struct{}, 1)
	job.Emitted = func() {
		select {
		case emitted <- struct{}{}:
		default:
		}
	}
	all := &observers{
		watches: map[string]*collect.Watch{}, emitted: emitted, every: soonest,
		done: c.done, troubled: func(err error) { c.troubles.set("observe", err) },
	}
	if !c.observes(o.run) {
		return all
	}
	for _, name := range c.undone(o.run) {
		s, ok := c.sensors[name].(sensor.Observer)
		if ok && o.stop.Err() == nil {
			all.watches[name] = job.Watch(s, c.resumed(o.run))
			c.log.Info("a sensor observes", "run", o.run.ID, "sensor", name)
		}
	}
	all.every = max(soonest, o.run.Until.Sub(o.run.Accepted)*time.Duration(len(all.watches))/maxParts)
	return all
}

// observes tells whether one of a run's sensors can do nothing else.
func (c *collector) observes(run spool.Run) bool {
	return slices.ContainsFunc(run.Sensors, func(name string) bool {
		s, ok := c.sensors[name]
		return ok && s.Describe().Observes
	})
}

// resumed tells whether a run was begun by an earlier process.
func (c *collector) resumed(run spool.Run) bool { return run.Accepted.Before(c.born) }

func (o *observers) has(name string) bool { return o.watches[name] != nil }

// follow stores what is observed, again and again, until over.
func (o *observers) follow(ctx context.Context, over <-chan struct{}) {
	for {
		o.flush()
		for _, pause := range []struct {
			most time.Duration
			wake chan struct{} // ends it; nil: nothing does
		}{{o.every, nil}, {again, o.emitted}, {together, nil}} {
			select {
			case <-time.After(pause.most):
			case <-pause.wake:
			case <-over:
				return
			case <-ctx.Done():
				return
			}
		}
	}
}

func (o *observers) flush() {
	var errs []error
	for _, w := range o.watches {
		stored, err := w.Flush()
		errs = append(errs, err)
		if stored {
			o.done()
		}
	}
	if len(errs) > 0 {
		o.troubled(errors.Join(errs...))
	}
}

// end ends what observes, short is why before its time.
func (o *observers) end(short error) error {
	var errs []error
	for _, w := range o.watches {
		w.Short(short)
		errs = append(errs, w.End())
	}
	return errors.Join(errs...)
}

// drop ends all at once: the agent has to be over soon, however many are slow.
func (o *observers) drop() {
	var group sync.WaitGroup
	for _, w := range o.watches {
		group.Go(w.Drop)
	}
	group.Wait()
}
