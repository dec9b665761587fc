package access

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// signAs signs a request for "/" without a query by the book, with nothing of the
// package's own: the headers that are named, in the given scope.
func signAs(r *http.Request, body []byte, key Credential, service string, headers ...string) {
	hash := func(b []byte) string { sum := sha256.Sum256(b); return hex.EncodeToString(sum[:]) }
	mac := func(key []byte, text string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	if key.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", key.SessionToken)
		headers = append(headers, "x-amz-security-token")
	}
	slices.Sort(headers)
	canonical := r.Method + "\n/\n\n"
	for _, name := range headers {
		value := r.Header.Get(name)
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = strconv.Itoa(len(body))
		case "x-amz-content-sha256":
			value = hash(body)
			r.Header.Set(name, value)
		}
		canonical += name + ":" + value + "\n"
	}
	canonical += "\n" + strings.Join(headers, ";") + "\n" + hash(body)
	scope := now.Format("20060102") + "/us-east-1/" + service + "/aws4_request"
	text := "AWS4-HMAC-SHA256\n" + now.Format("20060102T150405Z") + "\n" + scope + "\n" + hash([]byte(canonical))
	derived := mac(mac(mac(mac([]byte("AWS4"+key.Secret), now.Format("20060102")), "us-east-1"), service), "aws4_request")
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		key.KeyID, scope, strings.Join(headers, ";"), hex.EncodeToString(mac(derived, text))))
}

