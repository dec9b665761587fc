package version

import (
	"strconv"
	"strings"
)

// deb is a version in its parts: [epoch:]upstream[-revision].
type deb struct{ epoch, upstream, revision string }

// parseDeb divides a version as dpkg's parseversion does: at the first colon and
// at the last hyphen. Blanks around it do not count.
func parseDeb(v string) deb {
	var d deb
	v = strings.Trim(v, " \t\n\v\f\r")
	if epoch, rest, ok := strings.Cut(v, ":"); ok {
		d.epoch, v = epoch, rest
	}
	d.upstream, d.revision, _ = cutLast(v, '-')
	return d
}

func compareDeb(a, b string) int {
	x, y := parseDeb(a), parseDeb(b)
	if c := compareNumbers(x.epoch, y.epoch); c != 0 {
		return c
	}
	if c := compareDebPart(x.upstream, y.upstream); c != 0 {
		return c
	}
	return compareDebPart(x.revision, y.revision)
}

// compareDebPart is dpkg's verrevcmp: texts and numbers in turn.
func compareDebPart(a, b string) int {
	same := apart(a, b, digit)
	a, b = a[same:], b[same:]
	for a != "" || b != "" {
		for a != "" && !isDigit(a[0]) || b != "" && !isDigit(b[0]) {
			x, y := debWeight(a), debWeight(b)
			if x != y {
				return sign(x - y)
			}
			a, b = rest(a), rest(b)
		}
		n, m := span(a, digit), span(b, digit)
		if c := compareNumbers(a[:n], b[:m]); c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return 0
}

// rest is s without its first byte. Where one text ends before the other, its end
// has the weight of a digit, so both move on.
func rest(s string) string {
	if s == "" {
		return s
	}
	return s[1:]
}

// debWeight is dpkg's order(): "~" before the end, the end and digits before
// letters, letters before everything else.
func debWeight(s string) int {
	switch {
	case s == "" || isDigit(s[0]):
		return 0
	case isAlpha(s[0]):
		return int(s[0])
	case s[0] == '~':
		return -1
	}
	return int(s[0]) + 256
}

// checkDeb says what dpkg's parseversion says, the warning that a version does not
// start with a digit left out: dpkg installs such packages.
func checkDeb(v string) string {
	trimmed := strings.Trim(v, " \t\n\v\f\r")
	d := parseDeb(v)
	switch {
	case trimmed == "":
		return "it is empty"
	case strings.ContainsAny(trimmed, " \t\n\v\f\r"):
		return "it has blanks in it"
	case strings.HasPrefix(trimmed, ":"):
		return "its epoch is empty"
	case d.upstream == "":
		return "nothing is after its epoch"
	case strings.HasSuffix(trimmed, "-"):
		return "its revision is empty"
	}
	if _, err := strconv.ParseInt("0"+d.epoch, 10, 32); err != nil {
		return "its epoch is not a number up to 2147483647"
	}
	if !onlyOf(d.upstream, alphanumeric, ".-+~:") {
		return "its version has a character that versions do not have"
	}
	if !onlyOf(d.revision, alphanumeric, ".+~") {
		return "its revision has a character that revisions do not have"
	}
	return ""
}
