package operator

import (
	"context"
	"time"

	"assay/internal/inspector"
)

// The operations of re-matches: runs that judge stored telemetry.
const (
	StartRematch     = "StartRematch"
	ListRematchHosts = "ListRematchHosts"
)

// StartRematchRequest names the template whose hosts and rules packages are meant;
// without it all hosts are, with every package that can be matched again.
type StartRematchRequest struct {
	Template string `json:"assessmentTemplateArn,omitempty"`
}

// StartRematchResponse names the run that was started.
type StartRematchResponse struct {
	Run      string        `json:"assessmentRunArn"`
	Hosts    int           `json:"hosts"`    // all of them
	Excluded []RematchHost `json:"excluded"` // those of which there is no telemetry to judge
}

// RematchHostsRequest asks for the hosts of a re-match, a page at a time.
type RematchHostsRequest struct {
	Run string `json:"assessmentRunArn"`
	PageRequest
}

// RematchHostsResponse is a page of hosts. A run that is no re-match has none.
type RematchHostsResponse struct {
	Hosts     []RematchHost `json:"hosts"`
	NextToken string        `json:"nextToken,omitempty"`
}

// RematchHost is a host with the telemetry by which it is judged.
type RematchHost struct {
	Agent       string    `json:"agentId"`
	Hostname    string    `json:"hostname"`
	CollectedAt time.Time `json:"collectedAt,omitzero"`      // when the last of the telemetry came
	Source      string    `json:"telemetryRunArn,omitempty"` // the run that has collected it, unless that is deleted
	Reason      string    `json:"reason,omitempty"`          // why there is none
}

func (o operations) startRematch(ctx context.Context, in StartRematchRequest) (StartRematchResponse, error) {
	out := StartRematchResponse{Excluded: []RematchHost{}}
	template := ""
	if in.Template != "" {
		t, err := o.template(ctx, in.Template)
		if err != nil {
			return out, err
		}
		template = t.ID
	}
	run, err := o.Service.StartRematch(ctx, template)
	if err != nil {
		return out, err
	}
	out.Run = o.runARN(run)
	for page := (inspector.Page{}); ; {
		hosts, next, err := o.hostsOf(ctx, run, page)
		if err != nil {
			return out, err
		}
		out.Hosts += len(hosts)
		for _, h := range hosts {
			if h.Reason != "" {
				out.Excluded = append(out.Excluded, h)
			}
		}
		if page.After = next; next == "" {
			return out, nil
		}
	}
}

func (o operations) rematchHosts(ctx context.Context, in RematchHostsRequest) (RematchHostsResponse, error) {
	out := RematchHostsResponse{Hosts: []RematchHost{}}
	page, err := in.page()
	if err != nil {
		return out, err
	}
	run, err := o.run(ctx, in.Run)
	if err != nil || !run.Rematch {
		return out, err
	}
	out.Hosts, out.NextToken, err = o.hostsOf(ctx, run, page)
	return out, err
}

// hostsOf is a page of the hosts of a re-match.
func (o operations) hostsOf(ctx context.Context, run inspector.Run, page inspector.Page) ([]RematchHost, string, error) {
	parts, next, err := o.Store.RunAgents(ctx, run.ID, inspector.RunAgentFilter{}, page)
	if err != nil {
		return nil, "", err
	}
	var ids, sources []string
	for _, part := range parts {
		ids, sources = append(ids, part.Agent), append(sources, part.Source)
	}
	agents, err := o.Store.Agents(ctx, ids)
	if err != nil {
		return nil, "", err
	}
	runs, err := o.Store.Runs(ctx, sources)
	hosts := make([]RematchHost, len(parts))
	for i, part := range parts {
		hosts[i] = RematchHost{Agent: part.Agent, Hostname: agents[part.Agent].Hostname, CollectedAt: part.LastAt, Reason: part.Reason}
		if source, ok := runs[part.Source]; ok {
			hosts[i].Source = o.runARN(source)
		}
	}
	return hosts, next, err
}
