package service

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"assay/internal/advisory/feeds"
)

// feedMetrics are those of the advisories: how old they are, and what became of updates.
type feedMetrics struct {
	keeper              *feeds.Keeper
	updates             *prometheus.CounterVec
	success             prometheus.Gauge
	age, records, built *prometheus.Desc
}

func newFeedMetrics(registry prometheus.Registerer, keeper *feeds.Keeper) *feedMetrics {
	m := &feedMetrics{
		keeper: keeper,
		updates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_feed_updates_total", Help: "Updates of feeds of advisories by this service, by outcome: updated, unchanged, failed; and sets that could not be built: not_built."}, []string{"outcome"}),
		success: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "assay_feed_last_success_timestamp_seconds", Help: "When this service last updated all feeds without a failure; 0: not since its start."}),
		age:     prometheus.NewDesc("assay_advisories_age_seconds", "Time since a feed was last known to be current, of those that the set in use was built from.", []string{"feed"}, nil),
		records: prometheus.NewDesc("assay_advisories_records", "Records that a feed has, of those that the set in use was built from.", []string{"feed"}, nil),
		built:   prometheus.NewDesc("assay_advisories_built_timestamp_seconds", "When the set of advisories that is in use was built.", nil, nil),
	}
	for _, outcome := range []string{"updated", "unchanged", "failed", "not_built"} { // from the start, so that a rate sees the first one
		m.updates.WithLabelValues(outcome)
	}
	registry.MustRegister(m.updates, m.success, m)
	return m
}

// updated counts what became of an update.
func (m *feedMetrics) updated(r feeds.Result, err error) {
	for _, f := range r.Feeds {
		switch {
		case f.Error != nil:
			m.updates.WithLabelValues("failed").Inc()
		case f.New:
			m.updates.WithLabelValues("updated").Inc()
		default:
			m.updates.WithLabelValues("unchanged").Inc()
		}
	}
	if err != nil {
		m.updates.WithLabelValues("not_built").Inc()
	}
	if err == nil && len(r.Failed()) == 0 {
		m.success.SetToCurrentTime()
	}
}

// Describe implements prometheus.Collector.
func (m *feedMetrics) Describe(out chan<- *prometheus.Desc) {
	out <- m.age
	out <- m.records
	out <- m.built
}

// Collect implements prometheus.Collector. Without a set there is nothing to tell.
func (m *feedMetrics) Collect(out chan<- prometheus.Metric) {
	manifest := m.keeper.Manifest()
	if manifest == nil {
		return
	}
	for _, s := range manifest.Sources {
		out <- prometheus.MustNewConstMetric(m.age, prometheus.GaugeValue, max(time.Since(s.Fetched).Seconds(), 0), s.Name)
		out <- prometheus.MustNewConstMetric(m.records, prometheus.GaugeValue, float64(s.Records), s.Name)
	}
	out <- prometheus.MustNewConstMetric(m.built, prometheus.GaugeValue, float64(manifest.Built.Unix()))
}
