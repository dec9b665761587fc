package looks

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/sensor"
	"assay/internal/telemetry"
)

// script is a sensor of which the test says what each look sees.
type script struct {
	looks []func(emit sensor.Emit) (telemetry.Coverage, error)
	n     int
}

func (*script) Describe() sensor.Description {
	return sensor.Description{Name: telemetry.SensorProcesses}
}

func (s *script) Collect(_ context.Context, _ *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	look := s.looks[min(s.n, len(s.looks)-1)]
	s.n++
	return look(emit)
}

func sees(records ...telemetry.Record) func(sensor.Emit) (telemetry.Coverage, error) {
	return func(emit sensor.Emit) (telemetry.Coverage, error) {
		for _, r := range records {
			if err := emit(clone(r)); err != nil {
				return telemetry.Coverage{}, err
			}
		}
		return telemetry.Coverage{State: telemetry.Complete}, nil
	}
}

func fails(emit sensor.Emit) (telemetry.Coverage, error) {
	return telemetry.Coverage{}, errors.New("odd")
}

func process(pid int, started int64, exe string, objects ...int) *telemetry.Process {
	return &telemetry.Process{PID: pid, Started: started, Exe: exe, Objects: objects}
}

func listener(port uint16, inode uint64) *telemetry.Socket {
	return &telemetry.Socket{Protocol: "tcp", Family: 4, State: "listen", Local: "0.0.0.0", LocalPort: port, Inode: inode}
}

// words says what a record tells, without times.
func words(records []telemetry.Record) (all []string) {
	flag := func(is bool, word string) string {
		if is {
			return " " + word
		}
		return ""
	}
	for _, r := range records {
		switch r := r.(type) {
		case *telemetry.Process:
			all = append(all, fmt.Sprintf("process %d/%d %s %v%s", r.PID, r.Started, r.Exe, r.Objects, flag(r.Gone, "gone")))
		case *telemetry.Object:
			all = append(all, fmt.Sprintf("object %d %s", r.ID, r.Path))
		case *telemetry.Socket:
			all = append(all, fmt.Sprintf("%s %d/%d%s%s%s", r.State, r.LocalPort, r.Inode, flag(r.Late, "late"), flag(r.Gone, "gone"), flag(!r.Last.IsZero(), "last")))
		case *telemetry.Program:
			all = append(all, fmt.Sprintf("program %s %o%s", r.Path, r.Mode, flag(r.Gone, "gone")))
		case *telemetry.File:
			all = append(all, "file "+r.Path)
		case *telemetry.Looks:
			all = append(all, fmt.Sprintf("looks %d failed %d%s", r.Count, r.Failed, flag(!r.Ended.IsZero(), "ended")))
		}
	}
	return all
}

