package api

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"assay/internal/access"
)

// A client that hangs up in the middle of a call has not met a failure of the
// service's: nobody is to be woken up for it, and it is recorded all the same.
func TestClientHangsUp(t *testing.T) {
	for _, protocol := range []string{"json", "query"} {
		t.Run(protocol, func(t *testing.T) {
			w := newWorld(t)
			var log bytes.Buffer
			w.api.Log = slog.New(slog.NewTextHandler(&log, nil))
			ctx, hangUp := context.WithCancel(t.Context())
			w.api.Authorize = func(ctx context.Context, _ access.Principal, _ string) error {
				hangUp()
				return ctx.Err()
			}
			w.serveHere(protocol, ctx)
			last := w.calls[len(w.calls)-1]
			if last.Status != 499 || last.Error != "ClientClosedRequest" || last.Who.User != "alice" {
				t.Errorf("the call is noted as %+v", last)
			}
			if strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "cause=") {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

// A bug that a call meets is that call's failure and gets into the log, wherever
// it is, also if the client is gone.
func TestBugInBothProtocols(t *testing.T) {
	for _, protocol := range []string{"json", "query"} {
		t.Run(protocol, func(t *testing.T) {
			w := newWorld(t)
			var log bytes.Buffer
			w.api.Log = slog.New(slog.NewTextHandler(&log, nil))
			w.api.verifier.Source = nil // the first station after the body was read
			ctx, hangUp := context.WithCancel(t.Context())
			hangUp()
			answer := w.serveHere(protocol, ctx)
			if answer.Code != http.StatusInternalServerError || strings.Contains(answer.Body.String(), "nil pointer") {
				t.Errorf("the answer is %d %s", answer.Code, answer.Body)
			}
			if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), "panic") {
				t.Errorf("the log says %s", log.String())
			}
		})
	}
}

// serveHere has a signed call answered without a connection.
func (w *world) serveHere(protocol string, ctx context.Context) *httptest.ResponseRecorder {
	w.t.Helper()
	body, service := "{}", "inspector"
	r := httptest.NewRequestWithContext(ctx, "POST", "https://localhost/", nil)
	r.Header.Set("Content-Type", jsonType)
	if protocol == "query" {
		body, service = "Action=GetCallerIdentity&Version=2011-06-15", "sts"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r.Header.Set("X-Amz-Target", targetPrefix+"ListFindings")
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	w.sign(r, body, service)
	answer := httptest.NewRecorder()
	w.api.ServeHTTP(answer, r)
	return answer
}
