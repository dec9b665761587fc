package agent

import (
	"maps"
	"slices"
	"strings"

	"assay/internal/sensor"
	"assay/internal/wire"
)

// Tier is the way by which a sensor observes now, or is expected to, with what it has
// counted.
type Tier struct {
	wire.SensorTier
	Executions  uint64 `json:"executions,omitempty"`
	Connections uint64 `json:"connections,omitempty"`
	Accepted    uint64 `json:"accepted,omitempty"`
}

// Bounds of what is told of a tier: texts, and bytes of each.
const (
	maxShort     = 8
	maxShortText = 300
)

// tiers are those of the sensors that have several, by name.
func (a *agent) tiers() (all []Tier) {
	for _, name := range slices.Sorted(maps.Keys(a.sensors)) {
		s, ok := a.sensors[name].(sensor.Tiered)
		if !ok {
			continue
		}
		t := s.Tier()
		told := Tier{
			SensorTier: wire.SensorTier{Sensor: name, Tier: t.Name, Expected: t.Expected, Since: t.Since},
			Executions: t.Executions, Connections: t.Connections, Accepted: t.Accepted,
		}
		for _, text := range t.Short[:min(len(t.Short), maxShort)] {
			if text = strings.ToValidUTF8(text, "?"); len(text) > maxShortText {
				text = strings.ToValidUTF8(text[:maxShortText], "") + "..."
			}
			told.Short = append(told.Short, text)
		}
		all = append(all, told)
	}
	return all
}

func wireTiers(tiers []Tier) (all []wire.SensorTier) {
	for _, t := range tiers {
		all = append(all, t.SensorTier)
	}
	return all
}
