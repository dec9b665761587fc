package usage

import (
	"cmp"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/telemetry"
)

// Observed is how the host was observed while a run went on, by which an answer without
// Executed and Past is worth more or less.
type Observed struct {
	Began  int64 // seconds since 1970
	Ended  int64
	Tier   string // telemetry.Observation.Tier
	Record string // of the telemetry
	// Executions and Loads are why something of a package may have been executed, or loaded,
	// meanwhile without being in its answer. Empty: each that there was is told. A script
	// is its interpreter's in either case.
	Executions string
	Loads      string
}

// Observed is the last observation of the host; nil: there was none, or it has not ended.
func (u *Usage) Observed() *Observed { return u.observed }

func (u *Usage) observedOf(h *host.Host) *Observed {
	all := h.Observations().Values
	if len(all) == 0 {
		return nil
	}
	last := slices.MaxFunc(all, func(a, b *telemetry.Observation) int {
		return cmp.Or(a.Ended.Compare(b.Ended), a.Began.Compare(b.Began), cmp.Compare(telemetry.Key(a), telemetry.Key(b)))
	})
	executions, loads := h.Executions(), h.Loads()
	o := &Observed{Began: unix(last.Began), Ended: unix(last.Ended), Tier: last.Tier, Record: telemetry.Key(last),
		Executions: executions.Reason, Loads: loads.Reason}
	if !strings.HasPrefix(last.Tier, "ebpf/") {
		const lesser = "not each is seen by the tier "
		o.Executions, o.Loads = cmp.Or(o.Executions, lesser+last.Tier), cmp.Or(o.Loads, lesser+last.Tier)
	}
	for _, e := range executions.Values {
		o.Executions = cmp.Or(o.Executions, u.unnamed(e.Path, e.Name, e.Package, e.Container, e.MountNS, e.Unverified))
	}
	for _, l := range loads.Values {
		o.Loads = cmp.Or(o.Loads, u.unnamed(l.Path, "what "+l.Name+" loaded", l.Package, l.Container, l.MountNS, l.Unverified))
	}
	return o
}

// unnamed is why a file that was executed or loaded may be one of any package; empty: it is
// known whose it is.
func (u *Usage) unnamed(path, name, pkg, container string, mountNS uint64, unverified bool) string {
	switch {
	case path == "" || unverified:
		return "which file " + name + " was is not known"
	case container != "" || u.spaces[mountNS] != "":
		return "" // packages there are not asked for by name
	case pkg == "" && mountNS != 0 && isSystems(path):
		return "to which package " + path + " of another mount namespace belongs is not known"
	}
	return ""
}
