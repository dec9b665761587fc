package alpine

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory/feedtest"
)

// The shape of https://secdb.alpinelinux.org/v3.20/main.json in 2025, written by hand.
const secdb = `{"apkurl":"{{urlprefix}}/{{distroversion}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk","archs":["aarch64","x86_64"],"reponame":"main","urlprefix":"https://dl-cdn.alpinelinux.org/alpine",
"packages":[{"pkg":{"name":"busybox","secfixes":{"1.36.1-r2":["CVE-2022-48174"],"1.29.3-r10":["CVE-2019-5747 (+ follow-up)"],"0":["CVE-2021-42373","CVE-2021-42376 CVE-2021-42377"]}}},
{"pkg":{"name":"xen","secfixes":{"4.12.1-r0":["CVE-2019-17349 XSA-295","XSA-296"],"4.11":null,"4.10 ":["CVE_2018-0001","fixed"]}}},{"pkg":{"name":"empty","secfixes":{}}}],"distroversion":"v3.20"}`

func TestRead(t *testing.T) {
	got := feedtest.Read(t, Read, secdb)
	var have []string
	for _, r := range got.Records {
		a := r.Affected[0]
		have = append(have, strings.Join([]string{r.ID, strings.Join(r.CVEs, ","), a.Ecosystem, a.Package, string(a.Status), a.Ranges[0].Fixed}, "|"))
	}
	want := []string{
		"CVE-2021-42373|CVE-2021-42373|Alpine:v3.20|busybox|not affected|",
		"CVE-2021-42376|CVE-2021-42376,CVE-2021-42377|Alpine:v3.20|busybox|not affected|",
		"CVE-2019-5747|CVE-2019-5747|Alpine:v3.20|busybox|fixed|1.29.3-r10",
		"CVE-2022-48174|CVE-2022-48174|Alpine:v3.20|busybox|fixed|1.36.1-r2",
		"CVE-2018-0001|CVE-2018-0001|Alpine:v3.20|xen|fixed|4.10",
		"CVE-2019-17349|CVE-2019-17349|Alpine:v3.20|xen|fixed|4.12.1-r0",
		"XSA-296||Alpine:v3.20|xen|fixed|4.12.1-r0",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"entry that names no vulnerability": 1}, got.Why()); diff != "" {
		t.Error(diff)
	}
}

func TestReleases(t *testing.T) {
	for text, want := range map[string]string{
		`{"distroversion":"edge"`: "Alpine:edge", `{"distroversion":"v3.9"`: "Alpine:v3.9", `{"distroversion":"3.22"`: "Alpine:v3.22",
		`{"urlprefix":"https://packages.wolfi.dev"`:          "Wolfi",
		`{"urlprefix":"https://packages.cgr.dev/chainguard"`: "Chainguard",
	} {
		got := feedtest.Read(t, Read, text+`,"packages":[{"pkg":{"name":"a","secfixes":{"1":["CVE-2024-0001"]}}}]}`)
		if e := got.Records[0].Affected[0].Ecosystem; e != want {
			t.Errorf("%s: %s, want %s", text, e, want)
		}
	}
}

func TestRefused(t *testing.T) {
	feedtest.Truncated(t, Read, secdb, 0)
	for text, words := range map[string][]string{
		`{"packages":[]}`: {"distroversion"}, `{"distroversion":"x/../y","packages":[]}`: {"x/../y"},
		`{"distroversion":"v3.9","packages":[{"pkg":{"secfixes":{}}}]}`:                                {"package 1", "name"},
		`{"distroversion":"v3.9","packages":[{"pkg":{"name":"a","secfixes":{"":["CVE-2024-0001"]}}}]}`: {`"a"`, "version"},
		`{"distroversion":"v3.9","packages":[{"pkg":{"name":"a","secfixes":{"1":"CVE-2024-0001"}}}]}`:  {"secfixes"},
		`{"distroversion":"v3.9","packages":[{"pkg":{"name":"a","secfixes":{"1":[],"1":[]}}}]}`:        {"duplicate"},
		`{"distroversion":"v3.9","packages":[]} x`:                                                     {"byte"},
	} {
		feedtest.Fails(t, Read, text, words...)
	}
}

func FuzzRead(f *testing.F) { feedtest.Fuzz(f, Read, secdb) }
