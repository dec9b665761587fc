package behavior

import (
	"fmt"
	"net/netip"
	"path"
	"slices"

	"assay/internal/rules"
	"assay/internal/telemetry"
)

// reservers hold the ports of containers that are published on the host, so that nobody else
// takes them. Packets to such a port are redirected (DNAT) before they come to the
// listener, which therefore accepts nothing however much the port is used; the listener in
// the container is judged, by what it accepts. See docker-proxy of
// https://github.com/moby/moby (cmd/docker-proxy), and bindPorts in Podman's libpod,
// which leaves the sockets to conmon.
var reservers = []string{"docker-proxy", "conmon"}

// reserves tells whether a listener is there to keep its port from others.
func (l *listener) reserves() bool { return slices.Contains(reservers, path.Base(l.name)) }

// talksAt are conversations that somebody elsewhere has with a port at the last look: one
// that began before the observation was never counted, and is in use all the same.
func talksAt(conversations []*telemetry.Socket) map[place]*telemetry.Socket {
	talks := map[place]*telemetry.Socket{}
	for _, s := range conversations {
		remote, err := netip.ParseAddr(s.Remote)
		if s.Protocol != "tcp" || err != nil || slices.Contains(noTalk, s.State) {
			continue
		}
		local, _ := netip.ParseAddr(s.Local)
		if remote = remote.Unmap(); !remote.IsLoopback() && remote != local.Unmap() {
			talks[place{s.NetNS, s.LocalPort}] = s
		}
	}
	return talks
}

func talkEvidence(s *telemetry.Socket) rules.Evidence {
	return rules.Evidence{
		Sensor: telemetry.SensorSockets, Record: telemetry.Key(s),
		Found: fmt.Sprintf("%s has a connection to TCP port %d of %s, which was there before (%s)", s.Remote, s.LocalPort, s.Local, s.State),
	}
}

// noTalk are the states of sockets with which nobody has come to converse.
var noTalk = []string{"close", "syn_sent", "syn_recv", "new_syn_recv"}
