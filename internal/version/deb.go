package version

// compareDeb is dpkg's dpkg_version_compare. The parts of a version are divided at
// the colon behind the epoch and at the last hyphen; blanks around it do not count.
func compareDeb(a, b string) int {
	if a == b {
		return 0
	}
	aEpoch, a := cutEpoch(trimBlanks(a))
	bEpoch, b := cutEpoch(trimBlanks(b))
	if c := compareNumbers(aEpoch, bEpoch); c != 0 {
		return c
	}
	a, aRevision, _ := cutLast(a, '-')
	b, bRevision, _ := cutLast(b, '-')
	if c := compareDebPart(a, b); c != 0 {
		return c
	}
	return compareDebPart(aRevision, bRevision)
}

// compareDebPart is dpkg's verrevcmp: texts and numbers in turn.
func compareDebPart(a, b string) int {
	if a == b { // often the upstream versions, and the revisions differ
		return 0
	}
	same := apart(a, b, digit)
	a, b = a[same:], b[same:]
	for a != "" || b != "" {
		c, n := compareDebTexts(a, b)
		if c != 0 {
			return c
		}
		a, b = a[n:], b[n:]
		n, m := span(a, digit), span(b, digit)
		if c := compareNumbers(a[:n], b[:m]); c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	return 0
}

// compareDebTexts compares what is before the first digits. If it is the same, n is
// how long it is.
func compareDebTexts(a, b string) (c, n int) {
	for {
		x, y := debWeight(a, n), debWeight(b, n)
		if x != y {
			return sign(x - y), n
		}
		if x == 0 {
			return 0, n
		}
		n++
	}
}

// debWeight is dpkg's order() of a byte: "~" before the end, the end and digits
// before letters, letters before everything else.
func debWeight(s string, at int) int {
	if at >= len(s) {
		return 0
	}
	switch c := s[at]; {
	case isDigit(c):
		return 0
	case isAlpha(c):
		return int(c)
	case c == '~':
		return -1
	default:
		return int(c) + 256
	}
}

const (
	debRevisionBytes = alphanumeric | mark
	debVersionBytes  = debRevisionBytes | hyphen
)

// checkDeb says what dpkg's parseversion says, the warning that a version does not
// start with a digit left out: dpkg installs such packages.
func checkDeb(v string) string {
	v = trimBlanks(v)
	epoch, rest := cutEpoch(v)
	upstream, revision, revised := cutLast(rest, '-')
	of := debVersionBytes
	if epoch != "" {
		of |= colon
	}
	switch {
	case v == "":
		return "it is empty"
	case v[0] == ':':
		return "its epoch is empty"
	case upstream == "":
		return "nothing is after its epoch"
	case revised && revision == "":
		return "its revision is empty"
	case compareNumbers(epoch, "2147483647") > 0:
		return "its epoch is more than 2147483647"
	case !onlyOf(upstream, of):
		return "its version has a character that versions do not have"
	case !onlyOf(revision, debRevisionBytes):
		return "its revision has a character that revisions do not have"
	}
	return ""
}
