package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"

	"assay/internal/inspector"
	"assay/internal/store"
)

// Outbox is where deliveries come from. Another process may have the same one.
type Outbox interface {
	DueDestinations(ctx context.Context) ([]store.DueDestination, error)
	ClaimDelivery(ctx context.Context, destination string) (o inspector.Outgoing, ok bool, err error)
	SettleDelivery(ctx context.Context, o inspector.Outgoing, outcome inspector.Outcome) error
}

// Config is what a courier is told. Zero fields mean the defaults.
type Config struct {
	SNS     *SNS // nil: SNS is not used
	Version string
	Log     *slog.Logger
	Now     func() time.Time
	Timeout time.Duration                    // of an attempt; default 10 s
	Done    func(kind string, result string) // told of every attempt: "webhook" or "sns", and "delivered", "again" or "dead"
	Hook    func(point string)               // for tests that stop the program: "sent" before an outcome is written
	Backoff func(attempt int) time.Duration  // default Backoff
	Pause   func(failures int) time.Duration // of a destination that fails, at most 30 s by default
}

// Courier delivers. It is safe for concurrent use.
type Courier struct {
	Config
	wake chan struct{}

	mu    sync.Mutex
	state map[string]*destination // those that are worked on, or fail
}

// destination is what a courier remembers of one.
type destination struct {
	busy     bool
	failures int       // in a row
	until    time.Time // left alone so long
}

const (
	// atOnce is how many destinations are worked on at once. Those that fail may
	// have half of it, so that they cannot take the places of those that do not.
	atOnce      = 32
	failingOnce = atOnce / 2

	// idle is the longest pause between two looks at the outbox, for what another
	// replica has put into it.
	idle = 2 * time.Second

	// inARow is how many deliveries to a destination follow each other before
	// others have their turn.
	inARow = 50

	// longestTurn is when others have theirs, however few that was: an endpoint
	// that answers slowly, but well, is not to keep its place for minutes.
	longestTurn = 20 * time.Second

	longestPause = 30 * time.Second
)

// New makes a courier. Run has to run for anything to be delivered.
func New(c Config) *Courier {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	if c.Done == nil {
		c.Done = func(string, string) {}
	}
	if c.Hook == nil {
		c.Hook = func(string) {}
	}
	if c.Backoff == nil {
		c.Backoff = Backoff
	}
	if c.Pause == nil {
		c.Pause = func(failures int) time.Duration { return min(time.Second<<min(failures, 10), longestPause) }
	}
	return &Courier{Config: c, wake: make(chan struct{}, 1), state: map[string]*destination{}}
}

// SNS tells whether events go to the real SNS, and whether beside webhooks.
func (c *Courier) SNS(ctx context.Context) (use, beside bool) {
	if c.Config.SNS == nil {
		return false, false
	}
	return c.Config.SNS.use(ctx)
}

// Wake has the courier look into the outbox.
func (c *Courier) Wake() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Run delivers what is in the outbox until ctx ends and the attempts under way
// have ended.
func (c *Courier) Run(ctx context.Context, outbox Outbox) error {
	var working sync.WaitGroup
	defer working.Wait()
	complained := false
	for ctx.Err() == nil {
		due, err := outbox.DueDestinations(ctx)
		if err != nil && ctx.Err() == nil && !complained {
			c.Log.Error("cannot look for events to be delivered", "error", err)
		}
		complained = err != nil
		now := c.Now()
		for _, d := range due {
			if !d.DueAt.After(now) && c.begin(d.Destination, now) {
				working.Go(func() { c.work(ctx, outbox, d.Destination) })
			}
		}
		c.sleep(ctx, c.untilNext(due, now))
	}
	return nil
}

// begin takes a destination in hand, if it is its turn.
func (c *Courier) begin(name string, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	busy, failing := 0, 0
	for _, d := range c.state {
		if d.busy {
			busy++
			if d.failures > 0 {
				failing++
			}
		}
	}
	d, known := c.state[name]
	switch {
	case busy >= atOnce:
		return false
	case !known:
		c.state[name] = &destination{busy: true}
		return true
	case d.busy || now.Before(d.until) || d.failures > 0 && failing >= failingOnce:
		return false
	}
	d.busy = true
	return true
}

// end puts a destination down. One that is well is forgotten.
func (c *Courier) end(name string, failed bool, pause time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.state[name]
	if !failed {
		delete(c.state, name)
		return
	}
	d.busy = false
	d.failures++
	d.until = c.Now().Add(max(c.Pause(d.failures), pause))
}

