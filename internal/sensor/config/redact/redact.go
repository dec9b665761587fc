// Package redact takes secrets out of configuration texts before they leave the
// host. It errs on the side of taking too much of a value, and never takes a
// directive or its name: telemetry.RedactedMarker stands where the value was, so
// that "there is a password" stays visible, and every line stays where it is.
//
// Secrets are recognised by what they are (password hashes, private keys, tokens
// of well-known forms, credentials in URLs), by the name they are given
// (DB_PASSWORD=, "api_key":, bindpw), and by the place that a file's own grammar
// has for them (community strings of snmpd.conf, arguments of mysql). What is
// none of these is not recognised: that is why the config sensor reads only the
// files on its list, on which files made for secrets are not.
package redact

import (
	"strings"

	"assay/internal/telemetry"
)

const marker = telemetry.RedactedMarker

// Text redacts the text of the configuration file with this path, which tells
// the grammar. It returns the text, with as many lines as before, and how many
// secrets were replaced.
func Text(path, text string) (string, int) {
	s := scanner{grammar: grammarOf(path)}
	var b strings.Builder
	b.Grow(len(text))
	for len(text) > 0 {
		line, rest, newline := strings.Cut(text, "\n")
		text = rest
		cr := strings.HasSuffix(line, "\r")
		b.WriteString(s.line(strings.TrimSuffix(line, "\r")))
		if cr {
			b.WriteByte('\r')
		}
		if newline {
			b.WriteByte('\n')
		}
	}
	return b.String(), s.count
}

// scanner is the state between lines.
type scanner struct {
	grammar grammar
	count   int
	pem     bool // inside a PEM block
	more    bool // the secret goes on: its line ended in a backslash
	quote   byte // the secret goes on until this quote
	quoted  int  // for how many lines it has
}

// maxQuoted is after how many lines a quote that never ends is taken for a
// mistake: else one apostrophe would take the rest of a file away.
const maxQuoted = 100

// line redacts one line.
func (s *scanner) line(line string) string {
	if rest, ok := s.goesOn(line); ok {
		return rest
	}
	if i := strings.Index(line, "-----BEGIN "); i >= 0 {
		return s.begin(line, i)
	}
	line = s.forms(line)
	line = s.urls(line)
	line = s.directives(line)
	return s.pairs(line)
}

// goesOn redacts a line that belongs to a secret which began above it.
func (s *scanner) goesOn(line string) (string, bool) {
	switch {
	case s.pem:
		if strings.Contains(line, "-----END ") {
			s.pem = false
		}
		return marker, true
	case s.more:
		s.more = strings.HasSuffix(line, `\`)
		if s.more {
			return marker + ` \`, true
		}
		return marker, true
	case s.quote != 0:
		end := strings.IndexByte(line, s.quote)
		if s.quoted++; end < 0 && s.quoted < maxQuoted {
			return marker, true
		}
		s.quote, s.quoted = 0, 0
		if end < 0 {
			return marker, true
		}
		return marker + s.line(line[end:]), true
	}
	return "", false
}

// begin redacts the line in which a PEM block begins. One that is written into a
// single line ends in it.
func (s *scanner) begin(line string, at int) string {
	s.count++
	body := at + len("-----BEGIN ")
	label := strings.Index(line[body:], "-----")
	if label < 0 {
		s.pem = true
		return line[:at] + marker
	}
	body += label + len("-----")
	if end := strings.Index(line[body:], "-----END "); end >= 0 {
		return line[:body] + marker + s.line(line[body+end:])
	}
	s.pem = true
	if strings.TrimSpace(line[body:]) == "" {
		return line
	}
	return line[:body] + marker
}
