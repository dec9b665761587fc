package redact

import "strings"

// Bounds that keep the work in proportion to the length of a line.
const (
	maxName = 64
	maxGap  = 16   // between a name and its separator
	maxWord = 4096 // from a name to the quote that ends its word
)

// pairs redacts the values of names that secrets are given, "name = value",
// "name: value" and "name=value", wherever in the line they stand.
func (s *scanner) pairs(line string) string {
	if s.grammar == switchFile || !strings.ContainsAny(line, "=:") {
		return line
	}
	var b strings.Builder
	done := 0 // how much of the line is written
	for i := 0; i < len(line); i++ {
		if line[i] != '=' && (line[i] != ':' || s.grammar == sudoers && !comment(line)) {
			continue
		}
		start, end := nameBefore(line, i)
		if start < done || start == end || !s.secret(line[start:end]) {
			continue
		}
		from := valueStart(line, i)
		to := s.valueEnd(line, start, from)
		if s.quote == 0 && harmless(line[from:to]) {
			s.more = false
			i = max(i, from-1)
			continue
		}
		b.WriteString(line[done:from])
		b.WriteString(marker)
		s.count++
		done, i = to, max(to-1, i)
	}
	b.WriteString(line[done:])
	return b.String()
}

// comment tells whether a line of sudoers is one: "#1000" and "#include" are not.
func comment(line string) bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "#")
	return ok && (rest == "" || strings.IndexByte(" \t#", rest[0]) >= 0)
}

func (s *scanner) secret(name string) bool {
	if s.grammar == interfaces && (strings.HasPrefix(name, "KEY") || name == "WPA_PSK") {
		return true
	}
	return secretName(name)
}

// nameBefore is where the name before a separator begins and ends. The last
// element of a path is no name: "/usr/bin/passwd = ...".
func nameBefore(line string, at int) (start, end int) {
	end = at
	for end > 0 && at-end < maxGap && strings.IndexByte(" \t\"'+!?:<>]~", line[end-1]) >= 0 {
		end--
	}
	start = end
	for start > 0 && end-start < maxName && nameByte(line[start-1]) {
		start--
	}
	if start > 0 && (line[start-1] == '/' || nameByte(line[start-1])) {
		return end, end
	}
	return start, end
}

func nameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
}

func valueStart(line string, at int) int {
	for at < len(line) && strings.IndexByte("=:>~", line[at]) >= 0 {
		at++
	}
	for at < len(line) && (line[at] == ' ' || line[at] == '\t') {
		at++
	}
	return at
}

// valueEnd is where the value ends: at the quote that ends it, or that ends the
// word which name and value are in; at the end of the line where the name is all
// that is before it; else at the next blank.
func (s *scanner) valueEnd(line string, name, from int) int {
	rest := line[from:]
	if rest == "" {
		return from
	}
	if q := rest[0]; q == '"' || q == '\'' {
		if end := closing(rest[1:], q); end >= 0 {
			return from + 1 + end + 1
		}
		s.quote = q
		return len(line)
	}
	if s.grammar != boot && name > 0 && (line[name-1] == '"' || line[name-1] == '\'') {
		if end := closing(rest[:min(len(rest), maxWord)], line[name-1]); end >= 0 {
			return from + end
		}
	}
	if s.grammar != mountTable && s.grammar != cmdline && first(line[:name]) {
		s.more = strings.HasSuffix(line, `\`)
		return len(line)
	}
	stop := " \t\"'"
	if s.grammar == mountTable {
		stop += ","
	}
	if end := strings.IndexAny(rest, stop); end >= 0 {
		return from + end
	}
	s.more = strings.HasSuffix(line, `\`)
	return len(line)
}

// closing is where a quoted string ends, backslashes considered.
func closing(text string, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return -1
}

// first tells whether nothing stands before a name but marks of a comment, and
// words that introduce an assignment.
func first(before string) bool {
	before = strings.Trim(before, " \t#;-")
	switch before {
	case "", "export", "set", "setenv", "declare", "local", "readonly", "env", "hide":
		return true
	}
	return false
}

var harmlessValues = set(`yes no true false on off enabled disabled required optional none null never always prompt ask
	files sss ldap sha512 sha256 yescrypt md5 public default`)

// harmless tells whether a value is plainly none of a secret: a switch, or the
// name of a variable that has it.
func harmless(value string) bool {
	v := strings.Trim(value, " \t\"';,")
	if v == "" || v == marker || harmlessValues[strings.ToLower(v)] {
		return true
	}
	name, ok := strings.CutPrefix(v, "$")
	name = strings.TrimSuffix(strings.TrimPrefix(name, "{"), "}")
	return ok && name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}
