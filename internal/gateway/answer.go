package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"assay/internal/assess"
	"assay/internal/wire"
)

// The codes of refusals that are the door's own; the others are assess's.
const (
	codeNoCertificate = "no_certificate"
	codeUnknownPath   = "unknown_path"
	codeProtocol      = "unsupported_protocol"
	codeLater         = "later"
)

// statuses are the HTTP statuses of the codes (see package wire). A code that is
// not listed is the caller's malformed request.
var statuses = map[string]int{
	codeNoCertificate:       http.StatusUnauthorized,
	codeUnknownPath:         http.StatusNotFound,
	codeProtocol:            http.StatusBadRequest,
	assess.CodeBadToken:     http.StatusUnauthorized,
	assess.CodeUnknownAgent: http.StatusUnauthorized,
	assess.CodeUnknownRun:   http.StatusNotFound,
	assess.CodeNotYours:     http.StatusForbidden,
	assess.CodeOutOfOrder:   http.StatusConflict,
	assess.CodeRunOver:      http.StatusGone,
	assess.CodeTooLarge:     http.StatusRequestEntityTooLarge,
	assess.CodeBadSegment:   http.StatusUnprocessableEntity,
	assess.CodeMalformed:    http.StatusBadRequest,
}

// decode reads the request's document strictly and checks its protocol version.
func (g *Gateway) decode(w http.ResponseWriter, r *http.Request, into any, protocol *int) bool {
	body := &bodyReader{r: r.Body}
	err := wire.Decode(body, into)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		err = &wire.Error{Code: assess.CodeTooLarge, Message: fmt.Sprintf("the document is larger than %d bytes", tooLarge.Limit)}
	case body.err != nil:
		g.later(w, http.StatusServiceUnavailable, time.Second, "the document did not arrive whole; send it again")
		return false
	case err != nil:
		err = &wire.Error{Code: assess.CodeMalformed, Message: "the document cannot be read: " + err.Error()}
	case *protocol != wire.Version:
		err = &wire.Error{
			Code:    codeProtocol,
			Message: fmt.Sprintf("this service speaks version %d of the protocol, not %d: use an agent of the service's version", wire.Version, *protocol),
		}
	default:
		return true
	}
	g.fail(w, r, agentOf(r), err)
	return false
}

// bodyReader remembers why a body could not be read: that is no fault of the
// document's.
type bodyReader struct {
	r   io.Reader
	err error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && err != io.EOF {
		b.err = err
	}
	return n, err
}

// answer writes a document.
func (g *Gateway) answer(w http.ResponseWriter, document any) {
	g.write(w, http.StatusOK, document)
}

func (g *Gateway) write(w http.ResponseWriter, status int, document any) {
	var body bytes.Buffer
	if err := wire.Encode(&body, document); err != nil {
		g.Log.Error("an answer could not be encoded", "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	w.Write(body.Bytes()) // a client that has gone away is no error of ours
}

// fail answers an error: a refusal as such, anything else as the service's own
// fault, whose details stay in the log.
func (g *Gateway) fail(w http.ResponseWriter, r *http.Request, who string, err error) {
	var refused *wire.Error
	switch {
	case errors.As(err, &refused):
		g.refuse(w, r, who, refused)
	case r.Context().Err() != nil || errors.Is(err, context.Canceled):
		// The agent hung up, or the service is going down. It will ask again.
		g.later(w, http.StatusServiceUnavailable, time.Second, "the request was interrupted; try again")
	default:
		// All agents meet the same trouble; what is around its cause names requests.
		g.once.warn("", cause(err).Error(), "requests of agents fail", "agent", who, "path", r.URL.Path, "error", err)
		g.later(w, http.StatusServiceUnavailable, 10*time.Second, "the service cannot do this at the moment; try again later")
	}
}

// cause is the error at the bottom of a chain, the first where there are several.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if joined, ok := err.(interface{ Unwrap() []error }); ok && len(joined.Unwrap()) > 0 {
			inner = joined.Unwrap()[0]
		}
		if inner == nil {
			return err
		}
		err = inner
	}
}

// refuse answers a refusal and logs it once for each agent and reason.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, who string, refused *wire.Error) {
	status, ok := statuses[refused.Code]
	if !ok {
		status = http.StatusBadRequest
	}
	reason := refused.Message
	if r.URL.Path == wire.PathEnroll && refused.Code == assess.CodeMalformed {
		reason = "the request is malformed" // its message may quote a document with a token in it
	}
	g.once.warn(who, refused.Code, "a request was refused",
		"agent", who, "remote", r.RemoteAddr, "method", r.Method, "path", clip(r.URL.Path), "code", refused.Code, "reason", reason)
	g.write(w, status, refused)
}

// later asks for patience.
func (g *Gateway) later(w http.ResponseWriter, status int, wait time.Duration, message string) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int(wait/time.Second))))
	g.write(w, status, &wire.Error{Code: codeLater, Message: message})
}

func clip(s string) string {
	if len(s) > 120 {
		return s[:120] + "..."
	}
	return s
}
