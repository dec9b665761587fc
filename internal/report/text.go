package report

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"assay/internal/inspector"
)

// visible makes text of what came from elsewhere. Line ends and tabs stay; what
// has no picture, or changes how its neighbours are read, is told by its number:
// control characters, the marks that turn the direction of writing, invisible
// characters, bytes that are not UTF-8. A reader can then trust what is seen.
func visible(s string) string {
	if !strings.ContainsFunc(s, hidden) && utf8.ValidString(s) {
		return s
	}
	var out strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&out, "[0x%02X]", s[i])
		case r == '\r' && strings.HasPrefix(s[i:], "\r\n"):
		case hidden(r):
			out.WriteString(numbered(r))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

func hidden(r rune) bool {
	if r == '\n' || r == '\t' {
		return false
	}
	// Cc, Cf, Co, Cs: controls, formats, private use; Zl, Zp: other line ends.
	return unicode.Is(unicode.C, r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Variation_Selector) ||
		r == 0x115F || r == 0x1160 || r == 0x3164 || r == 0xFFA0 || // fillers of Hangul, which look like blanks
		unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// numbered is a character that cannot be shown.
func numbered(r rune) string { return fmt.Sprintf("[U+%04X]", r) }

// oneLine is visible text without line ends.
func oneLine(s string) string { return strings.Join(strings.Fields(visible(s)), " ") }

// mostReason is how much of a reason stands where there is little room. Exclusions have
// all of it.
const mostReason = 160

func brief(s string) string {
	if s = oneLine(s); len(s) <= mostReason {
		return s
	}
	s = s[:mostReason]
	return strings.ToValidUTF8(s[:max(strings.LastIndexByte(s, ' '), mostReason/2)], "") + " ..."
}

// moment is a time for people, who may be in different places.
func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2 January 2006, 15:04:05 UTC")
}

// words is a state of the API for people: "COMPLETED_WITH_ERRORS" is "completed
// with errors".
func words(state string) string {
	return strings.ToLower(oneLine(strings.ReplaceAll(state, "_", " ")))
}

// capital makes the first letter a capital.
func capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return s
	}
	return string(unicode.ToUpper(first)) + s[size:]
}

// number is a number with its thousands apart.
func number(n int64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// several is a number of things: "1 host", "2,000 hosts".
func several(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return number(n) + " " + thing + "s"
}

// bySeverity words counts, the worst first; none where all are zero.
func bySeverity(counts map[inspector.Severity]int64, none string) string {
	var parts []string
	for _, s := range inspector.Severities() {
		if n := counts[s]; n > 0 {
			parts = append(parts, number(n)+" "+string(s))
		}
	}
	if len(parts) == 0 {
		return none
	}
	return strings.Join(parts, ", ")
}
