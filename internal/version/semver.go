package version

import "strings"

// semver is a version in its parts. Build metadata does not count.
type semver struct{ core, pre string }

// parseSemVer takes a "v" or "go" off, which Go modules, npm and Go's releases put
// before a version, and the build metadata.
func parseSemVer(v string) semver {
	if rest := strings.TrimPrefix(strings.TrimPrefix(v, "go"), "v"); rest != "" && isDigit(rest[0]) {
		v = rest
	}
	v, _, _ = strings.Cut(v, "+")
	core, pre, _ := strings.Cut(v, "-")
	return semver{core, pre}
}

// compareSemVer is the precedence of semver.org, item 11. Numbers that are left out
// count as 0, and there may be more than three.
func compareSemVer(a, b string) int {
	x, y := parseSemVer(a), parseSemVer(b)
	for x.core != "" || y.core != "" {
		var m, n string
		m, x.core, _ = strings.Cut(x.core, ".")
		n, y.core, _ = strings.Cut(y.core, ".")
		if c := compareIdentifiers(m, n); c != 0 {
			return c
		}
	}
	switch {
	case x.pre == "" || y.pre == "": // a pre-release is older than its release
		return sign(len(y.pre) - len(x.pre))
	}
	for x.pre != "" && y.pre != "" {
		var m, n string
		m, x.pre, _ = strings.Cut(x.pre, ".")
		n, y.pre, _ = strings.Cut(y.pre, ".")
		if c := compareIdentifiers(m, n); c != 0 {
			return c
		}
	}
	return sign(len(x.pre) - len(y.pre))
}

// compareIdentifiers compares numbers as numbers, and has them before everything
// else, which compares byte by byte.
func compareIdentifiers(a, b string) int {
	x, y := isNumber(a), isNumber(b)
	switch {
	case x && y:
		return compareNumbers(a, b)
	case x:
		return -1
	case y:
		return 1
	}
	return strings.Compare(a, b)
}

func isNumber(s string) bool { return span(s, digit) == len(s) }

// checkSemVer holds v to semver.org's grammar, with the prefixes of parseSemVer.
func checkSemVer(v string) string {
	withoutBuild, build, hasBuild := strings.Cut(v, "+")
	s := parseSemVer(v)
	hasPre := strings.Contains(withoutBuild, "-")
	switch {
	case strings.Count(s.core, ".") != 2 || !allIdentifiers(s.core, digit) || hasLeadingZero(s.core):
		return "it does not begin with three numbers with dots between them"
	case hasPre && !allIdentifiers(s.pre, alphanumeric|hyphen):
		return "its pre-release is not letters, digits and hyphens with dots between them"
	case hasPre && hasLeadingZero(s.pre):
		return "a number of its pre-release has a leading zero"
	case hasBuild && !allIdentifiers(build, alphanumeric|hyphen):
		return "its build metadata is not letters, digits and hyphens with dots between them"
	}
	return ""
}

// hasLeadingZero tells whether a number among identifiers begins with a zero, and
// is not zero.
func hasLeadingZero(s string) bool {
	for more := true; more; {
		var id string
		id, s, more = strings.Cut(s, ".")
		if len(id) > 1 && id[0] == '0' && isNumber(id) {
			return true
		}
	}
	return false
}

// allIdentifiers tells whether s is one or more identifiers of a class, with dots
// between them.
func allIdentifiers(s string, of class) bool {
	for more := true; more; {
		var id string
		id, s, more = strings.Cut(s, ".")
		if id == "" || span(id, of) < len(id) {
			return false
		}
	}
	return true
}
