package version

import "strings"

// comparePackagist is composer/semver's Comparator: PHP's version_compare of what
// VersionParser.normalize makes of the versions. What is no version is older than
// all that are.
// Source: composer/semver 3, src/VersionParser.php; PHP, ext/standard/versioning.c.
func comparePackagist(a, b string) int {
	x, xOK := parsePackagist(a)
	y, yOK := parsePackagist(b)
	switch {
	case !xOK && !yOK:
		return compareBytes(a, b)
	case !xOK:
		return -1
	case !yOK:
		return 1
	}
	for {
		m, n := x.next(), y.next()
		switch {
		case m.rank != n.rank:
			return sign(m.rank - n.rank)
		case m.rank == packagistEnd:
			return 0
		}
		if c := compareNumbers(m.number, n.number); c != 0 {
			return c
		}
	}
}

// The parts of a normal version, from old to new. What goes on with a number is
// newer, what goes on with a word older, but for "patch".
const (
	packagistOther = iota // a word that version_compare does not know: "Stable"
	packagistDev
	packagistAlpha
	packagistBeta
	packagistRC
	packagistEnd
	packagistNumber
	packagistPatch
)

// packagistWords are what may be behind the numbers, longer ones first.
var packagistWords = [...]struct {
	text string
	rank int
}{
	{"stable", packagistOther}, {"alpha", packagistAlpha}, {"patch", packagistPatch}, {"beta", packagistBeta}, {"rc", packagistRC},
	{"pl", packagistPatch}, {"a", packagistAlpha}, {"b", packagistBeta}, {"p", packagistPatch},
}

// packagist is a normal version as it is read: numbers, a word, the word's numbers,
// "dev".
type packagist struct {
	numbers string // with one byte that is no digit between them
	padding int    // further numbers, each of which is pad
	pad     string
	worded  bool
	word    int
	after   string // the word's numbers
	dev     bool
}

type packagistPart struct {
	rank   int
	number string
}

func (p *packagist) next() packagistPart {
	switch {
	case p.numbers != "":
		return packagistPart{packagistNumber, nextNumber(&p.numbers)}
	case p.padding > 0:
		p.padding--
		return packagistPart{packagistNumber, p.pad}
	case p.worded:
		p.worded, p.numbers, p.after = false, p.after, ""
		return packagistPart{rank: p.word}
	case p.dev:
		p.dev = false
		return packagistPart{rank: packagistDev}
	}
	return packagistPart{rank: packagistEnd}
}

// largest is PHP's largest integer: what is larger is as large.
const largest = "9223372036854775807"

// branchNumber is what stands for the "x" of a branch.
const branchNumber = "9999999"

// nextNumber takes the first number off a list; an "x" is branchNumber.
func nextNumber(list *string) string {
	n := 1 + span((*list)[1:], digit)
	number := (*list)[:n]
	*list = rest((*list)[n:])
	switch {
	case !isDigit(number[0]):
		return branchNumber
	case compareNumbers(number, largest) > 0:
		return largest
	}
	return number
}

// parsePackagist reads a version as VersionParser.normalize does. Names of branches
// ("dev-main"), aliases ("1.0 as 2.0") and stabilities ("1.0@dev") are none: they say
// what is wanted, not what is there.
func parsePackagist(v string) (p packagist, ok bool) {
	v = trimBlanks(v)
	if main, build, built := strings.Cut(v, "+"); built && main != "" && build != "" && !strings.ContainsAny(v, " \t\n\v\f\r,") {
		v = main
	}
	if v != "" && lower(v[0]) == 'v' {
		v = v[1:]
	}
	if n := dottedNumbers(v, 5, false); n > 0 && p.suffix(v[n:]) {
		p.numbers, p.padding, p.pad = v[:n], 3-strings.Count(v[:n], "."), "0"
		return p, true
	}
	if n := dateNumbers(v); n > 0 && p.suffix(v[n:]) {
		p.numbers, p.padding = v[:n], 0
		return p, true
	}
	return packagistBranch(v)
}

