package version

import "strings"

// comparePacman is alpm_pkg_vercmp: like rpm's before it knew "~" and "^", with an
// epoch, and a release that counts only where both have one.
func comparePacman(a, b string) int {
	if a == b {
		return 0
	}
	x, y := parseEVR(a), parseEVR(b)
	if c := compareNumbers(x.epoch, y.epoch); c != 0 {
		return c
	}
	c := comparePacmanPart(x.version, y.version)
	if c != 0 || !x.released || !y.released {
		return c
	}
	return comparePacmanPart(x.release, y.release)
}

func comparePacmanPart(a, b string) int {
	if a == b {
		return 0
	}
	for a != "" && b != "" {
		n, m := separators(a), separators(b)
		a, b = a[n:], b[m:]
		if a == "" || b == "" {
			break
		}
		if n != m { // the separators differ in their length
			return sign(n - m)
		}
		c, n, m := compareSegments(a, b)
		if c != 0 {
			return c
		}
		a, b = a[n:], b[m:]
	}
	// What remains of one is newer, but for letters: 1.0rc1 is older than 1.0.
	switch {
	case a == "" && b == "":
		return 0
	case a == "" && !isAlpha(b[0]), a != "" && isAlpha(a[0]):
		return -1
	}
	return 1
}

// separators is how many bytes at the start of s are neither letters nor digits.
func separators(s string) int {
	n := 0
	for n < len(s) && !isAlnum(s[n]) {
		n++
	}
	return n
}

// checkPacman takes what makepkg takes: no hyphen but the release's, no colon but
// the epoch's, no slash, no blank.
func checkPacman(v string) string {
	e := parseEVR(v)
	switch {
	case e.version == "":
		return "it has no version"
	case e.released && !allIdentifiers(e.release, digit):
		return "its release is not a number"
	case strings.ContainsAny(e.version, "-:/ \t\n") || !printable(e.version):
		return "it has a character that versions do not have"
	}
	return ""
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
