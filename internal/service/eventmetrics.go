package service

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"assay/internal/store"
)

// eventMetrics are those of the events that are sent.
type eventMetrics struct{ deliveries *prometheus.CounterVec }

func newEventMetrics(registry prometheus.Registerer) eventMetrics {
	m := eventMetrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "assay_event_deliveries_total", Help: "Attempts to deliver events, by kind of destination and outcome: delivered, again, dead."},
		[]string{"kind", "outcome"})}
	registry.MustRegister(m.deliveries)
	for _, kind := range []string{"webhook", "sns"} { // from the start, so that a rate sees the first one
		for _, outcome := range []string{"delivered", "again", "dead"} {
			m.deliveries.WithLabelValues(kind, outcome)
		}
	}
	return m
}

// count counts an attempt to deliver.
func (m eventMetrics) count(kind, outcome string) { m.deliveries.WithLabelValues(kind, outcome).Inc() }

// backlog describes what waits in the outbox, as it is when someone asks.
type backlog struct {
	store                     *store.Store
	pending, age, undelivered *prometheus.Desc
}

func newBacklog(st *store.Store) *backlog {
	return &backlog{
		store:       st,
		pending:     prometheus.NewDesc("assay_event_backlog", "Events that wait to be delivered.", nil, nil),
		age:         prometheus.NewDesc("assay_event_backlog_age_seconds", "Age of the oldest event that waits; 0 if none does.", nil, nil),
		undelivered: prometheus.NewDesc("assay_event_undelivered", "Events that were given up, or had nowhere to go, and can be sent again.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (b *backlog) Describe(out chan<- *prometheus.Desc) {
	out <- b.pending
	out <- b.age
	out <- b.undelivered
}

// Collect implements prometheus.Collector. While the database is away there is
// nothing to tell: assay_database_up says so.
func (b *backlog) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	now, err := b.store.Backlog(ctx)
	if err != nil {
		return
	}
	age := 0.0
	if !now.Oldest.IsZero() {
		age = max(time.Since(now.Oldest).Seconds(), 0)
	}
	out <- prometheus.MustNewConstMetric(b.pending, prometheus.GaugeValue, float64(now.Pending))
	out <- prometheus.MustNewConstMetric(b.age, prometheus.GaugeValue, age)
	out <- prometheus.MustNewConstMetric(b.undelivered, prometheus.GaugeValue, float64(now.Undelivered))
}
