package assess

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"assay/internal/inspector"
	"assay/internal/store"
)

// The database counts agents by health as Health tells it of each.
func TestFiguresAreHealths(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	w := newWorld(t)
	moment := func() time.Time {
		switch random.IntN(5) {
		case 0:
			return time.Time{}
		case 1:
			return w.clock.Now().Add(-w.Unhealthy) // just not too long ago
		}
		return w.clock.Now().Add(-time.Duration(random.Int64N(int64(4 * w.Unhealthy)))).Truncate(time.Microsecond)
	}
	for _, since := range []time.Duration{0, 10 * time.Second, 10 * time.Minute} { // the service's start
		w.clock.add(since)
		var want store.HealthCounts
		for i := range 100 {
			a := inspector.Agent{ID: fmt.Sprintf("i-%d-%d", since, i), EnrolledAt: moment(), SeenAt: moment(), Hostname: `"problems":[]`, Revoked: random.IntN(9) == 0}
			if random.IntN(4) == 0 {
				a.Problems = []string{"the clock is wrong"}
			}
			if err := w.Store.Update(t.Context(), func(tx *store.Tx) error { return tx.SaveAgent(t.Context(), a) }); err != nil {
				t.Fatal(err)
			}
		}
		agents, _, err := w.Store.ListAgents(t.Context(), inspector.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range agents {
			health, _ := w.Health(a)
			switch {
			case a.Revoked:
			case health == inspector.Healthy:
				want.Healthy++
			case health == inspector.Unhealthy:
				want.Unhealthy++
			default:
				want.Unknown++
			}
		}
		if f, err := w.Figures(t.Context()); err != nil || f.Agents != want {
			t.Errorf("seed %d, %s after the start: %+v, want %+v; %v", seed, since, f.Agents, want, err)
		}
	}
}
