package telemetry

import "strings"

// Match tells whether an absolute, clean path is in the scope that pattern
// names. In a pattern "*" stands for any characters but a slash, "?" for one of
// them, "[a-z]" for one of a set, and "**" as a whole element for any number of
// elements, none included: "/etc/ssh/**" is the folder /etc/ssh and everything
// below it.
func Match(pattern, path string) bool {
	return matchElements(strings.Split(pattern, "/"), strings.Split(path, "/"))
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

func matchElements(pattern, path []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for skip := 0; skip <= len(path); skip++ {
				if matchElements(pattern[1:], path[skip:]) {
					return true
				}
			}
			return false
		}
		if len(path) == 0 || !matchElement(pattern[0], path[0]) {
			return false
		}
		pattern, path = pattern[1:], path[1:]
	}
	return len(path) == 0
}

// matchElement matches one element. It goes back to the last star only, which is
// enough for globs and linear in practice.
func matchElement(pattern, name string) bool {
	var p, n, star, mark int
	star = -1
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, n
			p++
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
		mark++
		p, n = star+1, mark
	}
	return strings.Trim(pattern[p:], "*") == ""
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
