package inspector

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of a suppression, in characters and entries.
const (
	MaxSuppressionReason = 1000
	maxSuppressionText   = 300 // of a rule, a pattern, a host
	maxSuppressionList   = 10  // attributes, tags
)

// leastLiteral is how many letters and digits a pattern with a star says itself:
// "CVE-*", which is all that a rules package can find, has too few.
const leastLiteral = 4

// Check tells, as an error of the API, what is wrong with a suppression that is to
// be in force from a time on. Who it is of is not looked at.
func (s Suppression) Check(now time.Time) error {
	for _, check := range []func() error{s.checkTexts, s.checkLists, s.checkNarrow} {
		if err := check(); err != nil {
			return err
		}
	}
	switch y := s.Until.Year(); {
	case s.Until.IsZero():
	case !now.Before(s.Until):
		return badSuppression("it would end before it begins: it is to end at %s", s.Until.UTC().Format(time.RFC3339))
	case y > 2199:
		return badSuppression("it ends in the year 2199 at the latest, not in %d: what is to have no end has no time to end", y)
	}
	return nil
}

func badSuppression(format string, args ...any) error {
	return Errorf(InvalidInput, "INVALID_SUPPRESSION", "the suppression is not valid: "+format, args...)
}

func (s Suppression) checkTexts() error {
	if s.Package != "" && !slices.Contains(Packages(), s.Package) {
		return badSuppression("%.100q is no rules package: there are %s", string(s.Package), packageNames())
	}
	for _, field := range []struct {
		name, text string
		most       int
	}{
		{"rule", s.Rule, maxSuppressionText}, {"finding", string(s.Finding), maxSuppressionText}, {"subject", string(s.Subject), maxSuppressionText},
		{"agent", s.Agent, maxSuppressionText}, {"hostname", string(s.Hostname), maxSuppressionText}, {"reason", s.Reason, MaxSuppressionReason},
	} {
		if err := checkText(field.name, field.text, field.most); err != nil {
			return err
		}
	}
	if strings.TrimSpace(s.Reason) == "" {
		return badSuppression("it has no reason: whoever meets it later has to know why it is there")
	}
	return nil
}

func checkText(name, text string, most int) error {
	switch {
	case !utf8.ValidString(text) || Harmless(text) != text:
		return badSuppression("its %s has characters that are no text", name)
	case utf8.RuneCountInString(text) > most:
		return badSuppression("its %s has %d characters, more than %d", name, utf8.RuneCountInString(text), most)
	}
	return nil
}

func packageNames() string {
	var names []string
	for _, id := range Packages() {
		names = append(names, string(id))
	}
	return strings.Join(names, ", ")
}

func (s Suppression) checkLists() error {
	if len(s.Attributes) > maxSuppressionList || len(s.Tags) > maxSuppressionList {
		return badSuppression("it names at most %d attributes and %d tags", maxSuppressionList, maxSuppressionList)
	}
	for _, a := range s.Attributes {
		if a.Key == "" || a.Value == "" {
			return badSuppression("an attribute has a key and a value, not %.100q and %.100q", a.Key, a.Value)
		}
		if err := checkText("attribute", a.Key+a.Value, 2*maxSuppressionText); err != nil {
			return err
		}
	}
	for _, t := range s.Tags {
		if t.Key == "" {
			return badSuppression("a tag has a key")
		}
		if err := checkText("tag", t.Key+t.Value, 2*maxSuppressionText); err != nil {
			return err
		}
	}
	return nil
}

// checkNarrow refuses what would suppress nearly everything.
func (s Suppression) checkNarrow() error {
	if s.Narrow() {
		return nil
	}
	for _, p := range []Pattern{s.Finding, s.Subject} {
		if p != "" {
			return badSuppression("the pattern %q selects nearly everything: one with a star has %d letters or digits at least beside it", string(p), leastLiteral)
		}
	}
	if s.Rule != "" {
		return badSuppression("the rule %q finds all that the rules package %s does: say by a finding, a subject or an attribute which of it", s.Rule, s.Package)
	}
	return badSuppression("it would suppress whatever is found: say by a rule, a finding, a subject or an attribute what it is about, not only where")
}

// wide are attributes that a large part of all findings has.
var wide = []string{"INSTANCE_ID", "ECOSYSTEM", "STATUS", "RUNTIME_STATE", "OBSERVED", "KEV_RANSOMWARE", "TELEMETRY_DATE", "TELEMETRY_RUN"}

// Narrow tells whether the suppression says what it is about. The rules of the
// package for CVEs do not say that, and neither do attributes such as INSTANCE_ID, which
// every finding of a host has.
func (s Suppression) Narrow() bool {
	return s.Rule != "" && s.Package != PackageCVE || narrow(s.Finding) || narrow(s.Subject) ||
		slices.ContainsFunc(s.Attributes, func(a Attribute) bool { return !slices.Contains(wide, a.Key) })
}

func narrow(p Pattern) bool {
	parts := p.parts()
	return p != "" && (len(parts) == 1 || literal(parts) >= leastLiteral && !manyYears(p))
}

// manyYears tells patterns that select the CVEs of several years, whatever they are
// about: "CVE-2*" has its four letters and digits.
func manyYears(p Pattern) bool {
	years := 0
	for year := 1999; year < 2060; year++ {
		id := fmt.Sprintf("CVE-%d-40317", year)
		if p.Matches(id) || p.Matches(id+"/any") {
			years++
		}
	}
	return years > 1
}

// literal counts letters and digits.
func literal(parts []string) (n int) {
	for _, r := range strings.Join(parts, "") {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
