package host_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/host"
	"assay/internal/telemetry"
)

var lookedAt = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func looked(minute int) telemetry.Seen {
	return telemetry.Seen{First: lookedAt.Add(time.Duration(minute) * time.Minute)}
}

// ofLooks is a host of the records of one sensor that has looked again and again.
func ofLooks(sensor string, records ...telemetry.Record) *host.Host {
	h := host.New("i-1")
	for _, r := range records {
		telemetry.Stamp(sensor, r)
		h.Add(r)
	}
	c := &telemetry.Coverage{State: telemetry.Complete, Records: int64(len(records)), Parts: []telemetry.Part{{Name: "looks", State: telemetry.Partial, Reason: "2 looks"}}}
	telemetry.Stamp(sensor, c)
	h.Add(c)
	h.Seal()
	return h
}

func listed[T telemetry.Record](all host.All[T]) (keys []string) {
	for _, r := range all.Values {
		keys = append(keys, telemetry.Key(r))
	}
	slices.Sort(keys)
	return keys
}

func same(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: want -, got +\n%s", what, diff)
	}
}

// What was there at the last look is one answer, and what was there at any another.
func TestLooks(t *testing.T) {
	h := ofLooks(telemetry.SensorProcesses,
		&telemetry.Looks{Began: lookedAt},
		&telemetry.Object{ID: 1, Path: "/a"}, &telemetry.Object{ID: 2, Path: "/lib"}, &telemetry.Object{ID: 3, Path: "/old"},
		&telemetry.Process{PID: 5, Started: 1, Exe: "/a", Objects: []int{1, 3}, Seen: looked(0)},
		&telemetry.Process{PID: 5, Started: 1, Exe: "/a", Objects: []int{1}, Seen: looked(0)}, // has closed /old
		&telemetry.Process{PID: 6, Started: 2, Exe: "/b", Objects: []int{2}, Seen: looked(1)},
		&telemetry.Process{PID: 6, Started: 2, Exe: "/b", Objects: []int{2}, Seen: looked(1), Gone: true},
		&telemetry.Process{PID: 6, Started: 3, Exe: "/c", Seen: looked(2)}, // its number was given again
		&telemetry.Looks{Began: lookedAt, Ended: lookedAt.Add(time.Hour), Count: 61},
	)
	same(t, "processes", listed(h.Processes()), "process:5", "process:6")
	same(t, "all processes", listed(h.SeenProcesses()), "process:5", "process:6", "process:6@2")
	same(t, "objects", listed(h.Objects()), "object:/a")
	same(t, "all objects", listed(h.SeenObjects()), "object:/a", "object:/lib", "object:/old")
	if now, ever := h.Processes(), h.SeenProcesses(); !now.Complete || ever.Complete || !strings.Contains(ever.Reason, "2 looks") {
		t.Errorf("%+v, %+v", now, ever)
	}
	if l := h.Looks(telemetry.SensorProcesses); len(l) != 1 || l[0].Count != 61 {
		t.Errorf("%+v", l)
	}
}

// After an agent was started again only that is there which is told again; what is told
// for the first time then was not there from the beginning; objects are numbered anew.
func TestLooksAfterARestart(t *testing.T) {
	h := ofLooks(telemetry.SensorProcesses,
		&telemetry.Looks{Began: lookedAt},
		&telemetry.Object{ID: 1, Path: "/a"}, &telemetry.Object{ID: 2, Path: "/b"},
		&telemetry.Process{PID: 5, Started: 1, Exe: "/a", Objects: []int{1}, Seen: looked(0)},
		&telemetry.Process{PID: 6, Started: 2, Exe: "/b", Objects: []int{2}, Seen: looked(0)},
		&telemetry.Looks{Began: lookedAt.Add(10 * time.Minute)},
		&telemetry.Object{ID: 1, Path: "/c"}, &telemetry.Object{ID: 2, Path: "/b"},
		&telemetry.Process{PID: 6, Started: 2, Exe: "/b", Objects: []int{2}, Seen: looked(10)},
		&telemetry.Process{PID: 7, Started: 9, Exe: "/c", Objects: []int{1}, Seen: looked(10)},
	)
	same(t, "processes", listed(h.Processes()), "process:6", "process:7")
	same(t, "all processes", listed(h.SeenProcesses()), "process:5@1", "process:6", "process:7")
	paths := map[int]string{}
	for _, o := range h.SeenObjects().Values {
		paths[o.ID] = o.Path
	}
	var mapped []string
	for _, p := range h.SeenProcesses().Values {
		mapped = append(mapped, fmt.Sprint(p.PID, paths[p.Objects[0]], p.First.Sub(lookedAt)))
	}
	slices.Sort(mapped)
	same(t, "what they have mapped", mapped, "5/a0s", "6/b0s", "7/c10m0s")

	socket := func(inode uint64, minute int) *telemetry.Socket {
		return &telemetry.Socket{Protocol: "tcp", State: "listen", Local: "::", LocalPort: uint16(inode), Inode: inode, Seen: looked(minute)}
	}
	h = ofLooks(telemetry.SensorSockets,
		&telemetry.Looks{}, socket(1, 0), socket(2, 0), &telemetry.Looks{}, socket(2, 10), socket(3, 10))
	late := map[uint16]bool{}
	for _, s := range h.Sockets().Values {
		late[s.LocalPort] = s.Late
	}
	if diff := cmp.Diff(map[uint16]bool{2: false, 3: true}, late); diff != "" || len(h.SeenSockets().Values) != 3 {
		t.Error(diff)
	}
}

