package api

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"assay/internal/access"
	"assay/internal/api/model"
	"assay/internal/inspector"
)

// protocolError is an answer of the protocol's, not of the API's model.
type protocolError struct {
	status        int
	code, message string
}

func (e *protocolError) Error() string { return e.message }

// panicked is a bug that one call met.
type panicked struct {
	value any
	stack []byte
}

func isPanic(err error) bool {
	var p *panicked
	return errors.As(err, &p)
}

func (e *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", e.value, e.stack) }

// wireError has the members of all exceptions; which of them an exception has,
// the model says.
type wireError struct {
	Type      string                                `json:"__type"`
	Message   string                                `json:"message"`
	Code      string                                `json:"errorCode,omitzero"`
	Retry     *bool                                 `json:"canRetry,omitzero"`
	Agents    []model.AgentAlreadyRunningAssessment `json:"agents,omitzero"`
	Truncated *bool                                 `json:"agentsTruncated,omitzero"`
	Runs      []string                              `json:"assessmentRunArns,omitzero"`
	MoreRuns  *bool                                 `json:"assessmentRunArnsTruncated,omitzero"`
}

// jsonError is the answer to an error, and a note of it in the call.
func jsonError(err error, call *Call) answer {
	status, e := describe(err)
	if e.Type == string(inspector.Internal) {
		call.cause = err
	}
	call.Error, call.Message = e.Type, e.Message
	body, err := json.Marshal(e)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalException","message":"Internal server error.","canRetry":true}`)
	}
	return answer{status, jsonType, body}
}

// describe tells the HTTP status and the body for an error. What is not meant for
// the caller becomes an InternalException, which clients try again.
func describe(err error) (int, wireError) {
	var refusal *access.Error
	var protocol *protocolError
	var serialization *model.SerializationError
	var validation *model.ValidationError
	var domain *inspector.Err
	switch {
	case errors.As(err, &refusal):
		return http.StatusBadRequest, wireError{Type: string(refusal.Code), Message: refusal.Message}
	case errors.As(err, &protocol):
		return protocol.status, wireError{Type: protocol.code, Message: protocol.message}
	case errors.As(err, &serialization):
		return http.StatusBadRequest, wireError{Type: "SerializationException", Message: serialization.Message}
	case errors.As(err, &validation):
		return http.StatusBadRequest, wireError{Type: "ValidationException", Message: limited(validation.Error())}
	case errors.As(err, &domain) && domain.Kind != inspector.Internal:
		return http.StatusBadRequest, describeDomain(domain)
	}
	return http.StatusInternalServerError, wireError{Type: string(inspector.Internal), Message: "Internal server error.", Retry: new(true)}
}

func describeDomain(e *inspector.Err) wireError {
	out := wireError{Type: string(e.Kind), Message: limited(e.Message), Code: e.Code, Retry: new(e.Retry)}
	switch e.Kind {
	case inspector.AgentsAlreadyRunning:
		const most = 10
		out.Agents = []model.AgentAlreadyRunningAssessment{}
		for _, a := range e.Agents[:min(len(e.Agents), most)] {
			out.Agents = append(out.Agents, model.AgentAlreadyRunningAssessment{AgentId: a.Agent, AssessmentRunArn: a.RunARN})
		}
		out.Truncated = new(e.Truncated || len(e.Agents) > most)
	case inspector.RunInProgress:
		const most = 10
		out.Runs = append([]string{}, e.Runs[:min(len(e.Runs), most)]...)
		out.MoreRuns = new(e.Truncated || len(e.Runs) > most)
	case inspector.PreviewInProgress:
		out.Retry = nil
	}
	return out
}

// limited shortens a message to the model's 1000 characters.
func limited(s string) string {
	const most = 1000
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-3]) + "..."
	}
	return s
}
