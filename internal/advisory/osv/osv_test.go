package osv

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/advisory/feed"
	"assay/internal/advisory/feedtest"
)

// Records in the shape of their publishers (OSV 1.6.7 and 1.7, August 2025), written by
// hand after https://ossf.github.io/osv-schema/ and the publishers' pages, cut down
// to what makes them different.
const (
	// Debian, as https://github.com/google/osv.dev converts DSAs and the tracker.
	dsa = `{"schema_version":"1.7.0","id":"DSA-4963-1","published":"2021-08-24T00:00:00Z","modified":"2021-08-24T00:00:00Z",
"summary":"openssl - security update","upstream":["CVE-2021-3712","CVE-2021-3711"],
"affected":[{"package":{"ecosystem":"Debian:11","name":"openssl","purl":"pkg:deb/debian/openssl?arch=source"},
"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.1.1k-1+deb11u1"}]}],"versions":["1.1.1k-1"],"ecosystem_specific":{"urgency":"not yet assigned"}}]}`
	debianCVE = `{"id":"DEBIAN-CVE-2005-2541","details":"Tar 1.15.1 does not properly warn the user\nwhen extracting setuid files.","modified":"2025-08-01T10:00:00.123456Z","upstream":["CVE-2005-2541"],
"severity":[{"type":"CVSS_V2","score":"AV:N/AC:L/Au:N/C:C/I:C/A:C"}],
"affected":[{"package":{"ecosystem":"Debian:12","name":"tar"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"versions":["1.34+dfsg-1.2"],"ecosystem_specific":{"urgency":"unimportant"}},
{"package":{"ecosystem":"Debian:10","name":"tar"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"ecosystem_specific":{"urgency":"end-of-life"}}]}`
	// Ubuntu: severity of its own type, Pro, binaries.
	ubuntu = `{"schema_version":"1.7.0","id":"UBUNTU-CVE-2022-1271","modified":"2025-07-16T04:50:43Z","upstream":["CVE-2022-1271"],"related":["USN-5378-1"],
"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H"},{"type":"Ubuntu","score":"medium"}],
"affected":[{"package":{"ecosystem":"Ubuntu:Pro:14.04:LTS","name":"gzip"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.6-3ubuntu1+esm1"}]}],
"ecosystem_specific":{"binaries":[{"binary_name":"gzip","binary_version":"1.6-3ubuntu1+esm1"},{"binary_name":"gzip-win32","binary_version":"1.6-3ubuntu1+esm1"}],"availability":"Available with Ubuntu Pro"}},
{"package":{"ecosystem":"Ubuntu:22.04:LTS","name":"xz-utils"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}],"ecosystem_specific":{"ubuntu_priority":"low","binaries":[{"xz-utils":"5.2.5-2"}]}}]}`
	usn = `{"id":"USN-5378-1","modified":"2022-04-13T12:00:00Z","related":["CVE-2022-1271"],"affected":[{"package":{"ecosystem":"Ubuntu:20.04:LTS","name":"gzip"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.10-0ubuntu4.1"}]}]}]}`
	// AlmaLinux: CVEs in related, the module in the summary.
	alma = `{"id":"ALSA-2024:5815","summary":"Important: nodejs:20 security update","related":["CVE-2024-22020","CVE-2024-28863"],"published":"2024-08-26T00:00:00Z","modified":"2024-08-27T12:04:28Z",
"affected":[{"package":{"ecosystem":"AlmaLinux:9","name":"nodejs"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:20.16.0-1.module_el9.4.0+110+2f6d9dbd"}]}]},
{"package":{"ecosystem":"AlmaLinux:9","name":"almalinux-release"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"9.4-1.el9"}]}]}]}`
	almaOld = `{"id":"ALSA-2022:5468","summary":"ALSA-2022:5468: php:8.0 security update (Important)","related":["CVE-2022-31625"],"modified":"2022-07-05T00:00:00Z",
"affected":[{"package":{"ecosystem":"AlmaLinux:8","name":"php"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"8.0.13-3.module_el8.6.0+3005+fb6a5eb5"}]}]}]}`
	rocky = `{"id":"RLSA-2021:1242","summary":"Important: mariadb:10.3 and mariadb-devel:10.3 security update","upstream":["CVE-2021-27928"],"related":["CVE-2020-0001"],"modified":"2021-04-19T00:00:00Z",
"affected":[{"package":{"ecosystem":"Rocky Linux:8","name":"mariadb"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3:10.3.28-1.module+el8.3.0+549+7fcae79f"}]}]}]}`
	alpine = `{"id":"ALPINE-CVE-2023-5363","modified":"2023-10-26T00:00:00Z","upstream":["CVE-2023-5363"],"affected":[{"package":{"ecosystem":"Alpine:v3.18","name":"openssl"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"3.1.4-r0"}]}]}]}`
	// GHSA: aliases; related ones are others.
	ghsa = `{"schema_version":"1.4.0","id":"GHSA-29mw-wpgm-hmr9","modified":"2025-08-12T21:20:47Z","published":"2022-01-06T20:30:46Z","aliases":["CVE-2020-28500"],"related":["CVE-2021-23337"],"summary":"ReDoS in lodash",
"severity":[{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:L"}],"references":[{"type":"ADVISORY","url":"https://nvd.nist.gov/vuln/detail/CVE-2020-28500"}],
"affected":[{"package":{"ecosystem":"npm","name":"lodash"},"ranges":[{"type":"SEMVER","events":[{"introduced":"4.0.0"},{"fixed":"4.17.21"}]}],"database_specific":{"source":"https://github.com/x"}},
{"package":{"ecosystem":"Packagist","name":"x/y"},"versions":["1.0","2.0"]}],
"database_specific":{"severity":"MODERATE","cwe_ids":["CWE-1333"]}}`
	// PyPI: versions enumerated, GIT beside.
	pysec = `{"id":"PYSEC-2021-1","details":"x","aliases":["CVE-2021-0001","GHSA-xxxx-xxxx-xxxx"],"modified":"2021-01-01T00:00:00Z","withdrawn":"2022-02-02T00:00:00Z",
"affected":[{"package":{"ecosystem":"PyPI","name":"a"},"ranges":[{"type":"GIT","repo":"https://github.com/a/a","events":[{"introduced":"0"},{"fixed":"0123456789"}]},{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.2"}]}],"versions":["1.0","1.1","1.3rc1"]},
{"ranges":[{"type":"GIT","repo":"https://github.com/a/a","events":[{"introduced":"0"}]}]}]}`
)

