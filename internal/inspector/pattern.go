package inspector

import "strings"

// Pattern is text in which "*" stands for any characters, also none; "\*" is a star
// and "\\" a backslash. The empty pattern matches every text. Matching takes time
// in proportion to the text, whatever the pattern is.
type Pattern string

// Literally is the pattern that matches one text alone.
func Literally(text string) Pattern {
	return Pattern(strings.NewReplacer(`\`, `\\`, "*", `\*`).Replace(text))
}

// Matches tells whether a text is what the pattern describes. Case counts.
func (p Pattern) Matches(text string) bool { return p == "" || matchParts(p.parts(), text) }

// matchesFold is Matches for text such as a host's name, in which case does not
// count.
func (p Pattern) matchesFold(text string) bool {
	return Pattern(strings.ToLower(string(p))).Matches(strings.ToLower(text))
}

// parts are what a pattern says literally, before, between and after its stars. A
// backslash at the end, or before anything but a star or a backslash, is itself.
func (p Pattern) parts() []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p) && (p[i+1] == '*' || p[i+1] == '\\'):
			i++
			part.WriteByte(p[i])
		case p[i] == '*':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(p[i])
		}
	}
	return append(parts, part.String())
}

// matchParts finds each part at the first place after the one before: a later one
// would leave less for the rest. So nothing is looked at twice.
func matchParts(parts []string, text string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return text == first
	}
	text, ok := strings.CutPrefix(text, first)
	if !ok {
		return false
	}
	if text, ok = strings.CutSuffix(text, last); !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, text, ok = strings.Cut(text, part); !ok {
			return false
		}
	}
	return true
}
