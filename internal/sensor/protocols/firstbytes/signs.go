package firstbytes

// sign is what a protocol begins with in one direction: for each place the bytes that may
// be there, and what that says.
type sign struct {
	class   Class
	by      Role
	bytes   []set
	decides []Role // sockets of which nothing more need be known
}

// set is a set of bytes.
type set [256]bool

// The signs. What a server says decides, but for the greeting that two protocols have;
// what a client says decides where the host is the client, but for commands that several
// protocols have.
var signs = concat(
	// Requests to a path, or by a proxy to http://, RFC 9112 (RTSP and SIP have methods, too,
	// of other URLs), the preface of HTTP/2 in the clear, RFC 9113, and the answers.
	requests("GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "PROPFIND "),
	[]sign{
		says(Client, http, text("PRI * HTTP/2.0")),
		says(Server, http, text("HTTP/1."), oneOf("01")),
	},

	// RFC 8446, 5.1 and 4: a record of a handshake, with a ClientHello or a ServerHello.
	[]sign{
		says(Client, tls, text("\x16\x03"), span(0, 4), anything(2), text("\x01\x00")),
		says(Server, tls, text("\x16\x03"), span(0, 4), anything(2), text("\x02\x00")),
	},

	// RFC 4253, 4.2.
	[]sign{says(Client, ssh, text("SSH-"), oneOf("12"), text(".")), says(Server, ssh, text("SSH-"), oneOf("12"), text("."))},

	// RFC 854 and 855: WILL, WON'T, DO, DON'T of an option that is registered; or SB.
	[]sign{
		says(Client, telnet, text("\xff"), span(0xfb, 0xfe), span(0, 49)),
		says(Server, telnet, text("\xff"), span(0xfb, 0xfe), span(0, 49)),
	},

	// RFC 959 and RFC 5321 greet alike; then the client's first command tells. RFC 4217 has
	// AUTH TLS, RFC 7151 HOST; FEAT is RFC 2389's.
	[]sign{
		part(Server, greeting220, text("220"), oneOf(" -")),
		part(Client, ftp, fold("USER ")), part(Client, ftp, fold("AUTH TLS")), part(Client, ftp, fold("AUTH SSL")),
		part(Client, ftp, fold("FEAT"), oneOf("\r\n")), part(Client, ftp, fold("HOST ")),
		part(Client, smtp, fold("EHLO ")), part(Client, smtp, fold("HELO ")), part(Client, smtp, fold("LHLO ")),
	},

	// RFC 1939; RFC 3501, 7.1.
	[]sign{
		says(Server, pop3, text("+OK"), oneOf(" \r")),
		says(Server, imap, text("* OK"), oneOf(" [")), says(Server, imap, text("* PREAUTH ")),
	},

	// RFC 6143, 7.1.1.
	[]sign{says(Client, vnc, text("RFB 003.")), says(Server, vnc, text("RFB 003."))},

	// X Window System Protocol, 8: byte order, protocol 11.0; the answer's second byte is a
	// length if it refuses.
	[]sign{
		says(Client, x11, text("l"), anything(1), text("\x0b\x00\x00\x00")),
		says(Client, x11, text("B"), anything(1), text("\x00\x0b\x00\x00")),
		says(Server, x11, text("\x01"), anything(1), text("\x0b\x00\x00\x00")),
		says(Server, x11, text("\x01"), anything(1), text("\x00\x0b\x00\x00")),
	},

	// MQTT 3.1, 3.1.1 and 5: CONNECT with the name of the protocol, its length in one byte or
	// two. CONNACK is too short to be told from others.
	[]sign{
		says(Client, mqtt, text("\x10"), span(10, 127), text("\x00\x04MQTT"), span(4, 5)),
		says(Client, mqtt, text("\x10"), span(128, 255), span(1, 127), text("\x00\x04MQTT"), span(4, 5)),
		says(Client, mqtt, text("\x10"), span(12, 127), text("\x00\x06MQIsdp\x03")),
		says(Client, mqtt, text("\x10"), span(128, 255), span(1, 127), text("\x00\x06MQIsdp\x03")),
	},

	// RFC 4511 in BER: a message, its number, an operation: bind, search, extended (StartTLS)
	// of clients, their answers of servers; lengths in one byte, or in the four that Windows has.
	messages(Client, "\x60\x63\x77"), messages(Server, "\x61\x64\x65\x78"),

	// Versions of rsync(5)'s daemon.
	[]sign{says(Client, rsync, text("@RSYNCD: ")), says(Server, rsync, text("@RSYNCD: "))},

	// RFC 2812, and IRCv3's negotiation. PASS and USER are others' commands, too.
	[]sign{says(Client, irc, text("CAP LS"), oneOf(" \r\n")), says(Client, irc, text("NICK "))},
)

// requests are HTTP's, by methods.
func requests(methods ...string) (all []sign) {
	for _, m := range methods {
		all = append(all, says(Client, http, text(m), text("/")), says(Client, http, text(m), text("http:")))
	}
	return append(all, says(Client, tunnel, text("CONNECT "), oneOf("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ[")))
}

func messages(by Role, operations string) []sign {
	number := func(n byte) []set { return joined(text("\x02"), span(n, n), anything(int(n))) }
	var all []sign
	for _, size := range [][]set{span(7, 127), joined(text("\x81"), span(128, 255)), joined(text("\x82"), anything(2)), joined(text("\x84"), anything(4))} {
		all = append(all, says(by, ldap, text("\x30"), size, number(1), oneOf(operations)))
	}
	return all
}

// says is a sign that decides.
func says(by Role, c Class, bytes ...[]set) sign {
	s := part(by, c, bytes...)
	s.decides = []Role{Client}
	if by == Server {
		s.decides = []Role{Client, Server}
	}
	return s
}

// part is a sign that says something only with what the other end says.
func part(by Role, c Class, bytes ...[]set) sign {
	return sign{class: c, by: by, bytes: joined(bytes...)}
}

func joined(parts ...[]set) (all []set) { return concat(parts...) }

func concat[T any](parts ...[]T) (all []T) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

// text is these bytes.
func text(s string) (all []set) {
	for i := range len(s) {
		all = append(all, span(s[i], s[i])...)
	}
	return all
}

// fold is these letters, large or small.
func fold(s string) (all []set) {
	for i := range len(s) {
		one := set{}
		one[s[i]] = true
		if 'A' <= s[i] && s[i] <= 'Z' {
			one[s[i]+'a'-'A'] = true
		}
		all = append(all, one)
	}
	return all
}

// oneOf is one of these bytes.
func oneOf(of string) []set {
	one := set{}
	for i := range len(of) {
		one[of[i]] = true
	}
	return []set{one}
}

// span is a byte from one to another.
func span(from, to byte) []set {
	one := set{}
	for b := int(from); b <= int(to); b++ {
		one[b] = true
	}
	return []set{one}
}

func anything(n int) (all []set) {
	for range n {
		all = append(all, span(0, 255)...)
	}
	return all
}
