package kev

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/advisory/feedtest"
)

// The shape of known_exploited_vulnerabilities.json and .csv on 2025-08-25
// (https://www.cisa.gov/known-exploited-vulnerabilities-catalog), cut down by hand.
const (
	inJSON = `{"title":"CISA Catalog of Known Exploited Vulnerabilities","catalogVersion":"2025.08.25","dateReleased":"2025-08-25T17:00:53.2893Z","count":1,
"vulnerabilities":[{"cveID":"CVE-2021-44228","vendorProject":"Apache","product":"Log4j2","vulnerabilityName":"Apache Log4j2 Remote Code Execution Vulnerability","dateAdded":"2021-12-10","shortDescription":"JNDI, \"features\"","requiredAction":"Mitigate","dueDate":"2021-12-24","knownRansomwareCampaignUse":"Known","notes":"See: https://example.org/a ; https://nvd.nist.gov/vuln/detail/CVE-2021-44228","cwes":["CWE-20"]}]}`
	inCSV = "\ufeffcveID,vendorProject,product,vulnerabilityName,dateAdded,shortDescription,requiredAction,dueDate,knownRansomwareCampaignUse,notes,cwes\r\n" +
		`CVE-2021-44228,Apache,Log4j2,"Apache Log4j2 Remote Code Execution Vulnerability",2021-12-10,"JNDI, ""features""",Mitigate,2021-12-24,Known,"See: https://example.org/a ; https://nvd.nist.gov/vuln/detail/CVE-2021-44228",CWE-20` + "\r\n"
)

func TestForms(t *testing.T) {
	day := func(m, d int) time.Time { return time.Date(2021, time.Month(m), d, 0, 0, 0, 0, time.UTC) }
	want := []advisory.Fact{{
		ID: "CVE-2021-44228", Summary: "Apache Log4j2 Remote Code Execution Vulnerability", Description: `JNDI, "features"`,
		References: []string{"https://example.org/a", "https://nvd.nist.gov/vuln/detail/CVE-2021-44228"},
		Exploited:  &advisory.Exploited{Added: day(12, 10), Due: day(12, 24), Ransomware: true, Action: "Mitigate"},
	}}
	for name, text := range map[string]string{"JSON": inJSON, "CSV": inCSV, "JSON with a mark": "\ufeff" + inJSON} {
		got := feedtest.Read(t, Read, text)
		if diff := cmp.Diff(want, got.Facts); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if name == "JSON" && (len(got.Editions) != 1 || got.Editions[0].Version != "2025.08.25" || got.Editions[0].Date.Year() != 2025) {
			t.Errorf("%+v", got.Editions)
		}
	}
}

func TestRefused(t *testing.T) {
	feedtest.Truncated(t, Read, inJSON, 0)
	for text, words := range map[string][]string{
		"": {"names"}, "cveID,product\nCVE-2021-0001,x\n": {"dateAdded"},
		"cveID,dateAdded\nCVE-2021-0001\n":              {"entry 1", "fields"},
		"cveID,dateAdded\nCVE-2021-0001,2021-99-01\n":   {"entry 1", "CVE-2021-0001"},
		"cveID,dateAdded\nGHSA-x,2021-01-01\n":          {"GHSA-x"},
		"cveID,dateAdded\n\"CVE-2021-0001,2021-01-01\n": {"entry 1"},
		`{"count":2,"vulnerabilities":[]}`:              {"2 entries"},
		`{"count":2}`:                                   {"no list"},
		`{"vulnerabilities":[{"cveID":1}]}`:             {"entry 1", "cveID"},
		`{"vulnerabilities":[],"vulnerabilities":[]}`:   {"duplicate"},
		`<!DOCTYPE html>`:                               {"cveID"},
	} {
		feedtest.Fails(t, Read, text, words...)
	}
}

func FuzzRead(f *testing.F) { feedtest.Fuzz(f, Read, inJSON, inCSV) }
