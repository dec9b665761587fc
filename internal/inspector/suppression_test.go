package inspector

import (
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestPattern(t *testing.T) {
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "anything", true},
		{"CVE-2024-1", "CVE-2024-1", true},
		{"CVE-2024-1", "CVE-2024-11", false},
		{"CVE-2024-*", "CVE-2024-11", true},
		{"CVE-2024-*", "CVE-2024-", true},
		{"CVE-2024-*", "xCVE-2024-1", false},
		{"*ssl*", "openssl", true},
		{"a*b*c", "abc", true},
		{"a*b*c", "acb", false},
		{"ab*ba", "aba", false}, // the ends do not overlap
		{"*aab", "aaab", true},
		{"a*ab*b", "aabab", true},
		{`a\*b`, "a*b", true},
		{`a\*b`, "axb", false},
		{`a\\*`, `a\x`, true},
		{`a\`, `a\`, true},
		{`a\b`, `a\b`, true},
		{"a?c", "abc", false},
		{"a?c", "a?c", true},
		{"[a]*", "[a]b", true},
		{"CVE-2024-1", "cve-2024-1", false},
	} {
		if got := Pattern(test.pattern).Matches(test.text); got != test.want {
			t.Errorf("%q matches %q: %v", test.pattern, test.text, got)
		}
	}
	if !Pattern("Web-*").matchesFold("wEB-1") {
		t.Error("the case of a host's name counts")
	}
}

// What path.Match says of patterns that mean the same in it is the truth.
func TestPatternsAsOthersMatchThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*]{1,8}`).Draw(t, "pattern")
		text := rapid.StringMatching(`[ab]{0,10}`).Draw(t, "text")
		want, err := path.Match(pattern, text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Pattern(pattern).Matches(text); got != want {
			t.Errorf("%q matches %q: %v, want %v", pattern, text, got, want)
		}
	})
}

func TestLiterally(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := rapid.StringMatching(`[a*\\]{1,6}`).Draw(t, "one"), rapid.StringMatching(`[a*\\]{1,6}`).Draw(t, "other")
		if p := Literally(one); !p.Matches(one) || p.Matches(other) != (one == other) {
			t.Errorf("%q matches %q: %v", p, other, p.Matches(other))
		}
	})
}

// A pattern that makes other matchers take exponential time. It would not end.
func TestCatastrophicPattern(t *testing.T) {
	text := strings.Repeat("a", 100_000)
	if Pattern(strings.Repeat("a*", 149) + "b").Matches(text) {
		t.Error("it matches")
	}
	if !Pattern(strings.Repeat("*a", 149) + "*").Matches(text) {
		t.Error("it does not match")
	}
}

