package behavior

import "strings"

// A protocol is one that sends what it sends in the clear, by the port that IANA has
// registered for it (https://www.iana.org/assignments/service-names-port-numbers,
// RFC 6335). What is spoken on a port can be another protocol: the port suggests it.
type protocol struct {
	port uint16
	name string
	note string // what makes the port less than proof
}

// startTLS is the note of protocols that can be encrypted on the same port.
const startTLS = "it can be encrypted after it has begun (STARTTLS), which the port does not tell"

// loginProtocols send passwords, or trust addresses, to log in.
var loginProtocols = []protocol{
	{21, "FTP", ""}, {23, "Telnet", ""}, {512, "rexec", ""}, {513, "rlogin", ""}, {514, "RSH", ""},
}

// generalProtocols are the others that clients speak.
var generalProtocols = append([]protocol{
	{25, "SMTP", startTLS},
	{80, "HTTP", ""},
	{110, "POP3", startTLS},
	{119, "NNTP", startTLS},
	{143, "IMAP", startTLS},
	{389, "LDAP", startTLS},
	{873, "rsync", ""},
	{1883, "MQTT", ""},
	{3268, "LDAP (global catalog)", startTLS},
	{6667, "IRC", ""},
}, ranges(protocol{5900, "VNC", "some servers encrypt it"}, 10, protocol{6000, "X11", ""}, 10)...)

// ranges are the ports of displays, which count from the first: RFC 6143 and X(7).
func ranges(vnc protocol, vncs int, x11 protocol, x11s int) (all []protocol) {
	for range vncs {
		all = append(all, vnc)
		vnc.port++
	}
	for range x11s {
		all = append(all, x11)
		x11.port++
	}
	return all
}

// serverProtocols are those that Inspector's rule about servers names, by transport.
var serverProtocols = map[string][]protocol{
	"tcp": {
		{21, "FTP", ""}, {23, "Telnet", ""}, {25, "SMTP", startTLS}, {80, "HTTP", ""}, {110, "POP3", startTLS},
		{143, "IMAP", startTLS}, {513, "rlogin", ""}, {514, "RSH", ""},
	},
	"udp": {
		{161, "SNMP", "version 3 can be encrypted, which the port does not tell"},
		{162, "SNMP traps", "version 3 can be encrypted, which the port does not tell"},
	},
}

// caution is what is to be said of a protocol beside its name; seen: of one that was seen,
// and not only suggested by a port.
func (p protocol) caution(seen bool) string {
	if p.note == "" {
		return ""
	}
	note := p.note
	if seen {
		note = strings.ReplaceAll(note, "the port does not tell", "its first bytes do not tell")
	}
	return " Of this protocol, " + note + "."
}

// recognised are the protocols' names where they were seen to be spoken (telemetry.Spoken).
// Of the others, their ports can only suggest them.
var recognised = map[string]string{
	"FTP": "ftp", "Telnet": "telnet", "SMTP": "smtp", "HTTP": "http", "POP3": "pop3", "IMAP": "imap", "LDAP": "ldap",
	"LDAP (global catalog)": "ldap", "rsync": "rsync", "MQTT": "mqtt", "IRC": "irc", "VNC": "vnc", "X11": "x11",
}

func find(protocols []protocol, port uint16) (protocol, bool) {
	for _, p := range protocols {
		if p.port == port {
			return p, true
		}
	}
	return protocol{}, false
}
