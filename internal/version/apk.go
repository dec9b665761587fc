package version

import "strings"

// The parts of an Alpine version, in their order: 1.2b_rc3_git20200101~abcdef-r4.
// Source: apk-tools 3, src/version.c, and apk-package(5).
const (
	apkInitial = iota // the first number
	apkNumber         // the others
	apkLetter
	apkSuffix
	apkSuffixNumber
	apkHash
	apkRevision
	apkEnd
	apkInvalid
)

// apkSuffixes are the suffixes by age; no suffix is between "rc" and "cvs".
var apkSuffixes = [...]string{"alpha", "beta", "pre", "rc", "", "cvs", "svn", "git", "hg", "p"}

const apkNoSuffix = 4

// apkToken is a part of a version.
type apkToken struct {
	kind   int
	text   string // digits, a letter, a hash
	suffix int
}

// nextAPK reads the part behind one, and what remains. A part that may not stand
// there is apkInvalid, and ends the version.
func nextAPK(last int, v string) (apkToken, string) {
	if v == "" {
		return apkToken{kind: apkEnd}, v
	}
	switch c := v[0]; {
	case classes[c]&lowerCase != 0 && last <= apkNumber:
		return apkToken{kind: apkLetter, text: v[:1]}, v[1:]
	case c == '.' && last <= apkNumber:
		return apkDigits(apkNumber, v[1:])
	case isDigit(c) && last <= apkNumber: // "1" behind "1" cannot be; behind a dot it is read above
		return apkDigits(apkNumber, v)
	case isDigit(c) && last == apkSuffix:
		return apkDigits(apkSuffixNumber, v)
	case c == '_' && last <= apkSuffixNumber:
		n := 1 + span(v[1:], lowerCase)
		return apkSuffixOf(v[1:n]), v[n:]
	case c == '~' && last < apkHash:
		n := 1 + span(v[1:], digit|hexLetter)
		if n > 1 {
			return apkToken{kind: apkHash, text: v[1:n]}, v[n:]
		}
	case c == '-' && last < apkRevision && strings.HasPrefix(v, "-r"):
		return apkDigits(apkRevision, v[2:])
	}
	return apkToken{kind: apkInvalid}, v
}

func apkDigits(kind int, v string) (apkToken, string) {
	n := span(v, digit)
	if n == 0 {
		return apkToken{kind: apkInvalid}, v
	}
	return apkToken{kind: kind, text: v[:n]}, v[n:]
}

func apkSuffixOf(name string) apkToken {
	for i, s := range apkSuffixes {
		if s == name && s != "" {
			return apkToken{kind: apkSuffix, suffix: i}
		}
	}
	return apkToken{kind: apkInvalid}
}

// compareAPK is apk_version_compare.
func compareAPK(a, b string) int {
	x, a := apkDigits(apkInitial, a)
	y, b := apkDigits(apkInitial, b)
	for x.kind == y.kind && x.kind < apkEnd {
		if c := compareAPKTokens(x, y); c != 0 {
			return c
		}
		x, a = nextAPK(x.kind, a)
		y, b = nextAPK(y.kind, b)
	}
	// What goes on is newer, but for a suffix that says "before". Of different parts
	// the one that stands earlier in a version is newer.
	switch {
	case x.kind == y.kind:
		return 0
	case x.kind == apkSuffix && x.suffix < apkNoSuffix:
		return -1
	case y.kind == apkSuffix && y.suffix < apkNoSuffix:
		return 1
	}
	return sign(y.kind - x.kind)
}

// compareAPKTokens compares parts of the same kind. Numbers with a leading zero
// compare as texts, like decimals: 1.01 is older than 1.1.
func compareAPKTokens(x, y apkToken) int {
	switch x.kind {
	case apkSuffix:
		return sign(x.suffix - y.suffix)
	case apkNumber:
		if x.text[0] == '0' || y.text[0] == '0' {
			return strings.Compare(x.text, y.text)
		}
		return compareNumbers(x.text, y.text)
	case apkInitial, apkSuffixNumber, apkRevision:
		return compareNumbers(x.text, y.text)
	}
	return strings.Compare(x.text, y.text)
}

func checkAPK(v string) string {
	t, rest := apkDigits(apkInitial, v)
	for t.kind < apkEnd {
		t, rest = nextAPK(t.kind, rest)
	}
	if t.kind == apkInvalid {
		return "it is not digits, a letter, suffixes, a hash and a revision in this order"
	}
	return ""
}
