package api

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"assay/internal/access"
	"assay/internal/access/policy"
	"assay/internal/api/model"
	"assay/internal/assess"
	"assay/internal/store"
	"assay/internal/users"
)

// restricted is a user beside the one who may do everything. A part of all calls
// is made by this user first, signed, over the whole server: what the policy denies
// is denied, and leaves no trace, which the calls after it show; what it allows is
// the call.
type restricted struct {
	users  *users.Service
	key    access.Credential
	policy modelPolicy
}

// modelPolicy is a policy, and what it means in plain words.
type modelPolicy struct {
	document string
	allows   func(operation string) bool
}

// begins tells whether an operation begins with one of some words.
func begins(words ...string) func(string) bool {
	return func(operation string) bool {
		for _, word := range words {
			if strings.HasPrefix(operation, word) {
				return true
			}
		}
		return false
	}
}

func everything(string) bool { return true }

var propertyPolicies = []modelPolicy{
	{policy.Managed()[policy.ReadOnlyAccess], begins("Describe", "Get", "List", "Preview")},
	{`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["inspector:list*", "inspector:?reate*"], "Resource": "*"}}`, begins("List", "Create")},
	{`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}, {"Effect": "Deny", "Action": ["inspector:Delete*", "inspector:*Assessment*"], "Resource": "*"}]}`,
		func(operation string) bool {
			return !begins("Delete")(operation) && !strings.Contains(operation, "Assessment")
		}},
	{`{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "NotAction": "inspector:Describe*", "Resource": "*"}}`, func(operation string) bool { return !begins("Describe")(operation) }},
	{`{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "inspector:*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
		{"Effect": "Allow", "Action": "inspector:*", "Resource": "*", "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}]}`, func(string) bool { return false }},
	{`{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "NotAction": "inspector:*", "Resource": "*"}, {"Effect": "Allow", "Action": "inspector:*", "Resource": "*"}]}`, everything},
}

const restrictedPolicy = "what-bob-may-do"

// newRestricted makes the user, and has the server ask the policies: of the other
// one's key nothing is asked.
func newRestricted(t testing.TB, w *world) *restricted {
	t.Helper()
	service := w.api.Commands.(*assess.Service)
	r := &restricted{users: &users.Service{Store: w.store, Vault: service.Keys, Now: time.Now}}
	r.put(t, propertyPolicies[0])
	_, err := r.users.CreateUser(t.Context(), "bob")
	check(t, err)
	check(t, r.users.Attach(t.Context(), store.Principal{Name: "bob"}, restrictedPolicy))
	r.key, err = r.users.CreateKey(t.Context(), "bob")
	check(t, err)
	w.api.Authorize = (&users.Authorizer{Store: &w.store.Reader, Partition: "aws", Account: scope.Account, Now: time.Now}).Authorize
	return r
}

func (r *restricted) put(t testing.TB, to modelPolicy) {
	t.Helper()
	check(t, r.users.PutPolicy(context.Background(), restrictedPolicy, to.document))
	r.policy = to
}

// changePolicy changes what the restricted user may do, which counts at once.
func (p *property) changePolicy() {
	p.bob.put(p.world.t, propertyPolicies[draw(p, "policy", 0, 1, 2, 3, 4, 5)])
}

// asBob makes a call as the restricted user. done tells whether it was allowed.
func (p *property) asBob(shape model.Operation, body []byte) (out object, outcome string, done bool) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("POST", "https://assay.example/", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Target", targetPrefix+shape.Name)
	access.Sign(r, body, p.bob.key, scope.Region, "inspector", time.Now())
	p.world.api.ServeHTTP(w, r)
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			p.Fatalf("%s %s: %v in %s", shape.Name, body, err, w.Body)
		}
	}
	if !p.bob.policy.allows(shape.Name) {
		code, _ := out["errorCode"].(string)
		if w.Code != http.StatusBadRequest || out["__type"] != "AccessDeniedException" || !strings.HasPrefix(code, "ACCESS_DENIED_TO_") {
			p.Fatalf("%s %s: who may not do it gets %d %v", shape.Name, body, w.Code, out)
		}
		return nil, "", false
	}
	if w.Code == http.StatusOK {
		p.fits(shape, body, out)
		return out, "", true
	}
	kind, _ := out["__type"].(string)
	code, _ := out["errorCode"].(string)
	return p.refused(shape, body, w.Code, kind, out), strings.TrimSpace(kind + " " + code), true
}
