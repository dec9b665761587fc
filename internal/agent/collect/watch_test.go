package collect

import (
	"context"
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"assay/internal/agent/spool"
	"assay/internal/sensor"
	"assay/internal/telemetry"
)

type observer struct {
	fake
	observe func(context.Context, sensor.Emit) (telemetry.Coverage, error)
}

func (o observer) Observe(ctx context.Context, _ *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	return o.observe(ctx, emit)
}

// watching emits n records at once, and as many when it is told to stop.
func watching(n, size int) observer {
	return observer{fake{name: "test"}, func(ctx context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
		for range 2 {
			for i := range n {
				if err := emit(record(i, size)); err != nil {
					return telemetry.Coverage{}, err
				}
			}
			<-ctx.Done()
		}
		return telemetry.Coverage{State: telemetry.Complete}, nil
	}}
}

func flush(t *testing.T, w *Watch) bool {
	t.Helper()
	synctest.Wait()
	stored, err := w.Flush()
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := job(t, spool.Options{})
		w := j.Watch(watching(7, 100), false)
		if !flush(t, w) || flush(t, w) {
			t.Error("what was observed is not stored once")
		}
		p := j.Spool.Progress("r")
		if p.Last != 1 || p.Done["test"] || p.Parts["test"] != 7 {
			t.Errorf("after the first part: %+v", p)
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
		if segments, word := read(t, j.Spool); segments != 2 || word.State != telemetry.Complete || word.Records != 14 {
			t.Errorf("%d segments, %+v", segments, word)
		}
		if p := j.Spool.Progress("r"); !p.Done["test"] || len(p.Parts) != 0 {
			t.Errorf("at the end: %+v", p)
		}
	})
}

// A sensor that is told of more than fits has to wait, and loses nothing.
func TestWatchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := job(t, spool.Options{})
		w := j.Watch(watching(3*maxWaiting, 10), false)
		flush(t, w)
		if n := j.Spool.Progress("r").Parts["test"]; n != maxWaiting {
			t.Errorf("%d records are stored at first", n)
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
		if _, word := read(t, j.Spool); word.State != telemetry.Complete || word.Records != 6*maxWaiting {
			t.Errorf("%+v", word)
		}
	})
}

// What an earlier process has seen is counted, and that there is a gap is told.
func TestWatchAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := job(t, spool.Options{})
		w := j.Watch(watching(5, 10), false)
		flush(t, w)
		w.Drop()
		w = j.Watch(watching(2, 10), true)
		flush(t, w)
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
		if _, word := read(t, j.Spool); word.State != telemetry.Partial || !strings.Contains(word.Reason, "started again") || word.Records != 9 {
			t.Errorf("%+v", word)
		}
	})
}

// It is told of each part, too, of a sensor that has another reason not to be complete.
func TestPartsAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := job(t, spool.Options{})
		o := watching(1, 10)
		o.observe = func(ctx context.Context, _ sensor.Emit) (telemetry.Coverage, error) {
			<-ctx.Done()
			return telemetry.Coverage{State: telemetry.Partial, Reason: "one is short", Parts: []telemetry.Part{
				{Name: "one", State: telemetry.Partial, Reason: "short"}, {Name: "other", State: telemetry.Complete},
			}}, nil
		}
		if err := j.Watch(o, true).End(); err != nil {
			t.Fatal(err)
		}
		_, word := read(t, j.Spool)
		if other := word.Part("other"); word.Reason != "one is short" || other.State != telemetry.Partial || !strings.Contains(other.Reason, "started again") {
			t.Errorf("%+v", word)
		}
	})
}

func TestWatchOfWhatFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		observe func(context.Context, sensor.Emit) (telemetry.Coverage, error)
		state   telemetry.State
		reason  string
	}{
		{"ends early", func(_ context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
			return telemetry.Coverage{}, errors.Join(emit(record(1, 1)), errors.New("odd"))
		}, telemetry.Partial, "odd"},
		{"crashes", func(context.Context, sensor.Emit) (telemetry.Coverage, error) { panic("secret") }, telemetry.Failed, "crashed"},
		{"tells too much at once", func(_ context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
			return telemetry.Coverage{State: telemetry.Complete}, emit(record(1, telemetry.MaxLine))
		}, telemetry.Failed, "could not be stored"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := job(t, spool.Options{})
				w := j.Watch(observer{fake{name: "test"}, c.observe}, false)
				synctest.Wait()
				_, _ = w.Flush()
				if err := w.End(); err != nil {
					t.Fatal(err)
				}
				_, word := read(t, j.Spool)
				if word.State != c.state && word.State != telemetry.Partial || !strings.Contains(word.Reason, c.reason) || strings.Contains(word.Reason, "secret") {
					t.Errorf("%+v", word)
				}
			})
		})
	}
}

// Without room what was observed is kept until there is some; at the end the word says
// what is missing.
func TestWatchOnAFullDisk(t *testing.T) {
	for _, room := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d := &disk{left: 0}
			j := job(t, spool.Options{Create: func(name string) (spool.File, error) {
				f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				return file{f, d}, err
			}})
			w := j.Watch(watching(50, 1000), false)
			synctest.Wait()
			if _, err := w.Flush(); !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("the disk is full: %v", err)
			}
			d.left = 2000
			if room {
				d.left = 1 << 30
			}
			if err := w.End(); err != nil {
				if room || j.Spool.Progress("r").Done["test"] {
					t.Fatal(err)
				}
				return // not even the word found room: the caller fails the run
			}
			_, word := read(t, j.Spool)
			if room && (word.State != telemetry.Complete || word.Records != 100) || !room && word.State == telemetry.Complete {
				t.Errorf("with room %v: %+v", room, word)
			}
		})
	}
}