// packagistBranch reads a branch that has numbers: "1.x-dev" is newer than all 1.9.
func packagistBranch(v string) (p packagist, ok bool) {
	name, ok := cutFold(v, "dev")
	if !ok {
		return p, false
	}
	if name != "" && (name[len(name)-1] == '.' || name[len(name)-1] == '-') {
		name = name[:len(name)-1]
	}
	name = trimBlanks(name)
	if n := dottedNumbers(name, len(name), true); n == 0 || n < len(name) {
		return p, false
	}
	return packagist{numbers: name, padding: 3 - strings.Count(name, "."), pad: branchNumber, dev: true}, true
}

// suffix reads what is behind the numbers: a word with numbers, and "dev"; false if
// it is something else.
func (p *packagist) suffix(s string) bool {
	*p = packagist{}
	if s != "" && (s[0] == '.' || s[0] == '_' || s[0] == '-') {
		s = s[1:]
	}
	for _, w := range packagistWords {
		if len(s) < len(w.text) || compareFold(s[:len(w.text)], w.text) != 0 {
			continue
		}
		word := s[:len(w.text)]
		s = s[len(w.text):]
		n := suffixNumbers(s)
		p.worded, p.word, p.after, s = true, w.rank, strings.TrimLeft(s[:n], ".-"), s[n:]
		if word == "stable" { // then nothing behind it counts
			*p = packagist{}
			return s == "" || isDev(s)
		}
		break
	}
	p.dev = isDev(s)
	return s == "" || p.dev
}

func isDev(s string) bool {
	if s != "" && (s[0] == '.' || s[0] == '-') {
		s = s[1:]
	}
	return len(s) == 3 && compareFold(s, "dev") == 0
}

// suffixNumbers is how long the numbers at the start of s are, each maybe with a dot
// or a hyphen before it.
func suffixNumbers(s string) int {
	n := 0
	for {
		m := n
		if m < len(s) && (s[m] == '.' || s[m] == '-') {
			m++
		}
		digits := span(s[m:], digit)
		if digits == 0 {
			return n
		}
		n = m + digits
	}
}

// dottedNumbers is how long the one to four numbers at the start of s are; 0 if the
// first one is missing or has more digits than that. In branches those behind a dot
// may be an x or an asterisk.
func dottedNumbers(s string, first int, branch bool) int {
	n := span(s, digit)
	if n == 0 || n > first {
		return 0
	}
	for range 3 {
		if n == len(s) || s[n] != '.' {
			break
		}
		m := span(s[n+1:], digit)
		if m == 0 && branch && n+1 < len(s) && (lower(s[n+1]) == 'x' || s[n+1] == '*') {
			m = 1
		}
		if m == 0 {
			break
		}
		n += 1 + m
	}
	return n
}

// dateNumbers is how long the date at the start of s is: four digits, one to six
// times two, and at most two times one to three, with ".", ":" or "-" between them.
func dateNumbers(s string) int {
	n := 0
	for m := 0; m < len(s) && (isDigit(s[m]) || isDateSeparator(s[m])); m++ {
		if isDigit(s[m]) {
			n = m + 1
		}
	}
	if span(s[:n], digit) < 4 || !isDate(s[4:n], 0, 0) {
		return 0
	}
	return n
}

func isDateSeparator(c byte) bool { return c == '.' || c == ':' || c == '-' }

// isDate tells whether s can be what follows pairs of digits, and then ends.
func isDate(s string, pairs, ends int) bool {
	if s == "" {
		return pairs > 0
	}
	if isDateSeparator(s[0]) {
		s = s[1:]
	}
	n := span(s, digit)
	if n >= 2 && pairs < 6 && ends == 0 && isDate(s[2:], pairs+1, 0) {
		return true
	}
	for m := 1; m <= min(n, 3) && pairs > 0 && ends < 2; m++ {
		if isDate(s[m:], pairs, ends+1) {
			return true
		}
	}
	return false
}

// cutFold is strings.CutSuffix in any case.
func cutFold(s, suffix string) (before string, found bool) {
	if n := len(s) - len(suffix); n >= 0 && compareFold(s[n:], suffix) == 0 {
		return s[:n], true
	}
	return s, false
}

func checkPackagist(v string) string {
	if _, ok := parsePackagist(v); !ok {
		return "it is neither one to four numbers, nor a date, with a stability behind them"
	}
	return ""
}
