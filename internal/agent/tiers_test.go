package agent_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/agent"
	"assay/internal/agent/gatewaytest"
	"assay/internal/sensor"
)

// tiered is a sensor that observes by a way.
type tiered struct {
	watcher
	tier sensor.Tier
}

func (t tiered) Tier() sensor.Tier { return t.tier }

// The heartbeat and the status tell by which ways sensors observe, within bounds; only
// the status has the counts, which would make every heartbeat news.
func TestTiersAreTold(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	since := time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	short := []string{"loads: \xff", strings.Repeat("é", 1000)}
	for range 20 {
		short = append(short, "x")
	}
	start(t, dir, tiered{watcher{some("watch", 0, 0), make(chan string)}, sensor.Tier{Name: "ebpf/direct", Since: since, Short: short, Executions: 7}}, some("other", 0, 0))
	until(t, "a heartbeat", func() bool { return len(g.Beats()) > 1 })
	got := g.Beats()[0].Tiers
	if len(got) != 1 || got[0].Sensor != "watch" || got[0].Tier != "ebpf/direct" || !got[0].Since.Equal(since) || len(got[0].Short) != 8 ||
		got[0].Short[0] != "loads: ?" || len(got[0].Short[1]) > 303 {
		t.Errorf("%+v", got)
	}
	var s agent.Status
	until(t, "the status", func() bool { var err error; s, err = agent.ReadStatus(dir, time.Now()); return err == nil })
	if d := cmp.Diff([]agent.Tier{{SensorTier: got[0], Executions: 7}}, s.Tiers); d != "" {
		t.Error(d)
	}
}
