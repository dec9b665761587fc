package cli

import (
	"bytes"
	"fmt"
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

// jsonText is where JSON is written, which may be a terminal, too: the characters
// that text replaces are escaped. JSON has them in strings only.
type jsonText struct{ w io.Writer }

func (t jsonText) Write(p []byte) (int, error) {
	var out strings.Builder
	for _, r := range string(p) {
		if visible(r) != r {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.WriteRune(r)
		}
	}
	if _, err := io.WriteString(t.w, out.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// oneLine makes a name fit for a line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
