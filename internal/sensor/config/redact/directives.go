package redact

import "strings"

// grammar is what a file's path tells about the meaning of its lines.
type grammar int

const (
	general    grammar = iota
	switchFile         // nsswitch.conf(5): "passwd: files"
	sudoers            // sudoers(5): "NOPASSWD: ALL"
	mountTable         // fstab(5): options between commas
	interfaces         // ifcfg files: KEY1=...
	boot               // GRUB: "password USER PLAIN"
	cmdline            // a kernel command line: one line of many pairs
	mailer             // exim: "hide NAME = VALUE"
)

func grammarOf(path string) grammar {
	name := path[strings.LastIndexByte(path, '/')+1:]
	switch {
	case name == "nsswitch.conf":
		return switchFile
	case name == "sudoers", strings.Contains(path, "/sudoers.d/"):
		return sudoers
	case name == "fstab":
		return mountTable
	case name == "cmdline":
		return cmdline
	case strings.HasPrefix(name, "ifcfg-"):
		return interfaces
	case strings.HasPrefix(path, "/boot/"), strings.Contains(path, "/grub"):
		return boot
	case strings.Contains(path, "/exim"):
		return mailer
	}
	return general
}

// last stands for the last argument.
const last = -1

// directives are lines "name argument ..." that have a secret in an argument,
// counted from 1; all arguments from it on are replaced. Sources: snmpd.conf(5),
// snmp_config(5), ldap.conf(5), nslcd.conf(5), interfaces(5) of wpasupplicant,
// squid.conf, named.conf(5), ntp.conf(5).
var directives = map[string]int{
	"bindpw": 1, "rootbindpw": 1, "rootpw": 1, "rootpwmodpw": 1, "ldap_default_authtok": 1, "olcrootpw:": 1,
	"rocommunity": 1, "rwcommunity": 1, "rocommunity6": 1, "rwcommunity6": 1, "trapcommunity": 1,
	"authcommunity": 2, "com2sec": last, "com2sec6": last, "com2secunix": last,
	"trapsink": 2, "trap2sink": 2, "informsink": 2, "createuser": 2, "usmuser": 1,
	"defauthpassphrase": 1, "defprivpassphrase": 1, "defpassphrase": 1, "defcommunity": 1,
	"defauthmasterkey": 1, "defprivmasterkey": 1, "deflocalizedkey": 1, "trapsess": 1, "proxy": 1,
	"wpa-psk": 1, "wpa-password": 1, "wpa-passphrase": 1, "wpa-private-key-passwd": 1, "wireless-key": 1,
	"wireless-key1": 1, "wpa-wep-key0": 1, "cachemgr_passwd": 1, "secret": 1, "radius_secret": 1,
	"client_send": 1, "auth-user-pass-inline": 1, "masterauth": 1, "requirepass": 1,
}

// directives redacts the secrets that stand in arguments of directives.
func (s *scanner) directives(line string) string {
	fields := words(line)
	if len(fields) < 2 {
		return line
	}
	name := strings.ToLower(line[fields[0].start:fields[0].end])
	if s.grammar == boot && name == "password" {
		return s.from(line, fields, 2)
	}
	if s.grammar == mailer && name == "hide" {
		return s.afterEquals(line)
	}
	if name == "crypto" { // of ntp.conf: "crypto pw SECRET"
		for i := 1; i < len(fields)-1; i++ {
			if line[fields[i].start:fields[i].end] == "pw" {
				return s.from(line, fields, i+1)
			}
		}
	}
	arg, ok := directives[name]
	if !ok || line[fields[1].start] == '=' {
		return line // "name = value" is for pairs
	}
	if arg == last {
		arg = beforeComment(line, fields)
	}
	return s.from(line, fields, arg)
}

// from replaces the arguments from one on. The community strings that every
// attacker tries first are no secret, and what a rule looks for.
func (s *scanner) from(line string, fields []span, arg int) string {
	if arg >= len(fields) {
		return line
	}
	value := line[fields[arg].start:fields[arg].end]
	if value == "public" || value == "private" || value == marker {
		return line
	}
	s.count++
	s.more = strings.HasSuffix(line, `\`)
	return line[:fields[arg].start] + marker
}

// beforeComment is the last argument that is in no comment.
func beforeComment(line string, fields []span) int {
	for i := 2; i < len(fields); i++ {
		if line[fields[i].start] == '#' {
			return i - 1
		}
	}
	return len(fields) - 1
}

func (s *scanner) afterEquals(line string) string {
	name, value, ok := strings.Cut(line, "=")
	if !ok || strings.TrimSpace(value) == "" {
		return line
	}
	s.count++
	s.more = strings.HasSuffix(line, `\`)
	return name + "= " + marker
}

type span struct{ start, end int }

// words finds the words of a line, at most 64 of them, marks of comments before
// the first left out.
func words(line string) []span {
	var list []span
	at := 0
	for at < len(line) && strings.IndexByte(" \t#;", line[at]) >= 0 {
		at++
	}
	for at < len(line) && len(list) < 64 {
		end := at
		for end < len(line) && line[end] != ' ' && line[end] != '\t' {
			end++
		}
		list = append(list, span{at, end})
		for at = end; at < len(line) && (line[at] == ' ' || line[at] == '\t'); {
			at++
		}
	}
	return list
}
