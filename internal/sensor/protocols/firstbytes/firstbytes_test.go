package firstbytes

import (
	"strings"
	"testing"
)

// class is a class's name, as tests have it.
func class(c Class) string {
	switch c {
	case Silent:
		return "more"
	case greeting220:
		return "220"
	}
	return named(c)
}

// What programs really send, and what is like it and is not.
func TestMatch(t *testing.T) {
	for by, streams := range map[Role]map[string]string{
		Client: {
			"GET / HTTP/1.1\r\nHost: x\r\n": "http", "GET http://x/ HTTP/1.0\r\n": "http", "POST /a": "http", "CONNECT [::1]:443 HTTP/1.1": "http-connect",
			"OPTIONS * RTSP/1.0": "unknown", "OPTIONS sip:a@b SIP/2.0": "unknown", "GET key\r\n": "unknown", "GETX": "unknown", "GE": "more", "": "more",
			"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":             "http",
			"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03": "tls",
			"\x16\x03\x01\x02\x00\x02\x00\x01\xfc\x03\x03": "unknown",
			"\x16\x03": "more",
			"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n": "ssh",
			"SSH-x":                         "unknown",
			"\xff\xfd\x03\xff\xfb\x18":      "telnet",
			"\xff\xfb\x90\x64":              "unknown", // MPEG audio, layer III
			"EHLO mail.example.org\r\n":     "smtp",
			"ehlo x":                        "smtp",
			"USER anonymous\r\n":            "ftp",
			"AUTH TLS\r\n":                  "ftp",
			"FEAT\r\n":                      "ftp",
			"FEATURES":                      "unknown",
			"RFB 003.008\n":                 "vnc",
			"l\x00\x0b\x00\x00\x00\x12\x00": "x11",
			"B\x00\x00\x0b\x00\x00\x00\x12": "x11",
			"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00":   "mqtt",
			"\x10\x80\x02\x00\x04MQTT\x05\x02\x00\x3c\x00":   "mqtt",
			"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x00": "mqtt",
			"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03":       "ldap",
			"\x30\x84\x00\x00\x00\x10\x02\x01\x01\x60\x84":   "ldap",
			"\x30\x82\x01\x0a\x02\x01\x01\x60\x82":           "ldap",
			"\x30\x82\x01\x0a\x02\x82\x01\x01\x00":           "unknown", // a key in DER
			"\x30\x29\x02\x01\x01\x04\x06public\xa0":         "unknown", // SNMP
			"@RSYNCD: 31.0 sha512":                           "rsync",
			"CAP LS 302\r\n":                                 "irc",
			"NICK a\r\n":                                     "irc",
			"\x00root\x00root\x00xterm/38400\x00":            "unknown",
			strings.Repeat("\x00", 16):                       "unknown",
			"*1\r\n$4\r\nPING\r\n":                           "unknown",
		},
		Server: {
			"HTTP/1.1 200 OK\r\n": "http",
			"HTTP/2":              "unknown",
			"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03":  "tls",
			"\x15\x03\x03\x00\x02\x02\x28":                  "unknown", // an alert
			"SSH-1.99-x\r\n":                                "ssh",
			"220 ftp.example.org FTP server ready\r\n":      "220",
			"220-first\r\n":                                 "220",
			"220":                                           "more",
			"2200":                                          "unknown",
			"+OK POP3 ready\r\n":                            "pop3",
			"+OK\r\n":                                       "pop3",
			"* OK [CAPABILITY IMAP4rev1] ready\r\n":         "imap",
			"* PREAUTH x":                                   "imap",
			"\xff\xfd\x18\xff\xfd\x20":                      "telnet",
			"RFB 003.003\n":                                 "vnc",
			"\x01\x00\x0b\x00\x00\x00\x5a\x00":              "x11",
			"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00":      "ldap",
			"@RSYNCD: 31.0\n":                               "rsync",
			":irc.example.org NOTICE * :*** Looking up\r\n": "unknown",
		},
	} {
		table := Of(by)
		for stream, want := range streams {
			if got, _ := table.Match([]byte(stream)); class(got) != want {
				t.Errorf("%d says %q: %s, want %s", by, stream, class(got), want)
			}
		}
	}
}

// A stream that begins as one protocol's sign never begins as another's.
func TestSignsExcludeEachOther(t *testing.T) {
	for i, a := range signs {
		for _, b := range signs[i+1:] {
			if a.by != b.by || a.class == b.class {
				continue
			}
			both := true
			for at := range min(len(a.bytes), len(b.bytes)) {
				common := false
				for c := range 256 {
					common = common || a.bytes[at][c] && b.bytes[at][c]
				}
				both = both && common
			}
			if both {
				t.Errorf("a sign of %s and one of %s are true of the same bytes", class(a.class), class(b.class))
			}
		}
	}
}

func TestTheSignsFit(t *testing.T) {
	n := map[Role]int{}
	for i, s := range signs {
		n[s.by]++
		if len(s.bytes) == 0 || len(s.bytes) > Window {
			t.Errorf("sign %d has %d bytes", i, len(s.bytes))
		}
		if s.class <= Unknown {
			t.Errorf("sign %d says nothing", i)
		}
	}
	if n[Client] > Signs || n[Server] > Signs {
		t.Error(n)
	}
	t.Log(n)
}

func TestName(t *testing.T) {
	for _, c := range []struct {
		role           Role
		client, server Class
		port           uint16
		want           string
	}{
		{Client, http, Silent, 80, "http"},
		{Client, http, ssh, 22, "http"},          // it did say so
		{Server, http, ssh, 22, "ssh"},           // anybody can
		{Server, http, Unknown, 9000, "unknown"}, // and is not understood
		{Server, tls, tls, 443, "tls"},
		{Client, tls, Unknown, 443, "tls"},
		{Client, ftp, pop3, 110, "pop3"}, // USER
		{Client, ftp, Unknown, 6667, "unknown"},
		{Client, ftp, greeting220, 2121, "ftp"},
		{Server, smtp, greeting220, 2525, "smtp"},
		{Server, Unknown, greeting220, 21, "ftp"},
		{Server, Unknown, greeting220, 25, "smtp"},
		{Server, Unknown, greeting220, 2121, "unknown"},
		{Server, tls, greeting220, 21, "unknown"},
		{Client, Unknown, imap, 143, "imap"},
		{Client, Unknown, Unknown, 1, "unknown"},
		{Client, tunnel, http, 3128, "http-connect"},
		{Server, tunnel, http, 3128, "http-connect"},
		{Client, 99, 77, 1, "unknown"},
		{Server, 99, 77, 1, "unknown"},
	} {
		if got := Name(c.role, c.client, c.server, c.port); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// However a stream is cut, stepping through it says the same in the end, and the first
// word stands.
func FuzzMatch(f *testing.F) {
	for _, s := range []string{"GET / HTTP/1.1", "SSH-2.0-x", "\x16\x03\x01\x00\x05\x01\x00", "220 x", "\xff\xfd\x03"} {
		f.Add([]byte(s))
	}
	tables := []*Table{Of(Client), Of(Server)}
	f.Fuzz(func(t *testing.T, stream []byte) {
		for _, table := range tables {
			whole, _ := table.Match(stream)
			for n := range min(len(stream), Window) {
				if c, _ := table.Match(stream[:n]); c != Silent && c != whole {
					t.Errorf("%q is %s, and its first %d bytes %s", stream, class(whole), n, class(c))
				}
			}
			if name := Name(Server, whole, whole, 21); name == "" {
				t.Errorf("%q has no name", stream)
			}
		}
	})
}
