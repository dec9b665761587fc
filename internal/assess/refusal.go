package assess

import (
	"errors"
	"fmt"

	"assay/internal/wire"
)

// The codes of what an agent can be refused with. The errors of the agents' side
// of the service are of type *wire.Error with one of them; any other error is
// the service's own fault, and the agent is to try again.
const (
	CodeBadToken     = "bad_token"     // enrolment: the token is unknown, expired, or used up
	CodeUnknownAgent = "unknown_agent" // not enrolled here, or revoked
	CodeUnknownRun   = "unknown_run"
	CodeNotYours     = "not_yours"    // the agent has no part in the run
	CodeOutOfOrder   = "out_of_order" // Expected says which sequence number is wanted
	CodeRunOver      = "run_over"     // the run takes no more telemetry of this agent
	CodeTooLarge     = "too_large"
	CodeBadSegment   = "bad_segment" // not what it claims to be
	CodeMalformed    = "malformed"
)

// refuse makes an error that an agent is told.
func refuse(code, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// isRefusal tells an agent's fault from the service's.
func isRefusal(err error) bool {
	var refused *wire.Error
	return errors.As(err, &refused)
}
