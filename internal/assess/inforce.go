package assess

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"assay/internal/inspector"
)

// duty is an agent's part in a run from which instructions follow.
type duty struct {
	run     inspector.Run
	sensors []string // of the run's packages for the agent
	agents  int      // that the run has
	state   inspector.CollectionState
}

// inForce keeps the duties of all agents in memory, so that a heartbeat costs no
// query. What this replica changes is seen at once, what others change after
// inForceLife.
type inForce struct {
	load func(context.Context) (map[string][]duty, error)
	now  func() time.Time

	loading    sync.Mutex
	generation atomic.Int64
	current    atomic.Pointer[duties]
}

type duties struct {
	of         map[string][]duty
	at         time.Time
	generation int64
}

const inForceLife = time.Second

func newInForce(load func(context.Context) (map[string][]duty, error), now func() time.Time) *inForce {
	return &inForce{load: load, now: now}
}

// forget makes the next look read the database.
func (f *inForce) forget() { f.generation.Add(1) }

// of returns the duties of an agent.
func (f *inForce) of(ctx context.Context, agent string) ([]duty, error) {
	if d := f.current.Load(); f.fresh(d) {
		return d.of[agent], nil
	}
	f.loading.Lock()
	defer f.loading.Unlock()
	if d := f.current.Load(); f.fresh(d) {
		return d.of[agent], nil
	}
	// What is forgotten while we read has to be read again.
	d := &duties{generation: f.generation.Load(), at: f.now()}
	var err error
	if d.of, err = f.load(ctx); err != nil {
		return nil, err
	}
	f.current.Store(d)
	return d.of[agent], nil
}

func (f *inForce) fresh(d *duties) bool {
	return d != nil && d.generation == f.generation.Load() && f.now().Sub(d.at) < inForceLife
}

// canceledFor is how long agents are told that a run was canceled. One that was
// away for longer finds out when it uploads.
const canceledFor = 10 * time.Minute

// loadInForce reads the duties of all agents.
func (s *Service) loadInForce(ctx context.Context) (map[string][]duty, error) {
	all := map[string][]duty{}
	for _, filter := range []inspector.RunFilter{
		{States: []inspector.RunState{inspector.CollectingData, inspector.StopDataCollectionPending}},
		{States: []inspector.RunState{inspector.Canceled}, Completed: inspector.TimeRange{Begin: s.Now().Add(-canceledFor)}},
	} {
		page := inspector.Page{Limit: pageSize}
		for {
			runs, next, err := s.Store.ListRuns(ctx, filter, page)
			if err != nil {
				return nil, fmt.Errorf("read the runs in progress: %w", err)
			}
			for _, run := range runs {
				if err := s.loadDuties(ctx, run, all); err != nil {
					return nil, fmt.Errorf("read the agents of the run %s: %w", run.ID, err)
				}
			}
			if next == "" {
				break
			}
			page.After = next
		}
	}
	return all, nil
}

func (s *Service) loadDuties(ctx context.Context, run inspector.Run, into map[string][]duty) error {
	var parts []inspector.RunAgent
	page := inspector.Page{Limit: pageSize}
	for {
		some, next, err := s.Store.RunAgents(ctx, run.ID, inspector.RunAgentFilter{}, page)
		if err != nil {
			return err
		}
		parts = append(parts, some...)
		if next == "" {
			break
		}
		page.After = next
	}
	// Which of the packages are for the agent's system was decided when the run
	// started: an agent for which none is has failed.
	sensors := sensorsOf(s.planOf(run.Packages).packages)
	for _, part := range parts {
		into[part.Agent] = append(into[part.Agent], duty{run, sensors, len(parts), part.State})
	}
	return nil
}
