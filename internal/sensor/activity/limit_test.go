//go:build linux

package activity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
	"assay/internal/telemetry"
	"assay/internal/testenv"
)

// What takes more than it may is detached, and the coverage says so, of that part only.
func TestLimit(t *testing.T) {
	testenv.NeedRoot(t)
	d := newDoubts()
	k, err := newKernel(d, bpf.Load)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	k.limit = &limit{window: 50 * time.Millisecond, most: time.Nanosecond, few: 1}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.limit.guard(ctx, k.Programs) }()
	for { // until it is detached: others on this host execute programs, too
		if _, err := k.Canary(); err != nil {
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if k.limit.stopped[bpf.Socket].IsZero() {
		t.Fatal("the program does not count, and nobody has detached it")
	}
	k.limit.doubt(d)
	d.count(seen.Totals{Executions: 1})
	c := d.coverage()
	if p := c.Part(connections); p.State != telemetry.Partial || !strings.Contains(p.Reason, "of a processor") {
		t.Errorf("%+v", c)
	}
}

func TestWithinTheLimit(t *testing.T) {
	l := newLimit()
	if err := l.judge(nil, [bpf.Hooks]time.Duration{l.most / 2, l.most / 2}); err != nil || slices.ContainsFunc(l.stopped[:], func(t time.Time) bool { return !t.IsZero() }) {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestDoubts(t *testing.T) {
	d := newDoubts()
	d.count(seen.Totals{Executions: 1})
	if c := d.coverage(); c.State != telemetry.Complete || c.Part(listeners).State != telemetry.Complete {
		t.Errorf("%+v", c)
	}
	d = newDoubts()
	d.count(seen.Totals{FlowsFull: 3})
	c := d.coverage()
	if c.State != telemetry.Partial || c.Part(listeners).State != telemetry.Complete {
		t.Errorf("%+v", c)
	}
	for part, want := range map[string]string{executions: "proven", connections: "3 connections found no place"} {
		if p := c.Part(part); p.State != telemetry.Partial || !strings.Contains(p.Reason, want) {
			t.Errorf("%+v", p)
		}
	}
}

// still is a source of which nothing happens.
type still struct{ source }

func (still) Totals() (seen.Totals, error) { return seen.Totals{Executions: 7}, nil }

// What is detached while the sensor is at work is told to whoever asks.
func TestLimitIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, d := newLimit(), newDoubts()
		d.without = ""
		a := activity{now: new(atWork)}
		w := &way{tier: "ebpf/direct", source: still{}, doubt: l.doubt}
		w.guard = func(ctx context.Context) error {
			time.Sleep(refresh)
			l.stop(bpf.Socket)
			<-ctx.Done()
			return nil
		}
		a.now.begin(w, []error{errors.New("odd")}, d)
		if short := a.Tier().Short; len(short) != 1 || short[0] != "odd" {
			t.Errorf("at first: %q", short)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*refresh)
		defer cancel()
		if err := w.guard(ctx); err != nil {
			t.Fatal(err)
		}
		tier := a.Tier()
		if len(tier.Short) != 2 || !strings.HasPrefix(tier.Short[1], "connections, listeners: ") || !strings.Contains(tier.Short[1], "of a processor") || tier.Executions != 7 {
			t.Errorf("later: %+v", tier)
		}
		if c := d.coverage(); c.State != telemetry.Complete {
			t.Errorf("the observation's own doubts: %+v", c)
		}
	})
}

// What is optional goes first, whatever it takes, and the coverage says it of that part only.
func TestOptionalGoesFirst(t *testing.T) {
	testenv.NeedRoot(t)
	d := newDoubts()
	k, err := newKernel(d, bpf.Load)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	if !k.Attached(bpf.Map) {
		t.Skip("the kernel does not let loads be counted:", d.without)
	}
	l := &limit{most: time.Millisecond}
	spent := [bpf.Hooks]time.Duration{bpf.Exec: time.Second}
	for _, still := range [][bpf.Hooks]bool{
		{bpf.Exec: true, bpf.Socket: true},
		{bpf.Socket: true},
	} {
		if err := l.judge(k.Programs, spent); err != nil {
			t.Fatal(err)
		}
		if got := [bpf.Hooks]bool{k.Attached(bpf.Exec), k.Attached(bpf.Socket), k.Attached(bpf.Map)}; got != still {
			t.Fatalf("attached: %v, want %v", got, still)
		}
		l.doubt(d)
		d.count(seen.Totals{Executions: 1, Loads: 1})
		c := d.coverage()
		if p := c.Part(loads); p.State != telemetry.Partial || !strings.Contains(p.Reason, "of a processor") {
			t.Errorf("%+v", p)
		}
		if still[bpf.Exec] != (c.State == telemetry.Complete) {
			t.Errorf("%+v", c)
		}
	}
	if n := events(seen.Totals{Executions: 1, Flows: 2, Loads: 5}, seen.Totals{Executions: 2, Flows: 3, Listens: 1, Accepts: 1, Loads: 9}); n != [bpf.Hooks]time.Duration{1, 3, 4} {
		t.Errorf("%v", n)
	}
}
