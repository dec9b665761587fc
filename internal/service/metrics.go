package service

import (
	"context"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"assay/internal/api"
	"assay/internal/figures"
	"assay/internal/jobs"
	"assay/internal/store"
)

// discardLog silences what net/http says of clients that hang up.
var discardLog = log.New(io.Discard, "", 0)

// metrics are the service's own, for Prometheus.
type metrics struct {
	registry *prometheus.Registry
	calls    *prometheus.CounterVec
	callTime *prometheus.HistogramVec
	gateway  *prometheus.CounterVec
	received prometheus.Counter
	jobs     *prometheus.CounterVec
	jobTime  *prometheus.HistogramVec

	auditFailures prometheus.Counter
	scheduled     *prometheus.CounterVec
}

func newMetrics(version string) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_api_calls_total", Help: "Calls of the API, by operation and HTTP status."}, []string{"operation", "status"}),
		callTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_api_call_seconds", Help: "How long calls of the API took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 8)}, []string{"operation"}),
		gateway: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_agent_requests_total", Help: "Requests of agents, by kind and HTTP status."}, []string{"kind", "status"}),
		received: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "assay_telemetry_received_bytes_total", Help: "Compressed bytes of telemetry that agents sent."}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_jobs_total", Help: "Jobs that were run, by kind and outcome."}, []string{"kind", "outcome"}),
		jobTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "assay_job_seconds", Help: "How long jobs took.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 10)}, []string{"kind"}),
		auditFailures: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "assay_audit_failures_total", Help: "Events of the record of calls that could not be written."}),
	}
	m.scheduled = newScheduled(m.registry)
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "assay_build_info", Help: "The version that runs.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.calls, m.callTime, m.gateway, m.received, m.jobs, m.jobTime, m.auditFailures, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// watch adds to the metrics what is in the database, and how its connections are
// used.
func (s *Service) watch() {
	s.metrics.registry.MustRegister(
		figures.New(figures.Config{
			Scope: s.scope, Figures: s.assess.Figures, Backlog: s.queue.Backlog, Log: s.config.Log,
			Kinds: slices.Sorted(maps.Keys(s.assess.Handlers())),
		}),
		collectors.NewDBStatsCollector(s.store.DB(), "assay"))
}

// call counts a call of the API. Operations are a closed set: what is none has
// an empty name.
func (m *metrics) call(c api.Call) {
	m.calls.WithLabelValues(c.Operation, strconv.Itoa(c.Status)).Inc()
	m.callTime.WithLabelValues(c.Operation).Observe(c.Duration.Seconds())
}

// countGateway counts the requests of agents.
func (m *metrics) countGateway(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(recorder, r)
		m.gateway.WithLabelValues(requestKind(r.URL.Path), strconv.Itoa(recorder.status)).Inc()
		if r.Method == http.MethodPut && recorder.status == http.StatusOK && r.ContentLength > 0 {
			m.received.Add(float64(r.ContentLength))
		}
	})
}

// requestKind names a request of the agents' protocol, out of a closed set.
func requestKind(path string) string {
	for _, kind := range []string{"enroll", "renew", "heartbeat", "segments", "complete"} {
		if strings.HasPrefix(path, "/agent/v1/") && strings.Contains(path, "/"+kind) {
			return kind
		}
	}
	return "other"
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (s *statusRecorder) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection's deadlines.
func (s *statusRecorder) Unwrap() http.ResponseWriter { return s.ResponseWriter }

func (m *metrics) countJob(kind string, next jobs.Handler) jobs.Handler {
	return func(ctx context.Context, job jobs.Job) error {
		began := time.Now()
		err := next(ctx, job)
		outcome := "done"
		if err != nil {
			outcome = "again"
		}
		m.jobs.WithLabelValues(kind, outcome).Inc()
		m.jobTime.WithLabelValues(kind).Observe(time.Since(began).Seconds())
		return err
	}
}

// handler serves the metrics, with what is asked of the database at that moment.
func (m *metrics) handler(st *store.Store) http.Handler {
	return promhttp.HandlerFor(prometheus.Gatherers{m.registry, databaseUp(st)}, promhttp.HandlerOpts{})
}

// databaseUp tells whether the database answers.
func databaseUp(st *store.Store) *prometheus.Registry {
	up := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "assay_database_up", Help: "1 if the database answers."}, func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if st.Ping(ctx) != nil {
			return 0
		}
		return 1
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(up, scheduleGauges{st}, newBacklog(st))
	return registry
}

// onlyLocal answers callers on this machine only, and no proxy: behind one, all
// the world calls from here.
func onlyLocal(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		forwarded := r.Header.Get("Forwarded")+r.Header.Get("X-Forwarded-For")+r.Header.Get("Via") != ""
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() || forwarded {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
