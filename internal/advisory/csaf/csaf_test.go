package csaf

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/internal/advisory"
	"assay/internal/advisory/feedtest"
)

func told(got *feedtest.Got) []string {
	var all []string
	for _, r := range got.Records {
		for _, a := range r.Affected {
			version := "all"
			switch {
			case len(a.Versions) > 0:
				version = "=" + a.Versions[0]
			case a.Ranges[0].Fixed != "":
				version = "<" + a.Ranges[0].Fixed
			case a.Ranges[0].LastAffected != "":
				version = "<=" + a.Ranges[0].LastAffected
			}
			all = append(all, strings.Join([]string{r.ID, strings.Join(r.CVEs, ","), a.Ecosystem, a.Package, a.Module, a.Arch, string(a.Status), a.Note, string(a.Severity), version}, "|"))
		}
	}
	return all
}

func TestRedHatVEX(t *testing.T) {
	got := feedtest.Read(t, Read, redhatVEX)
	const cve = "CVE-2023-20593"
	want := []string{
		"RHSA-2023:4789|" + cve + "|Red Hat:rhel_eus:9.2::baseos|kernel||x86_64|fixed|||<5.14.0-284.25.1.el9_2",
		"RHSA-2023:4789|" + cve + "|Red Hat:rhel_eus:9.2::baseos|perf|||fixed|||<1:5.14.0-284.25.1.el9_2",
		"RHSA-2024:5815|" + cve + "|Red Hat:enterprise_linux:8::appstream|nodejs|nodejs:20|x86_64|fixed|||<1:20.16.0-1.module+el8.10.0+1+a",
		"RHSA-2021:0001|" + cve + "|Red Hat:enterprise_linux:8::appstream|npm|nodejs:12|x86_64|fixed|||<1:6.14.11-1.12.21.0.1.module+el8.3.0+1+b",
		cve + "|" + cve + "|Red Hat:enterprise_linux:6|kernel||src|end of life|Out of support scope||all",
		cve + "|" + cve + "|Red Hat:enterprise_linux:8|nodejs|nodejs:18||will not fix|Will not fix|low|all",
		cve + "|" + cve + "|Red Hat:enterprise_linux:9|linux-firmware||src|fix deferred|Fix deferred||all",
		cve + "|" + cve + "|Red Hat:enterprise_linux:9|kernel-rt||src|affected|Affected||all",
		cve + "|" + cve + "|Red Hat:enterprise_linux:6|microcode_ctl||src|not affected|vulnerable_code_not_present||all",
		cve + "|" + cve + "|Red Hat:enterprise_linux:9|kernel||src|under investigation|||all",
	}
	if diff := cmp.Diff(want, told(got)); diff != "" {
		t.Error(diff)
	}
	r := got.Records[0]
	if r.Severity != advisory.Medium || r.Summary != "hw: amd: Cross-Process Information Leak" || len(r.References) != 1 ||
		r.Published.Year() != 2023 || r.Modified.Year() != 2024 || !cmp.Equal(r.CVSS, []string{"CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:C/C:H/I:N/A:N"}) {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff(map[string]int{"component that is no rpm": 1, "product that is not in the tree": 1}, got.Why()); diff != "" {
		t.Error(diff)
	}
}

func TestRedHatAdvisory(t *testing.T) {
	want := []string{
		"RHSA-2023:0069|CVE-2023-0296|Red Hat:enterprise_linux:9::appstream|etcd||x86_64|fixed|||<3.4.26-3.el9",
		"RHSA-2023:0069|CVE-2023-0297|Red Hat:enterprise_linux:9::appstream|etcd||x86_64|not affected|component_not_present||=3.4.26-3.el9",
	}
	if diff := cmp.Diff(want, told(feedtest.Read(t, Read, redhatAdvisory))); diff != "" {
		t.Error(diff)
	}
}

func TestSUSE(t *testing.T) {
	got := feedtest.Read(t, Read, suse)
	want := []string{
		"SUSE-SU-2023:2571-1|CVE-2023-2650|SUSE:Linux Enterprise Server 15 SP5|libopenssl1_1|||fixed|||<1.1.1l-150500.17.3.1",
		"SUSE-SU-2023:2571-1|CVE-2023-2650|openSUSE:Leap 15.5|libopenssl1_1||x86_64|fixed|||<1.1.1l-150500.17.3.1",
	}
	if diff := cmp.Diff(want, told(got)); diff != "" {
		t.Error(diff)
	}
	if got.Records[0].Severity != advisory.High {
		t.Error(got.Records[0].Severity)
	}
}

func TestStatements(t *testing.T) {
	got := feedtest.Read(t, Statements, redhatVEX)
	var have []string
	for _, s := range got.Statements {
		if s.Status == advisory.StatedNotAffected || s.Status == advisory.StatedAffected {
			have = append(have, strings.Join([]string{s.Vulnerability, string(s.Status), s.Product, s.Component, s.Justification, s.Action, s.Time.Format("2006-01-02"), s.Author}, "|"))
		}
	}
	want := []string{
		"CVE-2023-20593|affected|cpe:/o:redhat:enterprise_linux:6|pkg:rpm/redhat/kernel?arch=src||Out of support scope|2024-09-13|Red Hat Product Security",
		"CVE-2023-20593|affected|cpe:/o:redhat:enterprise_linux:9|pkg:rpm/redhat/linux-firmware?arch=src||Fix deferred|2024-09-13|Red Hat Product Security",
		"CVE-2023-20593|affected|cpe:/o:redhat:enterprise_linux:9|pkg:rpm/redhat/kernel-rt?arch=src||Affected|2024-09-13|Red Hat Product Security",
		"CVE-2023-20593|affected|cpe:/o:redhat:enterprise_linux:9|pkg:oci/ose-etcd?repository_url=registry.redhat.io/openshift4/ose-etcd|||2024-09-13|Red Hat Product Security",
		"CVE-2023-20593|not_affected|cpe:/o:redhat:enterprise_linux:6|pkg:rpm/redhat/microcode_ctl?arch=src|vulnerable_code_not_present||2024-09-13|Red Hat Product Security",
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
	if len(got.Records) != 0 || got.Why()["component without a package URL"] == 0 {
		t.Errorf("%d records, %v", len(got.Records), got.Why())
	}
}

func TestNotAffectedNeedsAReason(t *testing.T) {
	bare := strings.Replace(redhatVEX, `"label":"vulnerable_code_not_present"`, `"label":""`, 1)
	for _, s := range feedtest.Read(t, Statements, bare).Statements {
		if s.Status == advisory.StatedNotAffected {
			t.Errorf("%+v", s)
		}
	}
}

func TestRefused(t *testing.T) {
	const head = `{"document":{"csaf_version":"2.0","tracking":{"id":"X-1","current_release_date":"2024-01-01T00:00:00Z"}},`
	deep := strings.Repeat(`{"branches":[`, 40) + strings.Repeat("]}", 40)
	for text, words := range map[string][]string{
		"":                                    {"empty"},
		"{}":                                  {"no CSAF document"},
		`{"document":{"csaf_version":"1.2"}}`: {"1.2"},
		`{"document":{"csaf_version":"2.0"}}`: {"tracking/id"},
		head + `"product_tree":{"branches":[{"product":{"name":"a"}}]}}`:             {"X-1", `"a"`, "no id"},
		head + `"product_tree":{"branches":[` + deep + `]}}`:                         {"X-1", "branches"},
		head + `"product_tree":{"relationships":[{}]}}`:                              {"relationship 1"},
		head + `"product_tree":{"branches":{}}}`:                                     {"X-1", "branches"},
		head + `"vulnerabilities":[{"cve":1}]}`:                                      {"X-1", "/vulnerabilities/0/cve"},
		head + `"vulnerabilities":[],"vulnerabilities":[]}`:                          {"X-1", "duplicate"},
		strings.Replace(head, "2024-01", "2024-99", 1) + `"vulnerabilities":[]}`:     {"current_release_date"},
		head + `"vulnerabilities":[]} {}`:                                            {"after the end"},
		head + `"product_tree":{"branches":` + strings.Repeat(`[{"branches":`, 6000): {"X-1"},
	} {
		feedtest.Fails(t, Read, text, words...)
	}
	for i := 0; i < len(redhatVEX); i += 37 {
		feedtest.Fails(t, Read, redhatVEX[:i])
	}
}

func TestCircles(t *testing.T) {
	const circle = `{"document":{"csaf_version":"2.0","tracking":{"id":"X-1","current_release_date":"2024-01-01T00:00:00Z"}},"product_tree":{"relationships":[
{"full_product_name":{"product_id":"a"},"product_reference":"a","relates_to_product_reference":"a"},
{"full_product_name":{"product_id":"b"},"product_reference":"c","relates_to_product_reference":"b"},
{"full_product_name":{"product_id":"c"},"product_reference":"b","relates_to_product_reference":"a"}]},
"vulnerabilities":[{"cve":"CVE-2024-0001","product_status":{"known_affected":["a","b","c"]}}]}`
	if got := feedtest.Read(t, Read, circle); got.Why()["product that is not in the tree"] != 3 {
		t.Errorf("%v", got.Why())
	}
}

// TestMultiplied reads documents that stand for far more than they say.
func TestMultiplied(t *testing.T) {
	group := `"` + strings.Repeat(`p","`, 9999) + `p"`
	remarks := strings.Repeat(`{"category":"impact","group_ids":["G"]},`, 999) + "{}"
	feedtest.Fails(t, Read, `{"document":{"csaf_version":"2.0","tracking":{"id":"X-1"}},"product_tree":{"product_groups":[{"group_id":"G","product_ids":[`+group+`]}]},"vulnerabilities":[{"cve":"CVE-2024-0001","threats":[`+remarks+`]}]}`,
		"X-1", "groups stand for")
	var fixes strings.Builder
	for i := range 30 {
		fmt.Fprintf(&fixes, `{"category":"vendor_fix","url":"https://access.redhat.com/errata/RHSA-2024:%d","product_ids":["red_hat_enterprise_linux_6:kernel"]},`, 1000+i)
	}
	feedtest.Fails(t, Read, strings.Replace(redhatVEX, `"remediations":[`, `"remediations":[`+fixes.String(), 1), "CVE-2023-20593", "more than 20 advisories")
}

func FuzzRead(f *testing.F)       { feedtest.Fuzz(f, Read, redhatVEX, redhatAdvisory, suse) }
func FuzzStatements(f *testing.F) { feedtest.Fuzz(f, Statements, redhatVEX, redhatAdvisory, suse) }
