package feed

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"assay/internal/advisory"
)

// Severity is a vendor's word in our vocabulary; empty for words that say nothing
// ("not yet assigned", "untriaged", "none").
func Severity(word string) advisory.Severity {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical", "urgent":
		return advisory.Critical
	case "high", "important":
		return advisory.High
	case "medium", "moderate":
		return advisory.Medium
	case "low", "minor":
		return advisory.Low
	case "negligible", "unimportant":
		return advisory.Negligible
	}
	return ""
}

var cve = regexp.MustCompile(`(?i)\bCVE[-_](\d{4})-(\d{4,19})\b`)

// CVEs are the CVE ids in texts, in their usual writing, sorted, each once.
func CVEs(texts ...string) []string {
	var ids []string
	for _, text := range texts {
		for _, m := range cve.FindAllStringSubmatch(text, -1) {
			ids = append(ids, "CVE-"+m[1]+"-"+m[2])
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// layouts of dates in feeds. Those without a zone are UTC.
var layouts = []string{
	time.RFC3339, time.DateOnly, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04",
	"2006-01-02T15:04:05-0700", "2006-01-02T15:04:05.999999", "2006-01-02 15:04:05 UTC",
}

// Time reads a date in one of the writings that feeds have; zero for none.
func Time(text string) (time.Time, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range layouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%.40q is no date that we know", text)
}

// Unique is a list with each text once, where it first was.
func Unique(list []string) []string {
	seen := make(map[string]bool, len(list))
	return slices.DeleteFunc(slices.Clone(list), func(text string) bool {
		was := seen[text]
		seen[text] = true
		return was
	})
}

// Line is the first line of a text, of at most max bytes.
func Line(text string, max int) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	if len(text) > max {
		text = strings.ToValidUTF8(text[:max], "") + "…"
	}
	return strings.TrimSpace(text)
}