func rows(r advisory.Record) []string {
	var all []string
	for _, a := range r.Affected {
		text := strings.Join([]string{a.Ecosystem, a.Package, a.Module, string(a.Status), string(a.Severity)}, "|")
		for _, x := range a.Ranges {
			text += "|" + x.Introduced + ".." + x.Fixed
			if x.LastAffected != "" {
				text += "=" + x.LastAffected
			}
		}
		all = append(all, text+strings.Join(append([]string{""}, a.Versions...), "|="))
	}
	return all
}

func TestPublishers(t *testing.T) {
	for name, c := range map[string]struct {
		text     string
		cves     []string
		severity advisory.Severity
		rows     []string
		skips    map[string]int
	}{
		"debian advisory": {dsa, []string{"CVE-2021-3711", "CVE-2021-3712"}, "", []string{"Debian:11|openssl||fixed||0..1.1.1k-1+deb11u1"}, nil},
		"debian cve":      {debianCVE, []string{"CVE-2005-2541"}, "", []string{"Debian:12|tar||not urgent|negligible|0..", "Debian:10|tar||end of life||0.."}, nil},
		"ubuntu cve": {ubuntu, []string{"CVE-2022-1271"}, advisory.Medium, []string{
			"Ubuntu:Pro:14.04:LTS|gzip||fixed||0..1.6-3ubuntu1+esm1", "Ubuntu:22.04:LTS|xz-utils||affected|low|0.."}, nil},
		"ubuntu notice": {usn, []string{"CVE-2022-1271"}, "", []string{"Ubuntu:20.04:LTS|gzip||fixed||0..1.10-0ubuntu4.1"}, nil},
		"alma": {alma, []string{"CVE-2024-22020", "CVE-2024-28863"}, advisory.High, []string{
			"AlmaLinux:9|nodejs|nodejs:20|fixed||0..1:20.16.0-1.module_el9.4.0+110+2f6d9dbd", "AlmaLinux:9|almalinux-release||fixed||0..9.4-1.el9"}, nil},
		"alma of old": {almaOld, []string{"CVE-2022-31625"}, advisory.High, []string{"AlmaLinux:8|php|php:8.0|fixed||0..8.0.13-3.module_el8.6.0+3005+fb6a5eb5"}, nil},
		"rocky": {rocky, []string{"CVE-2021-27928"}, advisory.High, []string{
			"Rocky Linux:8|mariadb|mariadb:10.3|fixed||0..3:10.3.28-1.module+el8.3.0+549+7fcae79f",
			"Rocky Linux:8|mariadb|mariadb-devel:10.3|fixed||0..3:10.3.28-1.module+el8.3.0+549+7fcae79f"}, nil},
		"alpine": {alpine, []string{"CVE-2023-5363"}, "", []string{"Alpine:v3.18|openssl||fixed||0..3.1.4-r0"}, nil},
		"github": {ghsa, []string{"CVE-2020-28500"}, advisory.Medium, []string{"npm|lodash||fixed||4.0.0..4.17.21", "Packagist|x/y||affected||=1.0|=2.0"}, nil},
		"python": {pysec, []string{"CVE-2021-0001"}, "", []string{"PyPI|a||fixed||0..1.2|=1.3rc1"}, map[string]int{"GIT range": 1, "no package": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			got := feedtest.Read(t, Read, c.text)
			if len(got.Records) != 1 {
				t.Fatalf("%d records", len(got.Records))
			}
			r := got.Records[0]
			if diff := cmp.Diff(c.cves, r.CVEs); diff != "" {
				t.Errorf("CVEs: %s", diff)
			}
			if r.Severity != c.severity {
				t.Errorf("severity %q, want %q", r.Severity, c.severity)
			}
			if diff := cmp.Diff(c.rows, rows(r)); diff != "" {
				t.Error(diff)
			}
			if len(c.skips) > 0 || len(got.Skips) > 0 {
				if diff := cmp.Diff(c.skips, got.Why()); diff != "" {
					t.Errorf("skips: %s", diff)
				}
			}
		})
	}
}

