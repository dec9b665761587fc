package access

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// What Sign signs, Verify accepts; what was changed on the way, it does not.
func TestSign(t *testing.T) {
	key := Credential{KeyID: "AKIDEXAMPLE12345", User: "administrator", Secret: "secret"}
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	verifier := &Verifier{Source: source{key}, Now: func() time.Time { return now }}
	want := Want{Service: "inspector", Headers: []string{"x-amz-target"}}
	body := `{"maxResults":7}`
	request := func() *http.Request {
		r := httptest.NewRequest("POST", "https://assay.example:8443/", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "InspectorService.ListFindings")
		Sign(r, []byte(body), key, "xx-local-1", "inspector", now)
		return r
	}
	if p, err := verifier.Verify(t.Context(), request(), []byte(body), want); err != nil || p.User != "administrator" {
		t.Errorf("%+v, %v", p, err)
	}
	changed := request()
	changed.Header.Set("X-Amz-Target", "InspectorService.DeleteAssessmentTarget")
	if _, err := verifier.Verify(t.Context(), changed, []byte(body), want); err == nil {
		t.Error("a changed target was accepted")
	}
	if _, err := verifier.Verify(t.Context(), request(), []byte(`{"maxResults":8}`), want); err == nil {
		t.Error("a changed body was accepted")
	}
}
