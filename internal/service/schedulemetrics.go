package service

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"assay/internal/inspector"
	"assay/internal/store"
)

func newScheduled(registry *prometheus.Registry) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "assay_scheduled_runs_total", Help: "Runs of schedules, by outcome: started, refused (and tried again), and missed times that a later run was for."}, []string{"outcome"})
	for _, outcome := range []string{"started", "refused", "missed"} {
		c.WithLabelValues(outcome) // there from the start, so that an alert can tell 0 from nothing
	}
	registry.MustRegister(c)
	return c
}

func (m *metrics) countScheduled(o inspector.ScheduleOutcome) {
	if o.Refused() {
		m.scheduled.WithLabelValues("refused").Inc()
		return
	}
	m.scheduled.WithLabelValues("started").Inc()
	m.scheduled.WithLabelValues("missed").Add(float64(o.Missed))
}

// scheduleGauges asks the database, when metrics are collected.
type scheduleGauges struct{ store *store.Store }

var scheduleGauge = prometheus.NewDesc("assay_schedules",
	"Schedules by state: active, paused, ended, and refused: those of the active ones whose last run could not be started.", []string{"state"}, nil)

// Describe implements prometheus.Collector.
func (g scheduleGauges) Describe(out chan<- *prometheus.Desc) { out <- scheduleGauge }

// Collect implements prometheus.Collector. While the database is away there are no
// values: assay_database_up tells.
func (g scheduleGauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	counts, err := g.store.CountSchedules(ctx)
	if err != nil {
		return
	}
	for state, n := range map[string]int{"active": counts.Active, "paused": counts.Paused, "ended": counts.Ended, "refused": counts.Refused} {
		out <- prometheus.MustNewConstMetric(scheduleGauge, prometheus.GaugeValue, float64(n), state)
	}
}
