package inspector

import (
	"slices"
	"time"
)

// RunState is the state of an assessment run.
type RunState string

// The states of a run, in the order in which a run goes through them.
const (
	Created                       RunState = "CREATED"
	StartDataCollectionPending    RunState = "START_DATA_COLLECTION_PENDING"
	StartDataCollectionInProgress RunState = "START_DATA_COLLECTION_IN_PROGRESS"
	CollectingData                RunState = "COLLECTING_DATA"
	StopDataCollectionPending     RunState = "STOP_DATA_COLLECTION_PENDING"
	DataCollected                 RunState = "DATA_COLLECTED"
	StartEvaluatingRulesPending   RunState = "START_EVALUATING_RULES_PENDING"
	EvaluatingRules               RunState = "EVALUATING_RULES"
	Completed                     RunState = "COMPLETED"
	CompletedWithErrors           RunState = "COMPLETED_WITH_ERRORS"
	FailedState                   RunState = "FAILED"
	ErrorState                    RunState = "ERROR"
	Canceled                      RunState = "CANCELED"
)

// RunStates lists them all.
func RunStates() []RunState {
	return []RunState{Created, StartDataCollectionPending, StartDataCollectionInProgress, CollectingData, StopDataCollectionPending,
		DataCollected, StartEvaluatingRulesPending, EvaluatingRules, Completed, CompletedWithErrors, FailedState, ErrorState, Canceled}
}

// next lists the states that can follow each state. A state without an entry is
// final.
var next = map[RunState][]RunState{
	Created:                       {StartDataCollectionPending, Canceled, FailedState, ErrorState},
	StartDataCollectionPending:    {StartDataCollectionInProgress, StopDataCollectionPending, Canceled, FailedState, ErrorState},
	StartDataCollectionInProgress: {CollectingData, StopDataCollectionPending, Canceled, FailedState, ErrorState},
	CollectingData:                {StopDataCollectionPending, Canceled, FailedState, ErrorState},
	StopDataCollectionPending:     {DataCollected, Canceled, FailedState, ErrorState},
	DataCollected:                 {StartEvaluatingRulesPending, Canceled, FailedState, ErrorState},
	StartEvaluatingRulesPending:   {EvaluatingRules, Canceled, FailedState, ErrorState},
	EvaluatingRules:               {Completed, CompletedWithErrors, Canceled, FailedState, ErrorState},
}

// CanBecome tells whether a run in state s may change to state t.
func (s RunState) CanBecome(t RunState) bool { return slices.Contains(next[s], t) }

// Final tells whether a run in this state is over.
func (s RunState) Final() bool { return len(next[s]) == 0 }

// Collecting tells whether agents may still deliver telemetry in this state.
func (s RunState) Collecting() bool {
	switch s {
	case Created, StartDataCollectionPending, StartDataCollectionInProgress, CollectingData, StopDataCollectionPending:
		return true
	}
	return false
}

// StateChange is an entry of a run's history.
type StateChange struct {
	State RunState  `json:"state"`
	At    time.Time `json:"at"`
}

// StopAction says what StopAssessmentRun does with what was collected.
type StopAction string

// The stop actions. StartEvaluation is the default.
const (
	StartEvaluation StopAction = "START_EVALUATION"
	SkipEvaluation  StopAction = "SKIP_EVALUATION"
)

// Run is an assessment run.
type Run struct {
	ID, Target, Template string
	Name                 string
	State                RunState
	Duration             time.Duration
	Packages             []string // ARNs as the template names them
	Attributes           []Attribute
	CreatedAt            time.Time
	StartedAt            time.Time // zero until data collection began
	CompletedAt          time.Time // zero until the run is over
	StateChangedAt       time.Time
	DataCollected        bool
	Changes              []StateChange
	FindingCounts        map[Severity]int64
	Stop                 StopAction // what was asked of it while it ran; empty if nothing
	TelemetryGoneAt      time.Time  // when its telemetry and key were destroyed; zero while they are there
	Rematch              bool       // it collects nothing and judges what other runs have collected
}

// RematchNotice is the notification by which Inspector's API, which has no place for
// it, tells that a run is a re-match.
const RematchNotice = "This run is a re-match: no host was asked for anything, the telemetry that is stored was judged."

// RunAgent is a host's part in a run.
type RunAgent struct {
	Run, Agent string
	State      CollectionState
	Reason     string    // of CollectionFailed
	Segments   int64     // the last sequence number that is durable
	Expected   int64     // how many there are, once State is CollectionComplete
	LastAt     time.Time // when the last segment came; of a re-match: the last of the source's
	Source     string    // of a re-match: the run whose telemetry of the host is judged; empty: none is there
	Evaluated  bool
	Health     Health
	HealthCode HealthCode
	Details    string // agentHealthDetails
	Telemetry  []MessageCount
}

// CollectionState is how far a host is with a run's telemetry.
type CollectionState string

// The states of a collection.
const (
	CollectionPending  CollectionState = "pending"  // not told yet
	CollectionStarted  CollectionState = "started"  // told, or already sending
	CollectionComplete CollectionState = "complete" // everything is durable
	CollectionFailed   CollectionState = "failed"   // the agent said so, refused, or never came
)

// MessageCount is an entry of GetTelemetryMetadata.
type MessageCount struct {
	MessageType string
	Count       int64
	DataSize    int64 // bytes, decoded
}