// TestSeries: what is told of each look, line by line.
func TestSeries(t *testing.T) {
	object := func(id int, path string) *telemetry.Object { return &telemetry.Object{ID: id, Path: path} }
	program := func(path string, mode uint32) *telemetry.Program { return &telemetry.Program{Path: path, Mode: mode} }
	conversation := &telemetry.Socket{Protocol: "tcp", State: "established", LocalPort: 22, Remote: "192.0.2.1", Inode: 70}
	began, ended := "looks 0 failed 0", func(n int) string { return fmt.Sprintf("looks %d failed 0 ended", n) }
	for name, c := range map[string]struct {
		looks []func(sensor.Emit) (telemetry.Coverage, error)
		want  [][]string
	}{
		"nothing changes": {
			[]func(sensor.Emit) (telemetry.Coverage, error){sees(object(1, "/a"), process(5, 1, "/a", 1))},
			[][]string{{began, "object 1 /a", "process 5/1 /a [1]"}, nil, {ended(3)}},
		},
		"a process comes and goes": {
			[]func(sensor.Emit) (telemetry.Coverage, error){sees(process(5, 1, "/a")), sees(process(5, 1, "/a"), process(6, 9, "/b")), sees(process(5, 1, "/a"))},
			[][]string{{began, "process 5/1 /a []"}, {"process 6/9 /b []"}, {"process 6/9 /b [] gone"}, {ended(4)}},
		},
		"a number is given again": {
			[]func(sensor.Emit) (telemetry.Coverage, error){sees(process(5, 1, "/a")), sees(process(5, 2, "/a"))},
			[][]string{{began, "process 5/1 /a []"}, {"process 5/2 /a []", "process 5/1 /a [] gone"}, {ended(3)}},
		},
		"a process executes another program": {
			[]func(sensor.Emit) (telemetry.Coverage, error){sees(process(5, 1, "/a")), sees(process(5, 1, "/b"))},
			[][]string{{began, "process 5/1 /a []"}, {"process 5/1 /b []", "process 5/1 /a [] gone"}, {ended(3)}},
		},
		"a library is loaded, and numbered as before": {
			[]func(sensor.Emit) (telemetry.Coverage, error){
				sees(object(1, "/x"), object(2, "/a"), process(5, 1, "/a", 1, 2)),
				sees(object(1, "/new"), object(2, "/a"), object(3, "/x"), process(4, 1, "/a", 1, 2), process(5, 1, "/a", 3, 2, 1)),
			},
			[][]string{
				{began, "object 1 /x", "object 2 /a", "process 5/1 /a [1 2]"},
				{"object 3 /new", "process 4/1 /a [3 2]", "process 5/1 /a [1 2 3]"}, {ended(3)},
			},
		},
		"an object that comes again has another number": {
			[]func(sensor.Emit) (telemetry.Coverage, error){sees(object(1, "/x")), sees(object(1, "/y")), sees(object(1, "/x"))},
			[][]string{{began, "object 1 /x"}, {"object 2 /y"}, {"object 3 /x"}, {ended(4)}},
		},
		"listeners": {
			[]func(sensor.Emit) (telemetry.Coverage, error){
				sees(listener(22, 1), conversation), sees(listener(22, 1), listener(80, 2), conversation), sees(listener(22, 1), listener(80, 3), conversation),
			},
			[][]string{
				{began, "listen 22/1"}, {"listen 80/2 late"}, {"listen 80/3 late", "listen 80/2 late gone last"},
				{"listen 22/1 last", "listen 80/3 late last", "established 22/70", ended(4)},
			},
		},
		"programs": {
			[]func(sensor.Emit) (telemetry.Coverage, error){
				sees(&telemetry.File{Path: "/"}, program("/a", 0o755)), sees(&telemetry.File{Path: "/"}, program("/a", 0o777)), sees(),
			},
			[][]string{{began, "file /", "program /a 755"}, {"program /a 777"}, {"program /a 777 gone"}, {ended(4)}},
		},
		"a look that fails says nothing of what is gone": {
			[]func(sensor.Emit) (telemetry.Coverage, error){sees(process(5, 1, "/a")), fails, sees(process(5, 1, "/a"))},
			[][]string{{began, "process 5/1 /a []"}, nil, nil, {"looks 3 failed 1 ended"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			leaks(t)
			d := drive(t, &script{looks: c.looks}, NewTurn())
			for i, want := range c.want[:len(c.want)-1] {
				if i > 0 {
					d.look()
				}
				if diff := cmp.Diff(want, words(d.told())); diff != "" {
					t.Errorf("look %d: want -, got +\n%s", i+1, diff)
				}
			}
			coverage := d.end()
			if diff := cmp.Diff(c.want[len(c.want)-1], words(d.told())); diff != "" {
				t.Errorf("the end: want -, got +\n%s", diff)
			}
			if p := coverage.Part("looks"); coverage.State != telemetry.Complete || p.State != telemetry.Partial || !strings.Contains(p.Reason, "from one to the next") {
				t.Errorf("%+v", coverage)
			}
		})
	}
}

// TestCoverage: the first look and the last one say how far the whole is known, those
// between only what came and went.
func TestCoverage(t *testing.T) {
	partial := func(emit sensor.Emit) (telemetry.Coverage, error) {
		return telemetry.Coverage{State: telemetry.Partial, Reason: "half", Parts: []telemetry.Part{{Name: "containers", State: telemetry.Partial, Reason: "half"}}}, nil
	}
	whole := sees()
	for name, c := range map[string]struct {
		looks []func(sensor.Emit) (telemetry.Coverage, error)
		state telemetry.State
		want  string // in the reason
		part  string // in that of the looks
	}{
		"all are whole":        {[]func(sensor.Emit) (telemetry.Coverage, error){whole, whole, whole}, telemetry.Complete, "", "3 looks"},
		"one between is not":   {[]func(sensor.Emit) (telemetry.Coverage, error){whole, partial, whole}, telemetry.Complete, "", "3 looks"},
		"one between fails":    {[]func(sensor.Emit) (telemetry.Coverage, error){whole, fails, whole}, telemetry.Complete, "", "1 more failed"},
		"the first is not":     {[]func(sensor.Emit) (telemetry.Coverage, error){partial, whole, whole}, telemetry.Partial, "at the first look: half", ""},
		"the first fails":      {[]func(sensor.Emit) (telemetry.Coverage, error){fails, whole, whole}, telemetry.Partial, "at the first look: odd", ""},
		"the last is not":      {[]func(sensor.Emit) (telemetry.Coverage, error){whole, whole, partial}, telemetry.Partial, "half", ""},
		"the last fails":       {[]func(sensor.Emit) (telemetry.Coverage, error){whole, whole, fails}, telemetry.Partial, "the last look failed (odd)", ""},
		"none comes to an end": {[]func(sensor.Emit) (telemetry.Coverage, error){fails}, telemetry.Failed, "odd", ""},
	} {
		t.Run(name, func(t *testing.T) {
			leaks(t)
			d := drive(t, &script{looks: c.looks}, NewTurn())
			d.look()
			got := d.end()
			if got.State != c.state || !strings.Contains(got.Reason, c.want) || !strings.Contains(got.Part("looks").Reason, c.part) {
				t.Errorf("%+v", got)
			}
			if name == "the last is not" && got.Part("containers").Reason != "half" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestChurn has 120,000 short processes within an hour: what is remembered does not grow,
// each is told, and one that would be beyond the bound is counted.
func TestChurn(t *testing.T) {
	const each, looks = 2000, 60
	n := 0
	s := newSeries(nil)
	told, gone := 0, 0
	s.emit = func(r telemetry.Record) error {
		if p, ok := r.(*telemetry.Process); ok && p.Gone {
			gone++
		} else if ok {
			told++
		}
		return nil
	}
	s.maxTold = 150_000
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	var early uint64
	for i := range looks {
		err := s.look(time.Unix(int64(60*i), 0), i == looks-1, func(see sensor.Emit) (telemetry.Coverage, error) {
			for range each {
				n++
				if err := see(&telemetry.Process{PID: n % 30_000, Started: int64(n), Name: "short", Exe: "/usr/bin/short"}); err != nil {
					return telemetry.Coverage{}, err
				}
			}
			return telemetry.Coverage{State: telemetry.Complete}, nil
		})
		if err != nil || len(s.kept) > each {
			t.Fatalf("look %d: %v, %d are remembered", i, err, len(s.kept))
		}
		if i == 4 {
			early = memory()
		}
	}
	if late := memory(); late > early+1<<20 {
		t.Errorf("the heap has grown from %d to %d bytes", early, late)
	}
	if told+int(s.record.Missed) != n || s.record.Missed == 0 || s.told > s.maxTold+2*each {
		t.Errorf("of %d processes %d were told, %d gone, and %d counted as missed; %d records", n, told, gone, s.record.Missed, s.told)
	}
	if c := s.coverage(); c.State != telemetry.Complete || !strings.Contains(c.Part("looks").Reason, "was not told") {
		t.Errorf("%+v", c)
	}
}

// What is there at once beyond the bound is told, but not followed, and that is said.
func TestTooMuchAtOnce(t *testing.T) {
	var all []telemetry.Record
	for i := range 10 {
		all = append(all, process(i, 1, "/a"))
	}
	told := map[int]bool{}
	s := newSeries(func(r telemetry.Record) error {
		told[r.(*telemetry.Process).PID] = true
		return nil
	})
	s.maxKept = 4
	for i := range 3 {
		if err := s.look(time.Unix(int64(i), 0), i == 2, sees(all...)); err != nil {
			t.Fatal(err)
		}
	}
	if c := s.coverage(); len(told) != 10 || len(s.kept) != 4 || c.State != telemetry.Partial || !strings.Contains(c.Reason, "only 4 records") {
		t.Errorf("%d are told, %d remembered: %+v", len(told), len(s.kept), c)
	}
}

// One sensor looks at a time; the others wait, and the pause is never shorter than what
// the looks may take.
func TestTurn(t *testing.T) {
	leaks(t)
	turn := NewTurn()
	d := drive(t, &script{looks: []func(sensor.Emit) (telemetry.Coverage, error){func(emit sensor.Emit) (telemetry.Coverage, error) {
		if len(turn) != 1 {
			t.Error("it looks, and it is nobody's turn")
		}
		for before := spent(); spent()-before < 200*time.Millisecond; {
			// It takes a processor.
		}
		return telemetry.Coverage{State: telemetry.Complete}, nil
	}}}, turn)
	d.look()
	turn <- struct{}{} // another one looks
	d.cancel()
	<-turn
	if c := <-d.over; c.State != telemetry.Complete {
		t.Errorf("%+v", c)
	}
	for _, pause := range d.pauses {
		if pause < share*200*time.Millisecond {
			t.Errorf("after a look of 200 ms there is a pause of %v", pause)
		}
	}
}

// When nobody takes the records any more the observation is over.
func TestNobodyListens(t *testing.T) {
	over := errors.New("over")
	o := New(&script{looks: []func(sensor.Emit) (telemetry.Coverage, error){sees(process(1, 1, "/a"))}}, NewTurn())
	n := 0
	_, err := o.Observe(t.Context(), &sensor.Host{Live: true}, func(telemetry.Record) error {
		if n++; n > 1 {
			return over
		}
		return nil
	})
	if !errors.Is(err, over) {
		t.Errorf("%v", err)
	}
	if c, err := o.Observe(t.Context(), &sensor.Host{}, nil); err != nil || c.State != telemetry.NotCollected {
		t.Errorf("of an image: %+v %v", c, err)
	}
}
