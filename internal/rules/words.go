package rules

import (
	"fmt"
	"strings"

	"assay/internal/inspector"
)

// Severest is the worst severity among findings; empty if there are none.
func Severest(findings []inspector.Finding) inspector.Severity {
	var worst inspector.Severity
	for _, f := range findings {
		if worst == "" || f.Severity.AtLeast(worst) {
			worst = f.Severity
		}
	}
	return worst
}

// Worst is the verdict of a rule that gave several: one that failed before one
// with an error, not evaluated, passed, not applicable. It is empty if none of
// the results is the rule's.
func Worst(results []Result, rule string) Verdict {
	order := []Verdict{Failed, Error, NotEvaluated, Passed, NotApplicable}
	for _, v := range order {
		for _, r := range results {
			if r.Rule == rule && r.Verdict == v {
				return v
			}
		}
	}
	return ""
}

// OneLine words evidence in one line: "/etc/ssh/sshd_config:12: PermitRootLogin
// yes (expected: no)". Control characters become blanks, so that nothing from a
// host can move a terminal's cursor.
func OneLine(e inspector.Evidence) string {
	where := e.File
	switch {
	case where == "":
		where = e.Record
	case e.Line > 0:
		where = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	text := e.Found
	if where != "" {
		text = where + ": " + text
	}
	if e.Expected != "" {
		text += " (expected: " + e.Expected + ")"
	}
	return strings.Join(strings.Fields(strings.Map(printable, text)), " ")
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
		return ' '
	}
	return r
}
