package assess

import (
	"fmt"
	"hash/maphash"
	"strings"
	"sync"
	"time"

	"assay/internal/inspector"
)

// pulses is what heartbeats told since it was last written down. It is bounded:
// by the agents that beat between two writes, and maxPulses.
type pulses struct {
	seed maphash.Seed

	mu     sync.Mutex
	known  map[string]*pulse
	heard  map[string]inspector.Agent // by agent: its latest heartbeat
	tasked map[partID]bool            // parts whose instruction was given out
}

// pulse is what is remembered of an agent beyond a write.
type pulse struct {
	facts   uint64    // hash of what the database has
	checked time.Time // when the row was last read
	revoked bool
}

type partID struct{ run, agent string }

const (
	maxPulses = 1 << 20

	// checkEvery is how often an agent's row is read again, to learn that
	// another replica has revoked the agent.
	checkEvery = time.Minute
)

func newPulses() *pulses {
	p := &pulses{seed: maphash.MakeSeed(), known: map[string]*pulse{}}
	p.take()
	return p
}

// beat notes a heartbeat of an agent that is known.
func (p *pulses) beat(agent string, tells inspector.Agent) (known, revoked bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	is, known := p.known[agent]
	if !known || is.revoked {
		return known, known
	}
	p.heard[agent] = tells
	return true, false
}

// learn remembers an agent's row.
func (p *pulses) learn(a inspector.Agent, now time.Time) {
	facts := p.factsOf(a)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxPulses {
		clear(p.known)
	}
	p.known[a.ID] = &pulse{facts: facts, checked: now, revoked: a.Revoked}
}

// forget has an agent's row read again at its next heartbeat.
func (p *pulses) forget(agent string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.known, agent)
	delete(p.heard, agent)
}

// instructed notes that an agent was given its instruction for a run.
func (p *pulses) instructed(part partID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tasked[part] = true
}

// batch is what is to be written down.
type batch struct {
	heard  map[string]inspector.Agent
	tasked map[partID]bool
}

func (b batch) empty() bool { return len(b.heard) == 0 && len(b.tasked) == 0 }

// take takes what is to be written down.
func (p *pulses) take() batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := batch{p.heard, p.tasked}
	p.heard, p.tasked = map[string]inspector.Agent{}, map[partID]bool{}
	return b
}

// putBack returns what could not be written. What was heard since is newer.
func (p *pulses) putBack(b batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for agent, tells := range b.heard {
		if _, newer := p.heard[agent]; !newer {
			p.heard[agent] = tells
		}
	}
	for part := range b.tasked {
		p.tasked[part] = true
	}
}

// stale splits the agents that were heard into those whose facts have to be
// written or whose row has to be read again, and those of which only the time is
// news.
func (p *pulses) stale(heard map[string]inspector.Agent, now time.Time) (rows, times []string) {
	for agent, tells := range heard {
		facts := p.factsOf(tells)
		p.mu.Lock()
		is := p.known[agent]
		due := is == nil || is.facts != facts || now.Sub(is.checked) >= checkEvery
		p.mu.Unlock()
		if due {
			rows = append(rows, agent)
		} else {
			times = append(times, agent)
		}
	}
	return rows, times
}

// factsOf is a hash of what an agent tells of itself.
func (p *pulses) factsOf(a inspector.Agent) uint64 {
	return maphash.String(p.seed, strings.Join([]string{
		a.Hostname, a.OS, a.Platform, a.Kernel, a.Architecture, a.Version,
		strings.Join(a.Addresses, "\x01"), strings.Join(a.Sensors, "\x01"), strings.Join(a.Problems, "\x01"),
		fmt.Sprint(a.Tiers),
	}, "\x00"))
}
