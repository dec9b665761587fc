package collect

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"assay/internal/agent/spool"
	"assay/internal/sensor"
	"assay/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type fake struct {
	name    string
	collect func(context.Context, sensor.Emit) (telemetry.Coverage, error)
}

func (f fake) Describe() sensor.Description { return sensor.Description{Name: f.name} }

func (f fake) Collect(ctx context.Context, _ *sensor.Host, emit sensor.Emit) (telemetry.Coverage, error) {
	return f.collect(ctx, emit)
}

func record(n, size int) telemetry.Record {
	// Not to be compressed away.
	source, value := rand.NewChaCha8([32]byte{byte(n)}), make([]byte, size*3/4)
	source.Read(value)
	return &telemetry.KernelParameter{Name: fmt.Sprint(n), Value: base64.StdEncoding.EncodeToString(value)}
}

func emitting(n, size int, then func(context.Context) (telemetry.Coverage, error)) fake {
	return fake{"test", func(ctx context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
		for i := range n {
			if err := emit(record(i, size)); err != nil {
				return telemetry.Coverage{}, err
			}
		}
		return then(ctx)
	}}
}

func done(context.Context) (telemetry.Coverage, error) {
	return telemetry.Coverage{State: telemetry.Complete}, nil
}

func job(t *testing.T, o spool.Options) Job {
	t.Helper()
	s, err := spool.New(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Begin(spool.Run{ID: "r", Sensors: []string{"test"}}); err != nil {
		t.Fatal(err)
	}
	return Job{Spool: s, Header: telemetry.Header{Agent: "i-1", Run: "r", Root: "/"}, Host: &sensor.Host{}, Wait: 20 * time.Second}
}

// read returns what a run has in the spool: the number of records and the last
// word, and fails where they do not agree.
func read(t *testing.T, s *spool.Spool) (segments int, word telemetry.Coverage) {
	t.Helper()
	p := s.Progress("r")
	var n int64
	for i := p.Acked + 1; i <= p.Last; i++ {
		f, err := s.OpenSegment("r", i)
		if err != nil {
			t.Fatal(err)
		}
		r, err := telemetry.NewReader(f, telemetry.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if h := r.Header(); h.Sequence != i || h.OneSensor != "test" || h.Run != "r" {
			t.Errorf("segment %d has the header %+v", i, h)
		}
		for {
			rec, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if c, ok := rec.(*telemetry.Coverage); ok {
				word = *c
			} else if n++; word.State != "" {
				t.Error("there is a record behind the coverage")
			}
		}
		r.Close()
		f.Close()
		segments++
	}
	if word.Records != n {
		t.Errorf("the coverage counts %d records, there are %d", word.Records, n)
	}
	return segments, word
}

func TestWhateverASensorDoes(t *testing.T) {
	switched := errors.New("switched off")
	tests := []struct {
		name    string
		sensor  fake
		state   telemetry.State
		reason  string
		records int64
	}{
		{"complete", emitting(3, 10, done), telemetry.Complete, "", 3},
		{"large", emitting(50, 100_000, done), telemetry.Complete, "", 50},
		{"nothing", emitting(0, 0, done), telemetry.Complete, "", 0},
		{"says nothing", emitting(1, 1, func(context.Context) (telemetry.Coverage, error) { return telemetry.Coverage{}, nil }), telemetry.Failed, "did not say", 1},
		{"fails", emitting(2, 1, func(context.Context) (telemetry.Coverage, error) { return telemetry.Coverage{}, errors.New("odd") }), telemetry.Partial, "odd", 2},
		{"fails at once", emitting(0, 1, func(context.Context) (telemetry.Coverage, error) { return telemetry.Coverage{}, errors.New("odd") }), telemetry.Failed, "odd", 0},
		{"panics", emitting(2, 1, func(context.Context) (telemetry.Coverage, error) { panic("with a secret") }), telemetry.Failed, "crashed (internal/agent/collect/collect_test.go:", 2},
		{"is slow", emitting(2, 1, func(ctx context.Context) (telemetry.Coverage, error) {
			<-ctx.Done()
			return telemetry.Coverage{}, ctx.Err()
		}), telemetry.Partial, "within 1m0s", 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := job(t, spool.Options{})
				j.Timeout = time.Minute
				if err := j.Run(t.Context(), context.Background(), test.sensor); err != nil {
					t.Fatal(err)
				}
				_, word := read(t, j.Spool)
				if word.State != test.state || !strings.Contains(word.Reason, test.reason) || word.Records != test.records {
					t.Errorf("its coverage is %+v", word)
				}
				if strings.Contains(word.Reason, "secret") {
					t.Errorf("the value of a panic is in the coverage: %s", word.Reason)
				}
			})
		})
	}
	t.Run("is switched off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			j := job(t, spool.Options{})
			stop, cancel := context.WithCancelCause(context.Background())
			slow := emitting(2, 1, func(ctx context.Context) (telemetry.Coverage, error) {
				cancel(switched)
				<-ctx.Done()
				return telemetry.Coverage{}, ctx.Err()
			})
			if err := j.Run(t.Context(), stop, slow); err != nil {
				t.Fatal(err)
			}
			if _, word := read(t, j.Spool); word.State != telemetry.Partial || word.Reason != switched.Error() {
				t.Errorf("its coverage is %+v", word)
			}
		})
	})
	t.Run("the agent stops", func(t *testing.T) {
		j := job(t, spool.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		slow := emitting(2, 1, func(ctx context.Context) (telemetry.Coverage, error) {
			cancel()
			<-ctx.Done()
			return telemetry.Coverage{}, ctx.Err()
		})
		if err := j.Run(ctx, context.Background(), slow); !errors.Is(err, context.Canceled) {
			t.Errorf("it returned %v", err)
		}
		if p := j.Spool.Progress("r"); p.Last != 0 {
			t.Errorf("%d segments were committed", p.Last)
		}
	})
}

func TestASensorThatHangsIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := job(t, spool.Options{})
		wake := make(chan struct{})
		var late error
		over := make(chan struct{})
		hangs := fake{"test", func(_ context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
			defer close(over)
			if err := emit(record(1, 1)); err != nil {
				return telemetry.Coverage{}, err
			}
			<-wake
			late = emit(record(2, 1))
			return telemetry.Coverage{}, late
		}}
		if err := j.Run(t.Context(), context.Background(), hangs); err != nil {
			t.Fatal(err)
		}
		close(wake)
		<-over
		if _, word := read(t, j.Spool); word.State != telemetry.Partial || !strings.Contains(word.Reason, "did not stop") || !errors.Is(late, ErrOver) {
			t.Errorf("its coverage is %+v, and emitting too late returns %v", word, late)
		}
	})
}

func TestFullSpool(t *testing.T) {
	t.Run("room comes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			j := job(t, spool.Options{Limit: 3 << 20})
			other := fill(t, j.Spool, 2<<20)
			var told []error
			j.Waiting = func(err error) {
				told = append(told, err)
				if err != nil {
					go func() {
						if err := j.Spool.Ack(other, 1); err != nil {
							t.Error(err)
						}
					}()
				}
			}
			if err := j.Run(t.Context(), context.Background(), emitting(20, 100_000, done)); err != nil {
				t.Fatal(err)
			}
			if _, word := read(t, j.Spool); word.State != telemetry.Complete || word.Records != 20 {
				t.Errorf("the coverage is %+v", word)
			}
			if len(told) != 2 || !errors.Is(told[0], spool.ErrFull) || told[1] != nil {
				t.Errorf("it was told %v", told)
			}
		})
	})
	t.Run("room does not come", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			j := job(t, spool.Options{Limit: 5 << 20})
			fill(t, j.Spool, 2<<20)
			if err := j.Run(t.Context(), context.Background(), emitting(60, 100_000, done)); err != nil {
				t.Fatal(err)
			}
			if n, word := read(t, j.Spool); n < 2 || word.State != telemetry.Partial || !strings.Contains(word.Reason, "full") || word.Records == 0 {
				t.Errorf("%d segments, the coverage is %+v", n, word)
			}
		})
	})
	t.Run("too much for an empty one", func(t *testing.T) {
		j := job(t, spool.Options{Limit: 1 << 20})
		if err := j.Run(t.Context(), context.Background(), emitting(60, 100_000, done)); err != nil {
			t.Fatal(err)
		}
		if _, word := read(t, j.Spool); word.State != telemetry.Failed && word.State != telemetry.Partial || !strings.Contains(word.Reason, "full") {
			t.Errorf("the coverage is %+v", word)
		}
	})
}

