package api

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/access"
	"assay/internal/inspector"
)

// Operations of other services pass the same stations.
func TestOthers(t *testing.T) {
	w, asked, bodies := newWorld(t), []string{}, []string{}
	w.api.Authorize = func(_ context.Context, _ access.Principal, action string) error {
		asked = append(asked, action)
		return nil
	}
	w.api.Others = map[string]Operation{
		"AssayService.Echo": func(_ context.Context, body []byte) (any, error) {
			bodies = append(bodies, string(body))
			return object{"answer": 42}, nil
		},
		"AssayService.Fail": func(context.Context, []byte) (any, error) {
			return nil, inspector.Errorf(inspector.InvalidInput, "INVALID_AGENT_ID", "no")
		},
	}
	target := func(name string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Amz-Target", name) }
	}
	for _, test := range []struct {
		target string
		status int
		text   string
	}{
		{"AssayService.Echo", http.StatusOK, `{"answer":42}`},
		{"AssayService.Fail", http.StatusBadRequest, `"errorCode":"INVALID_AGENT_ID"`},
		{"AssayService.None", http.StatusBadRequest, "UnknownOperationException"},
		{"Echo", http.StatusBadRequest, "UnknownOperationException"},
		{"InspectorService.Echo", http.StatusBadRequest, "UnknownOperationException"},
	} {
		if status, _, data := w.signed("", `{"a":1}`, target(test.target)); status != test.status || !strings.Contains(string(data), test.text) {
			t.Errorf("%s: %d %s", test.target, status, data)
		}
	}
	if status, _, data := w.signedThen("", `{"a":1}`, target("AssayService.Echo")); status != http.StatusBadRequest || !strings.Contains(string(data), "InvalidSignatureException") {
		t.Errorf("a target that was not signed: %d %s", status, data)
	}
	if diff := cmp.Diff([]string{"assay:Echo", "assay:Fail"}, asked); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{`{"a":1}`}, bodies); diff != "" {
		t.Errorf("bodies (-want +got):\n%s", diff)
	}
}
