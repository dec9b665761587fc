package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var (
	now  = time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC)
	key  = Credential{KeyID: "AKIAIOSFODNN7EXAMPLE", User: "alice", Secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}
	body = []byte(`{"maxResults":10}`)
	want = Want{Service: "inspector", Headers: []string{"x-amz-target"}}
)

func verifier(at time.Time) *Verifier {
	return &Verifier{Source: source{key}, Now: func() time.Time { return at }}
}

// request is a request of the API, signed by AWS's own SDK.
func request(t testing.TB, change func(*http.Request)) *http.Request {
	t.Helper()
	r := httptest.NewRequest("POST", "https://assay.example:8443/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "InspectorService.ListFindings")
	if change != nil {
		change(r)
	}
	err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: key.KeyID, SecretAccessKey: key.Secret}, r, payloadHash(body), "inspector", "eu-central-1", now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerify(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"as an SDK sends it": nil,
		"other headers":      func(r *http.Request) { r.Header.Set("X-Other", "  a   b "); r.Header.Add("X-Other", "c") },
		"a path":             func(r *http.Request) { r.URL.Path = "/a b/"; r.RequestURI = "/a%20b/" },
		"a query": func(r *http.Request) {
			r.URL.RawQuery = "b=2&a=%20&b=1&%C3%BC&c=%2B"
			r.RequestURI = "/?" + r.URL.RawQuery
		},
	} {
		t.Run(name, func(t *testing.T) {
			who, err := verifier(now).Verify(t.Context(), request(t, change), body, want)
			if err != nil || who.User != "alice" || who.KeyID != key.KeyID {
				t.Errorf("got %+v, %v", who, err)
			}
		})
	}
}

// SDKs differ in what they sign: the oldest sign little more than they must.
func TestVerifyWithFewSignedHeaders(t *testing.T) {
	r := httptest.NewRequest("POST", "https://assay.example:8443/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "InspectorService.ListFindings")
	length := r.ContentLength
	r.ContentLength = 0 // the signer leaves it out then
	if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: key.KeyID, SecretAccessKey: key.Secret}, r, payloadHash(body), "inspector", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	r.ContentLength = length
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("User-Agent", "aws-sdk-nodejs/2.1")
	if !strings.Contains(r.Header.Get("Authorization"), "SignedHeaders=host;x-amz-date;x-amz-target,") {
		t.Fatal(r.Header.Get("Authorization"))
	}
	if _, err := verifier(now).Verify(t.Context(), r, body, want); err != nil {
		t.Error(err)
	}
}

func TestVerifyAllowsForSkew(t *testing.T) {
	for _, test := range []struct {
		at time.Time
		ok bool
	}{{now.Add(Skew), true}, {now.Add(-Skew), true}, {now.Add(Skew + time.Second), false}, {now.Add(-Skew - time.Second), false}} {
		_, err := verifier(test.at).Verify(t.Context(), request(t, nil), body, want)
		if (err == nil) != test.ok {
			t.Errorf("at %v: %v", test.at, err)
		}
	}
}

func set(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func replace(from, to string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), from, to, 1))
	}
}

