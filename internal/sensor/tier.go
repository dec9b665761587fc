package sensor

import "time"

// Tiered is a sensor that observes by one of several ways, as the host allows.
type Tiered interface {
	Sensor

	// Tier tells by which way it observes now, or else is expected to. It is cheap,
	// changes nothing, and may be called at any time.
	Tier() Tier
}

// Tier is a way to observe.
type Tier struct {
	Name     string    // "ebpf/direct"; empty: by none
	Expected bool      // nothing is observed now: what the host looks like tells, and nothing is proven
	Since    time.Time // zero where it is expected only
	Short    []string  // why it is not a better one, and what it is known not to see

	// What was counted so far, a few seconds ago at most.
	Executions, Connections, Accepted uint64
}
