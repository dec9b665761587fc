package assess

import (
	"iter"
	"slices"

	"assay/internal/inspector"
	"assay/internal/report"
)

// known are hosts of a page with what is known of their agents. An agent may have
// been renamed, or removed, since the run: its findings keep how it was then.
func (r *reporter) known() iter.Seq2[report.Host, error] {
	return paged(func(page inspector.Page) ([]report.Host, string, error) {
		parts, next, err := r.Store.RunAgents(r.ctx, r.run.ID, inspector.RunAgentFilter{}, page)
		if err != nil {
			return nil, "", err
		}
		ids := make([]string, len(parts))
		for i, part := range parts {
			ids[i] = part.Agent
		}
		agents, err := r.Store.Agents(r.ctx, ids)
		if err != nil {
			return nil, "", err
		}
		counts, err := r.Store.FindingCountsOf(r.ctx, r.run.ID, ids)
		if err != nil {
			return nil, "", err
		}
		hosts := make([]report.Host, len(parts))
		for i, part := range parts {
			hosts[i] = reportHost(part, agents[part.Agent])
		}
		for _, c := range counts {
			hosts[slices.Index(ids, c.Agent)].Findings[c.Severity] = c.N
		}
		return hosts, next, nil
	})
}

func reportHost(part inspector.RunAgent, a inspector.Agent) report.Host {
	h := report.Host{
		ID: part.Agent, Name: a.Hostname, OS: a.OS, Kernel: a.Kernel, Agent: a.Version, Addresses: a.Addresses,
		Health: string(part.Health), Collection: string(part.State), Detail: part.Reason, Findings: map[inspector.Severity]int64{},
	}
	if h.Detail == "" {
		h.Detail = part.Details
	}
	return h
}

// hosts are those of the run with what their sensors did not see.
func (r *reporter) hosts() iter.Seq2[report.Host, error] {
	return func(yield func(report.Host, error) bool) {
		for h, err := range r.known() {
			if err == nil {
				h.Coverage, err = r.missed(h.ID)
			}
			if !yield(h, err) || err != nil {
				return
			}
		}
	}
}

func (r *reporter) missed(agent string) (missed []report.Missed, err error) {
	for results, err := range r.resultsOf(agent) {
		if err != nil {
			return nil, err
		}
		for _, c := range results.Coverage {
			m := report.Missed{Sensor: c.Sensor, Part: c.Part, State: string(c.State), Reason: c.Reason}
			if !slices.Contains(missed, m) {
				missed = append(missed, m)
			}
		}
	}
	return missed, nil
}

// results are all verdicts, by host and rules package.
func (r *reporter) results() iter.Seq2[report.Results, error] {
	return func(yield func(report.Results, error) bool) {
		for h, err := range r.known() {
			if err != nil {
				yield(report.Results{}, err)
				return
			}
			for results, err := range r.resultsOf(h.ID) {
				if !yield(reportResults(h, results), err) || err != nil {
					return
				}
			}
		}
	}
}

func reportResults(h report.Host, results HostResults) report.Results {
	out := report.Results{Host: h.ID, HostName: h.Name, Package: results.Package, EvaluatedAt: results.EvaluatedAt}
	for _, v := range results.Results {
		if v.Suppressed != nil {
			v.Reason += " It is suppressed by " + v.Suppressed.String() + "."
		}
		out.Verdicts = append(out.Verdicts, report.Verdict{Rule: v.Rule, Subject: v.Subject, Verdict: string(v.Verdict), Reason: v.Reason, Remedy: v.Remedy})
	}
	return out
}
