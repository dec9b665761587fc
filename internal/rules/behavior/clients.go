package behavior

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay/internal/host"
	"assay/internal/inspector"
	"assay/internal/rules"
	"assay/internal/telemetry"
)

// loginClients and generalClients are about programs that have connected to insecure
// protocols of other hosts. Connections within the host do not count: nobody is on
// their way. An attempt that nobody has answered counts, because the program is set up
// to speak so.
var (
	loginClients = check{
		rule: rules.Rule{
			ID: "insecure-client-protocols-login", Title: "Insecure client protocols (login)", Severity: inspector.Medium,
			Finding:        "Instance <id> uses insecure protocols to log in to remote hosts",
			Description:    "This rule detects a client's use of insecure protocols to log in to remote machines: FTP, Telnet, rexec, rlogin and RSH send passwords and sessions in the clear, or trust the address of the client.",
			Recommendation: "Use SSH and SFTP in place of these protocols, and remove their clients.",
		},
		evaluate: func(h *host.Host) answer { return clients(h, loginProtocols) },
		speaks:   true,
	}
	generalClients = check{
		rule: rules.Rule{
			ID: "insecure-client-protocols-general", Title: "Insecure client protocols (general)", Severity: inspector.Low,
			Finding:        "Instance <id> uses insecure protocols to connect to remote hosts",
			Description:    "This rule detects a client's use of insecure protocols to connect to remote machines, such as HTTP, POP3, IMAP, LDAP and VNC: whoever is on the way can read, and often change, what is sent.",
			Recommendation: "Use the encrypted form of the protocol: HTTPS, IMAPS, POP3S, LDAPS, or a tunnel.",
		},
		evaluate: func(h *host.Host) answer { return clients(h, generalProtocols) },
		speaks:   true,
	}
)

// use is what one program did by one protocol.
type use struct {
	protocol    protocol
	program     string
	connections []*telemetry.Connection
	seen        bool // and not only suggested by the port
}

func clients(h *host.Host, protocols []protocol) answer {
	a := observed(h, "No program has connected to another host by one of these protocols.")
	connections := h.Connections()
	a.gap(connections.Complete, connections.Reason)
	uses := map[string]*use{}
	heardAt, attempts := spoken(h), attempts(connections.Values)
	for _, c := range connections.Values {
		if c.Local || c.Agent {
			continue // the agent speaks TLS only, on whatever port its service is
		}
		there := end{c.NetNS, c.Remote, c.Port}
		heard := heardAt(there)
		p, suggested := find(protocols, c.Port)
		seen, record := heard.of(protocols)
		switch {
		case record != nil:
			p = seen
		case !suggested:
			continue
		case heard.refutes(attempts[there]):
			a.saw(heard.evidence("")...)
			continue
		}
		program := program(c)
		subject := fmt.Sprintf("%s tcp/%d", within(c.Container, program), c.Port)
		u := uses[subject]
		if u == nil {
			u = &use{protocol: p, program: owned(program, c.Package)}
			uses[subject] = u
		}
		if record != nil && !u.seen {
			u.protocol, u.seen = p, true
		}
		u.connections = append(u.connections, c)
	}
	for _, subject := range slices.Sorted(maps.Keys(uses)) {
		f := a.fail(subject)
		if len(a.failed) <= maxSubjects+1 { // of the others nothing is told
			*f = uses[subject].fault(heardAt)
		}
	}
	return a
}

// program names the program of a connection. One whose file was gone before anybody
// could look has the name of its process; of one that was over before it was looked at
// nothing is known where the kernel does not tell.
func program(c *telemetry.Connection) string {
	return cmp.Or(c.Path, c.Name, "unknown program")
}

// attempts counts connections, by where they go.
func attempts(all []*telemetry.Connection) map[end]uint64 {
	n := map[end]uint64{}
	for _, c := range all {
		n[end{c.NetNS, c.Remote, c.Port}] += c.Count
	}
	return n
}

