package assess

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/inspector"
	"assay/internal/telemetry"
	"assay/internal/wire"
)

// arrivalWorlds runs a test on both databases.
func arrivalWorlds(t *testing.T, test func(*testing.T, *world)) {
	sensors := func(c *Config) {
		c.Packages[0].(*fakePackage).sensors = []string{telemetry.SensorActivity, telemetry.SensorSockets, telemetry.SensorConfig, telemetry.SensorKernel}
	}
	t.Run("SQLite", func(t *testing.T) { t.Parallel(); test(t, newWorld(t, sensors)) })
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, sensors, onPostgres(t))
		w.queue = w.Config.Queue.(*queue)
		test(t, w)
	})
}

// executed is a segment of the sensor activity.
func (w *world) executed(agent, run string, sequence int64, names ...string) {
	w.t.Helper()
	var records []telemetry.Record
	for i, name := range names {
		records = append(records, &telemetry.Execution{Device: 1, Inode: uint64(i), Name: name, Path: "/usr/bin/" + name})
	}
	w.put(agent, run, sequence, segmentOf(w.t, header(agent, run, sequence, telemetry.SensorActivity), telemetry.SensorActivity, records...))
}

// words are arrivals in short: "web-1 3 execution:/usr/bin/a".
func words(all []Arrival) []string {
	out := []string{}
	for _, a := range all {
		what := "problem: " + a.Problem
		switch r := a.Record.(type) {
		case *telemetry.Execution:
			what = r.Path
		case *telemetry.Coverage:
			what = fmt.Sprintf("%s %s %d", r.Sensor, r.State, r.Records)
		case *telemetry.Socket:
			what = fmt.Sprintf("%s:%d", r.State, r.LocalPort)
		case nil:
		default:
			what = fmt.Sprintf("%T", r)
		}
		out = append(out, fmt.Sprintf("%d %s", a.Sequence, what))
	}
	return out
}

func (w *world) arrived(run string, q ArrivalQuery) Arrivals {
	w.t.Helper()
	if q.Max == 0 {
		q.Max = 1000
	}
	got, err := w.Arrivals(w.t.Context(), w.run(run), q)
	if err != nil || got.After == "" {
		w.t.Fatalf("%+v, %v", got, err)
	}
	return got
}

