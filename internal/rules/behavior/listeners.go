package behavior

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// listener is a port on which a program listens for others than the host itself, on
// one address or several.
type listener struct {
	protocol  string // "tcp", "udp"
	port      uint16
	netNS     uint64
	name      string // the program's path
	program   string // words
	container bool
	subject   string // of findings: stays from run to run
	sockets   []*telemetry.Socket
}

// listeners lists those of sockets that others can reach, sorted. What listens on
// loopback addresses only is left out: nobody is on the way to it.
func listeners(h *host.Host, protocol string, sockets []*telemetry.Socket) []*listener {
	containers := namespaces(h)
	byKey := map[string]*listener{}
	for _, s := range sockets {
		address, err := netip.ParseAddr(s.Local)
		if !s.Listening() || s.Protocol != protocol || err == nil && address.Unmap().IsLoopback() {
			continue
		}
		l := &listener{protocol: protocol, port: s.LocalPort, netNS: s.NetNS, program: "a process that is not known"}
		name := ""
		if len(s.Owners) > 0 {
			o := slices.MinFunc(s.Owners, func(a, b telemetry.Owner) int {
				return cmp.Or(strings.Compare(a.Exe, b.Exe), cmp.Compare(a.PID, b.PID))
			})
			name = cmp.Or(o.Exe, o.Name)
			l.name, l.program = name, owned(name, o.Package)
			l.container = containers[o.PID] != ""
		}
		l.subject = strings.TrimSpace(fmt.Sprintf("%s/%d %s", protocol, s.LocalPort, name))
		if l.container {
			l.subject = within("one", l.subject)
		}
		key := fmt.Sprintf("%s %d", l.subject, s.NetNS)
		if byKey[key] == nil {
			byKey[key] = l
		}
		byKey[key].sockets = append(byKey[key].sockets, s)
	}
	var all []*listener
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		l := byKey[key]
		slices.SortFunc(l.sockets, func(a, b *telemetry.Socket) int { return strings.Compare(telemetry.Key(a), telemetry.Key(b)) })
		all = append(all, l)
	}
	return all
}

// namespaces tells which processes are in containers; of two with one number the one
// that is still there.
func namespaces(h *host.Host) map[int]string {
	containers := map[int]string{}
	for _, gone := range []bool{true, false} {
		for _, p := range h.SeenProcesses().Values {
			if p.Gone == gone {
				containers[p.PID] = p.Container
			}
		}
	}
	return containers
}

// over tells whether nobody listens any more.
func (l *listener) over() bool {
	return !slices.ContainsFunc(l.sockets, func(s *telemetry.Socket) bool { return !s.Gone })
}

// when says when something was seen that was not there all the time; empty: it was, or
// there was one look only.
func when(gone, late bool, s telemetry.Seen) string {
	switch {
	case gone && s.Last.IsZero():
		return ", seen " + span(s.First, s.First)
	case gone:
		return ", seen " + span(s.First, s.Last)
	case late:
		return ", since " + s.First.UTC().Format(form) + " UTC"
	}
	return ""
}

func (l *listener) evidence(expected string) (all []rules.Evidence) {
	for _, s := range l.sockets {
		var file string
		if len(s.Owners) > 0 {
			file = s.Owners[0].Exe
		}
		all = append(all, rules.Evidence{
			Sensor: telemetry.SensorSockets, Record: telemetry.Key(s), File: file, Expected: expected,
			Found: fmt.Sprintf("%s listens on %s port %d of %s", l.program, strings.ToUpper(l.protocol), l.port, s.Local) + when(s.Gone, s.Late, s.Seen),
		})
	}
	return all
}

func (l *listener) attributes(more ...inspector.Attribute) []inspector.Attribute {
	list := []inspector.Attribute{{Key: "PORT", Value: strconv.Itoa(int(l.port))}, {Key: "TRANSPORT", Value: strings.ToUpper(l.protocol)}}
	if owners := l.sockets[0].Owners; len(owners) > 0 {
		list = append(list, inspector.Attribute{Key: "PROCESS_NAME", Value: owners[0].Name}, inspector.Attribute{Key: "EXECUTABLE", Value: owners[0].Exe},
			inspector.Attribute{Key: "package_name", Value: strings.ToLower(owners[0].Package)})
	}
	return append(list, more...)
}

// insecureServers is about listeners on the ports of protocols that are not encrypted.
// What is spoken there is looked at only where an operator asked for it. One that was
// there at any look counts.
var insecureServers = check{
	rule: rules.Rule{
		ID: "insecure-server-protocols", Title: "Insecure server protocols", Severity: inspector.Informational,
		Finding:        "Instance <id> supports insecure protocols",
		Description:    "This rule determines whether the host listens on the ports of insecure protocols, or, where first bytes are looked at, speaks them on any port: FTP, Telnet, HTTP, IMAP, POP3, SMTP, SNMP version 1 and 2, RSH and rlogin. Listeners that only the host itself can reach do not count.",
		Recommendation: "Disable the services that are not needed, and offer the encrypted form of the protocol in place of the others.",
	},
	evaluate: servers, speaks: true,
}

func servers(h *host.Host) answer {
	a := answer{passed: "No program listens for other hosts on the port of one of these protocols."}
	heardAt := spoken(h)
	sockets := h.Sockets()
	a.gap(sockets.Complete, sockets.Reason)
	for _, transport := range []string{"tcp", "udp"} {
		for _, l := range listeners(h, transport, h.SeenSockets().Values) {
			var heard heard
			if transport == "tcp" {
				heard = heardAt(end{netNS: l.netNS, port: l.port})
			}
			l.judge(&a, serverProtocols[transport], heard)
		}
	}
	return a
}

