package spool_test

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"assay/internal/agent/spool"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Every step of the model waits for the disk.
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// tb is what testing.T and rapid.T have in common.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

func open(t tb, dir string, o spool.Options) *spool.Spool {
	t.Helper()
	s, err := spool.New(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func begin(t tb, s *spool.Spool, id string) {
	t.Helper()
	if err := s.Begin(spool.Run{ID: id, Agent: "i-1", Sensors: []string{"a", "b"}, Accepted: time.Now().UTC()}); err != nil {
		t.Fatal(err)
	}
}

// stage writes segments of a sensor and does not commit them.
func stage(t tb, s *spool.Spool, id, sensor string, segments ...string) *spool.Stage {
	t.Helper()
	st, err := s.Stage(id, sensor)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range segments {
		g, err := st.Create(false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(g, text); err != nil {
			t.Fatal(err)
		}
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return st
}

func commit(t tb, s *spool.Spool, id, sensor string, segments ...string) {
	t.Helper()
	if err := stage(t, s, id, sensor, segments...).Commit(); err != nil {
		t.Fatal(err)
	}
}

// waiting reads what is to be sent, without acknowledging.
func waiting(t tb, s *spool.Spool, id string) map[int64]string {
	t.Helper()
	p := s.Progress(id)
	all := map[int64]string{}
	for n := p.Acked + 1; n <= p.Last; n++ {
		f, err := s.OpenSegment(id, n)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		all[n] = string(data)
	}
	return all
}

func equal(t tb, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: %s", what, diff)
	}
}

// TestCrash stops between each pair of durable steps, by opening the folder
// again as it is at that moment.
func TestCrash(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	check := func(when string, want map[int64]string, done map[string]bool) {
		t.Helper()
		copied := t.TempDir()
		if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		again := open(t, copied, spool.Options{})
		equal(t, when, want, waiting(t, again, "r"))
		equal(t, when, done, again.Progress("r").Done)
		var bytes int64
		for _, text := range want {
			bytes += int64(len(text))
		}
		_, got, _ := again.Usage()
		equal(t, when+", bytes", bytes, got)
	}
	none := map[string]bool{}
	if err := os.MkdirAll(filepath.Join(dir, "r"), 0o700); err != nil {
		t.Fatal(err)
	}
	check("a run's folder is made", map[int64]string{}, none)
	begin(t, s, "r")
	check("a run is begun", map[int64]string{}, none)
	st := stage(t, s, "r", "a", "one", "two")
	check("segments are staged", map[int64]string{}, none)
	if err := st.Commit(); err != nil {
		t.Fatal(err)
	}
	check("a sensor is committed", map[int64]string{1: "one", 2: "two"}, map[string]bool{"a": true})
	if err := s.Ack("r", 1); err != nil {
		t.Fatal(err)
	}
	check("a segment is acknowledged", map[int64]string{2: "two"}, map[string]bool{"a": true})
	st = stage(t, s, "r", "b", "three")
	check("another sensor is staged", map[int64]string{2: "two"}, map[string]bool{"a": true})
	if err := st.Commit(); err != nil {
		t.Fatal(err)
	}
	both := map[string]bool{"a": true, "b": true}
	check("another sensor is committed", map[int64]string{2: "two", 3: "three"}, both)
	if err := s.Ack("r", 3); err != nil {
		t.Fatal(err)
	}
	check("all is acknowledged", map[int64]string{}, both)
	equal(t, "the last number", int64(3), open(t, dir, spool.Options{}).Progress("r").Last)
}

func TestEndedRuns(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, spool.Options{})
	begin(t, s, "r")
	commit(t, s, "r", "a", "one")
	if err := s.Finish("r", spool.GivenUp, "it was time"); err != nil {
		t.Fatal(err)
	}
	if n, bytes, _ := s.Usage(); n != 0 || bytes != 0 {
		t.Errorf("%d segments and %d bytes are left", n, bytes)
	}
	again := open(t, dir, spool.Options{})
	if r, ok := again.Run("r"); !ok || r.State != spool.GivenUp || r.Reason != "it was time" {
		t.Errorf("after a restart it is %+v", r)
	}
	if err := again.Forget("r"); err != nil {
		t.Fatal(err)
	}
	equal(t, "runs", 0, len(open(t, dir, spool.Options{}).Runs()))
}

func TestLimit(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{Limit: 10})
	begin(t, s, "r")
	commit(t, s, "r", "a", "12345678")
	st, err := s.Stage("r", "b")
	if err != nil {
		t.Fatal(err)
	}
	g, err := st.Create(false)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.WriteString(g, "123"); n != 0 || !errors.Is(err, spool.ErrFull) {
		t.Errorf("beyond the limit: %d bytes, %v", n, err)
	}
	freed := s.Freed()
	if err := s.Ack("r", 1); err != nil {
		t.Fatal(err)
	}
	select {
	case <-freed:
	default:
		t.Error("room was made and nobody was told")
	}
	if _, err := io.WriteString(g, "123"); err != nil || !st.Alone() {
		t.Errorf("after room was made: %v", err)
	}
	if err := g.Discard(); err != nil {
		t.Fatal(err)
	}
	last, err := st.Create(true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := last.Write(make([]byte, 1000)); err != nil {
		t.Errorf("the last word has its reserve: %v", err)
	}
	if err := last.Close(); err != nil {
		t.Fatal(err)
	}
	if err := st.Commit(); err != nil {
		t.Fatal(err)
	}
}

// failing is a file whose operations fail.
type failing struct {
	spool.File
	write, sync error
}

func (f failing) Write(p []byte) (int, error) {
	if f.write != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, f.write
	}
	return f.File.Write(p)
}

func (f failing) Sync() error {
	if f.sync != nil {
		return f.sync
	}
	return f.File.Sync()
}

func TestErrorsOfTheDisk(t *testing.T) {
	var disk failing
	s := open(t, t.TempDir(), spool.Options{Create: func(name string) (spool.File, error) {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		return failing{f, disk.write, disk.sync}, err
	}})
	begin(t, s, "r")
	commit(t, s, "r", "a", "kept")
	for name, d := range map[string]failing{"write": {write: syscall.ENOSPC}, "sync": {sync: syscall.EIO}} {
		disk = d
		st, err := s.Stage("r", "b")
		if err != nil {
			t.Fatal(err)
		}
		g, err := st.Create(false)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.WriteString(g, "12345678")
		if d.write != nil && (!errors.Is(err, syscall.ENOSPC) || g.Size() != int64(n)) {
			t.Errorf("%s: %v, %d bytes are counted", name, err, g.Size())
		}
		if d.sync != nil {
			if err := g.Close(); !errors.Is(err, syscall.EIO) {
				t.Errorf("%s: %v", name, err)
			}
		} else if err := g.Discard(); err != nil {
			t.Fatal(err)
		}
		if err := st.Commit(); err == nil {
			t.Errorf("%s: a sensor without a durable segment was committed", name)
		}
		disk = failing{}
		equal(t, name, map[int64]string{1: "kept"}, waiting(t, s, "r"))
		_, bytes, _ := s.Usage()
		equal(t, name+", bytes", int64(4), bytes)
	}
}

func TestNamesStayInTheSpool(t *testing.T) {
	s := open(t, t.TempDir(), spool.Options{})
	for _, id := range []string{"", "..", "a/b", "-x", "a.b", "a\x00b", string(make([]byte, 65))} {
		if err := s.Begin(spool.Run{ID: id}); err == nil {
			t.Errorf("a run has the id %q", id)
		}
	}
	begin(t, s, "r")
	if _, err := s.Stage("r", "../x"); err == nil {
		t.Error("a sensor's name leads out of its folder")
	}
}

// TestModel compares the spool with a list, over restarts.
func TestModel(t *testing.T) {
	parent := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(parent, "")
		if err != nil {
			r.Fatal(err)
		}
		s := open(r, dir, spool.Options{})
		begin(r, s, "r")
		acked, all, sensors := int64(0), []string{}, 0
		r.Repeat(map[string]func(*rapid.T){
			"commit": func(r *rapid.T) {
				texts := rapid.SliceOfN(rapid.StringN(1, 5, 20), 1, 3).Draw(r, "segments")
				commit(r, s, "r", "s"+string(rune('a'+sensors%26)), texts...)
				sensors++
				all = append(all, texts...)
			},
			"overtake": func(r *rapid.T) {
				texts := rapid.SliceOfN(rapid.StringN(1, 5, 20), 1, 3).Draw(r, "segments")
				slow := stage(r, s, "r", "slow", texts...)
				for _, part := range rapid.SliceOfN(rapid.StringN(1, 5, 20), 0, 3).Draw(r, "parts") {
					if err := stage(r, s, "r", "watch", part).CommitPart(1); err != nil {
						r.Fatal(err)
					}
					all = append(all, part)
				}
				renumber(r, slow)
				if err := slow.Commit(); err != nil {
					r.Fatal(err)
				}
				all = append(all, texts...)
			},
			"abandon": func(r *rapid.T) { stage(r, s, "r", "lost", "x", "y") },
			"acknowledge": func(r *rapid.T) {
				acked = rapid.Int64Range(acked, int64(len(all))).Draw(r, "up to")
				if err := s.Ack("r", acked); err != nil {
					r.Fatal(err)
				}
			},
			"restart": func(r *rapid.T) { s = open(r, dir, spool.Options{}) },
			"": func(r *rapid.T) {
				want := map[int64]string{}
				for i := acked; i < int64(len(all)); i++ {
					want[i+1] = all[i]
				}
				equal(r, "what waits", want, waiting(r, s, "r"))
			},
		})
	})
}
