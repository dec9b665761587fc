package access

import "fmt"

// Code is the kind of an authentication error, as AWS's JSON protocol names it.
type Code string

// The codes.
const (
	MissingToken        Code = "MissingAuthenticationTokenException"
	IncompleteSignature Code = "IncompleteSignatureException"
	InvalidSignature    Code = "InvalidSignatureException"
	UnrecognizedClient  Code = "UnrecognizedClientException"
	ExpiredToken        Code = "ExpiredTokenException"
)

// Error is a refusal that the caller is told of. It names no secret, and not the
// signature that would have been right. Other errors of this package are the
// service's own failures.
type Error struct {
	Code    Code
	Message string // as AWS words it
}

func (e *Error) Error() string { return e.Message }

func refuse(code Code, format string, args ...any) error {
	return &Error{code, fmt.Sprintf(format, args...)}
}
