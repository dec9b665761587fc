package behavior

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"assay/internal/host"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// What was seen to be spoken turns what a port suggests into a fact, or refutes it. It
// is known only where an operator has asked for the first bytes to be looked at; where it
// is not, nothing is missing from what the rules say by ports.

// end is a server's port: of another host's, or, without an address, of the host's own.
type end struct {
	netNS  uint64
	remote string
	port   uint16
}

// maxHeard bounds the records of one end. There are as many as protocols that are
// recognised, in two families at most; each program that was there is held against them.
const maxHeard = 40

// heard is what was seen to be spoken at an end, in the order of the records' keys.
type heard struct {
	records  []*telemetry.Spoken
	complete bool // it is all that was
}

// spoken tells what was seen to be spoken on a host, by where.
func spoken(h *host.Host) func(end) heard {
	all := h.Spoken()
	at := map[end][]*telemetry.Spoken{}
	for _, r := range all.Values {
		e := end{r.NetNS, r.Remote, r.Port}
		at[e] = append(at[e], r)
	}
	return func(e end) heard {
		records := at[e]
		few := len(records) <= maxHeard
		return heard{records[:min(len(records), maxHeard)], all.Complete && few}
	}
}

// unasked tells whether nothing is missing of what was spoken: it was seen, or nobody
// asked for it, here or of the agent.
func unasked(h *host.Host, asked bool) bool {
	all := h.Spoken()
	return all.Complete || !asked && len(all.Values) == 0 && !slices.Contains(h.Sensors(), telemetry.SensorProtocols)
}

// of finds the first of some protocols that was spoken.
func (h heard) of(protocols []protocol) (protocol, *telemetry.Spoken) {
	for _, r := range h.records {
		for _, p := range protocols {
			if r.Count > 0 && recognised[p.name] == r.Protocol {
				return p, r
			}
		}
	}
	return protocol{}, nil
}

// by is whether a protocol was spoken.
func (h heard) by(name string) bool {
	return slices.ContainsFunc(h.records, func(r *telemetry.Spoken) bool { return r.Protocol == name })
}

// refutes tells whether all that was spoken is known, in so many connections at least,
// and nothing of it what the port suggests, which was none of what was seen.
func (h heard) refutes(connections uint64) bool {
	var n uint64
	for _, r := range h.records {
		n += r.Count
	}
	return h.complete && n > 0 && n >= connections && !h.by("unknown")
}

// evidence of what was spoken.
func (h heard) evidence(expected string) (all []rules.Evidence) {
	for _, r := range h.records {
		where := fmt.Sprintf("on the host's TCP port %d", r.Port)
		if r.Remote != "" {
			where = fmt.Sprintf("to %s port %d", r.Remote, r.Port)
		}
		all = append(all, rules.Evidence{
			Sensor: telemetry.SensorProtocols, Record: telemetry.Key(r), Expected: expected,
			Found: fmt.Sprintf("%s was spoken %s, as the first bytes of connections tell: %s, %s", named(r.Protocol), where, times(r.Count), span(r.First, r.Last)),
		})
	}
	return all
}

// named is how a sentence has a protocol.
func named(protocol string) string {
	switch protocol {
	case "unknown":
		return "something that is not known"
	case "http-connect":
		return "HTTP CONNECT, a tunnel for something else,"
	}
	return strings.ToUpper(cmp.Or(protocol, "nothing"))
}
