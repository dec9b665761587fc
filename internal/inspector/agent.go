package inspector

import "time"

// Health is whether an agent can be relied upon.
type Health string

// The healths. Unknown: no telling whether there is an agent.
const (
	Healthy       Health = "HEALTHY"
	Unhealthy     Health = "UNHEALTHY"
	HealthUnknown Health = "UNKNOWN"
)

// HealthCode is what an agent is doing, or what ails it.
type HealthCode string

// The health codes.
const (
	CodeIdle      HealthCode = "IDLE"
	CodeRunning   HealthCode = "RUNNING"
	CodeShutdown  HealthCode = "SHUTDOWN"
	CodeUnhealthy HealthCode = "UNHEALTHY"
	CodeThrottled HealthCode = "THROTTLED"
	CodeUnknown   HealthCode = "UNKNOWN"
)

// Agent is a host with an agent that has enrolled.
type Agent struct {
	ID           string // "i-" and 17 hexadecimal digits
	Hostname     string
	OS           string // for people: "Debian GNU/Linux 12 (bookworm)"
	Platform     string // "linux", "windows"
	Kernel       string
	Architecture string
	Version      string // of the agent program
	Addresses    []string
	Tags         []Tag
	Sensors      []string
	Tiers        []SensorTier
	Problems     []string      // what the agent says is wrong with it, in sentences
	Skew         time.Duration // the host's clock minus the service's
	EnrolledAt   time.Time
	SeenAt       time.Time // the last heartbeat
	Revoked      bool
}

// SensorTier is the way by which a sensor of an agent observes, or is expected to.
type SensorTier struct {
	Sensor   string    `json:"sensor"`
	Tier     string    `json:"tier,omitempty"`     // "ebpf/direct"; empty: none
	Expected bool      `json:"expected,omitempty"` // nothing is observed now, and nothing is proven
	Since    time.Time `json:"since,omitzero"`     // by the host's clock
	Short    []string  `json:"short,omitempty"`    // why it is no better one, and what it is known not to see
}