// fill puts a segment of another run into the spool.
func fill(t *testing.T, s *spool.Spool, size int) string {
	t.Helper()
	if err := s.Begin(spool.Run{ID: "other", Sensors: []string{"x"}}); err != nil {
		t.Fatal(err)
	}
	st, err := s.Stage("other", "x")
	if err != nil {
		t.Fatal(err)
	}
	g, err := st.Create(false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(g.Close(), st.Commit()); err != nil {
		t.Fatal(err)
	}
	return "other"
}

// disk is a disk that is full after some bytes, until it is not.
type disk struct{ left int }

type file struct {
	*os.File
	disk *disk
}

func (f file) Write(p []byte) (int, error) {
	n, err := f.File.Write(p[:min(len(p), f.disk.left)])
	f.disk.left -= n
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

func TestFullDisk(t *testing.T) {
	full := func(d *disk) spool.Options {
		return spool.Options{Create: func(name string) (spool.File, error) {
			f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			return file{f, d}, err
		}}
	}
	t.Run("room comes", func(t *testing.T) {
		d := &disk{300_000}
		synctest.Test(t, func(t *testing.T) {
			j := job(t, full(d))
			j.Waiting = func(err error) {
				if errors.Is(err, syscall.ENOSPC) {
					d.left = 1 << 30
				}
			}
			if err := j.Run(t.Context(), context.Background(), emitting(10, 100_000, done)); err != nil {
				t.Fatal(err)
			}
			if _, word := read(t, j.Spool); word.State != telemetry.Complete || word.Records != 10 {
				t.Errorf("the coverage is %+v", word)
			}
		})
	})
	t.Run("no room for anything", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			j := job(t, full(&disk{0}))
			err := j.Run(t.Context(), context.Background(), emitting(10, 100_000, done))
			if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "sensor test") {
				t.Errorf("it returned %v", err)
			}
			if p := j.Spool.Progress("r"); p.Last != 0 {
				t.Errorf("%d segments were committed", p.Last)
			}
		})
	})
}

func TestFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "snapshot")
	bad := emitting(2, 1, func(context.Context) (telemetry.Coverage, error) { panic("odd") })
	good := emitting(3, 1, done)
	good.name = "good"
	long := emitting(1, telemetry.MaxLine, done)
	long.name = "long"
	s := Snapshot{Name: name, Host: &sensor.Host{}, Sensors: []sensor.Sensor{bad, long, good}, Header: telemetry.Header{Root: "/"}}
	coverages, err := s.File(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]telemetry.State{}
	for _, c := range coverages {
		got[c.Sensor] = c.State
	}
	if diff := cmp.Diff(map[string]telemetry.State{"test": telemetry.Failed, "long": telemetry.Failed, "good": telemetry.Complete}, got); diff != "" {
		t.Error(diff)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := telemetry.NewReader(bytes.NewReader(data), telemetry.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n := 0
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 2+3+3 {
		t.Errorf("there are %d records", n)
	}
	// What is cut off leaves the old file.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.File(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after a cancel: %v", err)
	}
	if again, err := os.ReadFile(name); err != nil || !bytes.Equal(again, data) {
		t.Errorf("the old file is not as it was: %v", err)
	}
	if left, err := os.ReadDir(filepath.Dir(name)); err != nil || len(left) != 1 {
		t.Errorf("there are other files: %v %v", left, err)
	}
}

// Sensors that observe do so at the same time: each of these waits for the other one.
func TestFileObserves(t *testing.T) {
	here, there := make(chan struct{}), make(chan struct{})
	meets := func(name string, mine, theirs chan struct{}) observer {
		return observer{fake{name: name}, func(ctx context.Context, emit sensor.Emit) (telemetry.Coverage, error) {
			close(mine)
			<-theirs
			<-ctx.Done()
			return telemetry.Coverage{State: telemetry.Complete}, errors.Join(emit(record(1, 100)), emit(record(2, 100)))
		}}
	}
	once := emitting(3, 100, done)
	once.name = "once"
	s := Snapshot{
		Name: filepath.Join(t.TempDir(), "snapshot"), Host: &sensor.Host{}, Observe: time.Millisecond,
		Sensors: []sensor.Sensor{meets("a", here, there), once, meets("b", there, here)},
	}
	coverages, err := s.File(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"a 2", "once 3", "b 2"} {
		if c := coverages[i]; fmt.Sprint(c.Sensor, " ", c.Records) != want || c.State != telemetry.Complete {
			t.Errorf("%+v, want %s", c, want)
		}
	}
}
