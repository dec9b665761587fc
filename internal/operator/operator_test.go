package operator

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory/index"
	"assay/internal/assess"
	"assay/internal/blob"
	"assay/internal/identity"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/rules"
	"assay/internal/rules/catalog"
	"assay/internal/store"
	"assay/internal/vault"
)

var (
	scope = inspector.Scope{Region: "eu-central-1", Account: "210987654321"}
	noon  = time.Date(2026, 5, 20, 12, 0, 0, 0, time.UTC)
)

// world is the operations over a database.
type world struct {
	t         *testing.T
	store     *store.Store
	authority *identity.Authority
	handlers  map[string]Handler
	run       string // the ARN of a run that nothing is known of yet
}

func newWorld(t *testing.T, more ...rules.Package) *world {
	t.Helper()
	w, ctx, dir := &world{t: t}, t.Context(), t.TempDir()
	var err error
	w.store, err = store.Open(ctx, "sqlite:"+filepath.Join(dir, "assay.db"))
	w.check(err)
	t.Cleanup(func() { w.store.Close() })
	w.store.Scope = scope
	keys, err := vault.OpenKeyring(filepath.Join(dir, "keys", "keyring"))
	w.check(err)
	queue, err := jobs.NewSQLite(ctx, w.store.DB(), jobs.Options{})
	w.check(err)
	clock := func() time.Time { return noon }
	service, err := assess.New(ctx, assess.Config{
		Store: w.store, Blobs: blob.NewMemory(), Keys: keys, Queue: queue, Packages: append(catalog.Packages(&index.Current{}), more...), Now: clock,
	})
	w.check(err)
	w.authority, err = identity.NewAuthority("test", clock)
	w.check(err)
	w.handlers = Handlers(Config{
		Store: w.store, Service: service, Authority: w.authority, Gateway: "https://assay.example:8444",
		Packages: []inspector.PackageID{inspector.PackagePractices}, Now: clock,
	})
	w.check(w.store.Update(ctx, func(tx *store.Tx) error {
		run := inspector.Run{Target: "0-target01", Template: "0-templat1", ID: "0-run00001", Name: "r", State: inspector.Created, CreatedAt: noon, StateChangedAt: noon,
			Duration: time.Hour, Packages: []string{scope.RulesPackage("0-x").String()}}
		err := errors.Join(
			tx.CreateTarget(ctx, inspector.Target{ID: run.Target, Name: "all", CreatedAt: noon, UpdatedAt: noon}, inspector.Limits{}),
			tx.CreateTemplate(ctx, inspector.Template{Target: run.Target, ID: run.Template, Name: "t", Duration: time.Hour, Packages: run.Packages, CreatedAt: noon}, inspector.Limits{}),
			tx.CreateRun(ctx, run, []byte("key"), nil, inspector.Limits{}),
		)
		w.run = scope.Run(run.Target, run.Template, run.ID).String()
		return err
	}))
	return w
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) agent(id string) {
	w.t.Helper()
	w.check(w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		return tx.SaveAgent(w.t.Context(), inspector.Agent{ID: id, Hostname: "h-" + id, EnrolledAt: noon})
	}))
}

// call does an operation and reads its answer as the command line would.
func call[Out any](w *world, operation string, request any) (out Out, err error) {
	w.t.Helper()
	text, ok := request.(string)
	if !ok {
		data, err := json.Marshal(request)
		w.check(err)
		text = string(data)
	}
	answer, err := w.handlers[operation](w.t.Context(), []byte(text))
	if err != nil {
		return out, err
	}
	data, err := json.Marshal(answer)
	w.check(err)
	w.check(json.Unmarshal(data, &out))
	return out, nil
}

