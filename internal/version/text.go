package version

import "strings"

// class is a set of bytes, as a mask of the sets that classes knows.
type class uint16

const (
	digit class = 1 << iota
	lowerCase
	upperCase
	hexLetter // a to f
	hyphen
	colon
	mark // . + ~, which both dpkg and rpm take
	lowLine
	caret
	blank

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
	for _, c := range []byte(" \t\n\v\f\r") {
		table[c] = blank
	}
	table['.'], table['+'], table['~'] = mark, mark, mark
	table['-'], table[':'], table['_'], table['^'] = hyphen, colon, lowLine, caret
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

// trimBlanks is s without the blanks around it.
func trimBlanks(s string) string {
	for s != "" && classes[s[0]]&blank != 0 {
		s = s[1:]
	}
	for s != "" && classes[s[len(s)-1]]&blank != 0 {
		s = s[:len(s)-1]
	}
	return s
}

// onlyOf tells whether all of s is in a class.
func onlyOf(s string, of class) bool { return span(s, of) == len(s) }

// trimZeros is a number without its leading zeros; nothing is left of 0.
func trimZeros(s string) string {
	for s != "" && s[0] == '0' {
		s = s[1:]
	}
	return s
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
	a, b = trimZeros(a), trimZeros(b)
	if len(a) != len(b) {
		return sign(len(a) - len(b))
	}
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] != b[i] {
			return sign(int(a[i]) - int(b[i]))
		}
	}
	return 0
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

// cutEpoch takes off the epoch: the digits before a colon, if a version begins so.
func cutEpoch(v string) (epoch, rest string) {
	if n := span(v, digit); n < len(v) && v[n] == ':' {
		return v[:n], v[n+1:]
	}
	return "", v
}

// cutLast is strings.Cut at the last separator.
func cutLast(s string, sep byte) (before, after string, found bool) {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == sep {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
