package gateway

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"assay/internal/assess"
	"assay/internal/blob"
	"assay/internal/host"
	"assay/internal/identity"
	"assay/internal/inspector"
	"assay/internal/jobs"
	"assay/internal/rules"
	"assay/internal/store"
	"assay/internal/telemetry"
	"assay/internal/vault"
	"assay/internal/wire"
)

// door is a gateway over TLS, in front of a real service and database.
type door struct {
	*Gateway
	t     testing.TB
	store *store.Store
	addr  string
	log   *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func openDoor(t testing.TB, change ...func(*Config)) *door {
	t.Helper()
	st, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "assay.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	ring, err := vault.OpenKeyring(filepath.Join(t.TempDir(), "keyring.json"))
	if err != nil {
		t.Fatal(err)
	}
	log := &logBuffer{}
	queue, err := jobs.NewSQLite(t.Context(), st.DB(), jobs.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	service, err := assess.New(t.Context(), assess.Config{
		Store: st, Blobs: blob.NewMemory(), Keys: ring, Queue: queue, Packages: []rules.Package{onePackage{}},
		Log: slog.New(slog.NewTextHandler(log, nil)), Grace: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	authority, err := identity.NewAuthority("test", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	config := Config{
		Service: service, Authority: authority, Server: authority.Server([]string{"127.0.0.1"}),
		Log: slog.New(slog.NewTextHandler(log, nil)),
	}
	for _, f := range change {
		f(&config)
	}
	d := &door{Gateway: New(config), t: t, store: st, log: log}
	d.serve()
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() { service.Run(ctx) })
	group.Go(func() { queue.Run(ctx, service.Handlers(), 1) })
	t.Cleanup(func() { cancel(); group.Wait() })
	return d
}

func (d *door) serve() {
	d.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	server := d.HTTPServer()
	done := make(chan struct{})
	go func() { server.ServeTLS(listener, "", ""); close(done) }()
	d.t.Cleanup(func() { server.Close(); <-done })
	d.addr = listener.Addr().String()
}

// onePackage needs the config sensor and finds nothing.
type onePackage struct{}

func (onePackage) Describe() rules.Description {
	return rules.Description{
		ID: inspector.PackagePractices, Name: "Security Best Practices", Version: "1", Sensors: []string{telemetry.SensorConfig},
		Rules: []rules.Rule{{ID: "one", Title: "One", Severity: inspector.Medium}},
	}
}

func (onePackage) Evaluate(_ context.Context, h *host.Host, _ rules.Input) ([]rules.Result, error) {
	t := h.Text("/etc/ssh/sshd_config")
	return []rules.Result{{Rule: "one", Verdict: rules.Failed, Reason: "it is there", Evidence: []rules.Evidence{{
		Sensor: telemetry.SensorConfig, Record: telemetry.Key(t.Value), Found: t.Value.Text, Expected: "nothing",
	}}}}, nil
}

// caller is an agent's side of a connection.
type caller struct {
	d      *door
	id     string
	key    *ecdsa.PrivateKey
	client *http.Client
}

// caller makes a host that has a key and, if it is given one, a certificate.
func (d *door) caller(cert *tls.Certificate) *caller {
	d.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		d.t.Fatal(err)
	}
	c := &caller{d: d, key: key}
	c.connect(cert)
	return c
}

func (c *caller) connect(cert *tls.Certificate) {
	config := &tls.Config{RootCAs: c.d.Authority.Pool(), MinVersion: tls.VersionTLS12}
	if cert != nil {
		// Not Certificates: from there Go sends only what the server asks for.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return cert, nil }
	}
	transport := &http.Transport{TLSClientConfig: config}
	c.client = &http.Client{Transport: transport, Timeout: 20 * time.Second}
	c.d.t.Cleanup(transport.CloseIdleConnections)
}

func (c *caller) csr() []byte {
	c.d.t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, c.key)
	if err != nil {
		c.d.t.Fatal(err)
	}
	return der
}

// certificate is the caller's key with a certificate in PEM.
func (c *caller) certificate(text []byte) *tls.Certificate {
	c.d.t.Helper()
	block, _ := pem.Decode(text)
	if block == nil {
		c.d.t.Fatalf("no certificate in %q", text)
	}
	return &tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: c.key}
}

// do sends a document, or a reader as it is, and decodes the answer.
func (c *caller) do(method, path string, body any, into any) (status int, refused wire.Error, header http.Header) {
	c.d.t.Helper()
	reader, ok := body.(io.Reader)
	if !ok {
		var text bytes.Buffer
		if err := wire.Encode(&text, body); err != nil {
			c.d.t.Fatal(err)
		}
		reader = &text
	}
	req, err := http.NewRequest(method, "https://"+c.d.addr+path, reader)
	if err != nil {
		c.d.t.Fatal(err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		c.d.t.Fatal(err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode != http.StatusOK:
		if err := wire.Decode(resp.Body, &refused); err != nil {
			c.d.t.Errorf("%s: the error of status %d cannot be read: %v", path, resp.StatusCode, err)
		}
	case into != nil:
		if err := wire.Decode(resp.Body, into); err != nil {
			c.d.t.Errorf("%s: the answer cannot be read: %v", path, err)
		}
	}
	return resp.StatusCode, refused, resp.Header
}

func (d *door) token(uses int) string {
	d.t.Helper()
	token, hash := identity.NewToken()
	err := d.store.Update(d.t.Context(), func(tx *store.Tx) error {
		return tx.CreateToken(d.t.Context(), store.Token{ID: inspector.NewID(), Hash: hash, CreatedAt: time.Now(), MaxUses: uses})
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}

var facts = wire.HostFacts{Hostname: "web-1", OS: "linux", Architecture: "x86_64"}

// enrol makes an agent with its certificate.
func (d *door) enrol() *caller {
	d.t.Helper()
	c := d.caller(nil)
	var out wire.EnrollResponse
	status, refused, _ := c.do("POST", wire.PathEnroll, wire.EnrollRequest{
		Protocol: wire.Version, Token: d.token(1), CSR: c.csr(), Version: "1.0", Facts: facts,
	}, &out)
	if status != http.StatusOK {
		d.t.Fatalf("enrol: %d %+v", status, refused)
	}
	if !bytes.Equal(out.CA, d.Authority.CA()) || out.Interval != 30 {
		d.t.Fatalf("enrol: %+v", out)
	}
	c.id = out.Agent
	c.connect(c.certificate(out.Certificate))
	return c
}

func (c *caller) heartbeat() wire.Heartbeat {
	return wire.Heartbeat{Protocol: wire.Version, Version: "1.0", Now: time.Now(), Facts: facts, Sensors: []string{telemetry.SensorConfig}}
}

func (c *caller) beat() wire.HeartbeatResponse {
	c.d.t.Helper()
	var out wire.HeartbeatResponse
	if status, refused, _ := c.do("POST", wire.PathHeartbeat, c.heartbeat(), &out); status != http.StatusOK {
		c.d.t.Fatalf("heartbeat: %d %+v", status, refused)
	}
	return out
}

// start starts a run of all hosts and waits until it collects.
func (d *door) start() inspector.Run {
	d.t.Helper()
	target, err := d.Service.CreateTarget(d.t.Context(), "all", "")
	if err != nil {
		d.t.Fatal(err)
	}
	scope := inspector.Scope{Region: "eu-central-1", Account: "123456789012"}
	template, err := d.Service.CreateTemplate(d.t.Context(), inspector.Template{
		Target: target.ID, Name: "t", Duration: time.Hour, Packages: []string{scope.PackageARN(inspector.PackagePractices).String()},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	run, err := d.Service.StartRun(d.t.Context(), template.ID, "")
	if err != nil {
		d.t.Fatal(err)
	}
	return d.await(run.ID, func(r inspector.Run) bool { return r.State == inspector.CollectingData })
}

// await waits until a run is as wanted.
func (d *door) await(id string, wanted func(inspector.Run) bool) inspector.Run {
	d.t.Helper()
	for {
		runs, err := d.store.Runs(d.t.Context(), []string{id})
		if err != nil {
			d.t.Fatal(err)
		}
		if wanted(runs[id]) {
			return runs[id]
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (c *caller) segment(run string, sequence int64, text string) *bytes.Buffer {
	c.d.t.Helper()
	var out bytes.Buffer
	tw, err := telemetry.NewWriter(&out, telemetry.Header{
		Agent: c.id, Version: "1.0", Root: "/", Started: time.Now(), Run: run, Sequence: sequence, OneSensor: telemetry.SensorConfig,
	})
	if err != nil {
		c.d.t.Fatal(err)
	}
	for _, r := range []telemetry.Record{
		&telemetry.Text{Path: "/etc/ssh/sshd_config", Text: text, Size: int64(len(text))},
		&telemetry.Coverage{State: telemetry.Complete, Records: 1, Scope: []string{"/etc/**"}},
	} {
		if err := tw.Write(telemetry.SensorConfig, r); err != nil {
			c.d.t.Fatal(err)
		}
	}
	if err := tw.Close(); err != nil {
		c.d.t.Fatal(err)
	}
	return &out
}

// taken is how many slots are in use.
func (s *slots) taken() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.using)
}
