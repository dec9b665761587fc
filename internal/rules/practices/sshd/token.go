package sshd

import (
	"errors"
	"strings"
)

// blank is what sshd takes for white space in a line.
const blank = " \t\r\n"

var errQuotes = errors.New("invalid quotes")

// delim takes the next word off a line as strdelim() in misc.c does: words end
// at white space, at one "=", or at a double quote; a word that begins with a
// double quote ends at the next. ok is false at the end of the line and where a
// quote is not closed.
func delim(line string) (word, rest string, more, ok bool) {
	end := strings.IndexAny(line, blank+`"=`)
	if end < 0 {
		return line, "", false, true
	}
	if line[end] == '"' {
		// What stands before the quote becomes part of the word.
		text := line[:end] + line[end+1:]
		stop := strings.IndexByte(text[end:], '"')
		if stop < 0 {
			return "", "", false, false
		}
		stop += end
		return text[:stop], strings.TrimLeft(text[stop+1:], blank), true, true
	}
	word, rest = line[:end], strings.TrimLeft(line[end+1:], blank)
	if line[end] != '=' && strings.HasPrefix(rest, "=") {
		rest = strings.TrimLeft(rest[1:], blank)
	}
	return word, rest, true, true
}

// delims splits all of a line with delim, as sshd did before 8.7.
func delims(line string) ([]string, error) {
	var words []string
	for more := true; more; {
		var word string
		var ok bool
		if word, line, more, ok = delim(line); !ok {
			return words, errQuotes
		}
		if word == "" {
			break
		}
		words = append(words, word)
	}
	return words, nil
}

// split splits arguments as argv_split() in misc.c does, since 8.7: single and
// double quotes, backslashes before quotes, backslashes and blanks, and a "#"
// at the beginning of a word that ends the line.
func split(line string) ([]string, error) {
	var words []string
	for i := 0; i < len(line); i++ {
		if line[i] == ' ' || line[i] == '\t' {
			continue
		}
		if line[i] == '#' {
			break
		}
		word, next, closed := argument(line, i)
		if !closed {
			return nil, errQuotes
		}
		words, i = append(words, word), next
	}
	return words, nil
}

// argument reads the argument that begins at i and returns where it ends.
func argument(line string, i int) (word string, end int, closed bool) {
	var b strings.Builder
	var quote byte
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\':
			if i+1 < len(line) && (strings.IndexByte(`'"\`, line[i+1]) >= 0 || quote == 0 && line[i+1] == ' ') {
				i++
			}
			b.WriteByte(line[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), i, true
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), i, quote == 0
}