// untilNext is how long there is nothing to do, at most idle.
func (c *Courier) untilNext(due []store.DueDestination, now time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	pause := idle
	for _, d := range due {
		at := d.DueAt
		if known := c.state[d.Destination]; known != nil {
			if known.busy {
				continue // it wakes us when it ends
			}
			if known.until.After(at) {
				at = known.until
			}
		}
		if wait := at.Sub(now); wait > 0 {
			pause = min(pause, wait)
		}
	}
	return pause
}

func (c *Courier) sleep(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-c.wake:
	case <-timer.C:
	}
}

// work delivers to one destination until nothing is due, it fails, or others have
// their turn.
func (c *Courier) work(ctx context.Context, outbox Outbox, name string) {
	clients := &clients{version: c.Version}
	defer clients.close()
	failed, pause := false, time.Duration(0)
	defer func() {
		c.end(name, failed, pause)
		c.Wake()
	}()
	began := c.Now()
	for n := range inARow {
		if n > 0 && c.Now().Sub(began) >= longestTurn {
			return
		}
		o, ok, err := outbox.ClaimDelivery(ctx, name)
		if err == nil && !ok || ctx.Err() != nil {
			return
		}
		var outcome inspector.Outcome
		if err == nil {
			// What is under way is not cut off, or it would come twice.
			outcome = c.attempt(context.WithoutCancel(ctx), clients, o)
			c.Hook("sent")
			err = outbox.SettleDelivery(context.WithoutCancel(ctx), o, outcome)
		}
		if err != nil {
			c.Log.Error("an event could not be taken from the outbox, or its delivery not be written down", "destination", name, "error", err)
			failed = true
			return
		}
		if failed = outcome.State == inspector.DeliveryPending; failed {
			pause = min(outcome.RetryAt.Sub(c.Now()), longestPause)
			return
		}
	}
}

// Try makes one attempt to deliver something, now.
func (c *Courier) Try(ctx context.Context, o inspector.Outgoing) inspector.Outcome {
	clients := &clients{version: c.Version}
	defer clients.close()
	return c.attempt(ctx, clients, o)
}

// result is how an attempt went.
type result struct {
	err       error         // nil: it was delivered
	permanent bool          // another attempt would have the same end
	wait      time.Duration // what the other side asked for before another attempt
	status    inspector.PublishStatus
}

// attempt delivers, and decides what becomes of it.
func (c *Courier) attempt(ctx context.Context, clients *clients, o inspector.Outgoing) inspector.Outcome {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	kind, r := "webhook", result{}
	switch {
	case !strings.HasPrefix(o.Destination, "sns:"):
		r = clients.post(ctx, o, c.Now())
	case c.Config.SNS == nil:
		kind, r = "sns", result{err: fmt.Errorf("this replica does not use SNS"), status: inspector.PublishFailed}
	default:
		kind, r = "sns", c.Config.SNS.publish(ctx, o.Notification)
	}
	outcome := c.decide(o.Attempts, r)
	name := map[inspector.DeliveryState]string{inspector.Delivered: "delivered", inspector.DeliveryDead: "dead"}[outcome.State]
	if name == "" {
		name = "again"
	}
	c.Done(kind, name)
	if r.err != nil {
		c.Log.Warn("an event was not delivered", "event", o.Notification.ID, "destination", o.Destination, "attempt", o.Attempts, "outcome", name, "error", outcome.Error)
	}
	return outcome
}

// decide makes an outcome of how an attempt went.
func (c *Courier) decide(attempt int, r result) inspector.Outcome {
	if r.err == nil {
		return inspector.Outcome{State: inspector.Delivered, Status: inspector.PublishSuccess}
	}
	o := inspector.Outcome{State: inspector.DeliveryPending, Status: r.status, Error: plain(r.err.Error())}
	if o.Status == "" {
		o.Status = inspector.PublishFailed
	}
	if r.permanent || attempt >= Attempts {
		o.State = inspector.DeliveryDead
		return o
	}
	o.RetryAt = c.Now().Add(max(c.Backoff(attempt), min(r.wait, longestWait)))
	return o
}

const maxError = 300

// plain makes an error fit to be kept and shown: whoever answers has a part in it,
// and is not to rule a terminal.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && !unicode.IsSpace(r) {
			return '\uFFFD'
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	if runes := []rune(s); len(runes) > maxError {
		return string(runes[:maxError]) + "..."
	}
	return s
}
