package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config says how servers are reached. Zero fields mean the defaults.
type Config struct {
	// Mirror stands in for all servers: https://host/path is fetched from
	// MIRROR/host/path. It may have a user and a password. Empty: none.
	Mirror string
	// CA has certificates of authorities in PEM that are trusted beside the system's.
	CA []byte
	// Connect, Header and Stall are how long a server may take to be reached, to begin
	// its answer, and between two bytes: 30 s, 60 s, 60 s.
	Connect, Header, Stall time.Duration
	// Attempts is how often a transfer is tried, 4; Pause is the time before the second,
	// doubled before each further one, 2 s.
	Attempts int
	Pause    time.Duration
	// Agent is the User-Agent.
	Agent string
}

// Client fetches files. Proxies are those of the environment (HTTPS_PROXY, NO_PROXY, as
// net/http has them). It may be used by many goroutines.
type Client struct {
	config Config
	mirror *url.URL
	http   *http.Client
}

// maxRedirects is how often a server may send elsewhere.
const maxRedirects = 5

// New is a client.
func New(c Config) (*Client, error) {
	or := func(d *time.Duration, usual time.Duration) {
		if *d <= 0 {
			*d = usual
		}
	}
	or(&c.Connect, 30*time.Second)
	or(&c.Header, time.Minute)
	or(&c.Stall, time.Minute)
	or(&c.Pause, 2*time.Second)
	if c.Attempts < 1 {
		c.Attempts = 4
	}
	client := &Client{config: c}
	if c.Mirror != "" {
		u, err := parse(c.Mirror)
		if err != nil {
			return nil, fmt.Errorf("the mirror: %w", err)
		}
		client.mirror = u
	}
	roots, err := roots(c.CA)
	if err != nil {
		return nil, err
	}
	if err := checkProxies(os.Getenv); err != nil {
		return nil, err
	}
	client.http = &http.Client{
		CheckRedirect: checkRedirect,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: c.Connect}).DialContext,
			TLSHandshakeTimeout:    c.Connect,
			ResponseHeaderTimeout:  c.Header,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			MaxResponseHeaderBytes: 256 << 10,
			ForceAttemptHTTP2:      true,
			IdleConnTimeout:        time.Minute,
		},
	}
	return client, nil
}

// Close lets idle connections go.
func (c *Client) Close() { c.http.CloseIdleConnections() }

func roots(extra []byte) (*x509.CertPool, error) {
	if len(extra) == 0 {
		return nil, nil // the system's
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(extra) {
		return nil, errors.New("there is no certificate in PEM in the file of authorities")
	}
	return pool, nil
}

var errInsecure = errors.New("the server sends from https to http, which is not followed")

func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("the server sends elsewhere more than %d times", maxRedirects)
	}
	if r.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https" {
		return errInsecure
	}
	return nil
}

func parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("%s is no address like https://host/path", Redact(address))
	}
	return u, nil
}

// Redact is an address without user, password and query, which may have secrets.
func Redact(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "an address that cannot be read"
	}
	u.User, u.Fragment = nil, ""
	if u.RawQuery != "" {
		u.RawQuery = "..."
	}
	return u.String()
}

// where is the address that is fetched for another.
func (c *Client) where(address string) (*url.URL, error) {
	u, err := parse(address)
	if err != nil || c.mirror == nil {
		return u, err
	}
	m := c.mirror.JoinPath(u.Host, u.EscapedPath())
	m.RawQuery = u.RawQuery
	return m, nil
}

// name is an address for people, and where it is fetched from in its place.
func (c *Client) name(address string) string {
	u, err := c.where(address)
	if err != nil || c.mirror == nil {
		return Redact(address)
	}
	return Redact(address) + " (from the mirror, " + Redact(u.String()) + ")"
}

// request asks for an address. Encodings of the transfer are left alone, so that bytes
// are counted and hashed as the publisher has them.
func (c *Client) request(ctx context.Context, address string, headers map[string]string) (*http.Response, error) {
	u, err := c.where(address)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", "identity")
	if c.config.Agent != "" {
		r.Header.Set("User-Agent", c.config.Agent)
	}
	for name, value := range headers {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, plain(err)
	}
	return response, nil
}

// plain is a failure without the address, whose query may have secrets.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var unknown x509.UnknownAuthorityError
	if errors.As(err, &unknown) {
		return fmt.Errorf("%w: if a proxy or mirror has a certificate of your own authority, name its file with -feeds-ca", err)
	}
	return err
}

// html tells a web page, which is what proxies and portals answer with, by its first
// bytes. The type alone does not tell: servers give it to what they do not know.
func html(contentType string, head []byte) bool {
	start := strings.ToLower(strings.TrimSpace(string(head[:min(len(head), 1<<10)])))
	if strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") {
		return true
	}
	return strings.HasPrefix(start, "<") && !strings.HasPrefix(start, "<?xml") && strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "text/html")
}

// checkProxies refuses a proxy in the environment that is no address: net/http would
// go without it, to where the operator did not want to go directly. Its value, which may
// have a password, is not in the error.
func checkProxies(getenv func(string) string) error {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		value := getenv(name)
		if value == "" {
			continue
		}
		address := value
		if !strings.Contains(value, "://") {
			address = "http://" + value // as net/http takes "host:port"
		}
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" {
			return fmt.Errorf("the proxy in the environment variable %s is not an address such as http://user:password@host:port", name)
		}
	}
	return nil
}