// A file that root has executed at one look was executed by root.
func TestLooksAtPrograms(t *testing.T) {
	h := ofLooks(telemetry.SensorPrograms,
		&telemetry.Looks{},
		&telemetry.Program{Path: "/a", Device: 1, Inode: 2, Root: true, Executed: true, Above: []string{"/"}, Seen: looked(0)},
		&telemetry.Program{Path: "/a", Device: 1, Inode: 2, Mapped: true, Mode: 0o777, Seen: looked(3)},
		&telemetry.Program{Path: "/b", Device: 1, Inode: 3, Seen: looked(0)},
		&telemetry.Program{Path: "/b", Device: 1, Inode: 3, Seen: looked(0), Gone: true},
	)
	programs := h.Programs()
	if len(programs.Values) != 2 || !programs.Complete || !programs.Values[1].Gone {
		t.Fatalf("%+v", programs)
	}
	if p := programs.Values[0]; !p.Root || !p.Executed || !p.Mapped || p.Mode != 0o777 || len(p.Above) != 1 || !p.First.Equal(lookedAt) {
		t.Errorf("%+v", p)
	}
}

// Records of one look are told apart by nothing, as before; and a host does not change
// the records that it is made of.
func TestOneLook(t *testing.T) {
	s := &telemetry.Socket{Protocol: "tcp", State: "listen", Local: "::", LocalPort: 22}
	p := &telemetry.Process{PID: 5, Objects: []int{1}, Seen: looked(0)}
	for range 2 {
		h := ofLooks(telemetry.SensorSockets, s, s)
		if n := len(h.Sockets().Values); n != 2 {
			t.Errorf("there are %d sockets", n)
		}
		ofLooks(telemetry.SensorProcesses, &telemetry.Looks{}, &telemetry.Object{ID: 7}, &telemetry.Looks{}, p, &telemetry.Looks{})
	}
	if s.Late || p.Gone || p.Objects[0] != 1 {
		t.Errorf("%+v, %+v", s, p)
	}
}

// Whatever is told, in any order, the host answers, and what is there now was there at
// some time.
func TestAnyLooks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.IntRange(0, 3)
		seen := rapid.SampledFrom([]telemetry.Seen{{}, looked(0), looked(1)})
		one := rapid.Custom(func(t *rapid.T) telemetry.Record {
			switch small.Draw(t, "kind") {
			case 0:
				l := &telemetry.Looks{Began: lookedAt}
				if rapid.Bool().Draw(t, "ended") {
					l.Ended = lookedAt
				}
				return l
			case 1:
				return &telemetry.Object{ID: rapid.SampledFrom([]int{0, 1, -1, 1<<63 - 1}).Draw(t, "id")}
			}
			return &telemetry.Process{PID: small.Draw(t, "pid"), Started: int64(small.Draw(t, "started")), Gone: rapid.Bool().Draw(t, "gone"),
				Seen: seen.Draw(t, "seen"), Objects: rapid.SliceOfN(small, 0, 3).Draw(t, "objects")}
		})
		h := ofLooks(telemetry.SensorProcesses, rapid.SliceOfN(one, 0, 30).Draw(t, "records")...)
		now, ever := h.Processes().Values, h.SeenProcesses().Values
		for _, p := range now {
			if p.Gone || !slices.Contains(ever, p) {
				t.Fatalf("%+v", p)
			}
		}
		for _, o := range h.Objects().Values {
			if !slices.Contains(h.SeenObjects().Values, o) {
				t.Fatalf("%+v", o)
			}
		}
	})
}

// A host cannot have more mapped in all than an evaluation has memory for.
func TestTooMuchMapped(t *testing.T) {
	each := make([]int, 32_768)
	for i := range each {
		each[i] = i
	}
	for count, want := range map[int]bool{100: true, 200: false} {
		records := make([]telemetry.Record, count)
		for i := range records {
			records[i] = &telemetry.Process{PID: i + 1, Exe: "/a", Objects: each}
		}
		all, mapped := ofLooks(telemetry.SensorProcesses, records...).Processes(), 0
		for _, p := range all.Values {
			mapped += len(p.Objects)
		}
		if len(all.Values) != count || mapped > 4_000_000 || all.Complete != want || want && mapped != count*len(each) {
			t.Errorf("%d processes: %d, which have %d files mapped (complete: %t, %s)", count, len(all.Values), mapped, all.Complete, all.Reason)
		}
	}
}