// Whatever is asked wrongly is the caller's error, never the service's, and says
// what is wrong.
func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	many := func(n int, f func(int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
			b.WriteString(",")
		}
		return "[" + strings.TrimSuffix(b.String(), ",") + "]"
	}
	tag := func(i int) string { return fmt.Sprintf(`{"key":"k%d","value":"v"}`, i) }
	finding := func(int) string { return `"` + w.run + `/finding/0-a"` }
	other := inspector.Scope{Region: "eu-west-1", Account: scope.Account}.Run("0-target01", "0-templat1", "0-run00001").String()
	for _, test := range []struct {
		operation, request string
		kind               inspector.ErrorKind
		want               string
	}{
		{CreateEnrollmentToken, `{"uses":1,"uses":2}`, inspector.InvalidInput, "duplicate"},
		{CreateEnrollmentToken, `{"tags":[{"key":"a","key":"b","value":"v"}]}`, inspector.InvalidInput, "duplicate"},
		{CreateEnrollmentToken, `{`, inspector.InvalidInput, "not the JSON"},
		{CreateEnrollmentToken, `[]`, inspector.InvalidInput, "not the JSON"},
		{CreateEnrollmentToken, `{"seconds":"1"}`, inspector.InvalidInput, "not the JSON"},
		{CreateEnrollmentToken, `{"seconds":-1}`, inspector.InvalidInput, "1 second to 90 days"},
		{CreateEnrollmentToken, `{"seconds":7776001}`, inspector.InvalidInput, "1 second to 90 days"},
		{CreateEnrollmentToken, `{"seconds":9223372036854775807}`, inspector.InvalidInput, "1 second to 90 days"},
		{CreateEnrollmentToken, `{"uses":-1}`, inspector.InvalidInput, "-1 uses"},
		{CreateEnrollmentToken, `{"tags":[{"value":"v"}]}`, inspector.InvalidInput, "a tag's key"},
		{CreateEnrollmentToken, `{"tags":[{"key":"` + strings.Repeat("k", 129) + `"}]}`, inspector.InvalidInput, "a tag's key"},
		{CreateEnrollmentToken, `{"tags":[{"key":"k","value":"` + strings.Repeat("v", 257) + `"}]}`, inspector.InvalidInput, "a tag's value"},
		{CreateEnrollmentToken, `{"tags":[{"key":"k"},{"key":"k"}]}`, inspector.InvalidInput, "given twice"},
		{CreateEnrollmentToken, `{"tags":` + many(51, tag) + `}`, inspector.InvalidInput, "at most 50 tags"},
		{ListAgents, `{"maxResults":-1}`, inspector.InvalidInput, "1 to 500"},
		{ListAgents, `{"maxResults":501}`, inspector.InvalidInput, "1 to 500"},
		{ListAgents, `{"nextToken":"a\u0000b"}`, inspector.InvalidInput, "nextToken"},
		{ListAgents, `{"nextToken":"` + strings.Repeat("x", 129) + `"}`, inspector.InvalidInput, "nextToken"},
		{RevokeAgent, `{}`, inspector.InvalidInput, "not the id of an agent"},
		{RevokeAgent, `{"agentId":"i-\u0000"}`, inspector.InvalidInput, "not the id of an agent"},
		{RevokeAgent, `{"agentId":"i-0123456789abcdef0"}`, inspector.NoSuchEntity, "no agent i-0123456789abcdef0"},
		{ExplainFindings, `{}`, inspector.InvalidInput, "1 to 500 findings"},
		{ExplainFindings, `{"findingArns":` + many(501, finding) + `}`, inspector.InvalidInput, "1 to 500 findings"},
		{ExplainFindings, `{"findingArns":["nonsense"]}`, inspector.InvalidInput, "not the ARN of a finding"},
		{ExplainFindings, `{"findingArns":["` + w.run + `"]}`, inspector.InvalidInput, "not the ARN of a finding"},
		{ListResults, `{}`, inspector.InvalidInput, "not the ARN of an assessment run"},
		{ListResults, `{"assessmentRunArn":"` + w.run + `/finding/0-a"}`, inspector.InvalidInput, "not the ARN of an assessment run"},
		{ListResults, `{"assessmentRunArn":"` + strings.TrimSuffix(w.run, "1") + `2"}`, inspector.NoSuchEntity, "no assessment run"},
		{ListResults, `{"assessmentRunArn":"` + other + `"}`, inspector.NoSuchEntity, "no assessment run"},
		{ListResults, `{"assessmentRunArn":"` + w.run + `","maxResults":501}`, inspector.InvalidInput, "1 to 500"},
	} {
		_, err := call[any](w, test.operation, test.request)
		var refused *inspector.Err
		if !errors.As(err, &refused) || refused.Kind != test.kind || !strings.Contains(refused.Message, test.want) {
			t.Errorf("%s %.100s: the error is %v, want %s with %q", test.operation, test.request, err, test.kind, test.want)
		}
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		request TokenRequest
		want    time.Duration
	}{
		{TokenRequest{}, 24 * time.Hour},
		{TokenRequest{Seconds: 1}, time.Second},
		{TokenRequest{Seconds: 90 * 24 * 3600, Uses: 1 << 40, Tags: []inspector.Tag{{Key: strings.Repeat("ä", 128), Value: strings.Repeat("ö", 256)}}}, MaxValidity},
	} {
		got, err := call[TokenResponse](w, CreateEnrollmentToken, test.request)
		w.check(err)
		if got.ExpiresAt.Sub(noon) != test.want || got.Token == "" || got.Gateway != "https://assay.example:8444" || got.Pin != w.authority.Pin() || got.CA != string(w.authority.CA()) {
			t.Errorf("%+v gives %+v", test.request, got)
		}
		w.check(w.store.Update(t.Context(), func(tx *store.Tx) error {
			kept, err := tx.UseToken(t.Context(), identity.HashToken(got.Token), noon)
			if diff := cmp.Diff(test.request.Tags, kept.Tags); diff != "" {
				t.Error(diff)
			}
			return err
		}))
	}
}

