package operator

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	jsonv2 "github.com/go-json-experiment/json"

	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/telemetry"
)

// ListRunTelemetry tells what arrives of a run while it goes on.
const ListRunTelemetry = "ListRunTelemetry"

// RunTelemetryRequest asks for what has arrived of a run since the last answer.
type RunTelemetryRequest struct {
	Run   string   `json:"assessmentRunArn"`
	Agent string   `json:"agentId,omitempty"` // only of this host; the same in all requests with a token
	Types []string `json:"types,omitempty"`   // of records, out of assess.Followed; default all

	// OnlyNew leaves out what is there at the first request, which has no token.
	OnlyNew bool `json:"onlyNew,omitempty"`

	MaxResults int    `json:"maxResults,omitempty"` // records; default and most 1,000
	NextToken  string `json:"nextToken,omitempty"`
}

// RunTelemetryResponse is what has arrived. It always has a token, with which to ask
// again: at once if there is more, else in a second or two, until the run is over.
type RunTelemetryResponse struct {
	State     inspector.RunState      `json:"state"`
	Changes   []inspector.StateChange `json:"stateChanges"` // all there were
	Over      bool                    `json:"over"`         // the run is; nothing comes any more once More is false
	Hosts     []TelemetryHost         `json:"hosts"`        // of which something has changed; at first, all
	Records   []TelemetryRecord       `json:"records"`
	More      bool                    `json:"more"`
	None      string                  `json:"noTelemetry,omitempty"` // why there is none, for good
	NextToken string                  `json:"nextToken"`
}

// TelemetryHost is how a host is and how far it is with the run.
type TelemetryHost struct {
	Agent    string                    `json:"agentId"`
	Hostname string                    `json:"hostname"`
	State    inspector.CollectionState `json:"state"`
	Reason   string                    `json:"reason,omitempty"`
	Health   inspector.Health          `json:"health"`
	Problems []string                  `json:"problems,omitempty"`
	Segments int64                     `json:"segments"` // that have arrived
}

// TelemetryRecord is a record of package telemetry, of a host's sensor; of a coverage
// without its scope.
type TelemetryRecord struct {
	Agent      string          `json:"agentId"`
	Sequence   int64           `json:"segment"`
	Sensor     string          `json:"sensor"`
	ReceivedAt time.Time       `json:"receivedAt,omitzero"`
	Record     json.RawMessage `json:"record,omitempty"`
	Problem    string          `json:"problem,omitempty"` // why the rest of the segment cannot be read
}

const (
	maxRecords = 1000
	// maxFollowToken is nearly what a request may have (1 MiB). A run of 100,000 hosts has a
	// token of 0.7 MB at most where a tenth of them are told in the middle of a segment.
	maxFollowToken = 1<<20 - 1<<12
)

func (o operations) runTelemetry(ctx context.Context, in RunTelemetryRequest) (RunTelemetryResponse, error) {
	q, err := in.query()
	if err != nil {
		return RunTelemetryResponse{}, err
	}
	run, err := o.run(ctx, in.Run)
	if err != nil {
		return RunTelemetryResponse{}, err
	}
	arrived, err := o.Service.Arrivals(ctx, run, q)
	if err != nil {
		return RunTelemetryResponse{}, err
	}
	out := RunTelemetryResponse{
		State: run.State, Changes: append([]inspector.StateChange{}, run.Changes...), Over: run.State.Final(), // null is no list
		Hosts: []TelemetryHost{}, Records: []TelemetryRecord{}, More: arrived.More, None: arrived.NoRecord, NextToken: arrived.After,
	}
	for _, h := range arrived.Hosts {
		out.Hosts = append(out.Hosts, TelemetryHost(h))
	}
	for _, a := range arrived.Records {
		r := TelemetryRecord{Agent: a.Agent, Sequence: a.Sequence, Sensor: a.Sensor, ReceivedAt: a.ReceivedAt, Problem: a.Problem}
		if a.Record != nil {
			if r.Record, err = jsonv2.Marshal(a.Record); err != nil {
				return RunTelemetryResponse{}, err
			}
		}
		out.Records = append(out.Records, r)
	}
	return out, nil
}

// query is the request, if it can be one.
func (in RunTelemetryRequest) query() (q assess.ArrivalQuery, err error) {
	q = assess.ArrivalQuery{Agent: in.Agent, After: in.NextToken, OnlyNew: in.OnlyNew, Max: in.MaxResults}
	if q.Max == 0 {
		q.Max = maxRecords
	}
	switch {
	case q.Max < 0 || q.Max > maxRecords:
		return q, invalid("INVALID_MAX_RESULTS", "an answer has 1 to %d records", maxRecords)
	case !plain(q.Agent):
		return q, invalid("INVALID_AGENT_ID", "%.200q is not the id of an agent", in.Agent)
	case len(q.After) > maxFollowToken:
		return q, invalid("INVALID_PAGINATION_TOKEN", "nextToken is not one that this list has given out")
	case len(in.Types) > len(assess.Followed):
		return q, invalid("INVALID_TYPE", "there are %d types of records that can be followed, not %d", len(assess.Followed), len(in.Types))
	}
	for _, name := range in.Types {
		t := telemetry.Type(name)
		if !slices.Contains(assess.Followed, t) {
			return q, invalid("INVALID_TYPE", "records of type %.40q cannot be followed; those that can: %v", name, assess.Followed)
		}
		q.Types = append(q.Types, t)
	}
	return q, nil
}
