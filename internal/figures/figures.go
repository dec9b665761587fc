// Package figures tells Prometheus what there is in the service's database: hosts,
// runs and findings by assessment target and template, as Inspector Classic told
// CloudWatch, and the service's queue. All replicas tell the same.
//
// docs/metrics.md lists what every metric means; a test compares it with them.
package figures

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

// Config is what a Collector is made of.
type Config struct {
	Scope   inspector.Scope                               // of the ARNs in labels
	Figures func(context.Context) (store.Figures, error)  // that of *assess.Service
	Backlog func(context.Context) ([]jobs.Backlog, error) // that of the queue
	Kinds   []string                                      // of jobs: those of which nothing is in the queue are told as 0
	Now     func() time.Time                              // default time.Now
	Log     *slog.Logger                                  // default: nothing is logged

	// Life is how long figures are told again before the database is asked for
	// new ones: default 15 s. However many ask, the cost is bounded by it.
	Life time.Duration
}

// Collector is a prometheus.Collector. It is safe for concurrent use; who asks while
// the database is being asked waits for the same answer.
type Collector struct {
	Config

	mu      sync.Mutex
	metrics []prometheus.Metric
	readAt  time.Time
	failed  bool
}

// New makes a collector.
func New(c Config) *Collector {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Life == 0 {
		c.Life = 15 * time.Second
	}
	return &Collector{Config: c}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range descriptions() {
		out <- d
	}
}

// Collect implements prometheus.Collector. Where the database cannot be asked, it
// tells that with assay_figures_up, and no figure: an old one would look like news.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.Now(); c.readAt.IsZero() || now.Sub(c.readAt) >= c.Life {
		c.read()
		c.readAt = now
	}
	for _, m := range c.metrics {
		out <- m
	}
}

// patience is how long the database may take.
const patience = 10 * time.Second

func (c *Collector) read() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	f, err := c.Figures(ctx)
	var backlog []jobs.Backlog
	if err == nil {
		backlog, err = c.Backlog(ctx)
	}
	if err != nil {
		if !c.failed {
			c.Log.Error("the figures for metrics cannot be read", "error", err)
		}
		c.failed, c.metrics = true, []prometheus.Metric{gauge(figuresUp, 0)}
		return
	}
	m := list{scope: c.Scope, metrics: []prometheus.Metric{gauge(figuresUp, 1), gauge(databaseSize, float64(f.Size))}}
	m.state(f)
	m.targets(f)
	m.templates(f)
	m.backlog(backlog, c.Kinds, c.Now())
	c.failed, c.metrics = false, m.metrics
}
