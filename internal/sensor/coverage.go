package sensor

import (
	"fmt"

	"assay/internal/telemetry"
)

// Covered is the coverage of a sensor that has met these shortcomings: complete
// if there are none, else partial, with the first of them as the reason.
func Covered(shortcomings []string) telemetry.Coverage {
	switch len(shortcomings) {
	case 0:
		return telemetry.Coverage{State: telemetry.Complete}
	case 1:
		return telemetry.Coverage{State: telemetry.Partial, Reason: shortcomings[0]}
	}
	return telemetry.Coverage{
		State:  telemetry.Partial,
		Reason: fmt.Sprintf("%s (and %d more)", shortcomings[0], len(shortcomings)-1),
	}
}
