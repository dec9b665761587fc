package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"assay/internal/assess"
	"assay/internal/inspector"
	"assay/internal/service"
	"assay/internal/store"
)

// seeded findings: more than a page of 500.
const seeded = 620

// world is a service with a host that is tagged role=web, and a run that is over.
type world struct {
	t      *testing.T
	folder service.Folder
	client service.Client
	run    string // the ARN of the run that is over
}

var scope = inspector.Scope{Region: "eu-central-1", Account: "210987654321"}

func newWorld(t *testing.T) *world {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	s, err := service.Open(t.Context(), service.Config{Data: data, API: "127.0.0.1:0", Gateway: "127.0.0.1:0", Scope: scope, Interval: time.Hour})
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		check(t, <-ended)
	})
	w := &world{t: t, folder: s.Folder(), client: s.Client()}
	w.seed()
	return w
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// seed enrols a host, and takes a run to its end.
func (w *world) seed() {
	w.t.Helper()
	ctx, now := w.t.Context(), time.Now().UTC()
	db, err := store.Open(ctx, "sqlite:"+filepath.Join(string(w.folder), "assay.db"))
	check(w.t, err)
	defer db.Close()
	db.Scope = scope
	agent := inspector.Agent{
		ID: "i-0123456789abcdef0", Hostname: "web0.example", OS: "Debian GNU/Linux 12 (bookworm)", Platform: "linux", Kernel: "6.1.0", Architecture: "x86_64", Version: "1.0.0",
		Addresses: []string{"192.0.2.1/24"}, Tags: []inspector.Tag{{Key: "role", Value: "web"}}, EnrolledAt: now, SeenAt: now,
	}
	run := inspector.Run{
		Target: "0-seedtarg", Template: "0-seedtmpl", ID: "0-seedrun0", Name: "seed", State: inspector.Created, CreatedAt: now, StateChangedAt: now, Duration: time.Hour,
		Packages: []string{scope.PackageARN(inspector.PackagePractices).String()},
	}
	w.run = scope.Run(run.Target, run.Template, run.ID).String()
	check(w.t, db.Update(ctx, func(tx *store.Tx) error {
		err := errors.Join(
			tx.SaveAgent(ctx, agent),
			tx.CreateTarget(ctx, inspector.Target{ID: run.Target, Name: "seed", CreatedAt: now, UpdatedAt: now}, inspector.Limits{}),
			tx.CreateTemplate(ctx, inspector.Template{Target: run.Target, ID: run.Template, Name: "seed", Duration: time.Hour, Packages: run.Packages, CreatedAt: now}, inspector.Limits{}),
			tx.CreateRun(ctx, run, []byte("key"), []string{agent.ID}, inspector.Limits{}),
		)
		err = errors.Join(err, evaluating(ctx, tx, run))
		exclusion := inspector.Exclusion{
			Run: run.ID, ID: "0-exclusio", Title: "Not all could be read", Description: "A file was not readable.", Recommendation: "Run the agent as root.",
			Scopes: []inspector.ExclusionScope{{Type: inspector.ScopeInstance, Value: agent.ID}},
		}
		return errors.Join(err,
			tx.SaveResults(ctx, run.ID, agent.ID, inspector.PackagePractices, kept(w.t, inspector.PackagePractices), findings(run, agent), []inspector.Exclusion{exclusion}),
			tx.ChangeRunState(ctx, run.ID, inspector.CompletedWithErrors, now))
	}))
}

// evaluating takes a new run to its evaluation.
func evaluating(ctx context.Context, tx *store.Tx, run inspector.Run) (err error) {
	for _, state := range []inspector.RunState{
		inspector.StartDataCollectionPending, inspector.StartDataCollectionInProgress, inspector.CollectingData, inspector.StopDataCollectionPending,
		inspector.DataCollected, inspector.StartEvaluatingRulesPending, inspector.EvaluatingRules,
	} {
		err = errors.Join(err, tx.ChangeRunState(ctx, run.ID, state, run.CreatedAt))
	}
	return err
}

// kept are the results of a host as they are kept: zstd-compressed JSON.
func kept(t *testing.T, pkg inspector.PackageID) []byte {
	t.Helper()
	enc, err := zstd.NewWriter(nil)
	check(t, err)
	text, err := json.Marshal(assess.HostResults{Package: pkg, Version: "1.0", EvaluatedAt: time.Now()})
	check(t, err)
	return enc.EncodeAll(text, nil)
}

// findings has severities in turn.
func findings(run inspector.Run, agent inspector.Agent) (all []inspector.Finding) {
	for i := range seeded {
		all = append(all, inspector.Finding{
			Target: run.Target, Template: run.Template, Run: run.ID, ID: fmt.Sprintf("0-find%04d", i), Agent: agent.ID, Package: inspector.PackagePractices, PackageARN: run.Packages[0],
			Rule: "root-login-over-ssh", Subject: fmt.Sprint(i), FindingID: "Disable root login over SSH", Title: fmt.Sprintf("Instance %s allows root to log in over SSH (%d)", agent.ID, i),
			Description: "Root can log in.", Recommendation: "Set PermitRootLogin no.", Severity: inspector.Severities()[i%4], Confidence: 10,
			Attributes: []inspector.Attribute{{Key: "INSTANCE_ID", Value: agent.ID}}, Asset: inspector.Asset{Agent: agent.ID, Hostname: agent.Hostname, IPv4Addresses: []string{"192.0.2.1"}, Tags: agent.Tags},
			CreatedAt: run.CreatedAt, UpdatedAt: run.CreatedAt,
		})
	}
	return all
}

// environment is what `assay env` prints, and what the programs need beside it.
func (w *world) environment(more ...string) []string {
	return append([]string{
		"PATH=/usr/bin:/bin", "HOME=" + w.t.TempDir(), "LANG=C.UTF-8", "ASSAY_ENDPOINT=" + w.client.Endpoint, "AWS_ACCESS_KEY_ID=" + w.client.AccessKey, "AWS_SECRET_ACCESS_KEY=" + w.client.Secret,
		"AWS_DEFAULT_REGION=" + w.client.Region, "AWS_REGION=" + w.client.Region, "AWS_CA_BUNDLE=" + w.folder.CA(), "NODE_EXTRA_CA_CERTS=" + w.folder.CA(),
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "AWS_MAX_ATTEMPTS=1", "AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE=1",
		"SEED_RUN=" + w.run, fmt.Sprintf("SEED_FINDINGS=%d", seeded),
	}, more...)
}

// program runs a program that has to end well and say so, and returns what it printed.
func (w *world) program(env []string, name string, args ...string) string {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), name, args...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out)
}

// gone checks that a client has cleaned up behind itself: it deleted what it made.
func (w *world) gone() {
	w.t.Helper()
	db, err := store.Open(w.t.Context(), "sqlite:"+filepath.Join(string(w.folder), "assay.db"))
	check(w.t, err)
	defer db.Close()
	targets, _, err := db.ListTargets(w.t.Context(), inspector.TargetFilter{}, inspector.Page{Limit: 10})
	check(w.t, err)
	if len(targets) != 1 {
		w.t.Errorf("the client has left targets: %v", targets)
	}
}

// httpClient trusts the service's certificate.
func (w *world) httpClient() *http.Client {
	w.t.Helper()
	roots := x509.NewCertPool()
	pem, err := os.ReadFile(w.folder.CA())
	check(w.t, err)
	roots.AppendCertsFromPEM(pem)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	w.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
