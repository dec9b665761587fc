package version

import "strings"

// A Maven version is a list of numbers and words whose last item may be another
// such list. So it is kept flat, with a mark where a list within a list begins.
//
// Source: ComparableVersion of Maven 3.8, and
// https://maven.apache.org/pom.html#version-order-specification.
type mavenItem struct {
	kind mavenKind
	text string // digits, or a word
	rank int    // of a word
}

type mavenKind uint8

const (
	mavenEnd mavenKind = iota
	mavenWord
	mavenList
	mavenNumber
)

// mavenQualifiers are the words that Maven knows, by age; the empty one is the
// release. Words that it does not know are newer, by their letters.
var mavenQualifiers = [...]string{"alpha", "beta", "milestone", "rc", "snapshot", "", "sp"}

const (
	mavenRelease = 5
	mavenUnknown = len(mavenQualifiers)
)

// manyItems is how many items of a version need no memory but the stack's.
const manyItems = 24

func compareMaven(a, b string) int {
	var left, right [manyItems]mavenItem
	x, y := parseMaven(left[:0], a), parseMaven(right[:0], b)
	for i := 0; i < len(x) || i < len(y); i++ {
		if c := compareMavenItems(mavenAt(x, i), mavenAt(y, i)); c != 0 {
			return c
		}
	}
	return 0
}

func mavenAt(items []mavenItem, i int) mavenItem {
	if i < len(items) {
		return items[i]
	}
	return mavenItem{}
}

// compareMavenItems compares items that stand at the same place. Of a list, what is
// in it decides, which comes next.
func compareMavenItems(l, r mavenItem) int {
	switch {
	case l.kind == mavenEnd:
		return -compareMavenToEnd(r)
	case r.kind == mavenEnd:
		return compareMavenToEnd(l)
	case l.kind != r.kind:
		return sign(int(l.kind) - int(r.kind))
	case l.kind == mavenNumber:
		return compareNumbers(l.text, r.text)
	case l.kind == mavenList:
		return 0
	case l.rank != r.rank:
		return sign(l.rank - r.rank)
	case l.rank == mavenUnknown:
		return compareFold(l.text, r.text)
	}
	return 0
}

// compareMavenToEnd compares an item with nothing.
func compareMavenToEnd(item mavenItem) int {
	switch item.kind {
	case mavenNumber:
		return compareNumbers(item.text, "")
	case mavenWord:
		return sign(item.rank - mavenRelease)
	}
	return 0
}

// parseMaven appends the items of a version. A hyphen, and the change between
// digits and letters, begin a list; so does a word behind a dot that is the last, or
// has digits behind it: .X is -X.
func parseMaven(items []mavenItem, v string) []mavenItem {
	start, digits := 0, false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '.' || c == '-':
			items = appendMaven(items, v[start:i], digits, false)
			start = i + 1
			if c == '-' {
				items = append(items, mavenItem{kind: mavenList})
			}
		case isDigit(c) != digits:
			if i > start {
				items = append(appendMaven(ownList(items, !digits), v[start:i], digits, !digits), mavenItem{kind: mavenList})
				start = i
			}
			digits = !digits
		}
	}
	if start < len(v) {
		items = appendMaven(ownList(items, !digits), v[start:], digits, false)
	}
	return normalMaven(items)
}

// ownList begins a list for a word, unless one has just begun.
func ownList(items []mavenItem, word bool) []mavenItem {
	if !word || len(items) == 0 || items[len(items)-1].kind == mavenList {
		return items
	}
	return append(items, mavenItem{kind: mavenList})
}

// appendMaven appends what stands between separators; nothing is 0.
func appendMaven(items []mavenItem, text string, digits, beforeDigits bool) []mavenItem {
	if digits || text == "" {
		return append(items, mavenItem{kind: mavenNumber, text: text})
	}
	return append(items, mavenItem{mavenWord, text, mavenRank(text, beforeDigits)})
}

func mavenRank(word string, beforeDigits bool) int {
	if len(word) == 1 && beforeDigits {
		switch lower(word[0]) {
		case 'a':
			return 0
		case 'b':
			return 1
		case 'm':
			return 2
		}
	}
	switch {
	case strings.EqualFold(word, "cr"):
		return 3
	case strings.EqualFold(word, "ga") || strings.EqualFold(word, "final"):
		return mavenRelease
	}
	for rank, q := range mavenQualifiers {
		if strings.EqualFold(word, q) {
			return rank
		}
	}
	return mavenUnknown
}

// normalMaven takes the zeros and releases off the end of each list, and lists that
// are empty then.
func normalMaven(items []mavenItem) []mavenItem {
	end := len(items) // the items from here on are lists that are not empty
	out := items
	for end > 0 {
		last := end
		for last > 0 && items[last-1].kind != mavenList && items[last-1].isNull() {
			last--
		}
		copy(items[last:], out[end:])
		out = out[:len(out)-(end-last)]
		// On to the list around this one.
		for last > 0 && items[last-1].kind != mavenList {
			last--
		}
		if last == 0 {
			break
		}
		end = last - 1
		if last == len(out) { // nothing is in the list
			out = out[:end]
		}
	}
	return out
}

func (m mavenItem) isNull() bool {
	return m.kind == mavenNumber && compareNumbers(m.text, "") == 0 || m.kind == mavenWord && m.rank == mavenRelease
}

// checkMaven takes everything that is not empty and has no blanks: so does Maven.
func checkMaven(v string) string {
	switch {
	case v == "":
		return "it is empty"
	case strings.ContainsAny(v, " \t\n\v\f\r[](),"):
		return "it has a blank or a character of version ranges in it"
	}
	return ""
}
