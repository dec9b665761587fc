package inspector

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Evidence is one thing that was seen on the host.
type Evidence struct {
	Sensor   string `json:"sensor"`             // which sensor's
	Record   string `json:"record"`             // which record, as "type:key": "text:/etc/ssh/sshd_config"
	File     string `json:"file,omitempty"`     // where it is on the host
	Line     int    `json:"line,omitempty"`     // from 1; 0 where lines make no sense
	Found    string `json:"found"`              // a redacted excerpt: "PermitRootLogin yes"
	Expected string `json:"expected,omitempty"` // "no"
}

// Where is the place on the host that the evidence tells of: "/etc/ssh/sshd_config:33",
// or the record where it is in no file.
func (e Evidence) Where() string {
	if e.File != "" && e.Line > 0 {
		return fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	return cmp.Or(e.File, e.Record)
}

// String words the evidence in one line: "/etc/ssh/sshd_config:33: PermitRootLogin
// yes (expected: no)". What was found may begin with the place itself. It is Harmless.
func (e Evidence) String() string {
	text := e.Found
	if where := e.Where(); where != "" && !strings.HasPrefix(text, where+" ") {
		text = where + ": " + text
	}
	if e.Expected != "" {
		text += " (expected: " + e.Expected + ")"
	}
	return Harmless(strings.Join(strings.Fields(text), " "))
}

// Harmless replaces by U+FFFD what could rule a terminal, hide a line or turn the
// direction in which it is read: much of what people read comes from the hosts that
// are assessed, which nobody should have to trust. Line ends and tabs stay; a
// carriage return does not.
func Harmless(text string) string { return strings.Map(HarmlessRune, text) }

// HarmlessRune is Harmless for one character.
func HarmlessRune(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case r < ' ', 0x7f <= r && r < 0xa0, 0x2028 <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069:
		return utf8.RuneError
	}
	return r
}
