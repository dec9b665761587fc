package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"

	"assay/internal/agent/state"
	"assay/internal/durable"
	"assay/internal/wire"
)

// Status is what a running agent says of itself after every heartbeat, in the
// status file.
type Status struct {
	Agent       string             `json:"agent"`
	Version     string             `json:"version"`
	PID         int                `json:"pid"`
	Server      string             `json:"server"`
	Started     time.Time          `json:"started"`
	Updated     time.Time          `json:"updated"`
	Interval    int                `json:"interval"`              // seconds between heartbeats
	LastContact time.Time          `json:"last_contact,omitzero"` // the last heartbeat that was answered
	Certificate time.Time          `json:"certificate_until"`
	Health      []string           `json:"health"` // what is wrong; empty is healthy
	Spool       wire.Spool         `json:"spool"`
	Runs        []wire.RunProgress `json:"runs"`
	Tiers       []Tier             `json:"tiers,omitempty"`
}

// ErrNoContact is in the error of ReadStatus when no agent answers for it.
var ErrNoContact = errors.New("the agent cannot be contacted")

func (a *agent) writeStatus() {
	id := a.identity.Load()
	segments, bytes, limit := a.spool.Usage()
	s := Status{
		Agent: id.Agent, Version: a.Version, PID: os.Getpid(), Server: id.Server,
		Started: a.started.UTC(), Updated: time.Now().UTC(), Interval: int(a.interval() / time.Second),
		LastContact: a.lastBeat.UTC(), Certificate: id.NotAfter().UTC(),
		Health: a.troubles.list(), Runs: []wire.RunProgress{},
		Spool: wire.Spool{Segments: segments, Bytes: bytes, Limit: limit},
		Tiers: a.tiers(),
	}
	if a.lastBeat.IsZero() {
		s.LastContact = time.Time{}
	}
	for _, r := range a.spool.Runs() {
		s.Runs = append(s.Runs, progress(a.spool, r))
	}
	err := durable.ReplaceLoosely(filepath.Join(a.State, state.StatusFile), func(f *os.File) error {
		return json.MarshalWrite(f, s, json.FormatNilSliceAsNull(false))
	})
	a.troubles.set("status", err)
}

// ReadStatus returns the status of the agent that runs with a state folder.
func ReadStatus(dir string, now time.Time) (Status, error) {
	locked, err := durable.Locked(dir)
	if err != nil {
		return Status{}, fmt.Errorf("%w: %w", ErrNoContact, err)
	}
	if !locked {
		return Status{}, fmt.Errorf("%w: no agent runs with the state folder %s", ErrNoContact, dir)
	}
	data, err := os.ReadFile(filepath.Join(dir, state.StatusFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Status{}, fmt.Errorf("%w: it runs, and has not said anything yet", ErrNoContact)
	}
	if err != nil {
		return Status{}, fmt.Errorf("%w: %w", ErrNoContact, err)
	}
	var s Status
	if err := json.Unmarshal(data, &s); err != nil {
		return Status{}, fmt.Errorf("%w: its status file is damaged: %w", ErrNoContact, err)
	}
	// Four intervals is the longest pause between tries; Retry-After can
	// make it longer, up to an hour and a quarter.
	limit := max(6*time.Duration(s.Interval)*time.Second, 80*time.Minute)
	if age := now.Sub(s.Updated); age > limit {
		return s, fmt.Errorf("%w: it holds its lock but has not said anything for %s", ErrNoContact, age.Round(time.Second))
	}
	return s, nil
}
