package uplink

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"assay/internal/wire"
)

const (
	maxRetryAfter = time.Hour
	maxMessage    = 500 // bytes of what a service says that are repeated in logs
)

// StatusError is an answer other than success.
type StatusError struct {
	Status     int
	Code       string // wire.Error's; empty if the answer had none
	Message    string
	Expected   int64 // of out_of_order
	RetryAfter time.Duration
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("the service answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// Final tells whether asking the same again is useless: package wire's statuses.
// 401 is about the agent and not about what it asked for, a redirection or an
// informational answer is not the service's; both may pass.
func (e *StatusError) Final() bool {
	switch e.Status {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusProxyAuthRequired:
		return false
	}
	return e.Status >= 400 && e.Status < 500
}

func statusError(res *http.Response) *StatusError {
	e := &StatusError{Status: res.StatusCode, RetryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	var doc wire.Error
	// An answer that is no document is a proxy's, or of a service that is
	// unwell: its status has to do.
	if err := wire.Decode(res.Body, &doc); err == nil {
		e.Code, e.Message, e.Expected = printable(doc.Code), printable(doc.Message), doc.Expected
	}
	if len(e.Message) > maxMessage {
		e.Message = e.Message[:maxMessage] + "..."
	}
	return e
}

// printable leaves out what could rule a terminal: errors end up on one.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// retryAfter reads RFC 9110's header: seconds, or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if date, err := http.ParseTime(value); err == nil {
		return min(max(date.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// explain words an error of the network without what changes from try to try
// (the local port, the time of day), and with what to do where that is known.
func explain(err error) error {
	var (
		urlErr  *url.Error
		opErr   *net.OpError
		invalid x509.CertificateInvalidError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		return fmt.Errorf("the service's certificate is valid from %s to %s, which is not now by this host's clock: set the clock right, or renew the certificate",
			invalid.Cert.NotBefore.UTC().Format(time.RFC3339), invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	case errors.As(err, &unknown):
		return errors.New("the service's certificate was issued by an authority that this agent does not trust: something else may be answering, or -ca (-ca-pin) names another service's authority")
	case errors.As(err, &opErr) && opErr.Op == "remote error":
		// An alert (RFC 8446, 6): in TLS 1.3 a server refuses a client's
		// certificate after the handshake.
		return fmt.Errorf("the service refused the connection, most likely for this agent's certificate: %w", opErr.Err)
	case errors.As(err, &opErr):
		return fmt.Errorf("%s %s: %w", opErr.Op, addr(opErr.Addr), opErr.Err)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return errors.New("the connection was cut before the answer")
	case errors.As(err, &urlErr):
		if urlErr.Timeout() {
			return errors.New("the service did not answer in time")
		}
		return urlErr.Err
	}
	return err
}

func addr(a net.Addr) string {
	if a == nil {
		return "the service"
	}
	return a.String()
}
