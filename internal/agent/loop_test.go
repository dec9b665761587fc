package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/agent/credential"
	"assay/internal/agent/gatewaytest"
	"assay/internal/agent/spool"
	"assay/internal/agent/uplink"
	"assay/internal/sensor"
	"assay/internal/wire"
)

// service is a service in memory, for tests in synctest's time.
type service struct {
	beat  func(wire.Heartbeat) (wire.HeartbeatResponse, error)
	times []time.Time
}

func (s *service) Heartbeat(_ context.Context, h wire.Heartbeat) (wire.HeartbeatResponse, []wire.Refusal, error) {
	s.times = append(s.times, time.Now())
	r, err := s.beat(h)
	return r, nil, err
}

func (s *service) Renew(context.Context, wire.RenewRequest) (wire.RenewResponse, error) {
	return wire.RenewResponse{}, errors.New("the test renews nothing")
}

func (s *service) PutSegment(context.Context, string, int64, int64, func() (io.ReadCloser, error)) (int64, error) {
	return 0, errors.New("the test takes nothing")
}

func (s *service) Complete(context.Context, string, wire.CompleteRequest) error { return nil }
func (s *service) Close()                                                       {}

// identity is one that a door has issued, with a life around the time of
// synctest's clock.
func identity(t *testing.T) *atomic.Pointer[credential.Identity] {
	t.Helper()
	g := gatewaytest.New(t)
	g.Backdate, g.Life = 200*365*24*time.Hour, 1000*time.Hour
	trust, err := uplink.TrustPEM(g.CA)
	if err != nil {
		t.Fatal(err)
	}
	id, err := credential.Enroll(t.Context(), credential.Request{Server: g.URL, Token: gatewaytest.Token, Trust: trust})
	if err != nil {
		t.Fatal(err)
	}
	id.Interval = 30
	p := new(atomic.Pointer[credential.Identity])
	p.Store(&id)
	return p
}

