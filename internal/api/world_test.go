package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"assay/internal/access"
	"assay/internal/api/model"
	"assay/internal/assess"
	"assay/internal/blob"
	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/rules"
	"assay/internal/store"
	"assay/internal/vault"
)

// world is a whole service but for agents: a database, the use cases, the API
// behind TLS, and a user's key.
type world struct {
	t      testing.TB
	store  *store.Store
	server *httptest.Server
	api    *Server
	key    access.Credential
	mu     sync.Mutex
	calls  []Call

	findingID func(agent string, i int) string
}

var scope = inspector.Scope{Region: "eu-central-1", Account: "210987654321"}

func newWorld(t testing.TB) *world { return newWorldIn(t, scope) }

func newWorldIn(t testing.TB, scope inspector.Scope) *world {
	return newWorldOn(t, scope, "sqlite:"+filepath.Join(t.TempDir(), "assay.db"))
}

// newWorldOn makes a world on a database; change may change what the use cases are
// made of.
func newWorldOn(t testing.TB, scope inspector.Scope, database string, change ...func(*assess.Config)) *world {
	t.Helper()
	ctx, dir := t.Context(), t.TempDir()
	w := &world{t: t, findingID: func(agent string, i int) string { return idOf(agent, i) }}
	var err error
	w.store, err = store.Open(ctx, database)
	check(t, err)
	t.Cleanup(func() { w.store.Close() })
	w.store.Scope = scope
	keyring, err := vault.OpenKeyring(filepath.Join(dir, "keys", "keyring"))
	check(t, err)
	var queue jobs.Queue
	if w.store.Postgres() {
		queue, err = jobs.NewRiver(ctx, w.store.DB(), database, jobs.Options{})
	} else {
		queue, err = jobs.NewSQLite(ctx, w.store.DB(), jobs.Options{})
	}
	check(t, err)
	config := assess.Config{Store: w.store, Blobs: blob.NewMemory(), Keys: keyring, Queue: queue, Packages: []rules.Package{practicesPackage{}}}
	for _, change := range change {
		change(&config)
	}
	service, err := assess.New(ctx, config)
	check(t, err)
	w.key = w.addKey(keyring, "alice")
	w.api, err = New(Config{
		Health: service.Health,
		Scope:  scope, Commands: service, Queries: &w.store.Reader, Packages: []rules.Description{practicesPackage{}.Describe()},
		Keys: Keys(&w.store.Reader, keyring), TokenKey: bytes.Repeat([]byte("k"), 32),
		Done: func(c Call) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.calls = append(w.calls, c)
		},
	})
	check(t, err)
	w.server = httptest.NewTLSServer(w.api)
	t.Cleanup(w.server.Close)
	return w
}

// practicesPackage has the name of a rules package and no rules: nothing is
// evaluated here.
type practicesPackage struct{}

func (practicesPackage) Describe() rules.Description {
	return rules.Description{ID: inspector.PackagePractices, Name: "Security Best Practices", Version: "1.0", Text: "Whether hosts are configured securely."}
}

func (practicesPackage) Evaluate(context.Context, *host.Host, rules.Input) ([]rules.Result, error) {
	return nil, nil
}

func (w *world) addKey(v access.Wrapper, user string) access.Credential {
	w.t.Helper()
	key, sealed, err := access.NewKey(w.t.Context(), v, user)
	check(w.t, err)
	check(w.t, w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		return tx.CreateAccessKey(w.t.Context(), store.AccessKey{ID: sealed.KeyID, User: sealed.User, Secret: sealed.Secret, CreatedAt: time.Now()})
	}))
	return key
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// object is a JSON object.
type object = map[string]any

// signed sends a request of the API, signed.
func (w *world) signed(operation, body string, change func(*http.Request)) (int, http.Header, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), "POST", w.server.URL+"/", bytes.NewReader([]byte(body)))
	check(w.t, err)
	r.Header.Set("Content-Type", jsonType)
	r.Header.Set("X-Amz-Target", targetPrefix+operation)
	if change != nil {
		change(r)
	}
	sum := sha256.Sum256([]byte(body))
	credentials := aws.Credentials{AccessKeyID: w.key.KeyID, SecretAccessKey: w.key.Secret}
	check(w.t, v4.NewSigner().SignHTTP(context.Background(), credentials, r, hex.EncodeToString(sum[:]), "inspector", "us-east-1", time.Now()))
	return w.send(r)
}

func (w *world) send(r *http.Request) (int, http.Header, []byte) {
	w.t.Helper()
	response, err := w.server.Client().Do(r)
	check(w.t, err)
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	check(w.t, err)
	return response.StatusCode, response.Header, data
}

// do calls an operation that has to succeed, checks the answer against AWS's model,
// and returns it.
func (w *world) do(operation string, in object) object {
	w.t.Helper()
	body, err := json.Marshal(in)
	check(w.t, err)
	status, header, data := w.signed(operation, string(body), nil)
	if status != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", operation, body, status, data)
	}
	if header.Get("X-Amzn-Requestid") == "" || header.Get("Content-Type") != jsonType {
		w.t.Errorf("%s: headers %v", operation, header)
	}
	shape := model.Operations[operation].Output
	if shape == nil {
		if len(data) > 0 {
			w.t.Errorf("%s: a body where the model has none: %s", operation, data)
		}
		return nil
	}
	w.fitsModel(operation, shape, data)
	out := object{}
	check(w.t, json.Unmarshal(data, &out))
	return out
}

