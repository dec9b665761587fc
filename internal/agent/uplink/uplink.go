// Package uplink is the agent's side of the connection to the service: HTTP/1.1
// over TLS 1.3, one connection kept alive, answers bounded, redirects not
// followed, and errors that say the same thing in the same words each time, so
// that they can be logged once. What is said over it is package wire's.
package uplink

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"assay/internal/wire"
)

// Times after which a request is given up.
const (
	documentTimeout = 30 * time.Second
	segmentTimeout  = 5 * time.Minute
)

// Client calls the service. It is safe for concurrent use.
type Client struct {
	server    *url.URL
	http      *http.Client
	transport *http.Transport
	agent     string // User-Agent
}

// Options configure a client.
type Options struct {
	Server  string      // "https://assay.example:8444"
	TLS     *tls.Config // from Trust, and the client certificate
	Proxy   func(*url.URL) *url.URL
	Version string // of the agent
}

// New makes a client. It connects when it is used.
func New(o Options) (*Client, error) {
	server, err := ParseServer(o.Server)
	if err != nil {
		return nil, err
	}
	config := o.TLS.Clone()
	config.MinVersion = tls.VersionTLS13
	config.NextProtos = []string{"http/1.1"}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	t := &http.Transport{
		TLSClientConfig:        config,
		Protocols:              &protocols,
		MaxIdleConnsPerHost:    1,
		MaxConnsPerHost:        2, // a slow upload must not keep the heartbeat waiting
		IdleConnTimeout:        5 * time.Minute,
		TLSHandshakeTimeout:    20 * time.Second,
		ResponseHeaderTimeout:  time.Minute,
		MaxResponseHeaderBytes: 16 << 10,
		DisableCompression:     true,
		WriteBufferSize:        16 << 10,
	}
	if o.Proxy != nil {
		t.Proxy = func(r *http.Request) (*url.URL, error) { return o.Proxy(r.URL), nil }
	}
	return &Client{
		server:    server,
		transport: t,
		agent:     "assay-agent/" + o.Version,
		http: &http.Client{
			Transport:     t,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// ParseServer checks the address of a service.
func ParseServer(server string) (*url.URL, error) {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		// The address is not repeated: somebody may have put a password in it.
		return nil, fmt.Errorf("the service's address must look like https://assay.example:8444")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// Close closes connections that are not in use. The client can still be used,
// and then makes a new one, with the certificate of that time.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Heartbeat tells how the agent is and returns what the service answers.
// Instructions that could not be understood come back as refusals.
func (c *Client) Heartbeat(ctx context.Context, h wire.Heartbeat) (response wire.HeartbeatResponse, refused []wire.Refusal, err error) {
	err = c.document(ctx, wire.PathHeartbeat, h, func(r io.Reader) error {
		response, refused, err = wire.DecodeHeartbeatResponse(r)
		return err
	})
	return response, refused, err
}

// Renew asks for a new certificate.
func (c *Client) Renew(ctx context.Context, req wire.RenewRequest) (response wire.RenewResponse, err error) {
	err = c.document(ctx, wire.PathRenew, req, func(r io.Reader) error { return wire.Decode(r, &response) })
	return response, err
}

// Complete says that a run's collection is over.
func (c *Client) Complete(ctx context.Context, run string, req wire.CompleteRequest) error {
	return c.document(ctx, wire.PathComplete(run), req, nil)
}

// Enroll asks for an identity.
func (c *Client) Enroll(ctx context.Context, req wire.EnrollRequest) (response wire.EnrollResponse, state *tls.ConnectionState, err error) {
	var body bytes.Buffer
	if err := wire.Encode(&body, req); err != nil {
		return response, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, documentTimeout)
	defer cancel()
	// Not repeated behind our back: a token has a limited number of uses.
	r, err := c.request(ctx, http.MethodPost, wire.PathEnroll, &body)
	if err != nil {
		return response, nil, err
	}
	err = c.do(r, func(res *http.Response) error {
		state = res.TLS
		return wire.Decode(res.Body, &response)
	})
	return response, state, err
}

// PutSegment sends a segment of size bytes, which open opens, and returns the
// last sequence number that the service has.
func (c *Client) PutSegment(ctx context.Context, run string, sequence, size int64, open func() (io.ReadCloser, error)) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, segmentTimeout)
	defer cancel()
	body, err := open()
	if err != nil {
		return 0, err
	}
	r, err := c.request(ctx, http.MethodPut, wire.PathSegment(run, sequence), body)
	if err != nil {
		body.Close()
		return 0, err
	}
	r.ContentLength = size
	r.GetBody = open
	r.Header.Set("Content-Type", "application/zstd")
	repeatable(r)
	var response wire.SegmentResponse
	err = c.do(r, func(res *http.Response) error { return wire.Decode(res.Body, &response) })
	return response.Sequence, err
}

func (c *Client) document(ctx context.Context, path string, v any, decode func(io.Reader) error) error {
	var body bytes.Buffer
	if err := wire.Encode(&body, v); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, documentTimeout)
	defer cancel()
	r, err := c.request(ctx, http.MethodPost, path, &body)
	if err != nil {
		return err
	}
	repeatable(r)
	return c.do(r, func(res *http.Response) error {
		if decode == nil {
			return nil
		}
		return decode(res.Body)
	})
}

func (c *Client) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	u := *c.server
	u.Path += path
	r, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	r.Header.Set("User-Agent", c.agent)
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// repeatable lets net/http repeat a request whose kept-alive connection turned
// out to be dead. The header has no value and is not sent.
func repeatable(r *http.Request) { r.Header["X-Idempotency-Key"] = []string{} }

func (c *Client) do(r *http.Request, accept func(*http.Response) error) error {
	res, err := c.http.Do(r)
	if err != nil {
		return explain(err)
	}
	defer func() {
		// What is left of a small answer is read so that the connection
		// can be kept; a large one is not worth it.
		io.CopyN(io.Discard, res.Body, 4<<10)
		res.Body.Close()
	}()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return statusError(res)
	}
	if err := accept(res); err != nil {
		return fmt.Errorf("read the service's answer: %w", explain(err))
	}
	return nil
}
