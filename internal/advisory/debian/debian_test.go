package debian

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/advisory/feedtest"
)

// The shape of https://security-tracker.debian.org/tracker/data/json in September 2025,
// written by hand.
const tracker = `{
"zlib": {"CVE-2023-45853": {"description": "MiniZip in zlib through 1.3 has an integer overflow.", "debianbug": 1056718, "scope": "local", "releases": {
  "bookworm": {"status": "open", "repositories": {"bookworm": "1:1.2.13.dfsg-1"}, "urgency": "not yet assigned", "nodsa": "contrib/minizip not built", "nodsa_reason": "ignored"},
  "bullseye": {"status": "open", "repositories": {"bullseye": "1:1.2.11.dfsg-2+deb11u2", "bullseye-security": "1:1.2.11.dfsg-2+deb11u2"}, "urgency": "not yet assigned", "nodsa": "Minor issue", "nodsa_reason": "postponed"},
  "trixie": {"status": "resolved", "repositories": {"trixie": "1:1.3.dfsg+really1.3.1-1"}, "fixed_version": "1:1.3.dfsg-3", "urgency": "not yet assigned"},
  "sid": {"status": "resolved", "repositories": {"sid": "1:1.3.dfsg+really1.3.1-1"}, "fixed_version": "1:1.3.dfsg-3", "urgency": "not yet assigned"}}}},
"tar": {"CVE-2005-2541": {"description": "Tar 1.15.1 does not warn.\nSecond line.", "releases": {
  "bookworm": {"status": "open", "repositories": {"bookworm": "1.34"}, "urgency": "unimportant"},
  "trixie": {"status": "open", "repositories": {"trixie": "1.35"}, "urgency": "unimportant"}}},
 "TEMP-0290435-0B57B5": {"releases": {"bookworm": {"status": "open", "repositories": {}, "urgency": "low**", "nodsa": "Minor issue", "nodsa_reason": ""}}}},
"a": {"CVE-2024-0001": {"scope": "remote", "releases": {
  "bookworm": {"status": "resolved", "fixed_version": "0", "urgency": "high", "repositories": {}},
  "bullseye": {"status": "open", "urgency": "end-of-life", "repositories": {}},
  "buster": {"status": "undetermined", "urgency": "not yet assigned", "repositories": {}},
  "trixie": {"status": "open", "urgency": "high", "repositories": {}},
  "sarge": {"status": "open", "urgency": "high", "repositories": {}},
  "forky": {"status": "resolved", "urgency": "high", "repositories": {}}}},
 "CVE-2024-0002": {"releases": {}}}
}`

func TestStates(t *testing.T) {
	got := feedtest.Read(t, Read, tracker)
	var have []string
	for _, r := range got.Records {
		for _, a := range r.Affected {
			have = append(have, strings.Join([]string{r.ID, strings.Join(r.CVEs, ","), a.Ecosystem, a.Package, string(a.Status), a.Note, string(a.Severity), a.Ranges[0].Introduced + ".." + a.Ranges[0].Fixed}, "|"))
		}
	}
	want := []string{
		"CVE-2023-45853|CVE-2023-45853|Debian:12|zlib|will not fix|contrib/minizip not built||0..",
		"CVE-2023-45853|CVE-2023-45853|Debian:11|zlib|fix deferred|Minor issue||0..",
		"CVE-2023-45853|CVE-2023-45853|Debian:sid|zlib|fixed|||0..1:1.3.dfsg-3",
		"CVE-2023-45853|CVE-2023-45853|Debian:13|zlib|fixed|||0..1:1.3.dfsg-3",
		"CVE-2005-2541|CVE-2005-2541|Debian:12|tar|not urgent||negligible|0..",
		"CVE-2005-2541|CVE-2005-2541|Debian:13|tar|not urgent||negligible|0..",
		"TEMP-0290435-0B57B5||Debian:12|tar|fix deferred|Minor issue|low|0..",
		"CVE-2024-0001|CVE-2024-0001|Debian:12|a|not affected||high|0..",
		"CVE-2024-0001|CVE-2024-0001|Debian:11|a|end of life|||0..",
		"CVE-2024-0001|CVE-2024-0001|Debian:10|a|under investigation|||0..",
		"CVE-2024-0001|CVE-2024-0001|Debian:13|a|affected||high|0..",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"release that we do not know": 1, "resolved without a fixed version": 1, "no release": 1}, got.Why()); diff != "" {
		t.Error(diff)
	}
	if got.Records[1].Summary != "Tar 1.15.1 does not warn." {
		t.Error(got.Records[1].Summary)
	}
}

func TestRefused(t *testing.T) {
	feedtest.Truncated(t, Read, tracker, 0)
	for name, c := range map[string]struct {
		text  string
		words []string
	}{
		"array":        {`[]`, []string{"byte"}},
		"status":       {`{"a":{"CVE-2024-1111":{"releases":{"sid":{"status":"fixed"}}}}}`, []string{"package 1", `"a"`, "CVE-2024-1111", `"sid"`, `"fixed"`}},
		"wrong type":   {`{"a":{"CVE-2024-1111":{"releases":{"sid":{"status":"resolved","fixed_version":1}}}}}`, []string{"CVE-2024-1111", "fixed_version"}},
		"doubled":      {`{"a":{},"a":{}}`, []string{"duplicate"}},
		"no package":   {`{"":{}}`, []string{"package 1", "no name"}},
		"no id":        {`{"a":{"":{}}}`, []string{"package 1", `"a"`, "no id"}},
		"no object":    {`{"a":[]}`, []string{"begins with"}},
		"more follows": {`{} {}`, []string{"after the end"}},
	} {
		t.Run(name, func(t *testing.T) { feedtest.Fails(t, Read, c.text, c.words...) })
	}
}

func TestPackagesOfOneCVE(t *testing.T) {
	got := feedtest.Read(t, Read, `{"a":{"CVE-2024-1111":{"releases":{"sid":{"status":"open"}}}},"b":{"CVE-2024-1111":{"releases":{"sid":{"status":"open"}}}}}`)
	if len(got.Records) != 2 || got.Records[1].Affected[0].Status != advisory.AffectedNow {
		t.Errorf("%+v", got.Records)
	}
}

func FuzzRead(f *testing.F) { feedtest.Fuzz(f, Read, tracker) }