// sdks are the headers that the families sign in a call of the JSON protocol. Their
// signers sign all headers that are there when they run, but for a list in the source
// file that is named; so versions differ, and those that sign most and least are here.
var sdks = []struct {
	name      string
	userAgent string
	headers   []string
}{
	{"aws-cli v1, boto3 (botocore auth.py)", "aws-cli/1.45 Botocore/1.43", []string{"content-type", "host", "x-amz-date", "x-amz-target"}},
	{"aws-sdk-go v1, Terraform before v5 (signer/v4)", "aws-sdk-go/1.55", []string{"content-length", "content-type", "host", "x-amz-date", "x-amz-target"}},
	{"aws-sdk-go-v2, Terraform (signer/internal/v4)", "aws-sdk-go-v2/1.48", []string{"amz-sdk-invocation-id", "amz-sdk-request", "content-length", "content-type", "host", "x-amz-date", "x-amz-target"}},
	{"JavaScript v2 (lib/signers/v4.js)", "aws-sdk-nodejs/2.1693", []string{"host", "x-amz-date", "x-amz-target"}},
	{"JavaScript v2 in a browser", "Mozilla/5.0", []string{"host", "x-amz-date", "x-amz-target", "x-amz-user-agent"}},
	{"JavaScript v3 (smithy signature-v4)", "aws-sdk-js/3.523", []string{"amz-sdk-invocation-id", "amz-sdk-request", "content-length", "content-type", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-target", "x-amz-user-agent"}},
	{"Java v1 (AWS4Signer)", "aws-sdk-java/1.12", []string{"amz-sdk-invocation-id", "amz-sdk-request", "amz-sdk-retry", "content-length", "content-type", "host", "user-agent", "x-amz-date", "x-amz-target"}},
	{"Java v2 (Aws4Signer)", "aws-sdk-java/2.25", []string{"amz-sdk-invocation-id", "amz-sdk-request", "content-length", "content-type", "host", "x-amz-date", "x-amz-target"}},
	{"Ruby (aws-sigv4)", "aws-sdk-ruby3/3.190", []string{"content-type", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-target"}},
	{"PHP, late (src/Signature/SignatureV4.php)", "aws-sdk-php/3.300", []string{"host", "x-amz-date", "x-amz-target"}},
	{"PHP, early", "aws-sdk-php/3.100", []string{"aws-sdk-invocation-id", "aws-sdk-retry", "host", "x-amz-date", "x-amz-target", "x-amz-user-agent"}},
	{".NET, late (AWS4Signer.cs)", "aws-sdk-dotnet-coreclr/3.7", []string{"content-type", "host", "user-agent", "x-amz-api-version", "x-amz-content-sha256", "x-amz-date", "x-amz-target"}},
	{".NET, early", "aws-sdk-dotnet-45/3.3", []string{"amz-sdk-invocation-id", "amz-sdk-request", "content-length", "content-type", "host", "user-agent", "x-amz-content-sha256", "x-amz-date", "x-amz-target"}},
}

func sdkRequest(i int) *http.Request {
	r := httptest.NewRequest("POST", "https://assay.example:8443/", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "InspectorService.ListFindings")
	r.Header.Set("User-Agent", sdks[i].userAgent)
	r.Header.Set("X-Amz-User-Agent", sdks[i].userAgent)
	r.Header.Set("Amz-Sdk-Invocation-Id", "4d1f6b2e-9f0a-4c1b-8f53-111111111111")
	r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
	r.Header.Set("Amz-Sdk-Retry", "0/0/500")
	r.Header.Set("Aws-Sdk-Invocation-Id", "4d1f6b2e9f0a4c1b8f53")
	r.Header.Set("Aws-Sdk-Retry", "0/0")
	r.Header.Set("X-Amz-Api-Version", "2016-02-16")
	return r
}

func TestSDKFamilies(t *testing.T) {
	sessions, err := NewSessions(bytes.Repeat([]byte("k"), 32))
	if err != nil {
		t.Fatal(err)
	}
	temporary, err := sessions.Issue(Principal{KeyID: key.KeyID, User: "alice"}, now, DefaultSession)
	if err != nil {
		t.Fatal(err)
	}
	for i, sdk := range sdks {
		for _, k := range []Credential{key, temporary} {
			r := sdkRequest(i)
			signAs(r, body, k, "inspector", slices.Clone(sdk.headers)...)
			v := verifier(now)
			v.Source = source{k}
			if who, err := v.Verify(t.Context(), r, body, want); err != nil || who.KeyID != k.KeyID {
				t.Errorf("%s: %+v, %v", sdk.name, who, err)
			}
			r.Header.Set("X-Amz-Target", "InspectorService.DeleteAssessmentRun")
			if _, err := v.Verify(t.Context(), r, body, want); err == nil {
				t.Errorf("%s: another operation was accepted", sdk.name)
			}
		}
	}
}

// No change of what is signed leaves a request accepted: whatever byte of the
// signature, of a signed header or of the body is another.
func TestChangedRequests(t *testing.T) {
	v := verifier(now)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(0, len(sdks)-1).Draw(t, "sdk")
		text := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "body")
		r := sdkRequest(i)
		r.ContentLength = int64(len(text))
		signAs(r, text, key, "inspector", slices.Clone(sdks[i].headers)...)
		if _, err := v.Verify(t.Context(), r, text, want); err != nil {
			t.Fatalf("what was signed is refused: %v", err)
		}
		sent := slices.Clone(text)
		switch rapid.SampledFrom([]string{"header", "body", "method", "path", "query", "host", "secret"}).Draw(t, "what") {
		case "header":
			names := append([]string{"authorization"}, sdks[i].headers...)
			name := rapid.SampledFrom(names).Draw(t, "name")
			value := []byte(r.Header.Get(name))
			switch name {
			case "host":
				r.Host += "x"
			case "content-length":
				r.ContentLength++
			default:
				at := rapid.IntRange(0, len(value)-1).Draw(t, "at")
				other := rapid.ByteRange('!', '~').Draw(t, "byte")
				if value[at] == other {
					return
				}
				// Blanks behind a comma of the Authorization header mean nothing.
				value[at] = other
				r.Header.Set(name, string(value))
			}
		case "body":
			if len(sent) == 0 || rapid.Bool().Draw(t, "longer") {
				sent = append(sent, rapid.Byte().Draw(t, "more"))
			} else {
				sent[rapid.IntRange(0, len(sent)-1).Draw(t, "at")] ^= rapid.ByteRange(1, 255).Draw(t, "bits")
			}
		case "method":
			r.Method = "PUT"
		case "path":
			r.RequestURI = "/" + rapid.StringMatching(`[a-z%]{1,5}`).Draw(t, "path")
		case "query":
			r.RequestURI = "/?" + rapid.StringMatching(`[a-z]{1,5}`).Draw(t, "query")
		case "host":
			r.Host = rapid.StringMatching(`[a-z]{1,5}`).Draw(t, "host")
		case "secret":
			signAs(r, text, Credential{KeyID: key.KeyID, Secret: key.Secret + "x"}, "inspector", slices.Clone(sdks[i].headers)...)
		}
		if who, err := v.Verify(t.Context(), r, sent, want); err == nil {
			t.Fatalf("accepted as %+v: %v", who, r)
		}
	})
}

// When a key has another secret, what was derived from the old one is forgotten.
func TestDerivedKeysGoWithTheirSecret(t *testing.T) {
	v := verifier(now)
	old := request(t, nil)
	if _, err := v.Verify(t.Context(), old, body, want); err != nil {
		t.Fatal(err)
	}
	other := key
	other.Secret = "another"
	v.Source = source{other}
	if _, err := v.Verify(t.Context(), old, body, want); err == nil {
		t.Error("the old secret is still accepted")
	}
	for i := range 2 * maxOpened {
		v.derived.put(credential{keyID: strconv.Itoa(i)}, "s", []byte("k"))
	}
	if n := len(v.derived.keys); n > maxOpened {
		t.Error(n, "derived keys are in memory")
	}
}
