package cve_test

import (
	"strings"
	"testing"
	"time"

	"assay/internal/advisory/index"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
)

// TestFrozenMirror: what is fetched every day from a mirror that is not brought up to
// date is not current.
func TestFrozenMirror(t *testing.T) {
	for name, test := range map[string]struct {
		newest []time.Time
		silent bool
	}{
		"news":              {[]time.Time{fetched}, false},
		"no news for long":  {[]time.Time{now.Add(-100 * 24 * time.Hour)}, true},
		"not dated":         {[]time.Time{{}}, false},
		"another has news":  {[]time.Time{now.Add(-100 * 24 * time.Hour), fetched}, false},
		"another not dated": {[]time.Time{now.Add(-100 * 24 * time.Hour), {}}, false},
	} {
		w := curl()
		for n, newest := range test.newest {
			w.sources = append(w.sources, index.Source{Name: string(rune('a' + n)), From: "a mirror", Kind: "osv", Fetched: fetched, Newest: newest, Ecosystems: []string{"Debian:12"}, Unfixed: true})
		}
		results := evaluate(t, w.pkg(t), hosttest.Parse(t, web))
		got := reasons(results, current, rules.NotEvaluated)
		if strings.Contains(got, "the newest that the sources of Debian:12 have is of 2025-11-23, 100 days ago") != test.silent || len(of(results, current, rules.Passed)) == 1 == test.silent {
			t.Errorf("%s: %q", name, got)
		}
	}
}
