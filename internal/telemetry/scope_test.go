package telemetry

import (
	"slices"
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/etc/ssh/**", "/etc/ssh", true},
		{"/etc/ssh/**", "/etc/ssh/a/b", true},
		{"/etc/ssh/**", "/etc/sshd", false},
		{"/**", "/", true},
		{"/**", "/a", true},
		{"/**/*.key", "/a.key", true},
		{"/**/*.key", "/a/b/c.key", true},
		{"/etc/*.conf", "/etc/a.conf", true},
		{"/etc/*.conf", "/etc/a/b.conf", false},
		{"/etc/*", "/etc", false},
		{"/etc/*", "/etc/.hidden", true},
		{"/etc/?", "/etc/a", true},
		{"/etc/?", "/etc/ab", false},
		{"/etc/[a-c]x", "/etc/bx", true},
		{"/etc/[a-c]x", "/etc/dx", false},
		{"/etc/[", "/etc/[", true},
		{"/a*b*c", "/abbc", true},
		{"/a*b*c", "/abbd", false},
		{"/", "/", true},
	} {
		if got := Match(c.pattern, c.path); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.path, got)
		}
	}
}

// TestMatchManyStars would not end if every "**" were gone back to.
func TestMatchManyStars(t *testing.T) {
	pattern, path := strings.Repeat("/**/a", 200), strings.Repeat("/a", 200)
	if !Match(pattern, path) || Match(pattern, path+"/b") || Match(pattern, path[2:]) {
		t.Error("200 times /**/a does not match 200 times /a alone")
	}
	if !Within([]string{pattern}, path) || Within([]string{pattern}, path+"/b") {
		t.Error("the scope of 200 times /**/a does not have 200 times /a alone")
	}
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		scope, pattern string
		want           bool
	}{
		{"/etc/*", "/etc/*", true},
		{"/etc/*", "/etc/*.conf", true},
		{"/etc/*", "/etc/**", false},
		{"/etc/*.conf", "/etc/*", false},
		{"/etc/*.conf", "/etc/a*.conf", true},
		{"/etc/?", "/etc/*", false},
		{"/etc/?", "/etc/a", true},
		{"/etc/[ab]", "/etc/[ab]", true},
		{"/etc/[ab]", "/etc/[a-z]", false},
		{"/etc/*", "/etc/[a-z]?", true},
		{"/etc/*x*", "/etc/[xy]", false},
		{"/etc/**", "/etc/a/*/b.conf", true},
		{"/etc/**", "/etc/**", true},
		{"/etc/**", "/etc", true},
		{"/**", "/**", true},
		{"/etc/**/a", "/etc/*/a", true},
		{"/etc/*/a", "/etc/**/a", false},
	} {
		if got := Within([]string{"/other", c.scope}, c.pattern); got != c.want {
			t.Errorf("Within(%q, %q) = %v", c.scope, c.pattern, got)
		}
	}
}

func TestNarrow(t *testing.T) {
	scope := []string{"/etc/a", "/etc/*.conf", "/usr/**"}
	for _, c := range []struct{ only, want []string }{
		{nil, scope},
		{[]string{"/etc/**"}, []string{"/etc/a", "/etc/*.conf"}},
		{[]string{"/usr/lib/**", "/etc/b*"}, []string{"/usr/lib/**"}},
		{[]string{"/root/**"}, []string{}},
	} {
		if got := Narrow(scope, c.only); !slices.Equal(got, c.want) {
			t.Errorf("Narrow to %v: %v", c.only, got)
		}
	}
}

func TestMayHold(t *testing.T) {
	for _, c := range []struct {
		pattern, folder string
		want            bool
	}{
		{"/etc/ssh/*", "/etc", true}, {"/etc/ssh/*", "/", true}, {"/etc/ssh/*", "/etc/ssh", true}, {"/etc/ssh/*", "/etc/ssh/a", false},
		{"/etc/ssh/*", "/usr", false}, {"/etc/**", "/etc/a/b", true}, {"/etc/*/x", "/etc/a", true}, {"/etc/a", "/etc/a", false},
	} {
		if got := MayHold(c.pattern, c.folder); got != c.want {
			t.Errorf("MayHold(%q, %q) = %v", c.pattern, c.folder, got)
		}
	}
}

// What a scope is said to have, it matches; and a pattern is matched as path.Match
// would where both have the same grammar.
func FuzzScope(f *testing.F) {
	f.Add("/etc/*", "/etc/[a-z]*", "/etc/ax")
	f.Add("/**", "/**/x", "/a/x")
	f.Fuzz(func(t *testing.T, scope, pattern, path string) {
		if len(scope)+len(pattern)+len(path) > 60 {
			return
		}
		if Within([]string{scope}, pattern) && Match(pattern, path) && !Match(scope, path) {
			t.Fatalf("%q is said to have %q, and %q is only in the latter", scope, pattern, path)
		}
		if i := strings.LastIndexByte(path, '/'); i > 0 && Match(pattern, path) && !MayHold(pattern, path[:i]) && pattern != path[:i] {
			if !strings.Contains(pattern, "**") {
				t.Fatalf("%q matches %q, and is said to hold nothing in %q", pattern, path, path[:i])
			}
		}
	})
}
