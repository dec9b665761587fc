package agent_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"assay/internal/agent/gatewaytest"
	"assay/internal/wire"
	"github.com/google/go-cmp/cmp"
)

func TestLostAcknowledgements(t *testing.T) {
	t.Parallel()
	g := gatewaytest.New(t)
	dir := enrolled(t, g)
	g.Orders = []any{on("0-lossy", "big", "small")}
	var mu sync.Mutex
	seen := map[string]bool{}
	g.Hook = func(w http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		again := seen[r.URL.Path]
		seen[r.URL.Path] = true
		mu.Unlock()
		if again || !strings.Contains(r.URL.Path, "/runs/") {
			return false
		}
		// The work is done, and the agent does not hear of it.
		g.Answer(httptest.NewRecorder(), r)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
		return true
	}
	start(t, dir, some("big", 30, 100_000), some("small", 3, 10))
	until(t, "the run is complete", finished(g, "0-lossy"))
	r := g.Run("0-lossy")
	if diff := cmp.Diff(map[string]int64{"big": 30, "small": 3}, counts(t, r)); diff != "" {
		t.Error(diff)
	}
	if r.Puts < 2*len(r.Segments)-1 {
		t.Errorf("%d segments came in %d requests: the test lost nothing", len(r.Segments), r.Puts)
	}
}

// once answers the first request for a segment as told.
func once(answer http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	var first sync.Once
	return func(w http.ResponseWriter, r *http.Request) bool {
		answered := false
		if strings.Contains(r.URL.Path, "/segments/") {
			first.Do(func() { answer(w, r); answered = true })
		}
		return answered
	}
}

func TestAnswersToSegments(t *testing.T) {
	t.Parallel()
	refuse := func(status int, e wire.Error) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if status == http.StatusServiceUnavailable {
				w.Header().Set("Retry-After", "1")
			}
			gatewaytest.Refuse(w, status, e)
		}
	}
	tests := []struct {
		name   string
		answer func(*gatewaytest.Gateway) http.HandlerFunc
		done   bool // else given up
	}{
		{"503", func(*gatewaytest.Gateway) http.HandlerFunc { return refuse(503, wire.Error{Message: "later"}) }, true},
		{"429", func(*gatewaytest.Gateway) http.HandlerFunc { return refuse(429, wire.Error{Message: "slower"}) }, true},
		{"500 without a document", func(*gatewaytest.Gateway) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { http.Error(w, "<html>", 500) }
		}, true},
		{"401", func(*gatewaytest.Gateway) http.HandlerFunc { return refuse(401, wire.Error{Message: "who"}) }, true},
		{"409, the service has it", func(g *gatewaytest.Gateway) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				g.Answer(httptest.NewRecorder(), r)
				gatewaytest.Refuse(w, 409, wire.Error{Code: "out_of_order", Message: "had it", Expected: 2})
			}
		}, true},
		{"409, the service has what was never sent", func(*gatewaytest.Gateway) http.HandlerFunc {
			return refuse(409, wire.Error{Message: "x", Expected: 99})
		}, false},
		{"409, the service wants the same", func(*gatewaytest.Gateway) http.HandlerFunc { return refuse(409, wire.Error{Message: "x", Expected: 1}) }, false},
		{"410", func(*gatewaytest.Gateway) http.HandlerFunc { return refuse(410, wire.Error{Message: "over"}) }, false},
		{"422", func(*gatewaytest.Gateway) http.HandlerFunc { return refuse(422, wire.Error{Message: "what"}) }, false},
		{"an acknowledgement of more than there is", func(*gatewaytest.Gateway) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"sequence":99}`) }
		}, true},
		{"an answer that is too large", func(*gatewaytest.Gateway) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprintf(w, `{"sequence":1%s}`, strings.Repeat(" ", wire.MaxDocument))
			}
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := gatewaytest.New(t)
			dir := enrolled(t, g)
			g.Orders = []any{on("0-run", "a", "b")}
			g.Hook = once(test.answer(g))
			start(t, dir, some("a", 2, 2), some("b", 2, 2))
			if test.done {
				until(t, "the run is complete", finished(g, "0-run"))
				if diff := cmp.Diff(map[string]int64{"a": 2, "b": 2}, counts(t, g.Run("0-run"))); diff != "" {
					t.Error(diff)
				}
				return
			}
			until(t, "the run is reported as failed", func() bool {
				beats := g.Beats()
				i := slices.IndexFunc(beats, func(b wire.Heartbeat) bool {
					return len(b.Runs) == 1 && b.Runs[0].State == "failed" && b.Runs[0].Reason != ""
				})
				return i >= 0 && len(beats) > i+2
			})
			if r := g.Run("0-run"); r.Complete != nil || r.Puts > 0 {
				t.Errorf("the run went on after it was given up: %+v", r)
			}
		})
	}
}