// fitsModel checks that an answer is what the model says, all constraints and the
// names of all members included.
func (w *world) fitsModel(operation string, shape *model.Shape, data []byte) {
	w.t.Helper()
	var any any
	check(w.t, json.Unmarshal(data, &any))
	if err := conforms(shape, any, operation); err != nil {
		w.t.Errorf("the answer is not the model's: %v\n%s", err, data)
	}
}

// fails calls an operation that has to fail with an exception, and returns it.
func (w *world) fails(operation string, in object, exception, code string) object {
	w.t.Helper()
	body, err := json.Marshal(in)
	check(w.t, err)
	status, _, data := w.signed(operation, string(body), nil)
	out := object{}
	check(w.t, json.Unmarshal(data, &out))
	want := http.StatusBadRequest
	if exception == "InternalException" {
		want = http.StatusInternalServerError
	}
	got, _ := out["errorCode"].(string)
	if status != want || out["__type"] != exception || got != code {
		w.t.Errorf("%s %.300s: got %d %.300s, want %d %s %s", operation, body, status, data, want, exception, code)
	}
	if shape := model.Shapes[exception]; shape != nil {
		if !slices.Contains(model.Operations[operation].Errors, exception) {
			w.t.Errorf("%s answers with %s, which is not among its exceptions in the model", operation, exception)
		}
		delete(out, "__type")
		if err := conforms(shape, out, exception); err != nil {
			w.t.Errorf("%s: the exception is not the model's: %v\n%s", operation, err, data)
		}
	}
	return out
}

// addAgents enrols hosts with the tag env=prod.
func (w *world) addAgents(ids ...string) {
	w.t.Helper()
	check(w.t, w.store.Update(w.t.Context(), func(tx *store.Tx) error {
		for i, id := range ids {
			err := tx.SaveAgent(w.t.Context(), inspector.Agent{
				ID: id, Hostname: fmt.Sprintf("web%d.example", i), OS: "Debian GNU/Linux 12 (bookworm)", Platform: "linux", Kernel: "6.1.0",
				Architecture: "x86_64", Version: "1.0.0", Addresses: []string{"127.0.0.1/8", "::1/128", fmt.Sprintf("192.0.2.%d/24", i+1)},
				Tags: []inspector.Tag{{Key: "env", Value: "prod"}}, EnrolledAt: time.Now(), SeenAt: time.Now(),
			})
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// finish takes a run to its end with findings for every host, and an exclusion.
func (w *world) finish(runARN string, findings int, agents ...string) {
	w.t.Helper()
	ctx := w.t.Context()
	a, err := inspector.ParseARN(runARN)
	check(w.t, err)
	check(w.t, w.store.Update(ctx, func(tx *store.Tx) error {
		for _, state := range []inspector.RunState{
			inspector.StartDataCollectionInProgress, inspector.CollectingData, inspector.StopDataCollectionPending,
			inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules,
		} {
			if err := tx.ChangeRunState(ctx, a.ID, state, time.Now()); err != nil {
				return err
			}
		}
		runs, err := tx.Runs(ctx, []string{a.ID})
		if err != nil {
			return err
		}
		for _, agent := range agents {
			found := []inspector.Finding{}
			for i := range findings {
				found = append(found, finding(runs[a.ID], w.findingID(agent, i), agent, i))
			}
			exclusion := inspector.Exclusion{
				Run: a.ID, ID: idOf("exclusion", agent), Title: "Not all could be read", Description: "A file was not readable.", Recommendation: "Run the agent as root.",
				Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: agent}},
			}
			if err := tx.SaveResults(ctx, a.ID, agent, inspector.PackagePractices, kept(w.t), found, []inspector.Exclusion{exclusion}); err != nil {
				return err
			}
		}
		return errors.Join(tx.SetDataCollected(ctx, a.ID), tx.ChangeRunState(ctx, a.ID, inspector.Completed, time.Now()))
	}))
}

func idOf(parts ...any) string {
	sum := sha256.Sum256(fmt.Append(nil, parts...))
	return inspector.IDFrom(sum[:])
}

func finding(run inspector.Run, id, agent string, i int) inspector.Finding {
	severity := inspector.Severities()[i%4]
	return inspector.Finding{
		Target: run.Target, Template: run.Template, Run: run.ID, ID: id, Agent: agent, Package: inspector.PackagePractices,
		PackageARN: run.Packages[0], Rule: "root-login-over-ssh", FindingID: "Disable root login over SSH", Title: fmt.Sprintf("Instance %s allows root to log in over SSH (%d)", agent, i),
		Description: "Root can log in.", Recommendation: "Set PermitRootLogin no.", Severity: severity, Confidence: 10,
		Attributes:     []inspector.Attribute{{Key: "INSTANCE_ID", Value: agent}},
		UserAttributes: run.Attributes, Asset: inspector.Asset{Agent: agent, Hostname: "web.example", IPv4Addresses: []string{"192.0.2.1", "fe80::1"}},
		CreatedAt: time.Now(), UpdatedAt: time.Now(),
	}
}
