package agent_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/internal/agent/gatewaytest"
	"assay/internal/sensor"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// watcher is a sensor that observes: it tells of what the test sends it.
type watcher struct {
	fake
	events chan string
}

func (w watcher) Describe() sensor.Description {
	d := w.fake.Describe()
	d.Observes = true
	return d
}

func (w watcher) Observe(ctx context.Context, _ *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	for {
		select {
		case name := <-w.events:
			if err := emit(&telemetry.KernelParameter{Name: name}); err != nil {
				return telemetry.Coverage{}, err
			}
		case <-ctx.Done():
			return complete, emit(&telemetry.KernelParameter{Name: "last"})
		}
	}
}

// names are those of a sensor's records that the service has.
func names(t *testing.T, r gatewaytest.Run, sensor string) (list []string, word telemetry.Coverage) {
	t.Helper()
	records, err := r.Records()
	if err != nil {
		t.Fatal(err)
	}
	for _, rec := range records {
		if telemetry.SensorOf(rec) != sensor {
			continue
		}
		switch rec := rec.(type) {
		case *telemetry.KernelParameter:
			list = append(list, rec.Name)
		case *telemetry.Coverage:
			word = *rec
		}
	}
	return list, word
}

// What is observed arrives while the run goes on; it ends when the service says so, and
// tells that this was before its time.
func TestObserving(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	g.Orders = []any{on("0-watch", "watch", "a", "b")}
	w := watcher{some("watch", 0, 0), make(chan string)}
	start(t, dir, w, some("a", 3, 10), some("b", 2, 10))
	for i := range 3 {
		w.events <- fmt.Sprint("event ", i)
		until(t, "the event has arrived", func() bool {
			list, _ := names(t, g.Run("0-watch"), "watch")
			return len(list) == i+1
		})
	}
	if g.Run("0-watch").Complete != nil {
		t.Error("the run is over while its sensor observes")
	}
	g.Do(func() { g.Orders = []any{wire.Instruction{ID: "off", Action: wire.ActionOff, Run: "0-watch"}} })
	until(t, "the run is complete", finished(g, "0-watch"))
	list, word := names(t, g.Run("0-watch"), "watch")
	if got := strings.Join(list, ", "); got != "event 0, event 1, event 2, last" || word.State != telemetry.Partial || !strings.Contains(word.Reason, "switched the sensors off") || word.Records != 4 {
		t.Errorf("%s; %+v", got, word)
	}
	if n := counts(t, g.Run("0-watch")); n["a"] != 3 || n["b"] != 2 {
		t.Errorf("the others: %v", n)
	}
}

// What is observed does not wait for a sensor that takes long.
func TestObservingMeanwhile(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	g.Orders = []any{on("0-slow", "watch", "slow", "b")}
	w := watcher{some("watch", 0, 0), make(chan string)}
	begun, release := make(chan struct{}), make(chan struct{})
	slow := fake{"slow", func(ctx context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
		err := emit(&telemetry.KernelParameter{Name: "first"})
		close(begun)
		<-release
		return complete, errors.Join(err, emit(&telemetry.KernelParameter{Name: "second"}))
	}}
	start(t, dir, w, slow, some("b", 2, 10))
	<-begun
	for i := range 2 {
		w.events <- fmt.Sprint("event ", i)
		until(t, "the event has arrived", func() bool {
			list, _ := names(t, g.Run("0-slow"), "watch")
			return len(list) == i+1
		})
	}
	if list, _ := names(t, g.Run("0-slow"), "slow"); len(list) != 0 {
		t.Errorf("%q arrived before the sensor was done", list)
	}
	close(release)
	until(t, "the other sensors are done", func() bool { return counts(t, g.Run("0-slow"))["b"] == 2 })
	g.Do(func() { g.Orders = []any{wire.Instruction{ID: "off", Action: wire.ActionOff, Run: "0-slow"}} })
	until(t, "the run is complete", finished(g, "0-slow"))
	if list, word := names(t, g.Run("0-slow"), "slow"); strings.Join(list, ", ") != "first, second" || word.State != telemetry.Complete {
		t.Errorf("%q; %+v", list, word)
	}
}

// An observation that had all of its time is complete, whether the agent's own clock ends
// it or, a moment before, the service.
func TestObservingToTheEnd(t *testing.T) {
	t.Parallel()
	for _, end := range []string{"by itself", "by the service"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			g := gatewaytest.New(t)
			dir := enrolled(t, g)
			order := on("0-whole", "watch")
			g.Orders = []any{order}
			w := watcher{some("watch", 0, 0), make(chan string)}
			start(t, dir, w)
			w.events <- "event"
			g.Do(func() {
				order.Until = time.Now().Add(time.Second).UTC()
				g.Orders = []any{order}
				if end == "by the service" {
					g.Orders = append(g.Orders, wire.Instruction{ID: "off", Action: wire.ActionOff, Run: "0-whole"})
				}
			})
			until(t, "the run is complete", finished(g, "0-whole"))
			if list, word := names(t, g.Run("0-whole"), "watch"); len(list) != 2 || word.State != telemetry.Complete {
				t.Errorf("%q; %+v", list, word)
			}
		})
	}
}

// An agent that is started again goes on observing, and tells of the gap.
func TestObservingOverARestart(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	order := on("0-gap", "watch")
	g.Orders = []any{order}
	w := watcher{some("watch", 0, 0), make(chan string)}
	stop, _ := start(t, dir, w)
	w.events <- "before"
	until(t, "the event has arrived", func() bool {
		list, _ := names(t, g.Run("0-gap"), "watch")
		return len(list) == 1
	})
	stop()
	start(t, dir, w)
	w.events <- "after"
	g.Do(func() {
		order.Until = time.Now().Add(-time.Second).UTC()
		g.Orders = []any{order}
	})
	until(t, "the run is complete", finished(g, "0-gap"))
	list, word := names(t, g.Run("0-gap"), "watch")
	if got := strings.Join(list, ", "); got != "before, after, last" || word.State != telemetry.Partial || !strings.Contains(word.Reason, "started again") || word.Records != 3 {
		t.Errorf("%s; %+v", got, word)
	}
}

// both looks once, and can look again and again.
type both struct{ fake }

func (b both) Observe(ctx context.Context, _ *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	<-ctx.Done()
	return complete, emit(&telemetry.KernelParameter{Name: "observed"})
}

// A sensor that can do both observes in a run that has one which can only observe; in
// another it looks once, and the run is over when all have.
func TestObservingWithOthers(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	g.Orders = []any{on("0-once", "both", "a")}
	w := watcher{some("watch", 0, 0), make(chan string)}
	start(t, dir, w, both{some("both", 2, 10)}, some("a", 3, 10))
	until(t, "the run is complete", finished(g, "0-once"))
	if list, word := names(t, g.Run("0-once"), "both"); strings.Join(list, ", ") != "both.0, both.1" || word.State != telemetry.Complete {
		t.Errorf("in a run that does not observe: %v, %+v", list, word)
	}
	g.Do(func() { g.Orders = []any{on("0-both", "both", "watch", "a")} })
	w.events <- "begun"
	until(t, "the event has arrived", func() bool {
		list, _ := names(t, g.Run("0-both"), "watch")
		return len(list) == 1
	})
	g.Do(func() { g.Orders = []any{wire.Instruction{ID: "off", Action: wire.ActionOff, Run: "0-both"}} })
	until(t, "the run is complete", finished(g, "0-both"))
	if list, _ := names(t, g.Run("0-both"), "both"); strings.Join(list, ", ") != "observed" {
		t.Errorf("in one that observes: %v", list)
	}
}
