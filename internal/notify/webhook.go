package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"assay/internal/inspector"
)

// clients keeps the connections of a destination while it is worked on.
type clients struct {
	version string
	client  *http.Client
	webhook inspector.Webhook // that client is for
}

func (c *clients) close() {
	if c.client != nil {
		c.client.CloseIdleConnections()
	}
}

// of returns the client for a webhook: no proxy, no redirects, TLS verified,
// everything within bounds.
func (c *clients) of(w inspector.Webhook) *http.Client {
	if c.client != nil && c.webhook == w {
		return c.client
	}
	c.close()
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if w.CA != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(w.CA)) // checked when it was added
	}
	c.webhook = w
	c.client = &http.Client{
		Transport: &http.Transport{
			DialContext: dialer(w).DialContext, TLSClientConfig: config, TLSHandshakeTimeout: 5 * time.Second,
			MaxResponseHeaderBytes: 64 << 10, DisableCompression: true, MaxIdleConns: 1, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c.client
}

// maxAnswer is how much of an answer is read: for the connection to be used again,
// not for what it says.
const maxAnswer = 64 << 10

// post makes one attempt to deliver to a webhook.
func (c *clients) post(ctx context.Context, o inspector.Outgoing, now time.Time) result {
	data, err := body(o)
	if err != nil {
		return result{err: err, permanent: true}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, o.Webhook.URL, bytes.NewReader(data))
	if err != nil {
		return result{err: errors.New("the webhook's URL cannot be called"), permanent: true}
	}
	describe(r.Header, o)
	r.Header.Set("User-Agent", "Assay/"+c.version)
	sign(r.Header, o.Secrets, o.Notification.ID, now, data)
	answer, err := c.of(o.Webhook).Do(r)
	if err != nil {
		return result{err: withoutURL(err)}
	}
	defer answer.Body.Close()
	io.CopyN(io.Discard, answer.Body, maxAnswer) // the status has said it all
	return judge(answer, now)
}

// judge tells what an answer means. Only 410 Gone is final: whatever else is wrong
// with an endpoint, somebody may be mending it.
func judge(answer *http.Response, now time.Time) result {
	switch status := answer.StatusCode; {
	case status >= 200 && status < 300:
		return result{}
	case status >= 300 && status < 400:
		return result{err: fmt.Errorf("the endpoint answered %d, and redirects are not followed", status)}
	case status == http.StatusGone:
		return result{err: errors.New("the endpoint answered 410: it is gone"), permanent: true, status: inspector.PublishNoTopic}
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return result{err: fmt.Errorf("the endpoint answered %d", status), status: inspector.PublishDenied}
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return result{err: fmt.Errorf("the endpoint answered %d", status), wait: retryAfter(answer.Header.Get("Retry-After"), now)}
	default:
		return result{err: fmt.Errorf("the endpoint answered %d", status)}
	}
}

// withoutURL leaves the URL, in which there may be a secret, out of an error.
func withoutURL(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		if of.Timeout() {
			return errors.New("the endpoint did not answer in time")
		}
		return of.Err
	}
	return err
}
