//go:build linux

package activity

import (
	"context"
	"slices"
	"strings"
	"testing"

	"assay/internal/sensor"
	"assay/internal/sensor/hostfs"
	"assay/internal/sensor/proc"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

func TestParseTiers(t *testing.T) {
	if got, err := ParseTiers("poll, ebpf,poll"); err != nil || !slices.Equal(got, []Tier{Poll, EBPF}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := ParseTiers("ebpf/core,ebpf/direct"); err != nil || !slices.Equal(got, []Tier{Core, Direct}) {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "ebpf/", "ebpf/best", "bpf", "ebpf,", "EBPF", "poll;ebpf"} {
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

// Each way observes, and says so; what it is told by the kernel of executions is partial,
// too, and what was not tried is blamed on nobody.
func TestEachTier(t *testing.T) {
	for tier, words := range map[Tier]string{Fanotify: "fanotify", Connector: "process connector"} {
		o, c := observeNow(t, tier)
		if o == nil && strings.Contains(c.Reason, "the kernel does not tell of executions") {
			t.Logf("%s: %s", tier, c.Reason)
			continue
		}
		if o == nil || o.Tier != string(tier) || o.Unsupported != "" || c.State != telemetry.Partial {
			t.Errorf("%s: %+v, %+v", tier, o, c)
		}
		if p := c.Part(executions); p.State != telemetry.Partial || !strings.Contains(p.Reason, words) {
			t.Errorf("%s: %+v", tier, p)
		}
		for _, part := range []string{connections, listeners} {
			if p := c.Part(part); p.State != telemetry.Partial || !strings.Contains(p.Reason, "looks at /proc") {
				t.Errorf("%s: %+v", tier, p)
			}
		}
	}
}

// The next way is taken if one cannot be had, and the coverage says why.
func TestNextTier(t *testing.T) {
	testenv.NeedRoot(t)
	a := activity{proc.New("/proc"), []Tier{"tarot", Poll}, new(atWork)}
	w, refused := a.open(newDoubts())
	if w == nil || w.tier != "poll" || len(refused) != 1 || !strings.Contains(because(refused), "tarot") {
		t.Errorf("%+v, %v", w, refused)
	}
	d := newDoubts()
	w.doubt(d)
	d.explain(because(refused))
	if c := d.coverage(); !strings.Contains(c.Part(listeners).Reason, "tarot") {
		t.Errorf("%+v", c)
	}
	a.tiers = a.tiers[:1]
	if w, refused := a.open(newDoubts()); w != nil || len(refused) != 1 {
		t.Errorf("%+v, %v", w, refused)
	}
}

// An observation that did not end in time ends while the next one goes on, which is what
// is told of.
func TestTierOfTheLast(t *testing.T) {
	testenv.NeedRoot(t)
	a := activity{proc.New("/proc"), []Tier{Poll}, new(atWork)}
	var ways []*way
	var ends []func()
	for range 2 {
		w, err := a.openOne(Poll, newDoubts())
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, a.now.begin(w, nil, newDoubts()))
		ways = append(ways, w)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	ends[0]()
	for _, w := range ways {
		if err := w.guard(over); err != nil {
			t.Error(err)
		}
	}
	if tier := a.Tier(); tier.Expected || tier.Name != string(Poll) {
		t.Errorf("the one that goes on is told as %+v", tier)
	}
	ends[1]()
	for _, w := range ways {
		if err := w.guard(over); err != nil {
			t.Error(err)
		}
	}
	if tier := a.Tier(); !tier.Expected {
		t.Errorf("nothing is observed, and told is %+v", tier)
	}
}