// gaps runs an agent for a time and returns the pauses between its heartbeats,
// in seconds.
func gaps(t *testing.T, how time.Duration, beat func(n int) (wire.HeartbeatResponse, error)) (list []float64) {
	id := identity(t)
	synctest.Test(t, func(t *testing.T) {
		sp, err := spool.New(t.TempDir(), spool.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		s := &service{beat: func(wire.Heartbeat) (wire.HeartbeatResponse, error) { n++; return beat(n) }}
		a := newAgent(Config{State: t.TempDir(), Log: slog.New(slog.DiscardHandler), Host: &sensor.Host{}}, id, sp, s, s)
		ctx, cancel := context.WithTimeout(t.Context(), how)
		defer cancel()
		a.run(ctx)
		for i := 1; i < len(s.times); i++ {
			list = append(list, s.times[i].Sub(s.times[i-1]).Seconds())
		}
	})
	return list
}

func within(t *testing.T, got []float64, bounds ...[2]float64) {
	t.Helper()
	if len(got) < len(bounds) {
		t.Fatalf("there were %d pauses: %v", len(got), got)
	}
	for i, b := range bounds {
		if got[i] < b[0] || got[i] > b[1] {
			t.Errorf("pause %d is %.1f s, not between %.1f and %.1f", i+1, got[i], b[0], b[1])
		}
	}
}

func TestHeartbeatsKeepTheInterval(t *testing.T) {
	got := gaps(t, 10*time.Minute, func(int) (wire.HeartbeatResponse, error) {
		return wire.HeartbeatResponse{Now: time.Now(), Interval: 60}, nil
	})
	within(t, got, [2]float64{54, 66}, [2]float64{54, 66}, [2]float64{54, 66})
}

func TestBackoff(t *testing.T) {
	got := gaps(t, time.Hour, func(n int) (wire.HeartbeatResponse, error) {
		if n == 12 {
			return wire.HeartbeatResponse{Now: time.Now(), Interval: 30}, nil
		}
		return wire.HeartbeatResponse{}, errors.New("out of order")
	})
	within(t, got, [2]float64{0.9, 1.1}, [2]float64{1.8, 2.2}, [2]float64{3.6, 4.4}, [2]float64{7.2, 8.8}, [2]float64{14.4, 17.6},
		[2]float64{28.8, 35.2}, [2]float64{57.6, 70.4}, [2]float64{108, 132}, [2]float64{108, 132}, [2]float64{108, 132}, [2]float64{108, 132},
		[2]float64{27, 33}, [2]float64{0.9, 1.1})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	got := gaps(t, time.Hour, func(int) (wire.HeartbeatResponse, error) {
		return wire.HeartbeatResponse{}, &uplink.StatusError{Status: 503, RetryAfter: 10 * time.Minute}
	})
	within(t, got, [2]float64{600, 750}, [2]float64{600, 750})
}

func TestAnAnswerWithoutATimeIsNotObeyed(t *testing.T) {
	got := gaps(t, time.Minute, func(int) (wire.HeartbeatResponse, error) { return wire.HeartbeatResponse{Interval: 30}, nil })
	within(t, got, [2]float64{0.9, 1.1}, [2]float64{1.8, 2.2})
}

func TestTroublesAreLoggedOnceUntilTheyChange(t *testing.T) {
	var log strings.Builder
	tr := newTroubles(slog.New(slog.NewTextHandler(&log, nil)))
	one, two := errors.New("one"), errors.New("two")
	for _, err := range []error{nil, one, one, one, two, two, nil, nil, one} {
		tr.set("disk", err)
	}
	tr.set("net", two)
	if n := strings.Count(log.String(), "\n"); n != 5 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
	if diff := cmp.Diff([]string{"disk: one"}, tr.list("net")); diff != "" {
		t.Error(diff)
	}
	tr.set("net", errors.New(strings.Repeat("ä", 10_000)))
	if got := tr.list("disk"); len(got) != 1 || len(got[0]) > maxTrouble+20 {
		t.Errorf("a long error is not bounded: %d bytes", len(got[0]))
	}
}

func TestRefusalsAreReportedOnce(t *testing.T) {
	var r refusals
	a := wire.Refusal{Instruction: "a", Reason: "odd"}
	b := wire.Refusal{Instruction: "b", Reason: "odd"}
	if news := r.keep([]wire.Refusal{a, b}); len(news) != 2 {
		t.Errorf("new are %v", news)
	}
	told := r.pending()
	if news := r.keep([]wire.Refusal{a}); len(news) != 0 {
		t.Errorf("new are %v", news)
	}
	// b is gone and was not reported yet: the heartbeat was lost.
	if diff := cmp.Diff([]wire.Refusal{a, b}, r.pending()); diff != "" {
		t.Error(diff)
	}
	r.reported(told)
	r.keep([]wire.Refusal{a})
	if got := r.pending(); len(got) != 0 || len(r.list) != 1 {
		t.Errorf("after the report: %v, remembered %v", got, r.list)
	}
}

func TestRunsOfAnotherIdentityAreDropped(t *testing.T) {
	sp, err := spool.New(t.TempDir(), spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := sp.Begin(spool.Run{ID: "r", Agent: "i-0123456789abcdef0", Sensors: []string{"a"}}); err != nil {
		t.Fatal(err)
	}
	s := &service{}
	a := newAgent(Config{State: t.TempDir(), Log: slog.New(slog.DiscardHandler)}, identity(t), sp, s, s)
	a.dropForeign()
	if runs := sp.Runs(); len(runs) != 0 {
		t.Errorf("there are still %v", runs)
	}
}

// A service that is no longer itself asks for more runs than there can be, and for
// one that never ends.
func TestRunsAreBounded(t *testing.T) {
	sp, err := spool.New(t.TempDir(), spool.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &service{}
	a := newAgent(Config{State: t.TempDir(), Log: slog.New(slog.DiscardHandler)}, identity(t), sp, s, s)
	now := time.Now()
	a.clock.set(now)
	response := wire.HeartbeatResponse{Now: now, Instructions: []wire.Instruction{
		{ID: "for ever", Action: wire.ActionOn, Run: "0-forever", Until: now.Add(1000 * time.Hour)},
	}}
	for i := range 3 * maxRuns {
		response.Instructions = append(response.Instructions, wire.Instruction{ID: fmt.Sprint(i), Action: wire.ActionOff, Run: fmt.Sprintf("0-%d", i)})
	}
	a.obey(response, nil)
	if n := len(sp.Runs()); n != maxRuns {
		t.Errorf("the agent has begun %d runs", n)
	}
	if _, ok := sp.Run("0-forever"); ok {
		t.Error("the agent has begun a run of six weeks")
	}
	if n := len(a.refusals.pending()); n != maxRefusals {
		t.Errorf("%d refusals are reported", n)
	}
}
