package inspector

import "fmt"

// ErrorKind is the name of an exception of the API.
type ErrorKind string

// The exceptions of the model.
const (
	AccessDenied         ErrorKind = "AccessDeniedException"
	InvalidInput         ErrorKind = "InvalidInputException"
	LimitExceeded        ErrorKind = "LimitExceededException"
	NoSuchEntity         ErrorKind = "NoSuchEntityException"
	AgentsAlreadyRunning ErrorKind = "AgentsAlreadyRunningAssessmentException"
	RunInProgress        ErrorKind = "AssessmentRunInProgressException"
	InvalidCrossAccount  ErrorKind = "InvalidCrossAccountRoleException"
	Internal             ErrorKind = "InternalException"
	UnsupportedFeature   ErrorKind = "UnsupportedFeatureException"
	PreviewInProgress    ErrorKind = "PreviewGenerationInProgressException"
	Unavailable          ErrorKind = "ServiceTemporarilyUnavailableException"
)

// Err is an error that a caller of the API is to be told.
type Err struct {
	Kind      ErrorKind
	Code      string // the errorCode of the kind: "INVALID_ASSESSMENT_TARGET_NAME"
	Message   string
	Retry     bool        // canRetry: "you can immediately retry your request" (service-2.json); not so while a run goes on
	Agents    []BusyAgent // of AgentsAlreadyRunning, at most 10
	Truncated bool        // there are more than Agents
	Runs      []string    // of RunInProgress: the ARNs
}

// BusyAgent is a host that another run is using.
type BusyAgent struct{ Agent, RunARN string }

func (e *Err) Error() string { return e.Message }

// Errorf makes an error of a kind.
func Errorf(kind ErrorKind, code, format string, args ...any) *Err {
	return &Err{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}
