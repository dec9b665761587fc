package cli

import (
	"context"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"assay/internal/service"
)

// door is a service whose answers a test makes up, and a client of it.
func door(t *testing.T, answer http.HandlerFunc) *client {
	t.Helper()
	url, bundle := doorOf(t, answer)
	client, err := new(Command).newClientOf(service.Client{Endpoint: url + "/", Region: "xx-local-1", AccessKey: "A", Secret: "s"}, bundle)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.http.CloseIdleConnections)
	return client
}

// doorOf is the address of such a service, and the file of the certificates to trust.
func doorOf(t *testing.T, answer http.HandlerFunc) (url, bundle string) {
	t.Helper()
	server := httptest.NewTLSServer(answer)
	t.Cleanup(server.Close)
	bundle = filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	return server.URL, bundle
}

func TestPatience(t *testing.T) {
	for name, test := range map[string]struct {
		operation string
		patience  time.Duration
		answers   []int // the last one is repeated; 0: the connection is cut
		calls     int64 // -1: more than one
		want      string
	}{
		"at once":                        {"ListAgents", time.Minute, []int{200}, 1, ""},
		"no patience":                    {"ListAgents", 0, []int{503, 200}, 1, "503"},
		"away, then back":                {"ListAgents", time.Minute, []int{503, 0, 200}, 3, ""},
		"what writes is not said twice":  {"CreateEnrollmentToken", time.Minute, []int{503, 200}, 1, "503"},
		"a refusal is no trouble":        {"DescribeAssessmentRuns", time.Minute, []int{400, 200}, 1, "400"},
		"patience comes to an end":       {"GetTelemetryMetadata", 700 * time.Millisecond, []int{0}, -1, "call the service at"},
		"an explanation is read, too":    {"ExplainFindings", time.Minute, []int{500, 200}, 2, ""},
		"starting a run is not repeated": {"StartAssessmentRun", time.Minute, []int{0, 200}, 1, "call the service at"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			client := door(t, func(w http.ResponseWriter, r *http.Request) {
				n := int(calls.Add(1))
				status := test.answers[min(n, len(test.answers))-1]
				if status == 0 {
					panic(http.ErrAbortHandler)
				}
				w.WriteHeader(status)
				w.Write([]byte("{}"))
			})
			client.patience = test.patience
			err := client.call(t.Context(), "X."+test.operation, nil, nil)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
			if got := calls.Load(); test.calls > 0 && got != test.calls || test.calls < 0 && got < 2 {
				t.Errorf("it was called %d times, want %d", got, test.calls)
			}
		})
	}
}

func TestAnswersAreNotTrusted(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		body   string
		want   string
	}{
		"an error of the service": {400, `{"__type":"a#NoSuchEntityException","errorCode":"X","message":"there is none"}`, "there is none (NoSuchEntityException X)"},
		"somebody else":           {404, "<html>not here", "<html>not here (404 Not Found)"},
		"somebody else with JSON": {403, `{"message":"go away"}`, "403 Forbidden"},
		"no JSON":                 {200, "<html>", "read the answer of"},
		"a long page of an error": {502, strings.Repeat("x", 10_000), "502 Bad Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			client := door(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(test.status)
				w.Write([]byte(test.body))
			})
			var out struct{}
			err := client.call(t.Context(), "X.ListAgents", nil, &out)
			if err == nil || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 400 {
				t.Errorf("the error is %.500v, want one with %q", err, test.want)
			}
		})
	}
}

// A list ends with its last page, and not with an empty one before it.
func TestPagesOfFindings(t *testing.T) {
	var lists atomic.Int64
	client := door(t, func(w http.ResponseWriter, r *http.Request) {
		answers := map[string][]string{"ListFindings": {
			`{"findingArns":["a"],"nextToken":"1"}`, `{"findingArns":[],"nextToken":"2"}`, `{"findingArns":["b"]}`,
		}}
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		switch operation {
		case "ListFindings":
			w.Write([]byte(answers[operation][lists.Add(1)-1]))
		case "DescribeFindings":
			w.Write([]byte(`{"findings":[{"arn":"x","severity":"High"}]}`))
		case "ExplainFindings":
			w.Write([]byte(`{"findings":[{"arn":"x"}]}`))
		}
	})
	o := newOutcome()
	if err := client.gatherFindings(t.Context(), o); err != nil || len(o.Findings) != 2 {
		t.Errorf("there are %d findings, %v; want 2", len(o.Findings), err)
	}
}

// A finding that is listed and cannot be read must not be left out in silence.
func TestFindingsThatVanish(t *testing.T) {
	client := door(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "ListFindings") {
			w.Write([]byte(`{"findingArns":["a","b"]}`))
			return
		}
		w.Write([]byte(`{"findings":[{"arn":"a","severity":"High"}]}`))
	})
	if err := client.gatherFindings(t.Context(), newOutcome()); err == nil || !strings.Contains(err.Error(), "1 findings") {
		t.Errorf("the error is %v", err)
	}
}

// Who stops waiting is told that the run goes on, and how to learn of its end.
func TestInterruptedWhileWaiting(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	client := door(t, func(w http.ResponseWriter, r *http.Request) {
		switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); operation {
		case "StartAssessmentRun":
			w.Write([]byte(`{"assessmentRunArn":"the-run"}`))
		case "DescribeAssessmentRuns":
			cancel(errors.New("interrupt signal received"))
			w.Write([]byte(`{"assessmentRuns":[{"state":"COLLECTING_DATA"}]}`))
		default:
			w.Write([]byte(`{}`))
		}
	})
	err := new(Command).assessTarget(ctx, client, "target", assessFlags{duration: time.Hour})
	if err == nil || !strings.HasPrefix(err.Error(), "interrupt signal received; the run goes on") || !strings.Contains(err.Error(), "assay results the-run") {
		t.Errorf("the error is %v", err)
	}
}