// fault words what a program did, in the order of the remote addresses.
func (u *use) fault(heardAt func(end) heard) fault {
	slices.SortFunc(u.connections, func(a, b *telemetry.Connection) int {
		return cmp.Or(cmp.Compare(a.Remote, b.Remote), cmp.Compare(telemetry.Key(a), telemetry.Key(b)))
	})
	var f fault
	var count uint64
	var first, last time.Time
	var remotes []string
	var heard []rules.Evidence
	for _, c := range u.connections {
		count += c.Count
		if first.IsZero() || c.First.Before(first) {
			first = c.First
		}
		if c.Last.After(last) {
			last = c.Last
		}
		remotes = append(remotes, c.Remote)
		if len(f.evidence) == maxEvidence {
			continue
		}
		heard = append(heard, heardAt(end{c.NetNS, c.Remote, c.Port}).evidence("an encrypted protocol")...)
		f.evidence = append(f.evidence, rules.Evidence{
			Sensor: telemetry.SensorActivity, Record: telemetry.Key(c), File: c.Path, Expected: "an encrypted protocol",
			Found: fmt.Sprintf("%s connected to %s port %d (%s) %s as %s, %s", u.program, c.Remote, c.Port, u.how(), times(c.Count), user(c.UID), span(c.First, c.Last)),
		})
	}
	f.evidence = append(f.evidence, distinct(heard)...)
	remotes = slices.Compact(remotes)
	c := u.connections[0]
	how := "which suggests " + u.protocol.name
	if u.seen {
		how = "where " + u.protocol.name + " was seen to be spoken"
	}
	f.reason = fmt.Sprintf("%s has connected to TCP port %d, %s, of %s: %s, %s.", u.program, c.Port, how, several(remotes, "host"), times(count), span(first, last)) + u.protocol.caution(u.seen)
	f.attributes = []inspector.Attribute{
		{Key: "PORT", Value: strconv.Itoa(int(c.Port))}, {Key: "PROTOCOL", Value: u.protocol.name}, {Key: "PROCESS_NAME", Value: c.Name},
		{Key: "EXECUTABLE", Value: c.Path}, {Key: "package_name", Value: strings.ToLower(c.Package)}, {Key: "CONTAINER", Value: c.Container},
		{Key: "REMOTE_ADDRESSES", Value: several(remotes, "host")}, {Key: "CONNECTIONS", Value: strconv.FormatUint(count, 10)},
	}
	return f
}

// how it is known what was spoken.
func (u *use) how() string {
	if u.seen {
		return u.protocol.name + " was seen"
	}
	return "the port suggests " + u.protocol.name
}

// distinct leaves out what is there already: several programs and users may have
// connected to one place.
func distinct(all []rules.Evidence) []rules.Evidence {
	slices.SortFunc(all, func(a, b rules.Evidence) int { return cmp.Compare(a.Record, b.Record) })
	return slices.CompactFunc(all, func(a, b rules.Evidence) bool { return a.Record == b.Record })
}

// observed begins an answer that needs an observation: its evidence is that there was
// one.
func observed(h *host.Host, passed string) answer {
	a := answer{passed: passed, remedy: "Assess the host again for the whole duration, with its agent run as root on a supported kernel."}
	if c := h.Coverage(telemetry.SensorActivity); c.State == telemetry.NotCollected {
		a.gap(false, "the host was not observed ("+c.Reason+")")
		a.remedy = "Have the host observed: by its agent in a run of this rules package, or with assay-agent collect -observe 15m as root."
		a.blind = true
		return a
	}
	observations := h.Observations()
	a.gap(len(observations.Values) > 0, "no observation of the host has come to its end ("+cmp.Or(observations.Reason, "none was reported")+")")
	for _, o := range observations.Values {
		a.seen = append(a.seen, rules.Evidence{
			Sensor: telemetry.SensorActivity, Record: telemetry.Key(o),
			Found: fmt.Sprintf("observed %s (%s): %d programs executed, %d connections made, %d accepted", span(o.Began, o.Ended), o.Tier, o.Executions, o.Connections, o.Accepted),
		})
	}
	return a
}

// within tells what is in a container from what the host has. Which container is not
// told: they come and go, and a finding's subject must stay.
func within(container, name string) string {
	if container == "" {
		return name
	}
	return "container:" + name
}

// user names a user; the highest number is that of nobody (telemetry.Connection.UID).
func user(uid uint32) string {
	if uid == math.MaxUint32 {
		return "a user who is not known"
	}
	return fmt.Sprintf("uid %d", uid)
}

// shown is how many of several things a sentence names.
const shown = 5

// several names the first few of a list: "203.0.113.1, 203.0.113.2 and 3 more hosts".
func several(list []string, what string) string {
	if more := len(list) - shown; more > 0 {
		return fmt.Sprintf("%s and %d more %ss", strings.Join(list[:shown], ", "), more, what)
	}
	return strings.Join(list, ", ")
}

// times words how often.
func times(n uint64) string {
	switch n {
	case 0:
		return "never"
	case 1:
		return "once"
	}
	return strconv.FormatUint(n, 10) + " times"
}

const form = "2006-01-02 15:04:05"

func span(from, to time.Time) string {
	if from.IsZero() || from.Equal(to) {
		return "at " + to.UTC().Format(form) + " UTC"
	}
	return "from " + from.UTC().Format(form) + " to " + to.UTC().Format(form) + " UTC"
}
