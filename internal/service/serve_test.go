package service

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"assay/internal/published"
)

// serving serves until stop is called, which returns what Serve did.
func serving(t *testing.T, s *Service) (stop func() error) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx) }()
	return func() error { cancel(); return <-ended }
}

func (s *Service) get(t *testing.T, path string, headers ...string) (int, string) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.authority.CA())
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.client.Endpoint+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range headers {
		r.Header.Set(name, "192.0.2.1")
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

func TestHealthAndMetrics(t *testing.T) {
	s := open(t, configIn(fresh(t)))
	stop := serving(t, s)
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := s.get(t, path); status != http.StatusOK || body != "ok\n" {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	for _, path := range []string{published.KernelVersions, published.KernelPrograms, published.Sum} {
		if status, body := s.get(t, path); status != http.StatusOK || body == "" {
			t.Errorf("%s, for anybody: %d, %d bytes", path, status, len(body))
		}
	}
	s.get(t, "/nonsense/"+strings.Repeat("x", 100))
	_, body := s.get(t, "/metrics")
	for _, want := range []string{"assay_database_up 1", `assay_build_info{version="test"} 1`, "go_goroutines", "process_open_fds",
		`assay_scheduled_runs_total{outcome="refused"} 0`, `assay_schedules{state="refused"} 0`, `assay_schedules{state="active"} 0`} {
		if !strings.Contains(body, want) {
			t.Errorf("the metrics have no %q:\n%s", want, body)
		}
	}
	if strings.Contains(body, "xxx") {
		t.Error("a path that a stranger made up became a label")
	}
	if status, _ := s.get(t, "/metrics", "X-Forwarded-For"); status != http.StatusNotFound {
		t.Errorf("what a proxy forwards gets the metrics: %d", status)
	}
	// The service is alive without its database, and not ready.
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.get(t, "/healthz"); status != http.StatusOK {
		t.Errorf("without a database /healthz is %d", status)
	}
	if status, body := s.get(t, "/readyz"); status != http.StatusServiceUnavailable || strings.Contains(body, "sql") {
		t.Errorf("without a database /readyz is %d %q", status, body)
	}
	if _, body := s.get(t, "/metrics"); !strings.Contains(body, "assay_database_up 0") {
		t.Error("the metrics do not say that the database is away")
	}
	stop()
}

func TestOnlyLocal(t *testing.T) {
	door := onlyLocal(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "in") }))
	for _, test := range []struct {
		from string
		want bool
	}{
		{"127.0.0.1:1", true}, {"[::1]:1", true}, {"127.9.9.9:1", true}, {"[::ffff:127.0.0.1]:1", true},
		{"192.0.2.1:1", false}, {"[2001:db8::1]:1", false}, {"", false}, {"@", false}, {"localhost:1", false},
	} {
		answer := &recorder{header: http.Header{}}
		door.ServeHTTP(answer, &http.Request{RemoteAddr: test.from, Header: http.Header{}})
		if got := answer.body == "in"; got != test.want {
			t.Errorf("%q is let in: %v, want %v", test.from, got, test.want)
		}
	}
}

type recorder struct {
	header http.Header
	body   string
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(int)             {}
func (r *recorder) Write(b []byte) (int, error) { r.body += string(b); return len(b), nil }

// A stop lets a request that is under way end, leaves no goroutine (TestMain) and
// no lock, and is no error.
func TestStop(t *testing.T) {
	c := configIn(fresh(t))
	c.Metrics = "127.0.0.1:0"
	begun, hold := make(chan struct{}), make(chan struct{})
	c.Hooks.Gateway = func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(begun)
			<-hold
			fmt.Fprint(w, "ended")
		})
	}
	s := open(t, c)
	stop := serving(t, s)
	gateway := s.doors[slices.IndexFunc(s.doors, func(d door) bool { return d.name == "gateway" })].listener.Addr().String()
	answered := make(chan string, 1)
	go func() {
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
		answer, err := client.Get("https://" + gateway + "/")
		if err != nil {
			answered <- err.Error()
			return
		}
		defer answer.Body.Close()
		body, _ := io.ReadAll(answer.Body)
		answered <- string(body)
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	close(hold)
	if got := <-answered; got != "ended" {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	closed(t, open(t, configIn(c.Data)))
}

// A signal's context has a cause of its own, which is no failure of the service.
func TestStopByCause(t *testing.T) {
	s := open(t, configIn(fresh(t)))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("terminated"))
	if err := s.Serve(ctx); err != nil {
		t.Error(err)
	}
}

// A part that fails ends the service with an error that says which.
func TestFailedPart(t *testing.T) {
	s := open(t, configIn(fresh(t)))
	for _, d := range s.doors {
		if d.name == "api" {
			d.listener.Close()
		}
	}
	if err := s.Serve(t.Context()); err == nil || !strings.Contains(err.Error(), "the service's api ended") {
		t.Errorf("the error is %v", err)
	}
}