// Each change to a signed request is refused, with AWS's code and in its words.
func TestVerifyRefuses(t *testing.T) {
	tests := []struct {
		name   string
		change func(*http.Request)
		code   Code
		text   string
	}{
		{"no signature", func(r *http.Request) { r.Header.Del("Authorization") }, MissingToken, "Missing Authentication Token"},
		{"two signatures", func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, IncompleteSignature, "one 'Authorization' header"},
		{"another scheme", set("Authorization", "Bearer abc"), IncompleteSignature, "Unsupported AWS 'algorithm'"},
		{"another algorithm", replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA512"), IncompleteSignature, "Unsupported AWS 'algorithm'"},
		{"no fields", set("Authorization", "AWS4-HMAC-SHA256"), IncompleteSignature, "no equal-sign"},
		{"no credential", replace("Credential=", "Credentials="), IncompleteSignature, "requires 'Credential' parameter"},
		{"no signature field", replace("Signature=", "Sig="), IncompleteSignature, "requires 'Signature' parameter"},
		{"no signed headers", replace("SignedHeaders=", "Headers="), IncompleteSignature, "requires 'SignedHeaders' parameter"},
		{"no date", func(r *http.Request) { r.Header.Del("X-Amz-Date") }, IncompleteSignature, "'X-Amz-Date'"},
		{"a date of another form", set("X-Amz-Date", "Thu, 29 Feb 2024 23:59:58 GMT"), IncompleteSignature, "ISO-8601"},
		{"another date", set("X-Amz-Date", "20240229T235957Z"), InvalidSignature, "does not match the signature you provided"},
		{"a short credential", replace("/aws4_request", ""), IncompleteSignature, "exactly 5 slash-delimited elements"},
		{"another terminator", replace("aws4_request", "aws5_request"), InvalidSignature, "valid terminator"},
		{"another service", replace("/inspector/", "/sts/"), InvalidSignature, "correct service: 'inspector'"},
		{"no region", replace("/eu-central-1/", "//"), InvalidSignature, "valid region"},
		{"another region", replace("/eu-central-1/", "/eu-central-2/"), InvalidSignature, "does not match the signature you provided"},
		{"another day", replace("/20240229/", "/20240228/"), InvalidSignature, "Date in Credential scope"},
		{"another key", replace("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN8EXAMPLE"), UnrecognizedClient, "security token included in the request is invalid"},
		{"a session", set("X-Amz-Security-Token", "token"), UnrecognizedClient, "security token included in the request is invalid"},
		{"another operation", set("X-Amz-Target", "InspectorService.DeleteAssessmentTarget"), InvalidSignature, "does not match the signature you provided"},
		{"another host", func(r *http.Request) { r.Host = "evil.example" }, InvalidSignature, "does not match the signature you provided"},
		{"another method", func(r *http.Request) { r.Method = "PUT" }, InvalidSignature, "does not match the signature you provided"},
		{"another path", func(r *http.Request) { r.RequestURI = "/other" }, InvalidSignature, "does not match the signature you provided"},
		{"another query", func(r *http.Request) { r.RequestURI = "/?a=b" }, InvalidSignature, "does not match the signature you provided"},
		{"another length", func(r *http.Request) { r.ContentLength++ }, InvalidSignature, "does not match the signature you provided"},
		{"a signed header is gone", func(r *http.Request) { r.Header.Del("X-Amz-Target") }, InvalidSignature, "not in the request"},
		{"a signed header twice", func(r *http.Request) { r.Header.Add("X-Amz-Target", "x") }, InvalidSignature, "does not match the signature you provided"},
		{"host is not signed", replace("host;", ""), InvalidSignature, "'host' must be a 'SignedHeader'"},
		{"the target is not signed", replace(";x-amz-target", ""), InvalidSignature, "'x-amz-target' must be a 'SignedHeader'"},
		{"the date is not signed", replace(";x-amz-date", ""), InvalidSignature, "'x-amz-date' must be a 'SignedHeader'"},
		{"headers out of order", replace("host;x-amz-date", "x-amz-date;host"), IncompleteSignature, "in order"},
		{"a header twice", replace("host;", "host;host;"), IncompleteSignature, "distinct"},
		{"upper case", replace("host;", "Host;"), IncompleteSignature, "lower-case"},
		{"another signature", replace("Signature=", "Signature=0"), InvalidSignature, "does not match the signature you provided"},
		{"the hash of another body", set("X-Amz-Content-Sha256", strings.Repeat("0", 64)), InvalidSignature, "not the SHA-256 of the body"},
		{"no hash", set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"), InvalidSignature, "not the SHA-256 of the body"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := request(t, nil)
			test.change(r)
			refused(t, r, body, now, test.code, test.text)
		})
	}
	t.Run("another body", func(t *testing.T) {
		refused(t, request(t, nil), []byte(`{"maxResults":500}`), now, InvalidSignature, "does not match the signature you provided")
	})
	t.Run("too late", func(t *testing.T) {
		refused(t, request(t, nil), body, now.Add(time.Hour), InvalidSignature, "Signature expired: 20240229T235958Z is now earlier than 20240301T004458Z (20240301T005958Z - 15 min.)")
	})
	t.Run("too early", func(t *testing.T) {
		refused(t, request(t, nil), body, now.Add(-time.Hour), InvalidSignature, "Signature not yet current: 20240229T235958Z is still later than 20240229T231458Z (20240229T225958Z + 15 min.)")
	})
}

func refused(t *testing.T, r *http.Request, body []byte, at time.Time, code Code, text string) {
	t.Helper()
	who, err := verifier(at).Verify(t.Context(), r, body, want)
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Code != code || !strings.Contains(refusal.Message, text) {
		t.Errorf("got %+v, %v, want %s with %q", who, err, code, text)
	}
	if err != nil && strings.Contains(err.Error(), key.Secret) {
		t.Error("the refusal names the secret")
	}
}

// presigned is the query form: a link.
func presigned(t testing.TB, expires string) *http.Request {
	t.Helper()
	r := httptest.NewRequest("GET", "https://assay.example:8443/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires="+expires, nil)
	link, headers, err := v4.NewSigner().PresignHTTP(context.Background(), aws.Credentials{AccessKeyID: key.KeyID, SecretAccessKey: key.Secret}, r, payloadHash(nil), "sts", "us-east-1", now)
	if err != nil {
		t.Fatal(err)
	}
	signed := httptest.NewRequest("GET", link, nil)
	signed.RequestURI = signed.URL.RequestURI()
	signed.Host = headers.Get("Host")
	return signed
}

