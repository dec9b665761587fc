package cve_test

import (
	"slices"
	"strings"
	"testing"

	"assay/internal/advisory"
	"assay/internal/host/hosttest"
	"assay/internal/rules"
	"assay/internal/rules/cve"
)

// TestHiddenIsNotMended: what is there and is no finding any more, for whatever reason,
// is never taken for repaired.
func TestHiddenIsNotMended(t *testing.T) {
	d, subject := cve.Package{}.Describe(), rules.Subject{Key: []byte("k")}
	observe := func(w world, host string, settings ...string) rules.Observation {
		return rules.Observe(d, subject, evaluate(t, w.pkg(t), hosttest.Parse(t, host), settings...))
	}
	before := world{records: []advisory.Record{open("CVE-2026-1", "curl", advisory.AffectedNow, ""), deb("DSA-1-1", "CVE-2026-2", "bash", "6")}}
	was := observe(before, web, cve.SettingUnfixed, cve.UnfixedShow)
	if len(was.Failed) != 2 {
		t.Fatalf("%+v", was.Failed)
	}
	one := was.Failed[slices.IndexFunc(was.Failed, func(o rules.Observed) bool { return o.Finding == "CVE-2026-1" })]
	for name, is := range map[string]rules.Observation{
		"hide all":                    observe(before, web, cve.SettingUnfixed, cve.UnfixedHide),
		"it is called negligible now": observe(world{records: []advisory.Record{open("CVE-2026-1", "curl", advisory.NotUrgent, ""), before.records[1]}}, web),
		"there is a fix now":          observe(world{records: []advisory.Record{deb("DSA-2-1", "CVE-2026-1", "curl", "8"), before.records[1]}}, web, cve.SettingUnfixed, cve.UnfixedShow),
	} {
		if h := is.Hidden[one.ID]; h.Rule != unfixed || !strings.Contains(h.Reason, "still there") {
			t.Errorf("%s: %+v", name, is.Hidden)
		}
	}
	mended := observe(before, strings.Replace(web, "7.88.1-10", "9", 1), cve.SettingUnfixed, cve.UnfixedShow)
	if len(mended.Failed) != 2 { // all versions are affected
		t.Errorf("%+v", mended)
	}
	gone := observe(before, strings.Replace(web, "package dpkg curl 7.88.1-10", "package dpkg wget 1", 1))
	if _, still := gone.Hidden[one.ID]; still || !slices.Contains(gone.Checked, unfixed) {
		t.Errorf("%+v", gone)
	}
	// Who hides what has no fix and cannot see packages has checked nothing.
	blind := rules.Observe(d, subject, evaluate(t, before.pkg(t), hosttest.Parse(t, web).Partial("packages"), cve.SettingUnfixed, cve.UnfixedHide))
	if slices.Contains(blind.Checked, unfixed) {
		t.Error("checked, although packages were not seen")
	}
}
