package version

import "strings"

// evr is a version of rpm or pacman in its parts: [epoch:]version[-release].
type evr struct {
	epoch, version, release string
	released                bool // it has a release
}

// parseEVR divides a version as rpm's parseEVR does: what is before the first
// colon is the epoch if it is all digits; the release is behind the last hyphen.
func parseEVR(v string) evr {
	var e evr
	if n := span(v, digit); n < len(v) && v[n] == ':' {
		e.epoch, v = v[:n], v[n+1:]
	}
	e.version, e.release, e.released = cutLast(v, '-')
	return e
}

// compareRPM is rpm's rpmverCmp (rpm 4.18): no epoch is 0, no release is older
// than any.
func compareRPM(a, b string) int {
	x, y := parseEVR(a), parseEVR(b)
	if c := compareNumbers(x.epoch, y.epoch); c != 0 {
		return c
	}
	if c := compareRPMPart(x.version, y.version); c != 0 {
		return c
	}
	switch {
	case x.released && !y.released:
		return 1
	case !x.released && y.released:
		return -1
	}
	return compareRPMPart(x.release, y.release)
}

// compareRPMPart is rpmvercmp: segments of digits or letters, whatever is between
// them; "~" sorts before everything, the end included, "^" behind the end and
// before everything else.
func compareRPMPart(a, b string) int {
	same := apart(a, b, alphanumeric)
	a, b = a[same:], b[same:]
	for a != "" || b != "" {
		a, b = skipRPMSeparators(a), skipRPMSeparators(b)
		x, y := first(a), first(b)
		if x == '~' || x == '^' || y == '~' || y == '^' {
			if x != y {
				return compareMarks(x, y)
			}
			a, b = a[1:], b[1:]
			continue
		}
		if a == "" || b == "" {
			break
		}
		c, n, m := compareSegments(a, b)
		if c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return sign(len(a) - len(b))
}

// compareMarks compares first bytes of which one at least is "~" or "^", and which
// are not the same; 0 is the end.
func compareMarks(x, y byte) int {
	return sign(markWeight(x) - markWeight(y))
}

func markWeight(c byte) int {
	switch c {
	case '~':
		return 0
	case 0:
		return 1
	case '^':
		return 2
	}
	return 3
}

// first is the first byte of s, 0 at its end.
func first(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

// compareSegments compares the segments, of digits or of letters, with which a and
// b begin, and tells their lengths. A number is newer than letters.
func compareSegments(a, b string) (c, n, m int) {
	of, newer := letter, -1
	if isDigit(a[0]) {
		of, newer = digit, 1
	}
	n, m = span(a, of), span(b, of)
	switch {
	case m == 0:
		return newer, n, m
	case newer == 1:
		return compareNumbers(a[:n], b[:m]), n, m
	}
	return strings.Compare(a[:n], b[:m]), n, m
}

func skipRPMSeparators(s string) string {
	for s != "" && !isAlnum(s[0]) && s[0] != '~' && s[0] != '^' {
		s = s[1:]
	}
	return s
}

// checkRPM takes what rpmbuild takes in a version and a release, with an epoch.
func checkRPM(v string) string {
	e := parseEVR(v)
	switch {
	case e.version == "":
		return "it has no version"
	case e.released && e.release == "":
		return "its release is empty"
	case !onlyOf(e.version, alphanumeric, "._+~^") || !onlyOf(e.release, alphanumeric, "._+~^"):
		return "it has a character that versions do not have"
	}
	return ""
}
