package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"assay/internal/access"
	"assay/internal/api/model"
)

const (
	jsonType     = "application/x-amz-json-1.1"
	targetPrefix = "InspectorService."
	maxBody      = 1 << 20
)

// serveJSON answers a call of the Inspector API.
func (s *Server) serveJSON(w http.ResponseWriter, r *http.Request, call *Call) answer {
	out, err := s.call(w, r, call)
	if err != nil {
		return jsonError(err, call)
	}
	if out == nil {
		return answer{http.StatusOK, jsonType, nil}
	}
	body, err := json.Marshal(out, json.Deterministic(true))
	if err != nil {
		return jsonError(err, call)
	}
	call.Response = body
	return answer{http.StatusOK, jsonType, body}
}

// verify finds out who has signed a request.
func (s *Server) verify(r *http.Request, body []byte, want access.Want, call *Call) error {
	who, err := s.verifier.Verify(r.Context(), r, body, want)
	if err != nil {
		return err
	}
	who.From, who.Secure = call.From, r.TLS != nil
	call.Who = who
	return nil
}

// call takes a request through its stations; the result is nil where the
// operation answers without a body.
func (s *Server) call(w http.ResponseWriter, r *http.Request, call *Call) (out any, err error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if err := s.verify(r, body, access.Want{Service: "inspector", Headers: []string{"x-amz-target"}}, call); err != nil {
		return nil, err
	}
	do, action := s.find(r, call)
	if do == nil {
		return nil, &protocolError{http.StatusBadRequest, "UnknownOperationException", ""}
	}
	call.Action, call.Request = action, body
	if err := s.Authorize(r.Context(), call.Who, action); err != nil {
		return nil, err
	}
	return do(access.With(withBase(r), call.Who), body)
}

// find finds the operation that a request names, and what the action is called
// in policies. It is nil where there is none.
func (s *Server) find(r *http.Request, call *Call) (do Operation, action string) {
	target := r.Header.Get("X-Amz-Target")
	if r.Method != http.MethodPost || len(r.Header.Values("X-Amz-Target")) != 1 {
		return nil, ""
	}
	if do, ok := s.Others[target]; ok {
		service, name, _ := strings.Cut(target, ".")
		call.Operation = name
		return do, strings.ToLower(strings.TrimSuffix(service, "Service")) + ":" + name
	}
	name, ok := strings.CutPrefix(target, targetPrefix)
	op, known := s.operations[name]
	if !ok || !known {
		return nil, ""
	}
	call.Operation = name
	return func(ctx context.Context, body []byte) (any, error) {
		return op(ctx, body, model.Operations[name])
	}, "inspector:" + name
}

// readBody reads a body of at most maxBody bytes.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &protocolError{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "Request size exceeded 1048576 bytes"}
	case err != nil:
		return nil, &protocolError{http.StatusBadRequest, "SerializationException", "The body of the request could not be read"}
	}
	return body, nil
}
