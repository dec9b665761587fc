package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"assay/internal/access"
	"assay/internal/api/model"
	"assay/internal/inspector"
	"assay/internal/store"
)

func TestRefusedCallers(t *testing.T) {
	w := newWorld(t)
	right := w.key
	for _, test := range []struct {
		name    string
		prepare func()
		change  func(*http.Request)
		code    string
	}{
		{"no signature", func() {}, func(r *http.Request) { r.Header.Del("Authorization") }, "MissingAuthenticationTokenException"},
		{"half a signature", func() {}, func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x") }, "IncompleteSignatureException"},
		{"another secret", func() { w.key.Secret = "wrong" }, nil, "InvalidSignatureException"},
		{"another key", func() { w.key.KeyID = "AKIAIOSFODNN7EXAMPLE" }, nil, "UnrecognizedClientException"},
		{"a disabled key", func() { w.disable(right) }, nil, "UnrecognizedClientException"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.t, w.key = t, right
			test.prepare()
			status, header, data := w.signedThen("ListFindings", `{}`, test.change)
			out := object{}
			check(t, json.Unmarshal(data, &out))
			if status != http.StatusBadRequest || out["__type"] != test.code || out["message"] == "" || header.Get("X-Amzn-Requestid") == "" {
				t.Errorf("%d %s, want %s", status, data, test.code)
			}
			if last := w.calls[len(w.calls)-1]; last.Error != test.code || last.Operation != "" || last.Who.User != "" {
				t.Errorf("the call is noted as %+v", last)
			}
		})
	}
}

func (w *world) disable(key access.Credential) {
	check(w.t, w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		k, _, err := tx.AccessKey(w.t.Context(), key.KeyID)
		if err != nil {
			return err
		}
		k.Disabled = true
		return tx.CreateAccessKey(w.t.Context(), k)
	}))
}

// signedThen changes the request after it was signed.
func (w *world) signedThen(operation, body string, change func(*http.Request)) (int, http.Header, []byte) {
	r, err := http.NewRequestWithContext(w.t.Context(), "POST", w.server.URL+"/", strings.NewReader(body))
	check(w.t, err)
	r.Header.Set("X-Amz-Target", targetPrefix+operation)
	w.sign(r, body, "inspector")
	if change != nil {
		change(r)
	}
	return w.send(r)
}

func (w *world) sign(r *http.Request, body, service string) {
	sum := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: w.key.KeyID, SecretAccessKey: w.key.Secret}
	check(w.t, v4.NewSigner().SignHTTP(context.Background(), credentials, r, hex.EncodeToString(sum[:]), service, "eu-west-3", time.Now()))
}

func TestBodyIsBounded(t *testing.T) {
	w := newWorld(t)
	status, _, data := w.signed("ListFindings", `{"x":"`+strings.Repeat("x", maxBody)+`"}`, nil)
	if status != http.StatusRequestEntityTooLarge || !bytes.Contains(data, []byte("RequestEntityTooLargeException")) {
		t.Errorf("%d %s", status, data)
	}
	status, _, data = w.signed("ListFindings", `{"x":"`+strings.Repeat("x", maxBody-8)+`"}`, nil)
	if status != http.StatusOK {
		t.Errorf("a body of exactly 1 MiB: %d %s", status, data)
	}
}

func TestMethodsAndTargets(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string]func(*http.Request){
		"GET":             func(r *http.Request) { r.Method = "GET" },
		"another service": func(r *http.Request) { r.Header.Set("X-Amz-Target", "Inspector2.ListFindings") },
		"two targets":     func(r *http.Request) { r.Header.Add("X-Amz-Target", "InspectorService.DeleteAssessmentRun") },
	} {
		if status, _, data := w.signed("ListFindings", `{}`, change); status != http.StatusBadRequest || !bytes.Contains(data, []byte("UnknownOperationException")) {
			t.Errorf("%s: %d %s", name, status, data)
		}
	}
}

type identity struct {
	ARN     string `xml:"GetCallerIdentityResult>Arn"`
	UserID  string `xml:"GetCallerIdentityResult>UserId"`
	Account string `xml:"GetCallerIdentityResult>Account"`
	ID      string `xml:"ResponseMetadata>RequestId"`
}

