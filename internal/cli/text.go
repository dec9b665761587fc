package cli

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf8"
)

// text is where people read. Much of what they read comes from the hosts that are
// assessed: its control characters, which could rule a terminal or hide a line,
// are replaced.
type text struct{ w io.Writer }

func (t text) Write(p []byte) (int, error) {
	if _, err := t.w.Write(bytes.Map(visible, p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// visible replaces the control characters of ASCII and Latin-1, and those that
// change the direction of a line.
func visible(r rune) rune {
	switch {
	case r == '\n', r == '\t':
		return r
	case r < ' ', 0x7f <= r && r < 0xa0, 0x202a <= r && r <= 0x202e, 0x2066 <= r && r <= 0x2069:
		return utf8.RuneError
	}
	return r
}

// oneLine makes a name fit for a line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
