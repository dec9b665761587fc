package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"assay/internal/agent/hostfacts"
	"assay/internal/agent/spool"
	"assay/internal/agent/uplink"
	"assay/internal/wire"
)

// beats is the part of the service that the heartbeat needs.
type beats interface {
	Heartbeat(context.Context, wire.Heartbeat) (wire.HeartbeatResponse, []wire.Refusal, error)
	Renew(context.Context, wire.RenewRequest) (wire.RenewResponse, error)
	Close()
}

// clock is the service's clock, as far as this host knows it. It is safe for
// concurrent use.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) set(service time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = time.Until(service)
}

func (a *agent) beatLoop(ctx context.Context) {
	fails := 0
	for {
		err := a.beat(ctx)
		if ctx.Err() != nil {
			return
		}
		if a.troubles.set("heartbeat", err); err != nil {
			fails++
		} else {
			fails = 0
		}
		a.writeStatus()
		if !sleep(ctx, pace(a.interval(), fails, err)) {
			return
		}
	}
}

// defaultInterval is for a service that does not say, in seconds.
const defaultInterval = 30

func (a *agent) interval() time.Duration {
	seconds := a.identity.Load().Interval
	if seconds <= 0 {
		seconds = defaultInterval
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// pace is how long to wait before the next try: about the interval; sooner after
// a first failure, and ever later after others, four intervals at most; never
// before the service wants to be asked again.
func pace(interval time.Duration, fails int, err error) time.Duration {
	d := interval
	if fails > 0 {
		d = min(time.Second<<min(fails-1, 12), 4*interval)
	}
	d = time.Duration(float64(d) * (0.9 + 0.2*random()))
	var status *uplink.StatusError
	if errors.As(err, &status) && status.RetryAfter > 0 {
		// All that were told the same come back spread out.
		d = max(d, status.RetryAfter+time.Duration(float64(status.RetryAfter)*random()/4))
	}
	return d
}

func random() float64 { return rand.Float64() }

// sleep is false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (a *agent) beat(ctx context.Context) error {
	a.renew(ctx)
	h := a.heartbeat()
	response, refused, err := a.service.Heartbeat(ctx, h)
	if err != nil {
		return err
	}
	if response.Now.IsZero() {
		return errors.New("the service did not tell its time")
	}
	a.clock.set(response.Now)
	a.lastBeat = time.Now()
	a.keepInterval(response.Interval)
	a.refusals.reported(h.Refused)
	a.obey(response, refused)
	return nil
}

func (a *agent) heartbeat() wire.Heartbeat {
	segments, bytes, limit := a.spool.Usage()
	h := wire.Heartbeat{
		Protocol: wire.Version, Version: a.Version, Boot: a.boot, Now: time.Now().UTC(),
		Facts:   hostfacts.Collect(),
		Sensors: slices.Sorted(maps.Keys(a.sensors)),
		Tiers:   wireTiers(a.tiers()),
		Spool:   wire.Spool{Segments: segments, Bytes: bytes, Limit: limit},
		Health:  a.troubles.list("heartbeat"),
		Refused: a.refusals.pending(),
	}
	for _, r := range a.spool.Runs() {
		h.Runs = append(h.Runs, progress(a.spool, r))
	}
	return h
}

func progress(sp *spool.Spool, r spool.Run) wire.RunProgress {
	p := sp.Progress(r.ID)
	w := wire.RunProgress{Run: r.ID, State: "collecting", Sequence: p.Acked, Reason: r.Reason}
	switch {
	case r.State == spool.Complete:
		w.State = "complete"
	case r.State == spool.GivenUp:
		w.State = "failed"
	case collected(r, p):
		w.State = "uploading"
	}
	return w
}

// keepInterval remembers the interval that the service tells. It is not worth a
// write to the disk: the next answer tells it again.
func (a *agent) keepInterval(seconds int) {
	id := *a.identity.Load()
	if seconds > 0 && seconds != id.Interval {
		id.Interval = seconds
		a.identity.Store(&id)
	}
}

// renew renews the certificate when it is time. The old one stays in use, in
// memory and on the disk, until the new one is durable.
func (a *agent) renew(ctx context.Context) {
	id, now := *a.identity.Load(), a.clock.now()
	if now.After(id.NotAfter()) {
		a.troubles.set("certificate", fmt.Errorf("this agent's certificate expired on %s: stop the agent, run assay-agent enroll -force with a new token, and start it again", id.NotAfter().UTC().Format(time.RFC3339)))
		return
	}
	if now.Before(id.RenewAt(a.renewLate)) || time.Now().Before(a.renewNext) {
		return
	}
	next, err := id.Renew(ctx, a.service)
	if err == nil {
		err = next.Save(a.State)
	}
	if a.troubles.set("certificate", err); err != nil {
		a.renewNext = time.Now().Add(min(time.Hour, id.NotAfter().Sub(now)/20))
		return
	}
	a.identity.Store(&next)
	a.renewLate = random()
	a.service.Close()
	a.Log.Info("the certificate was renewed", "until", next.NotAfter().UTC())
}