func TestGetCallerIdentity(t *testing.T) {
	w := newWorld(t)
	const parameters = "Action=GetCallerIdentity&Version=2011-06-15"
	post, err := http.NewRequest("POST", w.server.URL+"/", strings.NewReader(parameters))
	check(t, err)
	post.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	w.sign(post, parameters, "sts")
	get, err := http.NewRequest("GET", w.server.URL+"/?"+parameters, nil)
	check(t, err)
	w.sign(get, "", "sts")
	link, err := http.NewRequest("GET", w.server.URL+"/?"+parameters+"&X-Amz-Expires=60", nil)
	check(t, err)
	sum := sha256.Sum256(nil)
	credentials := aws.Credentials{AccessKeyID: w.key.KeyID, SecretAccessKey: w.key.Secret}
	url, _, err := v4.NewSigner().PresignHTTP(t.Context(), credentials, link, hex.EncodeToString(sum[:]), "sts", "us-east-1", time.Now())
	check(t, err)
	presigned, err := http.NewRequest("GET", url, nil)
	check(t, err)
	for name, r := range map[string]*http.Request{"POST": post, "GET": get, "a link": presigned} {
		status, header, data := w.send(r)
		var got identity
		if err := xml.Unmarshal(data, &got); err != nil || status != http.StatusOK {
			t.Errorf("%s: %d %s: %v", name, status, data, err)
			continue
		}
		want := identity{"arn:aws:iam::210987654321:user/alice", userID("alice"), "210987654321", header.Get("X-Amzn-Requestid")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if !bytes.Contains(data, []byte(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">`)) || header.Get("Content-Type") != "text/xml" {
			t.Errorf("%s: %s", name, data)
		}
	}
	if id := userID("alice"); len(id) != 21 || id == userID("bob") {
		t.Errorf("user id %s", id)
	}
}

func TestQueryErrors(t *testing.T) {
	w := newWorld(t)
	const parameters = "Action=GetCallerIdentity&Version=2011-06-15"
	for _, test := range []struct {
		name, method, query, body, service string
		sign                               bool
		status                             int
		code                               string
	}{
		{"nothing", "GET", "", "", "sts", false, 400, "MissingAction"},
		{"no form", "POST", parameters, "{}", "sts", true, 400, "MissingAction"},
		{"bad escapes", "GET", "Action=%zz", "", "sts", false, 400, "MalformedInput"},
		{"another method", "PUT", parameters, "", "sts", false, 400, "MalformedInput"},
		{"no signature", "GET", parameters, "", "sts", false, 403, "MissingAuthenticationToken"},
		{"for another service", "GET", parameters, "", "inspector", true, 403, "SignatureDoesNotMatch"},
		{"another action", "GET", "Action=AssumeRole&Version=2011-06-15", "", "sts", true, 400, "InvalidAction"},
		{"another version", "GET", "Action=GetCallerIdentity", "", "sts", true, 400, "InvalidAction"},
		{"too large", "POST", "", strings.Repeat("x", maxBody+1), "sts", true, 413, "RequestEntityTooLargeException"},
	} {
		r, err := http.NewRequest(test.method, w.server.URL+"/?"+test.query, strings.NewReader(test.body))
		check(t, err)
		if test.sign {
			w.sign(r, test.body, test.service)
		}
		status, header, data := w.send(r)
		var got errorResponse
		if err := xml.Unmarshal(data, &got); err != nil || status != test.status || got.Code != test.code || got.Type != "Sender" || got.RequestID != header.Get("X-Amzn-Requestid") {
			t.Errorf("%s: %d %s: %v", test.name, status, data, err)
		}
	}
}

func TestEveryOperationIsAuthorized(t *testing.T) {
	w := newWorld(t)
	asked := []string{}
	w.api.Authorize = func(_ context.Context, who access.Principal, action string) error {
		asked = append(asked, who.User+" "+action)
		return inspector.Errorf(inspector.AccessDenied, "", "User %s is not authorized to perform: %s", who.User, action)
	}
	for name := range w.api.operations {
		asked = nil
		status, _, data := w.signed(name, `{"nonsense":`, nil)
		if status != http.StatusBadRequest || !bytes.Contains(data, []byte("AccessDeniedException")) {
			t.Errorf("%s: %d %s", name, status, data)
		}
		if diff := cmp.Diff([]string{"alice inspector:" + name}, asked); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCallsAreLogged(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.api.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.do("ListFindings", object{})
	w.store.Close()
	w.api.operations["ListFindings"] = func(context.Context, []byte, model.Operation) (any, error) { panic("a bug") }
	w.api.Config.Keys = nil
	w.api.verifier.Source = fixed{w.key}
	w.fails("ListFindings", object{}, "InternalException", "")
	text := log.String()
	for _, want := range []string{"operation=ListFindings", "user=alice", "key=" + w.key.KeyID, "status=200", "status=500", "error=InternalException", "a bug", "took="} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not have %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, w.key.Secret) || strings.Contains(text, "Signature=") {
		t.Errorf("the log has secrets:\n%s", text)
	}
}

type fixed struct{ key access.Credential }

func (f fixed) Credential(context.Context, string, string) (access.Credential, bool, error) {
	return f.key, true, nil
}

func TestServerNeedsItsParts(t *testing.T) {
	whole := newWorld(t).api.Config
	for name, spoil := range map[string]func(*Config){
		"no region":       func(c *Config) { c.Scope.Region = "" },
		"no account":      func(c *Config) { c.Scope.Account = "1" },
		"no commands":     func(c *Config) { c.Commands = nil },
		"no queries":      func(c *Config) { c.Queries = nil },
		"no keys":         func(c *Config) { c.Keys = nil },
		"no packages":     func(c *Config) { c.Packages = nil },
		"short token key": func(c *Config) { c.TokenKey = make([]byte, 31) },
	} {
		c := whole
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A call costs little beside its work: the whole of one, over no network.
func BenchmarkListFindings(b *testing.B) {
	w := newWorld(b)
	r, err := http.NewRequest("POST", "https://assay.example/", nil)
	check(b, err)
	r.Header.Set("X-Amz-Target", targetPrefix+"ListFindings")
	w.sign(r, "{}", "inspector")
	for b.Loop() {
		again := r.Clone(b.Context())
		again.Body, again.RequestURI, again.Host = io.NopCloser(strings.NewReader("{}")), "/", "assay.example"
		out := httptest.NewRecorder()
		w.api.ServeHTTP(out, again)
		if out.Code != http.StatusOK {
			b.Fatal(out.Body)
		}
	}
}
