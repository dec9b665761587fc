// Package agent is the loop of the agent: it beats, obeys the instructions that
// come with the answers, collects into the spool, and uploads what is there.
// Three goroutines do that and know each other only through the spool and a
// wake-up: a slow upload delays no heartbeat, and an outage no collection.
//
// Everything that must outlive the process is on the disk before anybody is told
// of it (packages spool and credential), so that the process may be killed at any
// point and goes on where it was.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/agent/collect"
	"assay/internal/agent/credential"
	"assay/internal/agent/hostfacts"
	"assay/internal/agent/spool"
	"assay/internal/agent/state"
	"assay/internal/agent/uplink"
	"assay/internal/durable"
	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
)

// Config is what an agent needs. State and Sensors are required.
type Config struct {
	State      string          // the folder; credential.Enroll's identity is in it
	Sensors    []sensor.Sensor // that it has: no instruction can name another
	Host       *sensor.Host    // what they read; nil means the running host
	Version    string
	SpoolLimit int64                   // bytes; zero means spool.DefaultLimit
	Proxy      func(*url.URL) *url.URL // from uplink.Proxy; nil means none
	Timeout    time.Duration           // of one sensor; zero means collect.DefaultTimeout
	Wait       time.Duration           // for room in the spool; zero means two minutes
	Log        *slog.Logger            // nil means none
}

// Run runs the agent until ctx ends, which is no error. It returns an error only
// if it cannot start: the folder is in use (durable.ErrLocked), the host is not
// enrolled (credential.ErrNotEnrolled), or the spool cannot be read. Whatever
// fails later is logged, reported and tried again.
func Run(ctx context.Context, c Config) (err error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := state.Prepare(c.State); err != nil {
		return err
	}
	lock, err := takeLock(ctx, c.State)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	id, err := credential.Load(c.State)
	if err != nil {
		return err
	}
	sp, err := spool.New(filepath.Join(c.State, state.SpoolFolder), spool.Options{Limit: c.SpoolLimit})
	if err != nil {
		return err
	}
	if c.Host == nil {
		fs, err := hostfs.Open("/")
		if err != nil && len(c.Sensors) > 0 {
			return fmt.Errorf("read this host: %w", err)
		}
		if err == nil {
			defer fs.Close()
		}
		c.Host = &sensor.Host{FS: fs, Live: true}
	}
	current := new(atomic.Pointer[credential.Identity])
	current.Store(&id)
	client, err := uplink.New(uplink.Options{
		Server: id.Server, Version: c.Version, Proxy: c.Proxy,
		TLS: credential.ClientTLS(func() credential.Identity { return *current.Load() }),
	})
	if err != nil {
		return err
	}
	defer client.Close()
	newAgent(c, current, sp, client, client).run(ctx)
	return nil
}

// takeLock forgives a moment in which somebody looks at the lock.
func takeLock(ctx context.Context, dir string) (*durable.Lock, error) {
	for try := 0; ; try++ {
		lock, err := durable.TryLock(dir)
		if err == nil || try == 10 || !errors.Is(err, durable.ErrLocked) {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// agent is a running agent.
type agent struct {
	Config
	identity  *atomic.Pointer[credential.Identity]
	spool     *spool.Spool
	service   beats
	boot      string
	started   time.Time
	troubles  *troubles
	collector *collector
	uploader  *uploader
	clock     *clock
	refusals  refusals
	lastBeat  time.Time // the last one that was answered
	renewNext time.Time // not before, after one that failed
	renewLate float64   // see credential.Identity.RenewAt
	sensors   map[string]sensor.Sensor
}

func newAgent(c Config, id *atomic.Pointer[credential.Identity], sp *spool.Spool, b beats, u uploads) *agent {
	a := &agent{
		Config: c, identity: id, spool: sp, service: b,
		boot: hostfacts.Boot(), started: time.Now(), clock: new(clock),
		troubles: newTroubles(c.Log), sensors: map[string]sensor.Sensor{}, renewLate: random(),
	}
	for _, s := range c.Sensors {
		a.sensors[s.Describe().Name] = s
	}
	a.uploader = &uploader{spool: sp, service: u, troubles: a.troubles, log: c.Log, wake: make(chan struct{}, 1)}
	a.collector = &collector{
		job: collect.Job{
			Spool:   sp,
			Header:  telemetry.Header{Agent: id.Load().Agent, Version: c.Version, Boot: a.boot, Root: "/"},
			Host:    c.Host,
			Timeout: c.Timeout,
			Wait:    c.Wait,
			Waiting: func(err error) { a.troubles.set("spool", err) },
		},
		born:    a.started,
		sensors: a.sensors, troubles: a.troubles, log: c.Log,
		done: a.uploader.poke, wake: make(chan struct{}, 1), orders: map[string]*order{},
	}
	return a
}

func (a *agent) run(ctx context.Context) {
	a.Log.Info("the agent starts", "agent", a.identity.Load().Agent, "version", a.Version, "server", a.identity.Load().Server, "sensors", len(a.sensors))
	if len(a.sensors) == 0 {
		a.troubles.set("sensors", errors.New("this agent has no sensors for this operating system: it beats, and refuses every instruction to collect"))
	}
	a.dropForeign()
	a.writeStatus()
	var all sync.WaitGroup
	all.Go(func() { a.beatLoop(ctx) })
	all.Go(func() { a.collector.loop(ctx) })
	all.Go(func() { a.uploader.loop(ctx) })
	all.Wait()
	a.Log.Info("the agent stops")
}

// dropForeign gives up what an identity that this host no longer has collected.
func (a *agent) dropForeign() {
	mine := a.identity.Load().Agent
	for _, r := range a.spool.Runs() {
		if r.Agent == mine {
			continue
		}
		a.Log.Warn("telemetry of another identity of this host is dropped", "run", r.ID, "agent", r.Agent)
		a.troubles.set("runs", errors.Join(
			a.spool.Finish(r.ID, spool.GivenUp, "the host has enrolled again as another agent"),
			a.spool.Forget(r.ID)))
	}
}
