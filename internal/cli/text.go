package cli

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"assay/internal/inspector"
)

// text is where people read. Much of what they read comes from the hosts that are
// assessed: its control characters, which could rule a terminal or hide a line,
// are replaced.
type text struct{ w io.Writer }

func (t text) Write(p []byte) (int, error) {
	if _, err := t.w.Write(bytes.Map(inspector.HarmlessRune, p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// jsonText is where JSON is written, which may be a terminal, too: the characters
// that text replaces are escaped. JSON has them in strings only.
type jsonText struct{ w io.Writer }

func (t jsonText) Write(p []byte) (int, error) {
	var out strings.Builder
	for _, r := range string(p) {
		if inspector.HarmlessRune(r) != r {
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

// mostReason bounds what people are told of why something was not checked: it may name
// dozens of files. JSON has all of it.
const mostReason = 240

// brief is a reason on a line of its own.
func brief(s string) string {
	s = oneLine(s)
	if len(s) <= mostReason {
		return s
	}
	s = s[:mostReason]
	return strings.ToValidUTF8(s[:max(strings.LastIndexByte(s, ' '), mostReason/2)], "") + " ... (-json has all)"
}

// oneLine makes a name fit for a line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
