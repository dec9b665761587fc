package redact

import (
	"regexp"
	"strings"
)

// form is a secret that is recognised by what it is. What the first group of the
// expression matches stays: it tells the kind.
type form struct {
	hint string // a line without it has no such secret; a cheap look first
	re   *regexp.Regexp
}

// Sources: crypt(5); grub-mkpasswd-pbkdf2(1); RFC 2307 and OpenLDAP's password
// schemes; RFC 6750, 7519, 7617; the token formats that the named services
// publish for secret scanners.
var forms = []form{
	{"$", regexp.MustCompile(`(\$(?:1|2[abxy]?|3|5|6|7|8|9|y|gy|sha1|apr1|md5[^$\s]{0,20}|argon2[a-z]{0,2}|pbkdf2[a-z0-9-]{0,12}|scrypt|P|H)\$)[./A-Za-z0-9$=,+-]{8,}`)},
	{"pbkdf2.", regexp.MustCompile(`((?:grub\.)?pbkdf2\.(?:sha[0-9]+\.)?)[0-9A-Fa-f.]+`)},
	{"}", regexp.MustCompile(`(\{(?i:S?SHA(?:256|384|512)?|S?MD5|CRYPT|PBKDF2[A-Z0-9-]*|ARGON2[A-Z]*|BCRYPT|CLEARTEXT|PLAIN|CRAM-MD5|NTLM|LANMAN|X-NTHASH)\})[^\s"',;]+`)},
	{"AKIA", awsKeyID}, {"ASIA", awsKeyID},
	{"eyJ", regexp.MustCompile(`(\b)eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?`)},
	{"gh", regexp.MustCompile(`(\b(?:gh[opsur]_|github_pat_))[A-Za-z0-9_]{16,}`)},
	{"glpat-", regexp.MustCompile(`(\bglpat-)[A-Za-z0-9_-]{16,}`)},
	{"xox", regexp.MustCompile(`(\bxox[a-z]-)[A-Za-z0-9-]{8,}`)},
	{"_live_", regexp.MustCompile(`(\b[a-z]{2}_live_)[A-Za-z0-9]{8,}`)},
	{"AIza", regexp.MustCompile(`(\bAIza)[A-Za-z0-9_-]{30,}`)},
	{"hvs.", regexp.MustCompile(`(\bhvs\.)[A-Za-z0-9_-]{16,}`)},
	{"npm_", regexp.MustCompile(`(\bnpm_)[A-Za-z0-9]{30,}`)},
	{"AGE-SECRET-KEY-", regexp.MustCompile(`(AGE-SECRET-KEY-)[A-Z0-9]+`)},
	{"earer", regexp.MustCompile(`((?i:bearer)\s+)[A-Za-z0-9._~+/=-]{6,}`)},
	{"hooks.", regexp.MustCompile(`(\bhooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]+/)[A-Za-z0-9/_-]+`)},
	{"/webhooks/", regexp.MustCompile(`(\bdiscord(?:app)?\.com/api/webhooks/[0-9]+/)[A-Za-z0-9_-]+`)},
	{"/bot", regexp.MustCompile(`(\bapi\.telegram\.org/bot[0-9]+:)[A-Za-z0-9_-]+`)},
	{"uthorization", regexp.MustCompile(`((?i:authorization)["']?\s*[:=]\s*["']?(?:(?i:basic|bearer|token|digest|negotiate)\s+)?)[^\s"']{4,}`)},
}

var awsKeyID = regexp.MustCompile(`(\b(?:AKIA|ASIA))[A-Z0-9]{16}\b`)

// forms redacts what is a secret by its form, wherever in the line it stands.
func (s *scanner) forms(line string) string {
	for _, list := range [][]form{forms, arguments, settings} {
		for i := range list {
			if strings.Contains(line, list[i].hint) {
				line = s.replace(line, list[i].re)
			}
		}
	}
	return line
}

// replace puts the marker where the expression matched, behind its first group.
func (s *scanner) replace(line string, re *regexp.Regexp) string {
	matches := re.FindAllStringSubmatchIndex(line, -1)
	if matches == nil {
		return line
	}
	var b strings.Builder
	at := 0
	for _, m := range matches {
		keep, end := m[3], m[1]
		if line[keep:end] == marker {
			continue
		}
		b.WriteString(line[at:keep])
		b.WriteString(marker)
		at = end
		s.count++
	}
	b.WriteString(line[at:])
	return b.String()
}