func FuzzPattern(f *testing.F) {
	for _, seed := range []string{"", "*", `\`, `\*`, "a*b", "**", `*\`} {
		f.Add(seed, "a*b")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		Pattern(pattern).Matches(text)
		if !Literally(text).Matches(text) {
			t.Errorf("%q literally is another", text)
		}
		if pattern != "" && !strings.ContainsAny(pattern, `*\`) && Pattern(pattern).Matches(text) != (pattern == text) {
			t.Errorf("%q matches %q", pattern, text)
		}
	})
}

func TestSuppressionCheck(t *testing.T) {
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	valid := func(change func(*Suppression)) Suppression {
		s := Suppression{Finding: "CVE-2024-1234", Reason: "The vendor says so.", Until: now.AddDate(0, 3, 0)}
		change(&s)
		return s
	}
	for _, test := range []struct {
		name   string
		change func(*Suppression)
		want   string // in the error; empty: valid
	}{
		{"as it is", func(s *Suppression) {}, ""},
		{"for ever", func(s *Suppression) { s.Until = time.Time{} }, ""},
		{"a rule", func(s *Suppression) { s.Finding, s.Rule = "", "root-login" }, ""},
		{"an attribute", func(s *Suppression) {
			s.Finding, s.Attributes = "", []Attribute{{Key: "package_name", Value: "openssl"}}
		}, ""},
		{"a year of CVEs", func(s *Suppression) { s.Finding = "CVE-2024-*" }, ""},
		{"a subject", func(s *Suppression) { s.Finding, s.Subject = "", "*openssl*" }, ""},
		{"a star that is text", func(s *Suppression) { s.Finding = `\*` }, ""},
		{"nothing", func(s *Suppression) { s.Finding = "" }, "whatever is found"},
		{"a package", func(s *Suppression) { s.Finding, s.Package = "", PackageCVE }, "whatever is found"},
		{"a host", func(s *Suppression) { s.Finding, s.Agent, s.Tags = "", "i-1", []Tag{{Key: "a"}} }, "whatever is found"},
		{"the attribute that all have", func(s *Suppression) { s.Finding, s.Attributes = "", []Attribute{{Key: "INSTANCE_ID", Value: "i-1"}} }, "whatever is found"},
		{"a star", func(s *Suppression) { s.Finding = "*" }, "selects nearly everything"},
		{"stars", func(s *Suppression) { s.Finding = "*-*-*" }, "selects nearly everything"},
		{"all CVEs", func(s *Suppression) { s.Finding = "CVE-*" }, "selects nearly everything"},
		{"a star beside a rule", func(s *Suppression) { s.Finding, s.Rule, s.Subject = "", "x", "*" }, ""},
		{"a rule of a package", func(s *Suppression) { s.Finding, s.Package, s.Rule = "", PackageCIS, "x" }, ""},
		{"the rule of the package for CVEs", func(s *Suppression) { s.Finding, s.Package, s.Rule = "", PackageCVE, "x" }, "finds all that"},
		{"a star beside that", func(s *Suppression) { s.Finding, s.Package, s.Rule = "*", PackageCVE, "x" }, "selects nearly everything"},
		{"no reason", func(s *Suppression) { s.Reason = " \n" }, "no reason"},
		{"a long reason", func(s *Suppression) { s.Reason = strings.Repeat("ü", 1001) }, "1001 characters"},
		{"the longest reason", func(s *Suppression) { s.Reason = strings.Repeat("ü", 1000) }, ""},
		{"a reason that rules a terminal", func(s *Suppression) { s.Reason = "x\x1b[2J" }, "no text"},
		{"no UTF-8", func(s *Suppression) { s.Finding = "CVE-2024\xff" }, "no text"},
		{"a long pattern", func(s *Suppression) { s.Finding = Pattern(strings.Repeat("a*", 200)) }, "400 characters"},
		{"a package that is none", func(s *Suppression) { s.Package = "CVE" }, "no rules package"},
		{"it ends now", func(s *Suppression) { s.Until = now }, "end before"},
		{"it ends in a moment", func(s *Suppression) { s.Until = now.Add(time.Microsecond) }, ""},
		{"it ended", func(s *Suppression) { s.Until = now.Add(-time.Hour) }, "end before"},
		{"it ends in a thousand years", func(s *Suppression) { s.Until = now.AddDate(1000, 0, 0) }, "2199"},
		{"many attributes", func(s *Suppression) { s.Attributes = make([]Attribute, 11) }, "at most 10"},
		{"half an attribute", func(s *Suppression) { s.Attributes = []Attribute{{Key: "package_name"}} }, "a key and a value"},
		{"a tag without key", func(s *Suppression) { s.Tags = []Tag{{Value: "x"}} }, "a tag has a key"},
		{"a tag that is no text", func(s *Suppression) { s.Tags = []Tag{{Key: "x", Value: "\x00"}} }, "no text"},
	} {
		err := valid(test.change).Check(now)
		var refused *Err
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (!errors.As(err, &refused) || refused.Kind != InvalidInput || !strings.Contains(refused.Message, test.want)):
			t.Errorf("%s: the error is %v, want one with %q", test.name, err, test.want)
		}
	}
}

func TestSuppressionState(t *testing.T) {
	end := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	s := Suppression{Until: end}
	for at, want := range map[time.Time]SuppressionState{
		end.Add(-time.Nanosecond): SuppressionActive, end: SuppressionExpired, end.Add(time.Hour): SuppressionExpired,
	} {
		if got := s.State(at); got != want {
			t.Errorf("at %v it is %s, want %s", at, got, want)
		}
	}
	if got := (Suppression{}).State(end.AddDate(1000, 0, 0)); got != SuppressionActive {
		t.Errorf("one without end is %s", got)
	}
	if got := (Suppression{RevokedAt: end}).State(end); got != SuppressionRevoked {
		t.Errorf("one that was revoked is %s", got)
	}
}