func TestAgentsComeInPages(t *testing.T) {
	w := newWorld(t)
	var want, got []string
	for i := range 7 {
		id := fmt.Sprintf("i-%017x", i)
		w.agent(id)
		want = append(want, id)
	}
	pages := 0
	for token := ""; ; pages++ {
		page, err := call[AgentsResponse](w, ListAgents, PageRequest{MaxResults: 3, NextToken: token})
		w.check(err)
		for _, a := range page.Agents {
			got = append(got, a.ID)
		}
		if token = page.NextToken; token == "" {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || pages != 2 {
		t.Errorf("after %d more pages (-want +got):\n%s", pages, diff)
	}
}

func TestRevoke(t *testing.T) {
	w := newWorld(t)
	const id = "i-0123456789abcdef0"
	w.agent(id)
	for range 2 { // the second time changes nothing
		_, err := call[RevokeResponse](w, RevokeAgent, RevokeRequest{ID: id})
		w.check(err)
	}
	got, err := call[AgentsResponse](w, ListAgents, PageRequest{})
	w.check(err)
	if len(got.Agents) != 1 || !got.Agents[0].Revoked || got.Agents[0].Hostname != "h-"+id {
		t.Errorf("the agents are %+v", got.Agents)
	}
}

// Lists that are empty are lists, and a finding that there is not is left out.
func TestNothingToTell(t *testing.T) {
	w := newWorld(t)
	for operation, request := range map[string]any{
		ListAgents:      PageRequest{},
		ExplainFindings: ExplainRequest{ARNs: []string{w.run + "/finding/0-nothing1"}},
		ListResults:     ResultsRequest{Run: w.run},
	} {
		answer, err := call[map[string]any](w, operation, request)
		w.check(err)
		for name, list := range answer {
			if items, ok := list.([]any); !ok || len(items) != 0 {
				t.Errorf("%s: %q is %v, want an empty list", operation, name, list)
			}
		}
	}
}
