package operator

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/access"
	"assay/internal/inspector"
	"assay/internal/store"
)

// as calls an operation as a user.
func as[Out any](w *world, user, operation string, request any) (out Out, err error) {
	w.t.Helper()
	body, err := json.Marshal(request)
	w.check(err)
	if text, ok := request.(string); ok {
		body = []byte(text)
	}
	answer, err := w.handlers[operation](access.With(w.t.Context(), access.Principal{User: user}), body)
	if err != nil {
		return out, err
	}
	data, err := json.Marshal(answer)
	w.check(err)
	return out, json.Unmarshal(data, &out)
}

func TestSuppressions(t *testing.T) {
	w := newWorld(t)
	selector := SuppressionSelector{
		Package: inspector.PackageCVE, Rule: "cve", Finding: "CVE-2024-*", Subject: `a\*`, Attributes: []inspector.Attribute{{Key: "package_name", Value: "openssl"}},
		Agent: "i-1", Hostname: "web-*", Tags: []inspector.Tag{{Key: "env", Value: "test"}},
	}
	until := noon.AddDate(0, 3, 0)
	added, err := as[Suppression](w, "alice", AddSuppression, AddSuppressionRequest{SuppressionSelector: selector, Reason: "accepted", Until: until})
	w.check(err)
	want := Suppression{ID: added.ID, SuppressionSelector: selector, Reason: "accepted", Author: "arn:aws:iam::210987654321:user/alice", CreatedAt: noon, Until: until, State: inspector.SuppressionActive}
	if diff := cmp.Diff(want, added); diff != "" || len(added.ID) != 10 {
		t.Errorf("what was added (-want +got):\n%s", diff)
	}
	forever, err := as[Suppression](w, "alice", AddSuppression, `{"rule":"root-login","reason":"r","forever":true,"author":"bob","suppressionId":"0-chosen01"}`)
	w.check(err)
	if forever.Author != want.Author || forever.ID == "0-chosen01" || !forever.Until.IsZero() {
		t.Errorf("a caller has chosen %+v", forever)
	}
	for _, user := range []string{"bob", "carol"} { // the second changes nothing
		_, err = as[EmptyResponse](w, user, RevokeSuppression, SuppressionRequest{ID: added.ID})
		w.check(err)
	}
	var listed []Suppression
	for token := ""; ; {
		page, err := call[SuppressionsResponse](w, ListSuppressions, PageRequest{MaxResults: 1, NextToken: token})
		w.check(err)
		listed = append(listed, page.Suppressions...)
		if token = page.NextToken; token == "" {
			break
		}
	}
	want.State, want.RevokedAt, want.RevokedBy = inspector.SuppressionRevoked, noon, "arn:aws:iam::210987654321:user/bob"
	byID := map[string]Suppression{}
	for _, s := range listed {
		byID[s.ID] = s
	}
	if diff := cmp.Diff(map[string]Suppression{want.ID: want, forever.ID: forever}, byID); diff != "" || len(listed) != 2 {
		t.Errorf("%d are listed (-want +got):\n%s", len(listed), diff)
	}
}