func TestTheRestOfARecord(t *testing.T) {
	got := feedtest.Read(t, Read, debianCVE+ubuntu+pysec+ghsa).Records
	if got[0].Summary != "Tar 1.15.1 does not properly warn the user" || !cmp.Equal(got[0].CVSS, []string{"AV:N/AC:L/Au:N/C:C/I:C/A:C"}) {
		t.Errorf("%+v", got[0])
	}
	if !got[0].Modified.Equal(time.Date(2025, 8, 1, 10, 0, 0, 123456000, time.UTC)) {
		t.Error(got[0].Modified)
	}
	if diff := cmp.Diff([]string{"gzip", "gzip-win32"}, got[1].Affected[0].Binaries); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"xz-utils"}, got[1].Affected[1].Binaries); diff != "" {
		t.Error(diff)
	}
	if got[2].Withdrawn.IsZero() || len(got[3].References) != 1 {
		t.Errorf("%+v %+v", got[2], got[3])
	}
}

func TestIntervals(t *testing.T) {
	for name, c := range map[string]struct{ ecosystem, typ, events, want string }{
		"several, out of order": {"npm", "SEMVER", `{"fixed":"2.1.0"},{"introduced":"2.0.0"},{"fixed":"1.10.0"},{"introduced":"1.9.0"}`, "1.9.0..1.10.0 2.0.0..2.1.0"},
		"last affected":         {"PyPI", "ECOSYSTEM", `{"last_affected":"1.10"},{"introduced":"1.9"}`, "1.9..=1.10"},
		"only one version":      {"PyPI", "ECOSYSTEM", `{"last_affected":"1.9"},{"introduced":"1.9"}`, "1.9..=1.9"},
		"adjoining":             {"PyPI", "ECOSYSTEM", `{"introduced":"1.0"},{"introduced":"2.0"},{"fixed":"2.0"},{"fixed":"3.0"}`, "1.0..2.0 2.0..3.0"},
		"open":                  {"Go", "SEMVER", `{"introduced":"1.2.3"}`, "1.2.3.."},
		"again open":            {"Debian:12", "ECOSYSTEM", `{"introduced":"0"},{"fixed":"1:1.0-1"},{"introduced":"1:2.0~rc1-1"}`, "0..1:1.0-1 1:2.0~rc1-1.."},
		"limit":                 {"npm", "SEMVER", `{"introduced":"0"},{"limit":"2.0.0"},{"introduced":"3.0.0"}`, "0..2.0.0"},
		"two limits":            {"npm", "SEMVER", `{"introduced":"0"},{"limit":"2.0.0"},{"limit":"4.0.0"},{"fixed":"3.0.0"}`, "0..3.0.0"},
		"no limit":              {"npm", "SEMVER", `{"introduced":"0"},{"limit":"*"}`, "0.."},
		"zero is no version":    {"Debian:12", "ECOSYSTEM", `{"fixed":"0~1"},{"introduced":"0"}`, "0..0~1"},
		"unknown order":         {"CRAN", "ECOSYSTEM", `{"introduced":"2.0"},{"fixed":"2.1"},{"introduced":"1.0"},{"fixed":"1.1"}`, "2.0..2.1 1.0..1.1"},
		"no versions":           {"PyPI", "ECOSYSTEM", `{"introduced":"0"},{"fixed":"not a version"}`, "0..not a version"},
	} {
		t.Run(name, func(t *testing.T) {
			text := `{"id":"X-1","affected":[{"package":{"ecosystem":"` + c.ecosystem + `","name":"a"},"ranges":[{"type":"` + c.typ + `","events":[` + c.events + `]}]}]}`
			var got []string
			for _, r := range feedtest.Read(t, Read, text).Records[0].Affected[0].Ranges {
				s := r.Introduced + ".." + r.Fixed
				if r.LastAffected != "" {
					s += "=" + r.LastAffected
				}
				got = append(got, s)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
		})
	}
}

func TestTooManyStreams(t *testing.T) {
	summary := "Important:" + strings.Repeat(" a:1 b:2 c:3 d:4 e:5 f:6 g:7 h:8 i:9", 1000)
	got := feedtest.Read(t, Read, strings.Replace(alma, "Important: nodejs:20", summary, 1))
	if a := got.Records[0].Affected; len(a) != 2 || a[0].Module != "" {
		t.Errorf("%d rows, module %q", len(a), a[0].Module)
	}
}

func TestForms(t *testing.T) {
	for name, text := range map[string]string{
		"lines": dsa + "\n" + usn + "\n", "array": "[" + dsa + "," + usn + "]\n", "nothing between": dsa + usn,
	} {
		if got := feedtest.Read(t, Read, text); len(got.Records) != 2 {
			t.Errorf("%s: %d records", name, len(got.Records))
		}
	}
	if got := feedtest.Read(t, Read, "[]"); len(got.Records) != 0 {
		t.Error("records in an empty array")
	}
}

func TestArchive(t *testing.T) {
	read := func(files map[string]string, emit advisory.Emit) error {
		var buf bytes.Buffer
		archive := zip.NewWriter(&buf)
		for name, text := range files {
			w, err := archive.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		return feed.Zip(t.Context(), bytes.NewReader(buf.Bytes()), int64(buf.Len()), Read, emit)
	}
	files := map[string]string{"DSA-4963-1.json": dsa, "README.txt": "x", "a/1.json": usn, "2.json": alma, "2.json.asc": "x"}
	var got feedtest.Got
	if err := read(files, got.Emit()); err != nil {
		t.Fatal(err)
	}
	if len(got.Records) != 3 || got.Why()["not a file of advisories"] != 2 {
		t.Errorf("%d records, skipped %v", len(got.Records), got.Why())
	}
	files["3.json"] = dsa[:200]
	if err := read(files, advisory.Emit{}); err == nil || !strings.Contains(err.Error(), "3.json") {
		t.Errorf("the error does not name the file: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		words []string
	}{
		"nothing":       {"", []string{"no OSV record"}},
		"not JSON":      {"<html>", []string{"OSV record 1", "byte 0"}},
		"truncated":     {dsa[:300], []string{"OSV record 1", "DSA-4963-1"}},
		"second":        {dsa + "\n" + usn[:50], []string{"OSV record 2", "USN-5378-1"}},
		"no id":         {`{"summary":"x"}`, []string{"no id"}},
		"doubled key":   {`{"id":"A","id":"B"}`, []string{"duplicate", "id"}},
		"wrong type":    {`{"id":"A","aliases":[1]}`, []string{`"A"`, "/aliases/0"}},
		"a number":      {`1`, []string{"an object"}},
		"bad date":      {`{"id":"A","published":"yesterday"}`, []string{"published", "yesterday"}},
		"two in one":    {`{"id":"A","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0","fixed":"1"}]}]}]}`, []string{"events[0]", "2 of"}},
		"empty event":   {`{"id":"A","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[{}]}]}]}`, []string{"events[0]"}},
		"no ecosystem":  {`{"id":"A","affected":[{"package":{"name":"a"}}]}`, []string{"affected[0]"}},
		"deep":          {`{"id":"A","x":` + strings.Repeat("[", 20000), []string{"depth"}},
		"open array":    {"[" + dsa, []string{"byte"}},
		"after the end": {"[" + dsa + "]" + usn, []string{"after the end"}},
	} {
		t.Run(name, func(t *testing.T) { feedtest.Fails(t, Read, c.text, c.words...) })
	}
	feedtest.Truncated(t, Read, alma, 0)
}

// endless is a record that does not end.
type endless struct{ n int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	if e.n == 0 {
		copy(p, `{"id":"`)
	}
	e.n += int64(len(p))
	return len(p), nil
}

func TestBounded(t *testing.T) {
	var e endless
	err := Read(t.Context(), &e, advisory.Emit{})
	if err == nil || !strings.Contains(err.Error(), "more than") {
		t.Fatal(err)
	}
	if e.n > MaxRecord+1<<20 {
		t.Errorf("%d bytes were read", e.n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Read(ctx, &endless{}, advisory.Emit{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	full := errors.New("full")
	if err := Read(t.Context(), strings.NewReader(dsa), advisory.Emit{Record: func(advisory.Record) error { return full }}); !errors.Is(err, full) {
		t.Error(err)
	}
}

func FuzzRead(f *testing.F) {
	feedtest.Fuzz(f, Read, dsa, debianCVE, ubuntu, usn, alma, almaOld, rocky, alpine, ghsa, pysec, "["+dsa+"]")
}
