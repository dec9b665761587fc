package inspector

// ScopeType is what kind of thing an exclusion is about.
type ScopeType string

// The scope types.
const (
	ScopeInstance     ScopeType = "INSTANCE_ID"
	ScopeRulesPackage ScopeType = "RULES_PACKAGE_ARN"
)

// ExclusionScope is what an exclusion is about.
type ExclusionScope struct {
	Type  ScopeType `json:"type"`
	Value string    `json:"value"`
}

// Exclusion says what a run could not check, why, and what to do about it.
type Exclusion struct {
	Run            string
	ID             string
	Kind           ExclusionKind
	Title          string
	Description    string
	Recommendation string
	Scopes         []ExclusionScope // at least one
	Attributes     []Attribute
	Error          bool // the run is COMPLETED_WITH_ERRORS because of it
}

// WholeRun tells whether an exclusion is about no host in particular.
func (e Exclusion) WholeRun() bool {
	for _, scope := range e.Scopes {
		if scope.Type == ScopeInstance {
			return false
		}
	}
	return true
}

// ExclusionKind is why something could not be checked. Its text is part of what
// is stored and printed: it does not change.
type ExclusionKind string

// The kinds that Inspector Classic had.
const (
	NoHosts                   ExclusionKind = "no-hosts"
	AgentBusy                 ExclusionKind = "agent-busy"
	AgentNotFound             ExclusionKind = "agent-not-found"
	AgentUnhealthy            ExclusionKind = "agent-unhealthy"
	SystemUnsupported         ExclusionKind = "system-unsupported"
	PackageDeprecated         ExclusionKind = "package-deprecated"
	PackageUnsupported        ExclusionKind = "package-unsupported"
	HostEvaluationError       ExclusionKind = "host-evaluation-error"
	EvaluationError           ExclusionKind = "evaluation-error"
	ReachabilityInternet      ExclusionKind = "reachability-internet"
	ReachabilityALB           ExclusionKind = "reachability-internet-alb" // through an application load balancer
	ReachabilityELB           ExclusionKind = "reachability-internet-elb" // through a classic load balancer
	ReachabilityVPN           ExclusionKind = "reachability-vpn"
	ReachabilityDirectConnect ExclusionKind = "reachability-direct-connect"
	ReachabilityPeeredVPC     ExclusionKind = "reachability-vpc-peering"
)

// The kinds that Assay has beside them.
const (
	AgentTooLate       ExclusionKind = "agent-too-late"
	AgentRefused       ExclusionKind = "agent-refused"
	CollectionError    ExclusionKind = "collection-failed"
	RulesNotEvaluated  ExclusionKind = "rules-not-evaluated"
	PackageUnavailable ExclusionKind = "package-unavailable"
	NoTelemetry        ExclusionKind = "no-telemetry"
)

// Cause is what people are told of a kind of exclusion.
type Cause struct {
	Kind           ExclusionKind
	Title          string // of all exclusions of the kind
	Description    string // "%s" is what the exclusion is about: a host, a rules package, or a target
	Recommendation string
	Error          bool // a run with such an exclusion is COMPLETED_WITH_ERRORS
	ByRules        bool // a rule may name it as what stood in its way
}

// Cause returns what people are told of the kind; the zero Cause if it is none.
func (k ExclusionKind) Cause() Cause {
	for _, c := range causes {
		if c.Kind == k {
			return c
		}
	}
	return Cause{}
}

// Title is the title of all exclusions of the kind.
func (k ExclusionKind) Title() string { return k.Cause().Title }

// Causes lists all kinds of exclusions.
func Causes() []Cause { return append([]Cause{}, causes...) }