func TestBadSuppressions(t *testing.T) {
	w := newWorld(t)
	end := noon.AddDate(0, 1, 0).Format(time.RFC3339)
	for _, test := range []struct {
		operation, request string
		kind               inspector.ErrorKind
		want               string
	}{
		{AddSuppression, `{`, inspector.InvalidInput, "not the JSON"},
		{AddSuppression, `{}`, inspector.InvalidInput, "one of the two"},
		{AddSuppression, `{"rule":"r","reason":"x"}`, inspector.InvalidInput, "one of the two"},
		{AddSuppression, `{"rule":"r","reason":"x","forever":true,"until":"` + end + `"}`, inspector.InvalidInput, "one of the two"},
		{AddSuppression, `{"rule":"r","reason":"x","until":"2020-01-01T00:00:00Z"}`, inspector.InvalidInput, "end before"},
		{AddSuppression, `{"rule":"r","reason":"x","until":"tomorrow"}`, inspector.InvalidInput, "not the JSON"},
		{AddSuppression, `{"rule":"r","until":"` + end + `"}`, inspector.InvalidInput, "no reason"},
		{AddSuppression, `{"reason":"x","forever":true}`, inspector.InvalidInput, "whatever is found"},
		{AddSuppression, `{"agentId":"i-1","tags":[{"key":"a","value":"b"}],"hostname":"*","rulesPackage":"cve","reason":"x","forever":true}`, inspector.InvalidInput, "whatever is found"},
		{AddSuppression, `{"finding":"**","reason":"x","forever":true}`, inspector.InvalidInput, "nearly everything"},
		{AddSuppression, `{"finding":"CVE-*","reason":"x","forever":true}`, inspector.InvalidInput, "nearly everything"},
		{AddSuppression, `{"finding":"` + strings.Repeat("a*", 200) + `","reason":"x","forever":true}`, inspector.InvalidInput, "400 characters"},
		{AddSuppression, `{"rule":"r\u0000","reason":"x","forever":true}`, inspector.InvalidInput, "no text"},
		{AddSuppression, `{"rulesPackage":"nonsense","rule":"r","reason":"x","forever":true}`, inspector.InvalidInput, "no rules package"},
		{ListSuppressions, `{"maxResults":501}`, inspector.InvalidInput, "1 to 500"},
		{ListSuppressions, `{"nextToken":"nonsense"}`, inspector.InvalidInput, "not one that was given out"},
		{RevokeSuppression, `{}`, inspector.InvalidInput, "not the id of a suppression"},
		{RevokeSuppression, `{"suppressionId":"a b"}`, inspector.InvalidInput, "not the id of a suppression"},
		{RevokeSuppression, `{"suppressionId":"0-nothing1"}`, inspector.NoSuchEntity, "no suppression"},
		{CompareRuns, `{}`, inspector.InvalidInput, "not the ARN of an assessment run"},
		{CompareRuns, `{"beforeArn":"` + w.run + `","afterArn":"` + w.run + `"}`, inspector.InvalidInput, "only runs whose evaluation is over"},
		{CompareRuns, `{"beforeArn":"` + strings.TrimSuffix(w.run, "1") + `2"}`, inspector.NoSuchEntity, "no assessment run"},
		{CompareRuns, `{"maxResults":501}`, inspector.InvalidInput, "1 to 500"},
	} {
		_, err := as[any](w, "alice", test.operation, test.request)
		var refused *inspector.Err
		if !errors.As(err, &refused) || refused.Kind != test.kind || !strings.Contains(refused.Message, test.want) {
			t.Errorf("%s %.200s: the error is %v, want %s with %q", test.operation, test.request, err, test.kind, test.want)
		}
	}
	// What is decided has somebody who has decided it.
	for operation, request := range map[string]string{AddSuppression: `{"rule":"r","reason":"x","forever":true}`, RevokeSuppression: `{"suppressionId":"0-nothing1"}`} {
		_, err := w.handlers[operation](context.Background(), []byte(request))
		var refused *inspector.Err
		if !errors.As(err, &refused) || refused.Kind != inspector.AccessDenied {
			t.Errorf("%s of nobody: %v", operation, err)
		}
	}
}

// Runs are compared in their order, and those that cannot be are refused.
func TestCompareRefuses(t *testing.T) {
	w := newWorld(t)
	made := func(n int, imported bool) string {
		run := inspector.Run{Target: "0-target01", Template: "0-templat1", ID: inspector.NewID(), State: inspector.Completed, CreatedAt: noon.AddDate(0, 0, n), Duration: time.Hour}
		run.Name = run.ID
		w.check(w.store.Update(t.Context(), func(tx *store.Tx) error {
			if imported {
				return tx.ImportRun(t.Context(), run, noon)
			}
			return tx.CreateRun(t.Context(), run, []byte("key"), []string{"i-" + run.ID}, inspector.Limits{})
		}))
		return scope.Run(run.Target, run.Template, run.ID).String()
	}
	first, second, imported := made(1, false), made(2, false), made(3, true)
	got, err := call[CompareResponse](w, CompareRuns, CompareRequest{Before: first, After: second})
	if err != nil || got.Hosts == nil || len(got.Hosts) != 0 || got.NextToken != "" {
		t.Errorf("runs without findings: %+v, %v", got, err)
	}
	for _, test := range []struct{ before, after, want string }{
		{second, first, "name the older run first"},
		{first, first, "name the older run first"},
		{first, imported, "was imported"},
	} {
		_, err := call[CompareResponse](w, CompareRuns, CompareRequest{Before: test.before, After: test.after})
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("the error is %v, want %q", err, test.want)
		}
	}
}
