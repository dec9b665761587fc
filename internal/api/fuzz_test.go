package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"assay/internal/access"
	"assay/internal/api/model"
	"assay/internal/inspector"
)

// ofTheProtocol are the errors that every operation may answer with.
var ofTheProtocol = []string{
	"SerializationException", "ValidationException", "UnknownOperationException", "RequestEntityTooLargeException",
	"MissingAuthenticationTokenException", "IncompleteSignatureException", "InvalidSignatureException", "UnrecognizedClientException",
	"ExpiredTokenException", "AccessDeniedException",
}

// maxAnswer is more than any answer to what the test's service holds.
const maxAnswer = 1 << 20

// FuzzHandler gives the whole handler, over a whole service, requests that are
// signed and otherwise anything: no answer is a 5xx, and each is JSON, of the
// operation's output or of an exception that the operation has.
func FuzzHandler(f *testing.F) {
	w := newWorld(f)
	w.addAgents(web0)
	w.api.verifier.Source = fixed{w.key}
	targets := slices.Sorted(maps.Keys(model.Operations))
	for i, name := range targets {
		if input := model.Operations[name].Input; input != nil {
			for _, in := range []any{minimal(input), full(input)} {
				text, err := json.Marshal(in)
				check(f, err)
				f.Add(uint8(i), "", "POST", text)
			}
		}
	}
	for _, body := range []string{``, `null`, `{"a":1}{}`, `{"filter":{"severities":[null]}}`, "\xff", `{"maxResults":1e400}`, `{"nextToken":"\ud800"}`, strings.Repeat("[", 200)} {
		f.Add(uint8(slices.Index(targets, "ListFindings")), "", "POST", []byte(body))
	}
	f.Add(uint8(0), "AssayService.ListAgents", "POST", []byte(`{}`))
	f.Add(uint8(0), "Inspector\x00", "GET", []byte(`{}`))
	f.Fuzz(func(t *testing.T, which uint8, target, method string, body []byte) {
		name := targets[int(which)%len(targets)]
		if target == "" {
			target = targetPrefix + name
		}
		r, err := http.NewRequest(method, "https://assay.example/", bytes.NewReader(body))
		if err != nil {
			t.Skip("net/http lets no such request through")
		}
		r.Header["X-Amz-Target"] = []string{target}
		signAs(t, r, w.key, body)
		out := httptest.NewRecorder()
		w.api.ServeHTTP(out, r)
		checkAnswer(t, target, out)
	})
}

// signAs signs a request as a client does. What no client can sign stays as it is.
func signAs(t *testing.T, r *http.Request, key access.Credential, body []byte) {
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: key.KeyID, SecretAccessKey: key.Secret}
	check(t, v4.NewSigner().SignHTTP(context.Background(), credentials, r, hex.EncodeToString(sum[:]), "inspector", "us-east-1", time.Now()))
}

func checkAnswer(t *testing.T, target string, out *httptest.ResponseRecorder) {
	t.Helper()
	op := model.Operations[strings.TrimPrefix(target, targetPrefix)]
	body := out.Body.Bytes()
	if out.Code >= 500 || out.Body.Len() > maxAnswer || out.Header().Get("X-Amzn-Requestid") == "" {
		t.Fatalf("%s: %d %.300s", target, out.Code, body)
	}
	if len(body) == 0 && out.Code == http.StatusOK && op.Output == nil {
		return
	}
	answer := object{}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatalf("%s: %d %.300s: %v", target, out.Code, body, err)
	}
	shape := op.Output
	if out.Code != http.StatusOK {
		kind, _ := answer["__type"].(string)
		if !slices.Contains(append(ofTheProtocol, op.Errors...), kind) {
			t.Fatalf("%s: %d %.300s", target, out.Code, body)
		}
		delete(answer, "__type")
		if shape = model.Shapes[kind]; shape == nil {
			return
		}
	}
	if err := conforms(shape, answer, op.Name); err != nil {
		t.Fatalf("%s: %v: %.300s", target, err, body)
	}
}

// FuzzToken looks that a token is accepted only if it is, to the letter, the one
// that the list gives out for that place.
func FuzzToken(f *testing.F) {
	s := offline(f)
	first, err := s.page("ListFindings", []any{"a"}, "", nil, 10)
	check(f, err)
	for _, after := range []string{"1/0-AAAAAAAA", "i-0", "\x00", strings.Repeat("x", 128)} {
		f.Add(first.token(after), "a")
	}
	f.Add("", "b")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAA\n", "a")
	f.Fuzz(func(t *testing.T, token, query string) {
		query = strings.ToValidUTF8(query, "?") // as all that was decoded is
		p, err := s.page("ListFindings", []any{query}, token, nil, 10)
		switch _, e := describe(err); {
		case err != nil && e.Code != codeToken:
			t.Errorf("%q: %v", token, err)
		case err == nil && p.token(p.After) != token:
			t.Errorf("%q is taken for the token of %q", token, p.After)
		case err == nil && token != "" && query != "a":
			t.Errorf("%q goes on with another query", token)
		}
		if other, err := s.page("ListExclusions", []any{query}, token, nil, 10); err == nil && token != "" {
			t.Errorf("%q goes on with another operation, after %q", token, other.After)
		}
	})
}

// FuzzResource looks that an ARN that is accepted is one of the kind, and written
// as we write it.
func FuzzResource(f *testing.F) {
	for _, k := range resources {
		f.Add(valid(string(k.kind)+"Arn", &model.Shape{Kind: model.StringKind}).(string))
	}
	for _, text := range []string{practices, "arn:aws:inspector:eu-central-1:210987654321:target/0-TTTTTTTT", "arn:aws-cn:inspector:cn-north-1:210987654321:target/0-TTTTTTTT\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, k := range resources {
			a, err := k.parse(text)
			if err == nil && (a.Kind != k.kind || a.String() != text) {
				t.Errorf("%q is taken for %+v", text, a)
			}
			if status, e := describe(err); err != nil && (status != http.StatusBadRequest || e.Type != string(inspector.InvalidInput) || len(e.Message) > 4000) {
				t.Errorf("%q: %+v", text, e)
			}
		}
	})
}

var resources = []resource{groupResource, targetResource, templateResource, runResource, findingResource, exclusionResource, packageResource, taggedResource}
