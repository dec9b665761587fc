//go:build linux

package bpf_test

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"assay/internal/sensor/activity/bpf"
	"assay/internal/sensor/activity/seen"
	"assay/internal/testenv"
)

// flows is how many the table has room for (c/activity.bpf.c).
const flows = 32_768

// connect tries so many connections to distinct addresses of loopback, on a port that
// nobody listens on, which the kernel refuses within itself: with one socket, as that is
// the fastest way to have something new happen.
func connect(tb testing.TB, from, many int) {
	s := -1
	defer func() { unix.Close(s) }()
	for i := from; i < from+many; i++ {
		var err error
		if s < 0 {
			if s, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0); err != nil {
				tb.Fatal(err)
			}
		}
		err = unix.Connect(s, &unix.SockaddrInet4{Addr: [4]byte{127, byte(2 + i>>16), byte(i >> 8), byte(i)}, Port: 9})
		if errors.Is(err, unix.ECONNREFUSED) {
			continue
		}
		if err != nil && !errors.Is(err, unix.EINPROGRESS) {
			tb.Fatal(err)
		}
		unix.Close(s)
		s = -1
	}
}

// First sights as fast as they come: up to what the table holds none is lost, whatever
// the ring had no room for; beyond it each one is counted.
func TestCapacity(t *testing.T) {
	each(t, func(t *testing.T, p *bpf.Programs) {
		connect(t, 0, flows/2)
		totals, err := p.Totals()
		if err != nil || totals.FlowsFull != 0 || totals.Flows < flows/2 {
			t.Fatalf("%+v, %v", totals, err)
		}
		connect(t, 0, flows+flows/2)
		quiet(t, p, 2*flows, "flows", p.Flows, func(f seen.Flow) uint64 { return f.N },
			func(t seen.Totals) (all, full uint64) { return t.Flows, t.FlowsFull })
		kept := 0
		for _, err := range p.Flows() {
			if err != nil {
				t.Fatal(err)
			}
			kept++
		}
		if kept != flows {
			t.Errorf("the table has %d of %d entries", kept, flows)
		}
		if totals, err = p.Totals(); err != nil || totals.Rings == 0 {
			t.Errorf("nobody has read the ring, and it has lost nothing: %+v, %v", totals, err)
		}
	})
}

// What the kernel holds for the agent: the figure of docs/runtime-behavior.md.
func TestMemory(t *testing.T) {
	p := best(t, 0)
	if err := p.CountLoads(); err != nil {
		t.Log("without loads:", err)
	}
	bytes, err := p.Memory()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.1f MiB", float64(bytes)/(1<<20))
	if bytes > 16<<20 || bytes < 4<<20 {
		t.Errorf("the maps take %d bytes", bytes)
	}
}

// BenchmarkFirstSights tells how many distinct connections are counted in a second, and
// how many found no place; the tables are made anew when they are full.
func BenchmarkFirstSights(b *testing.B) {
	testenv.NeedRoot(b)
	var p *bpf.Programs
	var lost uint64
	renew := func() {
		if p != nil {
			totals, err := p.Totals()
			if err != nil {
				b.Fatal(err)
			}
			lost += totals.FlowsFull
			p.Close()
		}
		var err error
		if p, err = bpf.Load(); err != nil {
			b.Fatal(err)
		}
	}
	renew()
	took := time.Duration(0)
	for done := 0; done < b.N; {
		many := min(b.N-done, flows*3/4)
		before := processor(b)
		b.StartTimer()
		connect(b, 0, many)
		b.StopTimer()
		took += processor(b) - before
		renew()
		done += many
	}
	p.Close()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sights/s")
	b.ReportMetric(float64(b.N)/took.Seconds(), "sights/cpu-s")
	b.ReportMetric(float64(lost), "lost")
}

// processor is what this process took of processors so far, which a busy host does not
// make longer.
func processor(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkAttach is from nothing until all is counted, and proven.
func BenchmarkAttach(b *testing.B) {
	testenv.NeedRoot(b)
	for b.Loop() { // some tenths of a second each
		p, err := bpf.Load()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Canary(); err != nil {
			b.Fatal(err)
		}
		_ = p.CountLoads() // not every kernel lets
		bytes, err := p.Memory()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(bytes), "map-bytes")
		p.Close()
	}
}
