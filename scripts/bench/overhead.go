//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// overheads are what observing makes dearer, and by how much at most (the design's
// goals). What is judged by the kernel's counters is too little to be seen in processor
// time.
var overheads = []struct {
	name, work string
	times      int
	goal       float64
	counters   bool
}{
	{"null system call", "null", 3_000_000, 1.02, false},
	{"open and close", "open", 400_000, 1.02, false},
	{"fork, exec, exit", "exec", 800, 1.02, true},
	{"TCP connect and accept", "connect", 25_000, 1.03, true},
	{"a build of Go packages", "build", 1, 1.005, true},
}

// overhead measures what programs of the host pay for being observed: the same work
// with and without the agent's sensors, in pairs, in turn.
func (b *bench) overhead(ctx context.Context) error {
	usual, all, err := b.observersOf(ctx)
	if err != nil {
		return err
	}
	if err := b.footprint(ctx, usual, all); err != nil {
		return err
	}
	for _, o := range overheads {
		if b.works != "" && !slices.Contains(strings.Split(b.works, ","), o.work) {
			continue
		}
		sets := []string{usual}
		if all != usual {
			sets = append(sets, all)
		}
		for _, sensors := range sets {
			ratios, counted, err := b.paired(ctx, sensors, o.work, o.times)
			if err != nil {
				return fmt.Errorf("%s: %w", o.name, err)
			}
			b.table.overhead(o.name, sensors, ratios, counted, o.goal, o.counters)
		}
	}
	return b.capacity(ctx, usual)
}

// paired does a work so many times with and without sensors, in turn, each first in
// every other pair, and tells the ratios of the processor time, and what the kernel
// measured of the sensors' programs, as a ratio, too. That is measured in a third run,
// because measuring makes each call dearer.
func (b *bench) paired(ctx context.Context, sensors, work string, times int) (ratios, counted []float64, err error) {
	without := func() (float64, error) { return b.work1(ctx, work, times) }
	with := func() (cost, kernel float64, err error) {
		o, err := b.observing(ctx, sensors, time.Hour)
		if err != nil {
			return 0, 0, err
		}
		defer func() {
			if end := o.stop(); err == nil {
				err = end
			}
		}()
		if cost, err = b.work1(ctx, work, times); err != nil {
			return 0, 0, err
		}
		kernel, err = b.measured(ctx, o, work, times)
		return cost, kernel, err
	}
	for i := range b.pairs {
		var on, off, kernel float64
		steps := []func() error{
			func() (err error) { off, err = without(); return err },
			func() (err error) { on, kernel, err = with(); return err },
		}
		if i%2 == 1 {
			slices.Reverse(steps)
		}
		for _, step := range steps {
			if err := step(); err != nil {
				return nil, nil, err
			}
		}
		ratios, counted = append(ratios, on/off), append(counted, 1+kernel/off)
	}
	return ratios, counted, nil
}

// work1 does a work in a process of its own and tells its processor time in seconds.
func (b *bench) work1(ctx context.Context, work string, times int) (float64, error) {
	c, err := command(ctx, []int{0}, self(), "work", work, strconv.Itoa(times))
	return c.Seconds, err
}

// measured is what the kernel measures of the observer's programs during a work, in
// seconds.
func (b *bench) measured(ctx context.Context, o *observer, work string, times int) (float64, error) {
	stats, err := ebpf.EnableStats(uint32(unix.BPF_STATS_RUN_TIME))
	if err != nil {
		return 0, err
	}
	defer func(c io.Closer) { c.Close() }(stats)
	before, err := o.taken()
	if err != nil {
		return 0, err
	}
	if _, err := b.work1(ctx, work, times); err != nil {
		return 0, err
	}
	after, err := o.taken()
	return (after - before).Seconds(), err
}

// overhead is a row: the median of the ratios with their quartiles, and what the kernel
// counted.
func (t *table) overhead(what, sensors string, ratios, counted []float64, goal float64, counters bool) {
	low, middle, high := quartiles(ratios)
	c := median(counted)
	judged, by := middle, "the pairs"
	if counters {
		judged, by = c, "the kernel's counters"
	}
	t.add(fmt.Sprintf("%s, with %s / without", what, sensors),
		fmt.Sprintf("%.3f (%.3f to %.3f, %d pairs); kernel %.4f", middle, low, high, len(ratios), c),
		fmt.Sprintf("at most %v by %s: %s", goal, by, verdict(judged <= goal)))
}

// quartiles of values: the lower, the median, the upper.
func quartiles(values []float64) (low, middle, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	half := len(sorted) / 2
	upper := sorted[len(sorted)-half:]
	if half == 0 {
		return sorted[0], sorted[0], sorted[0]
	}
	return median(sorted[:half]), median(sorted), median(upper)
}

// footprint is what the sensors take beside what they make dearer.
func (b *bench) footprint(ctx context.Context, usual, all string) error {
	var attached []float64
	for range 5 {
		o, err := b.observing(ctx, all, time.Hour)
		if err != nil {
			return err
		}
		attached = append(attached, o.attached.Seconds())
		if err := o.stop(); err != nil {
			return err
		}
	}
	b.table.below("from the agent's start to its programs in the kernel, by the clock", median(attached), "s", 1)
	for _, sensors := range slices.Compact([]string{usual, all}) {
		o, err := b.observing(ctx, sensors, time.Hour)
		if err != nil {
			return err
		}
		bytes, err := o.mapped()
		if err == nil {
			b.table.below("maps of "+sensors, float64(bytes)/(1<<20), "MiB", 16)
		}
		if end := o.stop(); err == nil {
			err = end
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// capacity makes many connections to addresses that were not seen before, and looks
// whether each is in the telemetry, or counted as missed.
func (b *bench) capacity(ctx context.Context, sensors string) error {
	for _, n := range []int{30_000, 60_000} {
		o, err := b.observing(ctx, sensors, 8*time.Second)
		if err != nil {
			return err
		}
		began := time.Now()
		_, err = b.work1(ctx, "sights", n)
		took := time.Since(began)
		if err != nil {
			o.stop()
			return err
		}
		peak, err := memory(o.cmd.Process.Pid, "VmHWM")
		if err != nil {
			return err
		}
		if err := o.finish(); err != nil {
			return err
		}
		told, missed, lost, err := toldConnections(o.name)
		if err != nil {
			return err
		}
		b.table.add(fmt.Sprintf("%d first sights", n), fmt.Sprintf("%.0f/s; %d told, %d found no place, %d lost; agent %.1f MiB", float64(n)/took.Seconds(), told, missed, lost, peak), "none lost: "+verdict(lost == 0))
		os.Remove(o.name)
	}
	return nil
}

// toldConnections are those to port 1 of loopback in a snapshot, the connections that
// found no place, and how many of all that were counted are neither.
func toldConnections(name string) (told int, missed uint64, lost int64, err error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return 0, 0, 0, err
	}
	h, err := readHost(data)
	if err != nil {
		return 0, 0, 0, err
	}
	for _, o := range h.Observations().Values {
		missed += o.MissedConnections
		lost += int64(o.Connections) - int64(o.MissedConnections)
	}
	for _, c := range h.Connections().Values {
		lost -= int64(c.Count)
		if c.Port == 1 && c.Local {
			told++
		}
	}
	return told, missed, lost, nil
}
