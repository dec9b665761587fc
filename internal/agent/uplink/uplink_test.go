package uplink

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"assay/internal/wire"
)

func TestProxy(t *testing.T) {
	tests := []struct {
		env, address string
		proxied      bool
	}{
		{"https_proxy=http://p:1", "https://assay.example", true},
		{"HTTPS_PROXY=p:1", "https://assay.example", true},
		{"http_proxy=p:1", "https://assay.example", true},
		{"", "https://assay.example", false},
		{"https_proxy=p:1 no_proxy=*", "https://assay.example", false},
		{"https_proxy=p:1 no_proxy=example", "https://assay.example", false},
		{"https_proxy=p:1 no_proxy=.example", "https://assay.example", false},
		{"https_proxy=p:1 no_proxy=x,assay.example:8444", "https://assay.example:8444", false},
		{"https_proxy=p:1 no_proxy=assay.example:8444", "https://assay.example:8445", true},
		{"https_proxy=p:1 no_proxy=assay.example:443", "https://assay.example", false},
		{"https_proxy=p:1 no_proxy=ample", "https://assay.example", true},
		{"https_proxy=p:1 NO_PROXY=10.0.0.0/8", "https://10.1.2.3:8444", false},
		{"https_proxy=p:1 no_proxy=10.0.0.0/8", "https://11.1.2.3:8444", true},
		{"https_proxy=p:1 no_proxy=10.1.2.3", "https://10.1.2.3:8444", false},
		{"https_proxy=p:1 no_proxy=10.1.2.3:8444", "https://10.1.2.3:8444", false},
		{"https_proxy=p:1 no_proxy=2001:db8::1", "https://[2001:db8::1]:8444", false},
		{"https_proxy=p:1 no_proxy=[2001:db8::1]:8444", "https://[2001:db8::1]:8444", false},
		{"https_proxy=p:1", "https://169.254.169.254/latest", false},
		{"https_proxy=p:1", "https://[::ffff:169.254.169.254]/latest", false},
		{"https_proxy=p:1", "https://[fd00:ec2::254]/latest", false},
		{"https_proxy=p:1", "https://localhost:8444", false},
		{"https_proxy=p:1", "https://127.0.0.1:8444", false},
	}
	for _, test := range tests {
		env := map[string]string{}
		for pair := range strings.FieldsSeq(test.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		choose, err := Proxy(func(name string) string { return env[name] })
		if err != nil {
			t.Errorf("%s: %v", test.env, err)
			continue
		}
		u, err := url.Parse(test.address)
		if err != nil {
			t.Fatal(err)
		}
		if got := choose != nil && choose(u) != nil; got != test.proxied {
			t.Errorf("%q: %s through a proxy: %v", test.env, test.address, got)
		}
	}
	for _, bad := range []string{"ftp://p:1", "http://", "http://user:pa%zz@p"} {
		if _, err := Proxy(func(string) string { return bad }); err == nil || strings.Contains(err.Error(), "pa%") {
			t.Errorf("the proxy %q: %v", bad, err)
		}
	}
}

// TestThroughAProxy sends a request through a proxy that answers CONNECT.
func TestThroughAProxy(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"sequence":4}`) }))
	defer server.Close()
	var asked string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.Method
		http.Error(w, "not today", http.StatusForbidden)
	}))
	defer proxy.Close()
	via, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, server, func(*url.URL) *url.URL { return via })
	err = c.Complete(t.Context(), "r", wire.CompleteRequest{})
	if asked != http.MethodConnect || err == nil {
		t.Errorf("the proxy was asked to %q: %v", asked, err)
	}
	var status *StatusError
	if errors.As(err, &status) {
		t.Errorf("what a proxy refuses is taken for the service's answer: %v", err)
	}
}

func client(t *testing.T, server *httptest.Server, proxy func(*url.URL) *url.URL) *Client {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	c, err := New(Options{Server: server.URL, TLS: &tls.Config{RootCAs: pool}, Proxy: proxy, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAnswersAreNotTrusted(t *testing.T) {
	answers := map[string]http.HandlerFunc{
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusTemporaryRedirect)
		},
		"no JSON": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") },
		"an unknown member": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"now":"2026-01-01T00:00:00Z","interval":1,"run":"x"}`)
		},
		"a doubled member": func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"interval":1,"interval":2}`) },
		"two documents":    func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"interval":1}{}`) },
		"too much": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.Repeat(" ", wire.MaxDocument+10), "{}")
		},
		"endless headers": func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X", strings.Repeat("x", 100<<10)) },
		"half an answer": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			fmt.Fprint(w, `{"interval"`)
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(answer)
			defer server.Close()
			_, _, err := client(t, server, nil).Heartbeat(t.Context(), wire.Heartbeat{})
			if err == nil {
				t.Error("it was believed")
			}
		})
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{MaxVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	if err := client(t, server, nil).Complete(t.Context(), "r", wire.CompleteRequest{}); err == nil || !strings.Contains(err.Error(), "protocol version") {
		t.Errorf("TLS 1.2: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	tests := map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "99999999": time.Hour, "99999999999999999999": 0,
		"Thu, 01 Jan 2026 00:00:30 GMT": 30 * time.Second, "Thu, 01 Jan 2025 00:00:30 GMT": 0,
	}
	for value, want := range tests {
		if got := retryAfter(value, now); got != want {
			t.Errorf("Retry-After: %s is %s, want %s", value, got, want)
		}
	}
}

func TestErrorsSayTheSameEachTime(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	c, err := New(Options{Server: "https://" + listener.Addr().String(), TLS: &tls.Config{}, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]bool{}
	for range 5 {
		_, _, err := c.Heartbeat(t.Context(), wire.Heartbeat{})
		if err == nil {
			t.Fatal("no error")
		}
		said[err.Error()] = true
	}
	for text := range said {
		if strings.Contains(text, "->") {
			t.Errorf("the local port is in %q", text)
		}
	}
}

func TestServersAddress(t *testing.T) {
	for _, bad := range []string{"", "assay", "http://assay", "https://", "https://user:pw@assay", "https://assay?x", "https://assay#x", "https://[::1"} {
		if _, err := ParseServer(bad); err == nil || bad != "" && strings.Contains(err.Error(), "pw") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