func TestVerifyQueryForm(t *testing.T) {
	sts := Want{Service: "sts"}
	for _, test := range []struct {
		name   string
		r      *http.Request
		at     time.Time
		change func(string) string
		code   Code
	}{
		{"at once", presigned(t, "60"), now, nil, ""},
		{"at its end", presigned(t, "60"), now.Add(time.Minute), nil, ""},
		{"after days", presigned(t, "604800"), now.Add(6 * 24 * time.Hour), nil, ""},
		{"too late", presigned(t, "60"), now.Add(61 * time.Second), nil, InvalidSignature},
		{"too early", presigned(t, "60"), now.Add(-16 * time.Minute), nil, InvalidSignature},
		{"too long", presigned(t, "604801"), now, nil, IncompleteSignature},
		{"no time at all", presigned(t, "-1"), now, nil, IncompleteSignature},
		{"longer than signed", presigned(t, "60"), now, func(q string) string { return strings.Replace(q, "Expires=60", "Expires=90", 1) }, InvalidSignature},
		{"another action", presigned(t, "60"), now, func(q string) string { return strings.Replace(q, "GetCallerIdentity", "GetSessionToken", 1) }, InvalidSignature},
		{"a parameter more", presigned(t, "60"), now, func(q string) string { return q + "&a=b" }, InvalidSignature},
		{"a parameter twice", presigned(t, "60"), now, func(q string) string { return q + "&X-Amz-Expires=90" }, IncompleteSignature},
		{"no signature", presigned(t, "60"), now, func(q string) string { return strings.Replace(q, "Signature=", "Sig=", 1) }, IncompleteSignature},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.change != nil {
				test.r.RequestURI = test.change(test.r.RequestURI)
			}
			who, err := verifier(test.at).Verify(t.Context(), test.r, nil, sts)
			var refusal *Error
			switch {
			case test.code == "" && (err != nil || who.User != "alice"):
				t.Errorf("got %+v, %v", who, err)
			case test.code != "" && (!errors.As(err, &refusal) || refusal.Code != test.code):
				t.Errorf("got %v, want %s", err, test.code)
			}
		})
	}
}

func TestVerifySession(t *testing.T) {
	session := key
	session.SessionToken, session.Expires = "the token", now.Add(time.Hour)
	signed := func() *http.Request {
		r := httptest.NewRequest("POST", "https://assay.example/", bytes.NewReader(body))
		r.Header.Set("X-Amz-Target", "InspectorService.ListFindings")
		credentials := aws.Credentials{AccessKeyID: key.KeyID, SecretAccessKey: key.Secret, SessionToken: "the token"}
		if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, payloadHash(body), "inspector", "eu-central-1", now); err != nil {
			t.Fatal(err)
		}
		return r
	}
	v := Verifier{Source: source{session}, Now: func() time.Time { return now }}
	if _, err := v.Verify(t.Context(), signed(), body, want); err != nil {
		t.Error(err)
	}
	session.Expires = now
	v.Source = source{session}
	_, err := v.Verify(t.Context(), signed(), body, want)
	var refusal *Error
	if !errors.As(err, &refusal) || refusal.Code != ExpiredToken {
		t.Errorf("got %v, want %s", err, ExpiredToken)
	}
}

type broken struct{}

func (broken) Credential(context.Context, string, string) (Credential, bool, error) {
	return Credential{}, false, errors.New("the disk is gone")
}

// That the service cannot look is no refusal.
func TestVerifyWithoutStore(t *testing.T) {
	v := Verifier{Source: broken{}, Now: func() time.Time { return now }}
	_, err := v.Verify(t.Context(), request(t, nil), body, want)
	var refusal *Error
	if err == nil || errors.As(err, &refusal) {
		t.Errorf("got %v, want an error of the service", err)
	}
}

func BenchmarkVerify(b *testing.B) {
	r, v := request(b, nil), verifier(now)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), r, body, want); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	seed := request(f, nil)
	f.Add(seed.Header.Get("Authorization"), seed.Header.Get("X-Amz-Date"), "/", []byte("{}"))
	f.Add("", "", presigned(f, "60").RequestURI, []byte{})
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=;, Signature=x", "20240229T235958Z", "/%zz/../?&&=%&a=%e", []byte("x"))
	f.Fuzz(func(t *testing.T, authorization, date, uri string, body []byte) {
		r := httptest.NewRequest("POST", "https://assay.example:8443/", bytes.NewReader(body))
		r.RequestURI = uri
		r.Header.Set("X-Amz-Target", "InspectorService.ListFindings")
		r.Header.Set("X-Amz-Date", date)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		var refusal *Error
		if _, err := verifier(now).Verify(t.Context(), r, body, want); !errors.As(err, &refusal) {
			t.Errorf("got %v for a request that nobody has signed", err)
		}
	})
}

func TestCredentialIsNotPrinted(t *testing.T) {
	c := Credential{KeyID: "AKIAIOSFODNN7EXAMPLE", Secret: "wJalrXUtnFEMI", SessionToken: "wJalrXUtnFEMI"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, c); strings.Contains(got, "wJalr") {
			t.Errorf("%s prints %q", format, got)
		}
	}
}
