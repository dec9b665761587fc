package version

import "strings"

// pypi is a version of PEP 440 in its parts, as texts:
// [epoch!]release[{a|b|rc}N][.postN][.devN][+local].
type pypi struct {
	epoch, release string
	phase          int    // of the pre-release
	pre            string // its number
	post, dev      string
	isPost, isDev  bool
	local          string
}

// Phases of a version, oldest first. "dev" alone is before a pre-release.
const (
	pypiDev = iota
	pypiAlpha
	pypiBeta
	pypiCandidate
	pypiFinal
)

func comparePyPI(a, b string) int {
	x, okX := parsePyPI(a)
	y, okY := parsePyPI(b)
	if !okX || !okY { // what is no version is older than every version
		switch {
		case okX:
			return 1
		case okY:
			return -1
		}
		return strings.Compare(a, b)
	}
	if c := compareNumbers(x.epoch, y.epoch); c != 0 {
		return c
	}
	if c := comparePyPIRelease(x.release, y.release); c != 0 {
		return c
	}
	if x.stage() != y.stage() {
		return sign(x.stage() - y.stage())
	}
	if c := compareNumbers(x.pre, y.pre); c != 0 {
		return c
	}
	if c := comparePyPIMark(x.isPost, y.isPost, -1, x.post, y.post); c != 0 {
		return c
	}
	if c := comparePyPIMark(x.isDev, y.isDev, 1, x.dev, y.dev); c != 0 {
		return c
	}
	return comparePyPILocal(x.local, y.local)
}

// stage is the phase in the order of the whole: a development release of a final
// version is before its pre-releases.
func (p pypi) stage() int {
	if p.phase == pypiFinal && !p.isPost && p.isDev {
		return pypiDev
	}
	return p.phase
}

// comparePyPIMark compares a part that may be missing; missing tells where its lack
// stands: -1 before, 1 behind every number.
func comparePyPIMark(hasX, hasY bool, missing int, x, y string) int {
	switch {
	case hasX && hasY:
		return compareNumbers(x, y)
	case hasX:
		return -missing
	case hasY:
		return missing
	}
	return 0
}

// comparePyPIRelease compares numbers with dots between them. Zeros at the end do not count.
func comparePyPIRelease(x, y string) int {
	for x != "" || y != "" {
		var m, n string
		m, x, _ = strings.Cut(x, ".")
		n, y, _ = strings.Cut(y, ".")
		if c := compareNumbers(m, n); c != 0 {
			return c
		}
	}
	return 0
}

// comparePyPILocal compares what is behind "+": numbers are newer than words, and
// more is newer than less.
func comparePyPILocal(x, y string) int {
	for x != "" && y != "" {
		m, n := span(x, alphanumeric), span(y, alphanumeric)
		c := compareFold(x[:m], y[:n])
		switch a, b := isNumber(x[:m]), isNumber(y[:n]); {
		case a && b:
			c = compareNumbers(x[:m], y[:n])
		case a:
			return 1
		case b:
			return -1
		}
		if c != 0 {
			return c
		}
		x, y = rest(x[m:]), rest(y[n:])
	}
	return sign(len(x) - len(y))
}

// parsePyPI reads a version as the expression in PEP 440, appendix B, does: all
// spellings that it normalises, in any case, with blanks around.
func parsePyPI(v string) (p pypi, ok bool) {
	v = strings.Trim(v, " \t\n\v\f\r")
	if v != "" && lower(v[0]) == 'v' {
		v = v[1:]
	}
	if n := span(v, digit); n > 0 && n < len(v) && v[n] == '!' {
		p.epoch, v = v[:n], v[n+1:]
	}
	n := spanRelease(v)
	if n == 0 {
		return p, false
	}
	p.release, v = v[:n], v[n:]
	v = p.parsePre(v)
	v = p.parsePost(v)
	v = p.parseDev(v)
	if strings.HasPrefix(v, "+") {
		p.local, v = v[1:], ""
		if !isPyPILocal(p.local) {
			return p, false
		}
	}
	return p, v == ""
}

// spanRelease is how long the numbers with dots between them are at the start of v.
func spanRelease(v string) int {
	n := span(v, digit)
	for n > 0 && n < len(v) && v[n] == '.' {
		m := span(v[n+1:], digit)
		if m == 0 {
			break
		}
		n += 1 + m
	}
	return n
}

func (p *pypi) parsePre(v string) string {
	p.phase = pypiFinal
	for _, word := range []struct {
		text  string
		phase int
	}{
		{"alpha", pypiAlpha}, {"beta", pypiBeta}, {"preview", pypiCandidate}, {"pre", pypiCandidate},
		{"rc", pypiCandidate}, {"a", pypiAlpha}, {"b", pypiBeta}, {"c", pypiCandidate},
	} {
		if number, rest, ok := pypiWord(v, word.text); ok {
			p.phase, p.pre = word.phase, number
			return rest
		}
	}
	return v
}

func (p *pypi) parsePost(v string) string {
	if strings.HasPrefix(v, "-") {
		if n := span(v[1:], digit); n > 0 {
			p.post, p.isPost = v[1:1+n], true
			return v[1+n:]
		}
	}
	for _, word := range [...]string{"post", "rev", "r"} {
		if number, rest, ok := pypiWord(v, word); ok {
			p.post, p.isPost = number, true
			return rest
		}
	}
	return v
}

func (p *pypi) parseDev(v string) string {
	if number, rest, ok := pypiWord(v, "dev"); ok {
		p.dev, p.isDev = number, true
		return rest
	}
	return v
}

// pypiWord reads a word with a separator before it, and a number behind it that may
// have one, too, or be missing.
func pypiWord(v, word string) (number, rest string, ok bool) {
	v = v[pypiSeparator(v):]
	if len(v) < len(word) || compareFold(v[:len(word)], word) != 0 {
		return "", "", false
	}
	v = v[len(word):]
	n := pypiSeparator(v)
	m := span(v[n:], digit)
	return v[n : n+m], v[n+m:], true
}

// pypiSeparator is the length of the separator at the start of v: 0 or 1.
func pypiSeparator(v string) int {
	if v != "" && strings.IndexByte("-_.", v[0]) >= 0 {
		return 1
	}
	return 0
}

// isPyPILocal tells whether s is letters and digits with separators between them.
func isPyPILocal(s string) bool {
	for {
		n := span(s, alphanumeric)
		switch {
		case n == 0:
			return false
		case n == len(s):
			return true
		case pypiSeparator(s[n:]) == 0:
			return false
		}
		s = s[n+1:]
	}
}

func checkPyPI(v string) string {
	if _, ok := parsePyPI(v); !ok {
		return "it is not of PEP 440's form, such as 1.2.3rc1.post2"
	}
	return ""
}

// rest is s without its first byte; empty at the end.
func rest(s string) string {
	if s == "" {
		return s
	}
	return s[1:]
}
