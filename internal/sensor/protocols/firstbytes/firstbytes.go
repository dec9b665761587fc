// Package firstbytes says by what first bytes protocols are recognised: a table of signs,
// made so that a program in the kernel can step through it byte by byte, without keeping
// what it has seen; and the names of what was recognised. Sensor protocols fills the
// kernel's table with it (package protocols/bpf).
//
// A sign is in the table only if hardly anything else begins so. What does not match is
// "unknown", which says nothing.
package firstbytes

// Limits of the table in the kernel (bpf/c/protocols.bpf.c).
const (
	Window = 16 // bytes of a direction that are looked at
	Signs  = 64 // of a direction
)

// Role is who speaks, and what a host's socket is.
type Role uint8

// The roles.
const (
	Client Role = iota
	Server
)

// Class is what one direction of a connection begins as.
type Class uint8

// The classes that are no sign's. The numbers are known in the kernel.
const (
	Silent  Class = iota // nothing was said yet, or too little
	Unknown              // no sign
	ftp
	http
	imap
	irc
	ldap
	mqtt
	pop3
	rsync
	smtp
	ssh
	telnet
	tls
	vnc
	x11
	tunnel      // HTTP's CONNECT: what it carries is not looked at
	greeting220 // a server of FTP or SMTP: the client's first command tells
)

// names are as in telemetry.Spoken.
var names = map[Class]string{
	ftp: "ftp", http: "http", imap: "imap", irc: "irc", ldap: "ldap", mqtt: "mqtt", pop3: "pop3", rsync: "rsync",
	smtp: "smtp", ssh: "ssh", telnet: "telnet", tls: "tls", vnc: "vnc", x11: "x11", tunnel: "http-connect",
}

// Name tells what was spoken, of how both ends of a connection began, and the server's
// port. Of a client's socket what the client says counts, whatever it is answered; of a
// listener's what the server says: anybody can say anything to a listener.
func Name(role Role, client, server Class, port uint16) string {
	switch {
	case server == greeting220:
		return greeted(client, port)
	case client == tunnel:
		return names[tunnel]
	case role == Client && client != ftp && client != smtp && client > Unknown:
		return named(client)
	}
	return named(server)
}

// greeted tells FTP and SMTP apart, which are the protocols that greet so (RFC 959, RFC
// 5321): by the client's first command, or, if that is one that both have, by the port.
func greeted(client Class, port uint16) string {
	switch {
	case client == ftp || client == smtp:
		return names[client]
	case client != Unknown && client != Silent:
	case port == 21:
		return names[ftp]
	case port == 25 || port == 587:
		return names[smtp]
	}
	return named(Unknown)
}

func named(c Class) string {
	if name, ok := names[c]; ok {
		return name
	}
	return "unknown"
}
