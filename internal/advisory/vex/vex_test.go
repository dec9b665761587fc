package vex

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/advisory/feedtest"
)

// The shape of OpenVEX 0.2.0 (https://github.com/openvex/spec, with its examples' forms),
// and of 0.0.1, by hand.
const (
	document2 = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"https://example.org/vex/1","author":"Wolfi J Inkinson","role":"Document Creator","timestamp":"2023-01-08T18:02:03.647787998-06:00","version":1,
"statements":[
{"vulnerability":{"name":"CVE-2023-12345","aliases":["GHSA-aaaa-bbbb-cccc"]},"products":[{"@id":"pkg:deb/debian/openssl@3.0.11-1~deb12u2?distro=bookworm"},{"@id":"x","identifiers":{"purl":"pkg:deb/debian/curl"}}],"status":"not_affected","justification":"vulnerable_code_not_in_execute_path"},
{"vulnerability":{"@id":"https://nvd.nist.gov/vuln/detail/CVE-2023-12345"},"timestamp":"2023-02-01T00:00:00Z","products":[{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:deb/debian/curl"}]}],"status":"affected","action_statement":"update"},
{"vulnerability":{"name":"CVE-2023-0001"},"products":[{"@id":"pkg:deb/debian/curl"}],"status":"not_affected"},
{"vulnerability":{"name":"CVE-2023-0002"},"status":"fixed"},
{"vulnerability":{"name":"CVE-2023-0003"},"products":[{"@id":"https://example.org/thing"}],"status":"under_investigation"}]}`
	document1 = `{"@context":"https://openvex.dev/ns","@id":"old","author":"a","timestamp":"2022-01-01T00:00:00Z","version":"1","statements":[{"vulnerability":"CVE-2022-0001","products":["pkg:apk/wolfi/git@2.38.1-r0?arch=x86_64"],"status":"fixed"},
{"vulnerability":"CVE-2022-0002","products":["pkg:oci/app"],"subcomponents":["pkg:apk/wolfi/git"],"status":"affected"}]}`
)

func TestRead(t *testing.T) {
	var have []string
	for _, s := range append(feedtest.Read(t, Read, document2).Statements, feedtest.Read(t, Read, document1).Statements...) {
		have = append(have, strings.Join([]string{s.Vulnerability, strings.Join(s.Aliases, ","), s.Product, s.Component, string(s.Status), s.Justification, s.Action, s.Time.Format("2006-01-02"), s.Source}, "|"))
	}
	want := []string{
		"CVE-2023-12345|GHSA-aaaa-bbbb-cccc|pkg:deb/debian/openssl@3.0.11-1~deb12u2?distro=bookworm||not_affected|vulnerable_code_not_in_execute_path||2023-01-09|https://example.org/vex/1",
		"CVE-2023-12345|GHSA-aaaa-bbbb-cccc|pkg:deb/debian/curl||not_affected|vulnerable_code_not_in_execute_path||2023-01-09|https://example.org/vex/1",
		"CVE-2023-12345||pkg:oci/app|pkg:deb/debian/curl|affected||update|2023-02-01|https://example.org/vex/1",
		"CVE-2022-0001||pkg:apk/wolfi/git@2.38.1-r0?arch=x86_64||fixed|||2022-01-01|old",
		"CVE-2022-0002||pkg:oci/app|pkg:apk/wolfi/git|affected|||2022-01-01|old",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]int{"not affected without a justification": 1, "statement without a product": 1, "product without a package URL or CPE": 1},
		feedtest.Read(t, Read, document2).Why()); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	feedtest.Truncated(t, Read, document2, 0)
	const head = `{"@context":"https://openvex.dev/ns/v0.2.0","@id":"d","timestamp":"2023-01-01T00:00:00Z","statements":[`
	for text, words := range map[string][]string{
		"": {"empty"}, "{}": {"no OpenVEX document"}, head + `{}]}`: {`"d"`, "statement 1", "vulnerability"},
		head + `{"vulnerability":"CVE-2023-0001","status":"ignored"}]}`:                                   {"statement 1", "ignored"},
		head + `{"vulnerability":1}]}`:                                                                    {"/statements/0/vulnerability"},
		head + `{"vulnerability":"CVE-2023-0001","status":"fixed","timestamp":"now"}]}`:                   {"statement 1", "now"},
		strings.Replace(head, "2023-01-01T00:00:00Z", "", 1) + `{"vulnerability":"a","status":"fixed"}]}`: {"timestamp"},
		head + `{"status":"fixed","status":"affected"}]}`:                                                 {"duplicate"},
		head + `{"products":[` + strings.Repeat(`{"subcomponents":[`, 4000):                               {"too often"},
		head + `{"vulnerability":"a","products":[` + strings.Repeat(`"pkg:a/b",`, 1999) + `"pkg:a/b"],"subcomponents":[` + strings.Repeat(`"pkg:a/b",`, 1999) + `"pkg:a/b"]}]}`: {"2000 products", "too many"},
		head + `{"vulnerability":{"name":"a","aliases":[` + strings.Repeat(`"b",`, 200) + `"b"]}}]}`:                                                                            {"201 aliases"},
	} {
		feedtest.Fails(t, Read, text, words...)
	}
}

func TestOverlay(t *testing.T) {
	statement := func(day, status, product, component string) advisory.Statement {
		var s advisory.Statement
		s.Vulnerability, s.Aliases, s.Status, s.Product, s.Component = "CVE-2024-0001", []string{"GHSA-x"}, advisory.StatementStatus(status), product, component
		got := feedtest.Read(t, Read, `{"@context":"https://openvex.dev/ns/v0.2.0","timestamp":"2024-01-`+day+`T00:00:00Z","statements":[{"vulnerability":"x","products":["pkg:a/b"],"status":"fixed"}]}`)
		s.Time = got.Statements[0].Time
		return s
	}
	const pkg = "pkg:deb/debian/curl@1.0-1?arch=amd64"
	for name, c := range map[string]struct {
		statements []advisory.Statement
		within     []string
		want       advisory.StatementStatus
	}{
		"of any version":           {[]advisory.Statement{statement("01", "not_affected", "pkg:deb/debian/curl", "")}, nil, "not_affected"},
		"of this version":          {[]advisory.Statement{statement("01", "not_affected", "pkg:deb/debian/curl@1.0-1", "")}, nil, "not_affected"},
		"of another version":       {[]advisory.Statement{statement("01", "not_affected", "pkg:deb/debian/curl@1.0-2", "")}, nil, ""},
		"of another namespace":     {[]advisory.Statement{statement("01", "not_affected", "pkg:deb/ubuntu/curl", "")}, nil, ""},
		"of another architecture":  {[]advisory.Statement{statement("01", "not_affected", "pkg:deb/debian/curl?arch=arm64", "")}, nil, ""},
		"of what is not told":      {[]advisory.Statement{statement("01", "not_affected", "pkg:deb/debian/curl?distro=bookworm", "")}, nil, ""},
		"the later one":            {[]advisory.Statement{statement("02", "affected", "pkg:deb/debian/curl", ""), statement("01", "not_affected", "pkg:deb/debian/curl", "")}, nil, "affected"},
		"of one time the last":     {[]advisory.Statement{statement("02", "affected", "pkg:deb/debian/curl", ""), statement("02", "fixed", "pkg:deb/debian/curl", "")}, nil, "fixed"},
		"in a product":             {[]advisory.Statement{statement("01", "not_affected", "pkg:oci/app", "pkg:deb/debian/curl")}, []string{"pkg:oci/app@sha256:1"}, "not_affected"},
		"in another product":       {[]advisory.Statement{statement("01", "not_affected", "pkg:oci/app", "pkg:deb/debian/curl")}, []string{"pkg:oci/other"}, ""},
		"nowhere":                  {[]advisory.Statement{statement("01", "not_affected", "pkg:oci/app", "pkg:deb/debian/curl")}, nil, ""},
		"all of a product":         {[]advisory.Statement{statement("01", "not_affected", "pkg:oci/app", "")}, []string{"pkg:oci/app@sha256:1"}, "not_affected"},
		"in a release":             {[]advisory.Statement{statement("01", "not_affected", "cpe:/o:redhat:enterprise_linux:9", "pkg:deb/debian/curl")}, []string{"cpe:/o:redhat:enterprise_linux:9::baseos"}, "not_affected"},
		"in a release like it":     {[]advisory.Statement{statement("01", "not_affected", "cpe:/o:redhat:enterprise_linux:9", "pkg:deb/debian/curl")}, []string{"cpe:/o:redhat:enterprise_linux:90"}, ""},
		"neither a product at all": {[]advisory.Statement{statement("01", "not_affected", "", "pkg:deb/debian/curl")}, []string{""}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var o Overlay
			for _, s := range c.statements {
				o.Add(s)
			}
			for _, id := range []string{"CVE-2024-0001", "ghsa-X"} {
				if got, ok := o.About(id, pkg, c.within...); ok != (c.want != "") || got.Status != c.want {
					t.Errorf("%s: %q, want %q", id, got.Status, c.want)
				}
			}
			if _, ok := o.About("CVE-2024-0002", pkg, c.within...); ok {
				t.Error("of another vulnerability")
			}
		})
	}
}

func FuzzRead(f *testing.F) { feedtest.Fuzz(f, Read, document1, document2) }