// What a host sends can be read before the run is over, once, and from the start by
// whoever comes later; on another replica, with the same cursor.
func TestArrivals(t *testing.T) {
	arrivalWorlds(t, func(t *testing.T, w *world) {
		agent := w.enrol()
		run := w.start(w.template(time.Hour)).ID
		w.beat(agent)
		same := func(got Arrivals, want ...string) {
			t.Helper()
			if d := cmp.Diff(append([]string{}, want...), words(got.Records)); d != "" {
				t.Error(d)
			}
		}
		at := w.arrived(run, ArrivalQuery{})
		same(at)
		if len(at.Hosts) != 1 || at.Hosts[0].Agent != agent || at.Hosts[0].Hostname != "web-1" || at.Hosts[0].State != inspector.CollectionStarted || at.Hosts[0].Health != inspector.Healthy {
			t.Errorf("%+v", at.Hosts)
		}
		w.executed(agent, run, 1, "a", "b")
		at = w.arrived(run, ArrivalQuery{After: at.After})
		same(at, "1 /usr/bin/a", "1 /usr/bin/b")
		if len(at.Hosts) != 0 || at.More {
			t.Errorf("%+v", at)
		}
		at = w.arrived(run, ArrivalQuery{After: at.After})
		same(at)

		// Texts stay where they are; that they were collected is told.
		w.put(agent, run, 2, configSegment(t, agent, run, 2, "PermitRootLogin yes"))
		w.put(agent, run, 3, segmentOf(t, header(agent, run, 3, telemetry.SensorSockets), telemetry.SensorSockets,
			&telemetry.Socket{Protocol: "tcp", State: "established", LocalPort: 1}, &telemetry.Socket{Protocol: "tcp", State: "listen", LocalPort: 22},
			&telemetry.Coverage{State: telemetry.Partial, Reason: "r", Records: 2}))
		other := w.replica()
		at = other.arrived(run, ArrivalQuery{After: at.After})
		same(at, "2 config complete 1", "3 listen:22", "3 sockets partial 2")
		w.executed(agent, run, 4, "c")
		same(w.arrived(run, ArrivalQuery{After: at.After}), "4 /usr/bin/c")
		same(w.arrived(run, ArrivalQuery{OnlyNew: true}))
		same(w.arrived(run, ArrivalQuery{Types: []telemetry.Type{telemetry.TypeCoverage}}), "2 config complete 1", "3 sockets partial 2")

		// After the run it is as before, until the telemetry is destroyed.
		if err := w.CompleteCollection(t.Context(), agent, run, wire.CompleteRequest{Protocol: wire.Version, Segments: 4}); err != nil {
			t.Fatal(err)
		}
		w.mustWork()
		if !w.run(run).State.Final() {
			t.Fatalf("the run is %s", w.run(run).State)
		}
		all := []string{"1 /usr/bin/a", "1 /usr/bin/b", "2 config complete 1", "3 listen:22", "3 sockets partial 2", "4 /usr/bin/c"}
		same(w.arrived(run, ArrivalQuery{Agent: agent}), all...)
		at = w.arrived(run, ArrivalQuery{After: at.After})
		same(at, "4 /usr/bin/c")
		if len(at.Hosts) != 1 || at.Hosts[0].State != inspector.CollectionComplete {
			t.Errorf("%+v", at.Hosts)
		}
		w.clock.add(w.Retention + time.Second)
		gone := w.arrived(run, ArrivalQuery{})
		same(gone)
		if err := w.standingJobs(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.mustWork()
		after := w.arrived(run, ArrivalQuery{})
		same(after)
		if !strings.Contains(gone.NoRecord, "older") || !strings.Contains(after.NoRecord, "destroyed") || after.More {
			t.Errorf("%+v, %+v", gone, after)
		}
	})
}

// Whatever the size of the pages, each record of each host comes once and in order.
func TestArrivalsInPages(t *testing.T) {
	checks(t, "100", "10")
	w := newWorld(t, func(c *Config) { c.Packages[0].(*fakePackage).sensors = []string{telemetry.SensorActivity} })
	agents := []string{w.enrol(), w.enrol(), w.enrol()}
	run := w.start(w.template(time.Hour)).ID
	want, sequence, left := map[string][]string{}, map[string]int64{}, 0
	rapid.Check(t, func(rt *rapid.T) {
		// The run goes on over all checks: so cursors meet segments of all sizes.
		after, got := "", map[string][]string{}
		for step := range 6 {
			agent := agents[rapid.IntRange(0, 2).Draw(rt, "agent")]
			var names []string
			for i := range rapid.IntRange(0, 5).Draw(rt, "records") {
				names = append(names, fmt.Sprintf("n%d-%d-%d", sequence[agent], step, i))
			}
			if left < 40 {
				sequence[agent]++
				left++
				w.executed(agent, run, sequence[agent], names...)
				for _, name := range names {
					want[agent] = append(want[agent], fmt.Sprintf("%d /usr/bin/%s", sequence[agent], name))
				}
			}
			for more := true; more; {
				at := w.arrived(run, ArrivalQuery{After: after, Max: rapid.IntRange(1, 7).Draw(rt, "page")})
				for _, r := range at.Records {
					got[r.Agent] = append(got[r.Agent], words([]Arrival{r})...)
				}
				after, more = at.After, at.More
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatal(d)
		}
	})
}

// A segment that cannot be read is told of, and does not hide the others.
func TestArrivalsOfDamage(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Packages[0].(*fakePackage).sensors = []string{telemetry.SensorActivity} })
	agent := w.enrol()
	run := w.start(w.template(time.Hour)).ID
	w.executed(agent, run, 1, "a")
	for _, name := range w.objects() {
		if err := w.blobs.Delete(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	w.executed(agent, run, 2, "b")
	got := w.arrived(run, ArrivalQuery{})
	if d := cmp.Diff([]string{"1 problem: the object of segment 1 is not there", "2 /usr/bin/b"}, words(got.Records)); d != "" {
		t.Error(d)
	}
	// What is only away now is tried again, and nothing is passed over.
	w.blobs.get = errors.New("the disk is away")
	if _, err := w.Arrivals(t.Context(), w.run(run), ArrivalQuery{Max: 10}); err == nil {
		t.Error("no error where the objects are away")
	}
}

func TestArrivalsRefuse(t *testing.T) {
	w := newWorld(t)
	agent, second := w.enrol(), w.enrol()
	template := w.template(time.Hour)
	run := w.start(template).ID
	whole, one := w.arrived(run, ArrivalQuery{}).After, w.arrived(run, ArrivalQuery{Agent: agent}).After
	for _, q := range []ArrivalQuery{
		{After: one}, {After: whole, Agent: agent}, {After: one, Agent: second}, {After: "nonsense"}, {After: "="}, {After: whole + "AA"}, {After: whole[:len(whole)-2]},
		{After: strings.Repeat("A", 40)}, {Agent: "i-0"},
	} {
		q.Max = 1
		_, err := w.Arrivals(t.Context(), w.run(run), q)
		if e := (&inspector.Err{}); !errors.As(err, &e) || e.Kind != inspector.InvalidInput && e.Kind != inspector.NoSuchEntity {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func FuzzArrivalCursor(f *testing.F) {
	parts := []inspector.RunAgent{{Agent: "i-1", Segments: 3}, {Agent: "i-2", Segments: 300}}
	c := &cursor{first: 1, hosts: []hostCursor{{2, 5, 9}, {300, 0, 1}}}
	f.Add(c.encode("0-run", parts))
	f.Add("")
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := decodeCursor(text, "0-run", parts)
		if err != nil {
			return
		}
		for i, h := range got.hosts {
			if h.sequence < 0 || h.sequence > parts[i].Segments || h.records < 0 {
				t.Fatalf("%+v", got)
			}
		}
		if got.first < 0 || got.first >= len(parts) {
			t.Fatalf("%+v", got)
		}
		again, err := decodeCursor(got.encode("0-run", parts), "0-run", parts)
		if err != nil || cmp.Diff(got, again, cmp.AllowUnexported(cursor{}, hostCursor{})) != "" {
			t.Fatalf("%+v, %+v, %v", got, again, err)
		}
	})
}
