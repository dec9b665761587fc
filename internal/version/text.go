package version

import "strings"

// class is a set of bytes, as a mask of the sets that classes knows.
type class uint8

const (
	digit class = 1 << iota
	lowerCase
	upperCase
	hexLetter // a to f
	hyphen

	letter       = lowerCase | upperCase
	alphanumeric = digit | letter
)

// classes tells which sets a byte is in: a table, because versions are compared by
// the million.
var classes = makeClasses()

func makeClasses() (table [256]class) {
	for c := '0'; c <= '9'; c++ {
		table[c] = digit
	}
	for c := 'a'; c <= 'z'; c++ {
		table[c], table[c-'a'+'A'] = lowerCase, upperCase
	}
	for c := 'a'; c <= 'f'; c++ {
		table[c] |= hexLetter
	}
	table['-'] = hyphen
	return table
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isAlpha(c byte) bool { return classes[c]&letter != 0 }
func isAlnum(c byte) bool { return classes[c]&alphanumeric != 0 }

// lower is c in lower case, as ASCII has it.
func lower(c byte) byte {
	if classes[c]&upperCase != 0 {
		return c + 'a' - 'A'
	}
	return c
}

// span is how many bytes at the start of s are in a class.
func span(s string, of class) int {
	for i := range len(s) {
		if classes[s[i]]&of == 0 {
			return i
		}
	}
	return len(s)
}

// onlyOf tells whether all of s is in a class, or among further bytes.
func onlyOf(s string, of class, beside string) bool {
	for i := range len(s) {
		if classes[s[i]]&of == 0 && strings.IndexByte(beside, s[i]) < 0 {
			return false
		}
	}
	return true
}

// apart is where a and b are no longer the same, moved back over what is in a class,
// so that no number or word is divided. Versions that are compared are mostly much
// alike.
func apart(a, b string, of class) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	for i > 0 && classes[a[i-1]]&of != 0 {
		i--
	}
	return i
}

// compareNumbers compares decimal numbers of any length. No digits are 0.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	return strings.Compare(a, b)
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func compareBytes(a, b string) int { return strings.Compare(a, b) }

// compareFold compares in ASCII's lower case.
func compareFold(a, b string) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if d := int(lower(a[i])) - int(lower(b[i])); d != 0 {
			return sign(d)
		}
	}
	return sign(len(a) - len(b))
}

// cutLast is strings.Cut at the last separator.
func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
