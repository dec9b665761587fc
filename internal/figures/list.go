package figures

import (
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/store"
)

// What identifies a target and a template: ARNs, as CloudWatch's dimensions were,
// and names for people.
var (
	ofTarget   = []string{"target", "target_name"}
	ofTemplate = []string{"template", "template_name", "target"}
)

var (
	figuresUp    = description("assay_figures_up", "1 if the figures could be read from the database.")
	databaseSize = description("assay_database_size_bytes", "Size of the database.")
	agents       = description("assay_agents", "Agents that are not revoked, by health.", "health")
	runs         = description("assay_runs", "Assessment runs, by state.", "state")

	targetMatching = description("assay_target_matching_agents", "Agents that belong to the assessment target.", ofTarget...)
	targetHealthy  = description("assay_target_healthy_agents", "Agents that belong to the assessment target and are healthy.", ofTarget...)
	targetRuns     = description("assay_target_runs", "Assessment runs of the target.", ofTarget...)
	targetFindings = description("assay_target_findings", "Findings of the target's assessment runs.", ofTarget...)

	templateMatching = description("assay_template_matching_agents", "Agents that belong to the assessment template's target.", ofTemplate...)
	templateHealthy  = description("assay_template_healthy_agents", "Agents that belong to the assessment template's target and are healthy.", ofTemplate...)
	templateRuns     = description("assay_template_runs", "Assessment runs of the template.", ofTemplate...)
	templateFindings = description("assay_template_findings", "Findings of the template's assessment runs.", ofTemplate...)

	lastCompleted  = description("assay_template_last_run_completed_timestamp_seconds", "When the newest evaluated run of the template was over.", ofTemplate...)
	lastErrors     = description("assay_template_last_run_with_errors", "1 if the newest evaluated run of the template is COMPLETED_WITH_ERRORS.", ofTemplate...)
	lastExclusions = description("assay_template_last_run_exclusions", "Exclusions of the newest evaluated run of the template.", ofTemplate...)
	lastFindings   = description("assay_template_last_run_findings", "Findings of the newest evaluated run of the template.", append(slices.Clone(ofTemplate), "severity")...)

	jobsWaiting   = description("assay_jobs_waiting", "Jobs that are due and wait for a worker.", "kind")
	jobsScheduled = description("assay_jobs_scheduled", "Jobs whose time has not come.", "kind")
	jobsRunning   = description("assay_jobs_running", "Jobs that a worker has begun.", "kind")
	jobsOldest    = description("assay_jobs_oldest_waiting_seconds", "For how long the job has been due that has waited longest.", "kind")
)

func description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// descriptions are all metrics of the package.
func descriptions() []*prometheus.Desc {
	return []*prometheus.Desc{
		figuresUp, databaseSize, agents, runs,
		targetMatching, targetHealthy, targetRuns, targetFindings,
		templateMatching, templateHealthy, templateRuns, templateFindings,
		lastCompleted, lastErrors, lastExclusions, lastFindings,
		jobsWaiting, jobsScheduled, jobsRunning, jobsOldest,
	}
}

func gauge(d *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
}

// list is metrics under construction.
type list struct {
	scope   inspector.Scope
	metrics []prometheus.Metric
}

func (l *list) add(d *prometheus.Desc, value int64, labels ...string) {
	l.metrics = append(l.metrics, gauge(d, float64(value), labels...))
}

// state adds what is of the whole service. A state in which nothing is is 0.
func (l *list) state(f store.Figures) {
	l.add(agents, f.Agents.Healthy, string(inspector.Healthy))
	l.add(agents, f.Agents.Unhealthy, string(inspector.Unhealthy))
	l.add(agents, f.Agents.Unknown, string(inspector.HealthUnknown))
	for _, state := range inspector.RunStates() {
		l.add(runs, f.Runs[state], string(state))
	}
}

func (l *list) targets(f store.Figures) {
	for _, t := range f.Targets {
		labels := []string{l.scope.Target(t.ID).String(), t.Name}
		l.add(targetMatching, t.Agents.All(), labels...)
		l.add(targetHealthy, t.Agents.Healthy, labels...)
		l.add(targetRuns, t.Runs, labels...)
		l.add(targetFindings, t.Findings, labels...)
	}
}

func (l *list) templates(f store.Figures) {
	hosts := map[string]store.HealthCounts{}
	for _, t := range f.Targets {
		hosts[t.ID] = t.Agents
	}
	for _, t := range f.Templates {
		labels := []string{l.scope.Template(t.Target, t.ID).String(), t.Name, l.scope.Target(t.Target).String()}
		l.add(templateMatching, hosts[t.Target].All(), labels...)
		l.add(templateHealthy, hosts[t.Target].Healthy, labels...)
		l.add(templateRuns, t.Runs, labels...)
		l.add(templateFindings, t.Findings, labels...)
		if t.Last != nil {
			l.last(*t.Last, labels)
		}
	}
}

func (l *list) last(run store.LastRun, labels []string) {
	l.metrics = append(l.metrics, gauge(lastCompleted, float64(run.CompletedAt.UnixMilli())/1000, labels...))
	errors := int64(0)
	if run.State == inspector.CompletedWithErrors {
		errors = 1
	}
	l.add(lastErrors, errors, labels...)
	l.add(lastExclusions, run.Exclusions, labels...)
	for _, s := range inspector.Severities() {
		l.add(lastFindings, run.Findings[s], append(slices.Clone(labels), string(s))...)
	}
}

// backlog adds the queue.
func (l *list) backlog(all []jobs.Backlog, kinds []string, now time.Time) {
	for _, kind := range kinds {
		if !slices.ContainsFunc(all, func(b jobs.Backlog) bool { return b.Kind == kind }) {
			all = append(all, jobs.Backlog{Kind: kind})
		}
	}
	for _, b := range all {
		l.add(jobsWaiting, b.Due, b.Kind)
		l.add(jobsScheduled, b.Later, b.Kind)
		l.add(jobsRunning, b.Running, b.Kind)
		waits := time.Duration(0)
		if !b.Oldest.IsZero() {
			waits = max(now.Sub(b.Oldest), 0)
		}
		l.metrics = append(l.metrics, gauge(jobsOldest, waits.Seconds(), b.Kind))
	}
}
