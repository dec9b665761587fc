//go:build linux

package protocols

import (
	"maps"
	"slices"

	"assay/internal/sensor/kerneltime"
	"assay/internal/sensor/protocols/bpf"
	"assay/internal/sensor/protocols/firstbytes"
	"assay/internal/telemetry"
)

// records are what was counted so far, in the order of their keys. Several ways in which
// the two ends may begin are one protocol.
func (o *observation) records() ([]*telemetry.Spoken, error) {
	clock, err := kerneltime.New()
	if err != nil {
		return nil, err
	}
	all := map[string]*telemetry.Spoken{}
	for s, err := range o.programs.Spoken() {
		if err != nil {
			return nil, err
		}
		r := record(s, clock)
		if known := all[telemetry.Key(r)]; known != nil {
			merge(known, r)
			continue
		}
		all[telemetry.Key(r)] = r
	}
	var sorted []*telemetry.Spoken
	for _, key := range slices.Sorted(maps.Keys(all)) {
		sorted = append(sorted, all[key])
	}
	return sorted, nil
}

func record(s bpf.Spoken, clock kerneltime.Clock) *telemetry.Spoken {
	r := &telemetry.Spoken{
		NetNS: uint64(s.NetNS), Family: s.Family, Port: s.Port, Protocol: firstbytes.Name(s.Role, s.Client, s.Server, s.Port),
		Activity: telemetry.Activity{Count: s.N, First: clock.Time(s.First), Last: clock.Time(s.Last)},
	}
	if s.Role == firstbytes.Client {
		r.Remote = s.Remote.String()
	}
	return r
}

func merge(into, r *telemetry.Spoken) {
	into.Count += r.Count
	if r.First.Before(into.First) {
		into.First = r.First
	}
	if r.Last.After(into.Last) {
		into.Last = r.Last
	}
}
