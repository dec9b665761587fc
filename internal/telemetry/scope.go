package telemetry

import (
	"slices"
	"strings"
)

// Match tells whether an absolute, clean path is in the scope that pattern
// names. In a pattern "*" stands for any characters but a slash, "?" for one of
// them, "[a-z]" for one of a set, and "**" as a whole element for any number of
// elements, none included: "/etc/ssh/**" is the folder /etc/ssh and everything
// below it.
func Match(pattern, path string) bool {
	return match(elements{pattern, true}, elements{path, true}, matchElement)
}

// elements are what is between the slashes of what is left of a path. They are
// cut off one by one, because rules match so often that slices of them would be
// most of their cost.
type elements struct {
	text string
	some bool // there is an element, be it an empty one
}

func (e elements) cut() (first string, rest elements) {
	if i := strings.IndexByte(e.text, '/'); i >= 0 {
		return e.text[:i], elements{e.text[i+1:], true}
	}
	return e.text, elements{}
}

// InScope tells whether any of the patterns matches.
func InScope(patterns []string, path string) bool {
	for _, p := range patterns {
		if Match(p, path) {
			return true
		}
	}
	return false
}

// match goes back to the last "**" only, which is enough: what follows an earlier
// one has been found as near to it as can be. So patterns of a dishonest agent
// take no longer than others.
func match(pattern, path elements, same func(pattern, name string) bool) bool {
	var after, mark elements // behind the last "**", and what it has not swallowed yet
	for pattern.some || path.some {
		if pattern.some {
			element, rest := pattern.cut()
			if element == "**" {
				after, mark, pattern = rest, path, rest
				if !rest.some {
					return true
				}
				continue
			}
			if path.some {
				if name, left := path.cut(); same(element, name) {
					pattern, path = rest, left
					continue
				}
			}
		}
		if !after.some || !mark.some {
			return false
		}
		_, mark = mark.cut()
		pattern, path = after, mark
	}
	return true
}

// matchElement matches one element. It goes back to the last star only, which is
// enough for globs. What follows a star literally is searched for as a whole, so
// that names and patterns made for it do not take the product of their lengths.
func matchElement(pattern, name string) bool {
	var p, n, star, mark int
	star = -1
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, n
			p++
			if n = skipTo(pattern[p:], name, n); n < 0 {
				return false
			}
			mark = n
			continue
		}
		if width, ok := matchOne(pattern[p:], name[n]); ok {
			p += width
			n++
			continue
		}
		if star < 0 {
			return false
		}
		p = star + 1
		if n = skipTo(pattern[p:], name, mark+1); n < 0 {
			return false
		}
		mark = n
	}
	return strings.Trim(pattern[min(p, len(pattern)):], "*") == ""
}

// skipTo is where in a name, from at on, what follows a star can begin; -1 if
// nowhere.
func skipTo(pattern, name string, at int) int {
	end := strings.IndexAny(pattern, "*?[")
	if end < 0 {
		if last := len(name) - len(pattern); last >= at && strings.HasSuffix(name, pattern) {
			return last
		}
		return -1
	}
	i := strings.Index(name[at:], pattern[:end])
	if i < 0 {
		return -1
	}
	return at + i
}

// matchOne matches one byte against the beginning of a pattern and returns how
// much of the pattern that was.
func matchOne(pattern string, b byte) (int, bool) {
	if pattern == "" {
		return 0, false
	}
	if pattern[0] == '?' {
		return 1, true
	}
	if pattern[0] != '[' {
		return 1, pattern[0] == b
	}
	end := strings.IndexByte(pattern[1:], ']')
	if end < 1 {
		return 1, b == '['
	}
	set := pattern[1 : end+1]
	for i := 0; i < len(set); i++ {
		if i+2 < len(set) && set[i+1] == '-' {
			if set[i] <= b && b <= set[i+2] {
				return end + 2, true
			}
			i += 2
		} else if set[i] == b {
			return end + 2, true
		}
	}
	return 0, false
}

// Within tells whether a scope has every path that a pattern matches, as far as
// one of its patterns alone has them. It may say false where that is not so, but
// never true.
func Within(scope []string, pattern string) bool {
	for _, s := range scope {
		if match(elements{s, true}, elements{pattern, true}, withinElement) {
			return true
		}
	}
	return false
}

// withinElement reads the pattern's element as a name: what a star of the scope
// swallows may be anything, a star too.
func withinElement(scope, pattern string) bool {
	if pattern == "**" {
		return false // it may be any number of elements
	}
	if scope == "*" || scope == pattern || !strings.ContainsAny(pattern, "*?[") {
		return scope == "*" || scope == pattern || matchElement(scope, pattern)
	}
	return !strings.ContainsAny(scope, "?[") && !strings.ContainsAny(pattern, "?[") && matchElement(scope, pattern)
}

// Narrow is the scope that is left of one if only some paths are wanted: its
// patterns that are within those wanted, and the wanted ones that are within it.
// No wanted pattern means all of it. A pattern that overlaps the scope is left
// out, so that the result never promises what was not looked at.
func Narrow(scope, only []string) []string {
	if len(only) == 0 {
		return scope
	}
	narrowed := []string{}
	for _, s := range scope {
		if Within(only, s) {
			narrowed = append(narrowed, s)
		}
	}
	for _, o := range only {
		if Within(scope, o) && !slices.Contains(narrowed, o) {
			narrowed = append(narrowed, o)
		}
	}
	return narrowed
}

// MayHold tells whether a pattern can match a path below a folder.
func MayHold(pattern, folder string) bool {
	p, f := strings.Split(pattern, "/"), strings.Split(strings.TrimSuffix(folder, "/"), "/")
	for i, name := range f {
		switch {
		case i == len(p):
			return false
		case p[i] == "**":
			return true
		case !matchElement(p[i], name):
			return false
		}
	}
	return len(p) > len(f)
}
