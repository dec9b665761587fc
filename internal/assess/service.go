package assess

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"assay/internal/blob"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/rules"
	"assay/internal/store"
	"assay/internal/vault"
)

// Config is what the service is made of. Zero durations mean the defaults.
type Config struct {
	Store    *store.Store
	Blobs    blob.Store
	Keys     vault.Wrapper // the key-encryption key above the runs' data keys
	Queue    jobs.Queue
	Courier  Courier // default: events stay in the outbox
	Packages []rules.Package
	Resolve  func(arn string) (inspector.PackageID, bool) // default inspector.ResolvePackage
	Limits   inspector.Limits
	Settings map[string]string // for the rules: see rules.Input
	Now      func() time.Time  // default time.Now
	Log      *slog.Logger      // default: nothing is logged

	Interval  time.Duration // between an agent's heartbeats; default 30 s
	Unhealthy time.Duration // not heard of for so long: gone when a run starts; default 3 intervals
	Lost      time.Duration // not heard of for so long: given up during a run; default 20 intervals
	Grace     time.Duration // for uploads once the sensors are off; default 5 min
	Retention time.Duration // of telemetry after a run; default 30 days
	Settle    time.Duration // from new advisories to their re-match: for all replicas to get them, and for more to come; default 2 min

	ReportLife time.Duration // of a report; it is made again when it is asked for later; default 7 days
	Version    string        // of the service, for its reports

	// HostBytes bounds the telemetry of one host in one run, in decoded bytes;
	// default 256 MiB. A server's snapshot has some 10 MB.
	HostBytes int64

	// Scheduled is told of every run that a schedule has started, or could not
	// start, once that is written down; default: nobody. See schedules.go.
	Scheduled func(inspector.ScheduleOutcome)
}

func (c *Config) setDefaults() {
	if c.Resolve == nil {
		c.Resolve = inspector.ResolvePackage
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Courier == nil {
		c.Courier = noCourier{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.Interval, 30 * time.Second}, {&c.Grace, 5 * time.Minute}, {&c.Retention, 30 * 24 * time.Hour}, {&c.Settle, 2 * time.Minute}, {&c.ReportLife, 7 * 24 * time.Hour},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if c.Scheduled == nil {
		c.Scheduled = func(inspector.ScheduleOutcome) {}
	}
	if c.HostBytes == 0 {
		c.HostBytes = 256 << 20
	}
	if c.Unhealthy == 0 {
		c.Unhealthy = 3 * c.Interval
	}
	if c.Lost == 0 {
		c.Lost = 20 * c.Interval
	}
}

// Service has the use cases. It is safe for concurrent use, and so are several
// of them on one database.
type Service struct {
	Config
	update   func(context.Context, func(*store.Tx) error) error // Store.Update
	resolve  func(arn string) (inspector.PackageID, bool)
	packages map[inspector.PackageID]rules.Package
	secret   []byte    // from which keys that are not a run's are derived
	started  time.Time // nobody is held to have been silent while nobody listened
	keys     *dataKeys
	pulses   *pulses
	inForce  *inForce

	followers followers

	reporting chan struct{} // is full while this replica makes a report
}

// New makes a service. What it needs of the database for good, it makes there if
// it is the first. Run has to run beside it where agents are served.
func New(ctx context.Context, c Config) (*Service, error) {
	c.setDefaults()
	s := &Service{
		Config:   c,
		update:   c.Store.Update,
		resolve:  c.Resolve,
		packages: map[inspector.PackageID]rules.Package{},
		started:  c.Now(),
	}
	for _, p := range c.Packages {
		s.packages[p.Describe().ID] = p
	}
	s.keys = newDataKeys(s.unwrap, c.Now)
	s.pulses = newPulses()
	s.followers = newFollowers()
	s.reporting = make(chan struct{}, 1)
	s.inForce = newInForce(s.loadInForce, c.Now)
	secret, err := s.loadSecret(ctx)
	if err != nil {
		return nil, err
	}
	s.secret = secret
	return s, nil
}

// Interval is the time between an agent's heartbeats.
func (s *Service) Interval() time.Duration { return s.Config.Interval }

const secretSetting = "assess-secret"

// loadSecret reads the service's secret, sealed under the key-encryption key,
// or makes it. Of replicas that start together, all use the first one's.
func (s *Service) loadSecret(ctx context.Context) ([]byte, error) {
	sealed, ok, err := s.Store.Setting(ctx, secretSetting)
	if err == nil && !ok {
		fresh := make([]byte, 32)
		rand.Read(fresh)
		if sealed, err = s.Keys.Wrap(ctx, fresh, []byte(secretSetting)); err == nil {
			sealed, err = s.Store.SettingOnce(ctx, secretSetting, sealed)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("load the service's secret: %w", err)
	}
	secret, err := s.Keys.Unwrap(ctx, sealed, []byte(secretSetting))
	if err != nil {
		return nil, fmt.Errorf("load the service's secret: %w", err)
	}
	return secret, nil
}

// derive makes a key for one purpose, or a code over a text under it.
func derive(secret []byte, purpose string) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose))
	return mac.Sum(nil)
}

// Handlers are the jobs of the service, for a jobs worker.
func (s *Service) Handlers() map[string]jobs.Handler {
	return map[string]jobs.Handler{
		jobAdvance:  s.advance,
		jobEvaluate: s.evaluate,
		jobRetain:   s.retain,
		jobPreview:  s.preview,
		jobSchedule: s.runSchedules,
		jobEvents:   s.sendEvents,
		jobReport:   s.writeReport,
		jobRematch:  s.rematchWaiting,
	}
}

// Discarded is for jobs.Options.OnDiscard. A host whose evaluation is given up,
// be it because it takes the program down, is an error of its run, not the end of
// it; the service's other jobs are not given up.
func (s *Service) Discarded(ctx context.Context, job jobs.Job, cause error) error {
	if job.Kind == jobReport {
		p, _, ok, err := s.Store.Report(ctx, string(job.Payload))
		if err != nil || !ok {
			return err
		}
		return s.finishReport(ctx, p, 0, cause)
	}
	run, agent, ok := strings.Cut(string(job.Payload), "/")
	if job.Kind != jobEvaluate || !ok {
		return fmt.Errorf("the job %s %s is not given up", job.Kind, job.Key)
	}
	r, _, err := s.part(ctx, &s.Store.Reader, run, agent)
	if isRefusal(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.save(ctx, r, agent, notEvaluated(r, agent, cause))
}

// The kinds of jobs.
const (
	jobAdvance  = "advance"  // Payload: the run
	jobEvaluate = "evaluate" // Payload: run/agent
	jobRetain   = "retain"
	jobSchedule = "schedule"
	jobEvents   = "events" // Payload: the run, or nothing
)

// Run writes down what heartbeats tell, about every second, until ctx ends, and
// once more then; it also makes sure that the service's standing jobs are queued.
// Where it does not run, heartbeats are answered but not remembered. A database
// that is away is waited for, and complained about once.
func (s *Service) Run(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	queued, complained := false, false
	for {
		err := s.Flush(ctx)
		if err == nil && !queued {
			err = s.standingJobs(ctx)
			queued = err == nil
		}
		if err != nil && ctx.Err() == nil && !complained {
			s.Log.Error("the service's bookkeeping failed; what it has to write is kept for the next attempt", "error", err)
		}
		complained = err != nil
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			return s.Flush(last)
		case <-tick.C:
		}
	}
}
