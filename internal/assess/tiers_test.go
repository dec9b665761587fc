package assess

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/inspector"
	"assay/internal/wire"
)

// What an agent says of its sensors' tiers is kept within bounds, and written down when
// it changes.
func TestTiersOfAnAgent(t *testing.T) {
	w := newWorld(t)
	agent := w.enrol()
	tiersOf := func() []inspector.SensorTier {
		t.Helper()
		rows, err := w.Store.Agents(t.Context(), []string{agent})
		if err != nil {
			t.Fatal(err)
		}
		return rows[agent].Tiers
	}
	beat := w.heartbeat()
	beat.Tiers = []wire.SensorTier{{Sensor: "activity", Tier: "ebpf/direct", Expected: true, Short: []string{"a\x1bb"}}}
	w.say(agent, beat)
	if d := cmp.Diff([]inspector.SensorTier{{Sensor: "activity", Tier: "ebpf/direct", Expected: true, Short: []string{clean("a\x1bb", 99)}}}, tiersOf()); d != "" {
		t.Error(d)
	}
	beat.Tiers[0] = wire.SensorTier{Sensor: "activity", Tier: "poll", Since: noon.Add(time.Millisecond)}
	w.say(agent, beat)
	if d := cmp.Diff([]inspector.SensorTier{{Sensor: "activity", Tier: "poll", Since: noon.UTC()}}, tiersOf()); d != "" {
		t.Error(d)
	}
	beat.Tiers = nil
	for range 100 {
		long := strings.Repeat("x", 5000)
		many := make([]string, 100)
		for i := range many {
			many[i] = long
		}
		beat.Tiers = append(beat.Tiers, wire.SensorTier{Sensor: long, Tier: long, Short: many})
	}
	w.say(agent, beat)
	got := tiersOf()
	if len(got) != maxTiers || len(got[0].Short) != maxShort || len(got[0].Short[0]) > maxShortText || len(got[0].Sensor) > 64 || len(got[0].Tier) > 64 {
		t.Errorf("%d tiers, %+v", len(got), got[0])
	}
}
