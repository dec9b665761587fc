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
	e.epoch, v = cutEpoch(v)
	e.version, e.release, e.released = cutLast(v, '-')
	return e
}

// compareRPM is rpm's rpmverCmp (rpm 4.18): no epoch is 0, no release is older
// than any.
func compareRPM(a, b string) int {
	if a == b {
		return 0
	}
	aEpoch, a := cutEpoch(a)
	bEpoch, b := cutEpoch(b)
	if c := compareNumbers(aEpoch, bEpoch); c != 0 {
		return c
	}
	a, aRelease, aReleased := cutLast(a, '-')
	b, bRelease, bReleased := cutLast(b, '-')
	switch c := compareRPMPart(a, b); {
	case c != 0:
		return c
	case aReleased != bReleased && aReleased:
		return 1
	case aReleased != bReleased:
		return -1
	}
	return compareRPMPart(aRelease, bRelease)
}

// compareRPMPart is rpmvercmp: segments of digits or letters, whatever is between
// them; "~" sorts before everything, the end included, "^" behind the end and
// before everything else.
func compareRPMPart(a, b string) int {
	if a == b { // often the versions, and the releases differ
		return 0
	}
	same := apart(a, b, alphanumeric)
	a, b = a[same:], b[same:]
	for {
		a, b = skipRPMSeparators(a), skipRPMSeparators(b)
		x, y := rpmWeight(a), rpmWeight(b)
		switch {
		case x != y:
			return sign(x - y)
		case x == rpmEnd:
			return 0
		case x != rpmSegment:
			a, b = a[1:], b[1:]
			continue
		}
		c, n, m := compareSegments(a, b)
		if c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
}

// What comes next in a version, from old to new.
const (
	rpmTilde = iota
	rpmEnd
	rpmCaret
	rpmSegment
)

func rpmWeight(s string) int {
	switch {
	case s == "":
		return rpmEnd
	case s[0] == '~':
		return rpmTilde
	case s[0] == '^':
		return rpmCaret
	}
	return rpmSegment
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

const rpmBytes = alphanumeric | mark | lowLine | caret

// checkRPM takes what rpmbuild takes in a version and a release, with an epoch.
func checkRPM(v string) string {
	e := parseEVR(v)
	switch {
	case e.version == "":
		return "it has no version"
	case e.released && e.release == "":
		return "its release is empty"
	case !onlyOf(e.version, rpmBytes) || !onlyOf(e.release, rpmBytes):
		return "it has a character that versions do not have"
	}
	return ""
}