// judge adds a listener to an answer: by what it was heard to speak, else by its port. A
// port on which TLS is spoken, too, is no HTTP server's: it tells clients that err so in
// the clear.
func (l *listener) judge(a *answer, protocols []protocol, heard heard) {
	p, suggested := find(protocols, l.port)
	how, why := "which suggests "+p.name, "the port suggests "+p.name
	seen, record := heard.of(protocols)
	switch {
	case record != nil && (suggested || seen.name != "HTTP" || !heard.by("tls")):
		p, how, why = seen, "where it was seen to speak "+seen.name, seen.name+" was seen"
	case suggested && !heard.refutes(1):
	default:
		a.saw(l.evidence("")...)
		a.saw(heard.evidence("")...)
		return
	}
	transport := strings.ToUpper(l.protocol)
	f := a.fail(l.subject)
	does := "listens"
	if l.over() {
		does = "listened for a while"
	}
	f.reason = fmt.Sprintf("%s %s on %s port %d, %s.", l.program, does, transport, l.port, how) + p.caution(record != nil)
	const expected = "no service of an insecure protocol"
	for _, e := range l.evidence(expected) {
		e.Found += fmt.Sprintf(" (%s)", why)
		f.add(e)
	}
	f.add(heard.evidence(expected)...)
	f.attributes = l.attributes(inspector.Attribute{Key: "PROTOCOL", Value: p.name})
}

// unusedPorts is about listeners to which nobody has connected. That is known only of
// those that were there all the time, and if everything that listeners accepted was
// counted: an entry that found no place would fake an unused port.
var unusedPorts = check{
	rule: rules.Rule{
		ID: "unused-listening-tcp-ports", Title: "Unused listening TCP ports", Severity: inspector.Informational,
		Finding:        "Instance <id> has listening TCP ports that nobody used during the assessment run",
		Description:    "This rule detects listening TCP ports that may not be required by the host: to which no other host connected while the assessment run went on. A run of an hour or more makes the answer worth more.",
		Recommendation: "Disable services that are not needed, let those that only the host itself uses listen on loopback addresses, and keep others away from the port by a firewall.",
	},
	evaluate: unused,
}

func unused(h *host.Host) answer {
	a := observed(h, "To every TCP port on which the host listened all the time, another host has connected.")
	accepting := h.Accepting()
	a.gap(accepting.Complete, accepting.Reason)
	observation := slices.Clone(a.seen)
	a.gap(len(observation) <= 1, "the run was observed in several pieces, between which a connection may have been accepted")
	sockets := h.Sockets()
	a.gap(sockets.Complete, sockets.Reason)
	talks := h.Conversations()
	a.gap(talks.Complete, talks.Reason)
	if len(observation) != 1 || !accepting.Complete || !talks.Complete {
		return a // that there were no connections is not known of any
	}
	all := listeners(h, "tcp", sockets.Values)
	if len(all) == 0 {
		a.passed = "No program listens on a TCP port for other hosts."
	}
	counted, began, talking := countsOf(accepting.Values), begun(h), talksAt(talks.Values)
	for _, l := range all {
		at := place{l.netNS, l.port}
		c := counted[at]
		if c.foreign > 0 || l.reserves() || !l.stayed(c.listens, began[at], &a) {
			continue
		}
		if s := talking[at]; s != nil {
			a.seen = append(a.seen, talkEvidence(s))
			continue
		}
		f := a.fail(l.subject)
		f.reason = fmt.Sprintf("%s listens on TCP port %d, to which no other host has connected while the run was observed", l.program, l.port)
		if c.accepted > 0 {
			f.reason += fmt.Sprintf("; the host itself has %s", times(c.accepted))
		}
		f.reason += "."
		f.evidence = append(append(f.evidence, l.evidence("connections from other hosts, or no listener")...), observation...)
		f.attributes = l.attributes()
	}
	return a
}

// stayed keeps the sockets that were there all the time, and tells whether there are
// any. A socket is that of the first look if it is not late, and was never another one:
// that it was there at the last look has been told on purpose. Of a host that was
// looked at once, nobody must have begun to listen since; of others, nobody but those that
// were seen to: one may have begun before the first look, after counting had.
func (l *listener) stayed(listens, begun uint64, a *answer) bool {
	l.sockets = slices.DeleteFunc(l.sockets, func(s *telemetry.Socket) bool {
		if s.First.IsZero() {
			return listens > 0
		}
		a.gap(s.Late || !s.Last.IsZero(), fmt.Sprintf("whether %s listened on TCP port %d to the end is not known", l.program, l.port))
		return s.Late || s.Last.IsZero() || listens > begun
	})
	return len(l.sockets) > 0
}

// begun counts the sockets that were seen to begin to listen, by place.
func begun(h *host.Host) map[place]uint64 {
	all := map[place]uint64{}
	for _, s := range h.SeenSockets().Values {
		if s.Listening() && s.Protocol == "tcp" && s.Late {
			all[place{s.NetNS, s.LocalPort}]++
		}
	}
	return all
}

func countsOf(records []*telemetry.Accepting) map[place]counts {
	counted := map[place]counts{}
	for _, r := range records {
		p := place{r.NetNS, r.Port}
		c := counted[p]
		counted[p] = counts{c.accepted + r.Count, c.foreign + r.Foreign, c.listens + r.Listens}
	}
	return counted
}

// place is a port in a network namespace. Addresses and families are not told apart: a
// connection over IPv4 to a socket of IPv6 counts as one of IPv6.
type place struct {
	netNS uint64
	port  uint16
}

type counts struct{ accepted, foreign, listens uint64 }
