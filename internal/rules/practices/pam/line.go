package pam

import "strings"

// line is a configuration line, put together from its continuations.
type line struct {
	number int // of its first line in the file, from 1
	text   string
}

// splitLines assembles a file's lines as libpam does: '#' begins a comment
// anywhere, a backslash at the end (spaces may follow it) continues the line
// unless the line has a comment, and empty lines are nothing. whole is false
// where the file ends in a continuation, which libpam refuses.
func splitLines(text string) (lines []line, whole bool) {
	var begun bool
	var current line
	all := strings.Split(text, "\n")
	if all[len(all)-1] == "" {
		all = all[:len(all)-1]
	}
	for i, raw := range all {
		raw, _, _ = strings.Cut(raw, "\x00")
		end := strings.TrimRight(raw, " \t")
		body, _, comment := strings.Cut(strings.TrimLeft(raw, " \t"), "#")
		continued := !comment && strings.HasSuffix(end, "\\")
		if continued {
			body = strings.TrimLeft(strings.TrimSuffix(end, "\\")+" ", " \t")
		}
		if !begun {
			current = line{number: i + 1}
		}
		current.text += body
		begun = continued
		if !continued {
			if current.text != "" {
				lines = append(lines, current)
			}
			current = line{}
		}
	}
	return lines, !begun
}

// tokens takes words off a line: separated by spaces, and "[...]" is one word
// without its brackets, in which "\]" stands for "]" (pam.conf(5)).
type tokens struct{ rest string }

// next returns the next word; ok is false at the end.
func (t *tokens) next() (word string, ok bool) {
	t.rest = strings.TrimLeft(t.rest, " \n\t")
	if t.rest == "" {
		return "", false
	}
	if t.rest[0] != '[' {
		end := strings.IndexAny(t.rest, " \n\t")
		if end < 0 {
			end = len(t.rest)
		}
		word, t.rest = t.rest[:end], t.rest[end:]
		t.skip()
		return word, true
	}
	var b strings.Builder
	i := 1
	for ; i < len(t.rest) && t.rest[i] != ']'; i++ {
		if t.rest[i] == '\\' && i+1 < len(t.rest) && t.rest[i+1] == ']' {
			i++
		}
		b.WriteByte(t.rest[i])
	}
	t.rest = t.rest[i:]
	t.skip()
	return b.String(), true
}

// skip drops the byte that ended a word.
func (t *tokens) skip() {
	if t.rest != "" {
		t.rest = t.rest[1:]
	}
}

func (t *tokens) all() []string {
	var words []string
	for {
		word, ok := t.next()
		if !ok {
			return words
		}
		words = append(words, word)
	}
}
