package gateway

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// slots bound how many uploads go on at once: of all agents together, and to one
// for each agent, because segments are sent in order. A slow or dishonest agent
// can therefore hold no more than one slot.
type slots struct {
	mu    sync.Mutex
	free  int
	using map[string]bool
}

func newSlots(n int) *slots { return &slots{free: n, using: map[string]bool{}} }

// take takes a slot and returns what gives it back, or nil: busy tells whether
// it is the agent itself that has one already.
func (s *slots) take(agent string) (release func(), busy bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.using[agent] {
		return nil, true
	}
	if s.free == 0 {
		return nil, false
	}
	s.free--
	s.using[agent] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.free++
		delete(s.using, agent)
	}, false
}

// failures slow down who fails to enrol again and again: after a burst, one
// attempt in ten seconds for each address (each /64 of IPv6).
type failures struct {
	now func() time.Time

	mu sync.Mutex
	by map[netip.Prefix]*rate.Limiter
}

const (
	failureBurst   = 10
	failureEvery   = 10 * time.Second
	failureEntries = 10_000
)

func newFailures(now func() time.Time) *failures {
	return &failures{now: now, by: map[netip.Prefix]*rate.Limiter{}}
}

// tooMany tells whether the address has to wait.
func (f *failures) tooMany(remote string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	l, ok := f.by[network(remote)]
	return ok && l.TokensAt(f.now()) < 1
}

// failed counts a failure.
func (f *failures) failed(remote string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := network(remote)
	if f.by[key] == nil {
		if len(f.by) >= failureEntries {
			clear(f.by)
		}
		f.by[key] = rate.NewLimiter(rate.Every(failureEvery), failureBurst)
	}
	f.by[key].AllowN(f.now(), 1)
}

func network(remote string) netip.Prefix {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	bits := 32
	addr := ap.Addr().Unmap()
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
