//go:build linux

package activity

import (
	"context"
	"slices"
	"strings"
	"testing"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func TestParseTiers(t *testing.T) {
	if got, err := ParseTiers("poll, ebpf,poll"); err != nil || !slices.Equal(got, []Tier{Poll, EBPF}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "bpf", "ebpf,", "EBPF", "poll;ebpf"} {
		if got, err := ParseTiers(bad); err == nil {
			t.Errorf("%q: %v", bad, got)
		}
	}
}

// observeNow observes this machine for no time at all: there is one look at the end.
func observeNow(t *testing.T, tiers ...Tier) (*telemetry.Observation, telemetry.Coverage) {
	t.Helper()
	testenv.NeedRoot(t)
	fs, err := hostfs.Open("/")
	if err != nil {
		t.Fatal(err)
	}
	defer fs.Close()
	var o *telemetry.Observation
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := New(tiers...).Observe(ctx, &sensor.Host{FS: fs, Live: true}, func(r telemetry.Record) error {
		if found, ok := r.(*telemetry.Observation); ok {
			o = found
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return o, c
}

// Looks tell the same records as the kernel, and never as all there was.
func TestPollAlone(t *testing.T) {
	o, c := observeNow(t, Poll)
	if c.State != telemetry.Partial || len(c.Parts) != 5 || o == nil || o.Tier != "poll" {
		t.Errorf("%+v, %+v", c, o)
	}
	for _, p := range c.Parts[:3] {
		if p.State != telemetry.Partial || !strings.Contains(p.Reason, "lives longer") {
			t.Errorf("%+v", p)
		}
	}
}
